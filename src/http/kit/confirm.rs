//! The page before a dangerous action: what will happen, the name to type where it cannot be undone, and the password where
//! it was not given lately.

use crate::domain::denial::Denial;
use crate::http::kit::desk::Guest;
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Block, Page};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// A dangerous action that is asked about.
pub struct Confirm {
    /// Where the form goes, below the issuer.
    pub action: String,
    /// What will happen.
    pub text: String,
    /// What the button says.
    pub submit: String,
    /// The button's stable id.
    pub id: String,
    /// The name that has to be typed.
    pub typed: Option<String>,
    /// More fields.
    pub fields: Vec<Field>,
    /// Where "Cancel" leads.
    pub cancel: String,
}

impl Page {
    /// The same with the question before a dangerous action. `typed` is what came with a refused answer.
    pub fn confirm(self, texts: Texts, guest: &Guest, confirm: Confirm, typed: Option<&Params>) -> Self {
        let name = confirm.typed.map(|name| {
            let label = texts.say_with("confirm-type", "name", name);
            Field::text("confirm", label, "").required().keep(typed)
        });
        let fields = confirm.fields.into_iter().map(|field| field.keep(typed)).chain(name).chain(guest.proof(texts));
        // A rotation shows a secret, as making something does.
        let once = confirm.action.ends_with("/rotate");
        let form = Form { once, ..Form::new(confirm.action, confirm.id, confirm.submit) };
        let form = form.fields(fields).cancel(confirm.cancel).danger();
        self.block(Block::Text(confirm.text)).form(form)
    }
}

/// For how many seconds an old secret is to work on. What is no number must not end it at once.
pub fn chosen_grace(form: &Params) -> Result<u32, Denial> {
    let refused = |_| Denial::InvalidMember("choose how long the old secret works".to_owned());
    form.optional("grace").ok().flatten().unwrap_or_default().parse().map_err(refused)
}

/// Refuses unless this name was typed.
pub fn check_typed(form: &Params, name: &str) -> Result<(), Denial> {
    let typed = form.optional("confirm").ok().flatten().unwrap_or_default();
    // Spaces at the ends of a name cannot be seen on the page that asks for it.
    if typed.trim() == name.trim() { Ok(()) } else { Err(Denial::NotConfirmed) }
}
