//! Forms: labelled fields with hints and errors, that keep what was typed when they come back.

use std::borrow::Cow;

use crate::http::kit::day::{self, Day};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// A form that is posted to this server.
#[derive(Debug, Default)]
pub struct Form {
    /// Where it goes, below the issuer.
    pub action: String,
    /// The fields.
    pub fields: Vec<Field>,
    /// What the button says.
    pub submit: String,
    /// The button's stable id.
    pub id: String,
    /// Does it do something that cannot be undone?
    pub danger: bool,
    /// Does it make something, so that sending it twice must not make two?
    pub once: bool,
    /// Where "Cancel" leads.
    pub cancel: Option<String>,
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name, and the start of its id.
    pub name: Cow<'static, str>,
    /// Its label.
    pub label: String,
    /// What helps to fill it.
    pub hint: String,
    /// What kind it is, with its value.
    pub kind: Kind,
    /// Must it be filled?
    pub required: bool,
}

/// What kind of field it is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// One line of text: value, longest, and the token of `autocomplete`.
    Text(String, u32, &'static str),
    /// Several lines.
    Lines(String),
    /// A password: the token of `autocomplete`.
    Password(&'static str),
    /// A whole number.
    Number(String),
    /// A day.
    Date(Day),
    /// One of these.
    Select(Vec<Choice>),
    /// One of these, each with room to explain itself.
    Radio(Vec<Choice>),
    /// Any of these.
    Checkboxes(Vec<Choice>),
    /// Not shown.
    Hidden(String),
}

/// One of several.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// What explains it.
    pub hint: String,
    /// Is it chosen?
    pub chosen: bool,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new(), chosen: false }
    }

    /// The same with an explanation.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, chosen or not.
    pub fn chosen(mut self, chosen: bool) -> Self {
        self.chosen = chosen;
        self
    }
}

impl Field {
    fn of(name: &'static str, label: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), label: label.into(), hint: String::new(), kind, required: false }
    }

    /// Its id on the page; `prefix` is that of its form.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.name)
    }

    /// One line of text.
    pub fn text(name: &'static str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Text(value.into(), 200, "off"))
    }

    /// Several lines of text.
    pub fn lines(name: &'static str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Lines(value.into()))
    }

    /// A password.
    pub fn password(name: &'static str, label: impl Into<String>, autocomplete: &'static str) -> Self {
        Self::of(name, label, Kind::Password(autocomplete)).required()
    }

    /// A whole number.
    pub fn number(name: &'static str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Number(value.into()))
    }

    /// A day that begins something.
    pub fn date(name: &'static str, label: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Date(Day::default()))
    }

    /// A day at whose end something is over.
    pub fn last_day(name: &'static str, label: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Date(Day { to_its_end: true, ..Day::default() }))
    }

    /// One of several.
    pub fn select(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::of(name, label, Kind::Select(choices))
    }

    /// One of several that explain themselves.
    pub fn radio(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::of(name, label, Kind::Radio(choices))
    }

    /// Any of several.
    pub fn checkboxes(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::of(name, label, Kind::Checkboxes(choices))
    }

    /// Not shown.
    pub fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self::of(name, "", Kind::Hidden(value.into()))
    }

    /// Something that was sent before, to be sent once more.
    pub fn kept(name: &str, value: &str) -> Self {
        let (label, hint) = (String::new(), String::new());
        Self { name: name.to_owned().into(), label, hint, kind: Kind::Hidden(value.to_owned()), required: false }
    }

    /// The password, once more.
    pub fn proof(texts: Texts) -> Self {
        Self::password("password", texts.say("confirm-password"), "current-password")
            .hint(texts.say("confirm-password-hint"))
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, to be filled.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same for a line that may be longer than most.
    pub fn longest(mut self, characters: u32) -> Self {
        if let Kind::Text(_, longest, _) = &mut self.kind {
            *longest = characters;
        }
        self
    }

    /// The same with the token of `autocomplete` (WCAG 2.2 §1.3.5), where it is a line of text.
    pub fn autocomplete(mut self, token: &'static str) -> Self {
        if let Kind::Text(_, _, known) = &mut self.kind {
            *known = token;
        }
        self
    }

    /// The same with what was typed, where the form comes back.
    pub fn keep(mut self, typed: Option<&Params>) -> Self {
        let Some(typed) = typed else { return self };
        let all = typed.all(&self.name);
        let first = || all.first().map(|text| (*text).to_owned()).unwrap_or_default();
        match &mut self.kind {
            Kind::Text(value, ..) | Kind::Lines(value) | Kind::Number(value) | Kind::Hidden(value) => *value = first(),
            Kind::Date(day) => {
                day.value = first();
                let offset = typed.all(&day::offset_name(&self.name));
                day.offset = offset.first().map(|text| (*text).to_owned()).unwrap_or_default();
            }
            Kind::Select(choices) | Kind::Radio(choices) | Kind::Checkboxes(choices) => {
                for choice in choices {
                    choice.chosen = all.contains(&choice.value.as_str());
                }
            }
            // Never sent back.
            Kind::Password(_) => {}
        }
        self
    }
}

impl Form {
    /// A form.
    pub fn new(action: impl Into<String>, id: impl Into<String>, submit: impl Into<String>) -> Self {
        Self { action: action.into(), id: id.into(), submit: submit.into(), ..Self::default() }
    }

    /// The same with these fields.
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// The same with what was typed, where it comes back.
    pub fn keep(mut self, typed: Option<&Params>) -> Self {
        self.fields = self.fields.into_iter().map(|field| field.keep(typed)).collect();
        self
    }

    /// The same with a way out.
    pub fn cancel(mut self, path: impl Into<String>) -> Self {
        self.cancel = Some(path.into());
        self
    }

    /// The same, taken once.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The same, marked as what cannot be undone.
    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }
}
