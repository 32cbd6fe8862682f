//! What an answer of the verdict was about, by name.

use std::collections::BTreeMap;

use chrono::SecondsFormat;

use crate::domain::credential::{Asked, Credential};
use crate::domain::limits::WindowState;
use crate::domain::verdict_step::Step;
use crate::flows::Server;
use crate::flows::explain::Hypothetical;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Facts by name.
pub(super) type Facts = BTreeMap<&'static str, String>;

/// All that facts are told from.
pub(super) struct Context<'a> {
    pub(super) server: &'a Server,
    pub(super) credential: &'a Credential,
    pub(super) question: &'a Asked<'a>,
    pub(super) given: &'a Hypothetical,
    pub(super) standing: &'a Facts,
    pub(super) key_scope: Option<&'a Scope>,
    pub(super) windows: Option<&'a [WindowState]>,
}

/// The facts of one question.
pub(super) fn of(step: Step, context: &Context<'_>) -> Facts {
    let (credential, question) = (context.credential, context.question);
    let mut facts = Facts::new();
    let mut note = |name: &'static str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            facts.insert(name, text);
        }
    };
    match step {
        Step::Known => note("credential", Some(credential.id.clone())),
        Step::Environment => {
            note("held", Some(credential.environment.clone()));
            note("asked", context.given.environment.clone());
        }
        Step::Status => return context.standing.clone(),
        Step::Expiry => {
            let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
            note("expires_at", credential.expires_at.map(time));
            note("rotating_until", credential.rotating_until.map(time));
        }
        Step::Address => {
            let allowed: Vec<String> = credential.allowed_addresses.iter().map(ToString::to_string).collect();
            note("held", Some(allowed.join(" ")));
            note("asked", question.address.map(|address| address.to_canonical().to_string()));
        }
        Step::Audience => {
            let audiences: Vec<&str> = credential.resources.iter().map(Resource::as_str).collect();
            note("held", Some(audiences.join(" ")));
            note("asked", context.given.audience.as_ref().map(|audience| audience.as_str().to_owned()));
        }
        Step::Scope => {
            note("held", Some(credential.scope.to_string()));
            note("asked", Some(context.given.scope.to_string()));
            note("missing", Some(credential.missing(question.scope).to_string()));
            // Given to the credential, and not held by its owner: the one thing that the credential itself does not show.
            let lost = context.key_scope.map(|own| own.filtered(|token| !credential.scope.contains(token)));
            note("lost_by_owner", lost.map(|lost| lost.to_string()));
        }
        Step::Project => {
            note("held", Some(credential.projects.join(" ")));
            note("asked", context.given.project.clone());
        }
        Step::Rate => {
            note("plan", credential.plan.clone());
            let is_gone = |plan: &&String| !context.server.config.plans.0.contains_key(*plan);
            note("plan_not_configured", credential.plan.as_ref().filter(is_gone).cloned());
            let state =
                |window: &WindowState| format!("{} of {} left in {} s", window.remaining, window.limit, window.seconds);
            let windows = context.windows.map(|windows| windows.iter().map(state).collect::<Vec<_>>().join(", "));
            note("limits", windows);
            if context.windows.is_none() {
                note("limits", Some("the counters do not answer".to_owned()));
            }
        }
    }
    facts
}
