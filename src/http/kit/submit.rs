//! Forms that are sent to a page: whose they are, whether the password has to be given, and that what makes something is
//! taken once.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::domain::denial::Denial;
use crate::flows::console::{self, Visit};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, single_use};
use crate::http::error::page_error;
use crate::http::kit::cell::Tone;
use crate::http::kit::desk::{Desk, Guest, instead};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::Page;
use crate::http::run::run_waiting;
use crate::http::{cookies, extract, pages};
use crate::protocol::params::Params;

/// A form that was sent, with what came of it.
pub struct Sent<T> {
    /// Who sent it.
    pub guest: Guest,
    /// What was in it.
    pub form: Params,
    /// What came of it.
    pub result: FlowResult<T>,
}

/// Fields that have a value for each box that was ticked.
const SEVERAL: [&str; 3] = ["scope", "roles", "project"];

/// Does this form change who may do what? Everything in the console does, but for these. Of one's own keys what opens does: to
/// close one must be possible while somebody who guesses the password keeps it from being asked for.
fn is_dangerous(path: &str) -> bool {
    let harmless = ["/console/sign-out", "/console/env-file", "/console/audit/verify", "/console/explain"];
    let harmless_below = ["/console/webhooks/", "/console/projects"];
    let closing = ["/revoke", "/disable", "/finish-rotation"];
    let opens_own = path.starts_with("/account/access-keys") && !closing.iter().any(|end| path.ends_with(end));
    (path.starts_with("/console/") || opens_own)
        && !harmless.contains(&path)
        && !harmless_below.iter().any(|start| path.starts_with(start))
        // Somebody's own sign-in, shown to themselves.
        && !path.ends_with("/try")
}

impl Desk {
    /// Reads a form, checks that the page it came from was ours, and runs a use case with it.
    pub async fn submit<T: Send + 'static>(
        &self,
        payload: web::Payload,
        flow: impl FnOnce(&Server, &Visit, &Params) -> FlowResult<T> + Send + 'static,
    ) -> actix_web::Result<Sent<T>> {
        let form = extract::form(&self.request, payload).await;
        let form = form.map_err(|denial| instead(self.error(None, &denial.into())))?.with_plain_line_breaks();
        let session = cookies::console(&self.request, &self.edge);
        let browser = cookies::browser(&self.request, &self.edge);
        let token = form.optional("csrf").ok().flatten().map(str::to_owned);
        let sender = (browser.as_deref(), session.as_deref());
        if let Err(denial) = pages::check_form(&self.request, &self.server, &self.edge, sender, token.as_deref()) {
            // A form of a session that has ended is stale too: the way back is to sign in.
            let (guest, ()) = self.read(|_, _| Ok(())).await?;
            return Err(instead(self.error(Some(&guest), &denial.into())));
        }
        if form.repeats_any_but(&SEVERAL) {
            // Neither of two values is the one that was meant, and none at all would be a third.
            let (guest, ()) = self.read(|_, _| Ok(())).await?;
            let denial = Denial::MalformedRequest("a field came more than once".to_owned());
            return Err(instead(self.error(Some(&guest), &denial.into())));
        }
        if is_dangerous(self.path()) {
            self.prove(&form).await?;
        }
        let (sent, path) = (form.clone(), self.path().to_owned());
        let ran = self.run(move |server, visit| {
            let used = single_use::take(server, visit, &path, sent.optional("once").ok().flatten())?;
            Ok((flow(server, visit, &sent), used))
        });
        let (mut guest, ran) = ran.await?;
        let result = match ran {
            Err(FlowError::Denied(Denial::FormSentBefore)) => return Err(instead(self.sent_before(&guest))),
            Err(error) => Err(error),
            Ok((result, used)) => {
                guest.used = used;
                result
            }
        };
        if let Err(error) = &result {
            self.give_back(&guest, error).await?;
        }
        Ok(Sent { guest, form, result })
    }

    /// A form that was refused may be sent again, also from the page before.
    pub(super) async fn give_back(&self, guest: &Guest, error: &FlowError) -> actix_web::Result<()> {
        let (Some(used), FlowError::Denied(_)) = (guest.used.clone(), error) else { return Ok(()) };
        let done = run_waiting(&self.server, move |server| single_use::give_back(server, used)).await;
        done.map_err(|error| instead(self.error(Some(guest), &error)))
    }

    /// The answer to a form that was sent a second time: where to find what the first made.
    fn sent_before(&self, guest: &Guest) -> HttpResponse {
        let path = self.path();
        let list = path.strip_suffix("/new").or_else(|| path.split_once("/new/").map(|(list, _)| list));
        let list = list.or_else(|| path.rsplit_once('/').map(|(above, _)| above)).unwrap_or(path);
        let page = Page::new(list, self.texts.say("once-title"))
            .notice(Tone::Warn, self.texts.say("once-text"))
            .link(list, self.texts.say("once-look"));
        self.render(StatusCode::CONFLICT, Some(guest), &page)
    }

    /// Goes on where the password was given lately, or with the form; else asks for it, with a form that holds what was sent.
    async fn prove(&self, form: &Params) -> actix_web::Result<()> {
        let password = form.optional("password").ok().flatten().map(str::to_owned);
        let password_was_given = password.is_some();
        let proven = self.run(move |server, visit| console::require_proof(server, visit, password.as_deref()));
        let (guest, proven) = proven.await?;
        let Err(error) = proven else { return Ok(()) };
        let kept = form.iter().filter(|(name, _)| !["csrf", "password"].contains(name));
        let kept = kept.map(|(name, value)| Field::kept(name, value));
        let again = Form::new(self.path(), "password-proof", self.texts.say("confirm-go-on")).danger();
        let page = Page::new("", self.texts.say("confirm-title"))
            .form(again.fields(kept).fields(Some(Field::proof(self.texts))).cancel(self.edge.first_page()));
        let told = page_error(&self.server, &error);
        let text = self.say_error(&error, &told);
        let tone = if password_was_given { Tone::Bad } else { Tone::Warn };
        let response = self.render(told.status, Some(&guest), &page.notice(tone, text));
        Err(instead(pages::with_retry_after(response, told.retry_after)))
    }
}
