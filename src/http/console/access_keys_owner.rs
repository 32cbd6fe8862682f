//! Whose a new access key is: the fields, and finding who was named.

use crate::domain::access_key::Owner;
use crate::domain::denial::Denial;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, clients, service_accounts, users};
use crate::http::console::access_keys_form::{refuse, text};
use crate::http::kit::form::{Choice, Field};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

/// For whom, and which one.
pub fn owner_fields(texts: Texts) -> [Field; 2] {
    let kinds = [
        ("platform", "access-keys-for-platform"),
        ("self", "access-keys-for-self"),
        ("service_account", "access-keys-for-service-account"),
        ("client", "access-keys-for-client"),
        ("user", "access-keys-for-user"),
    ];
    let kinds = kinds.map(|(value, label)| Choice::new(value, texts.say(label)).chosen(value == "self"));
    [
        Field::select("owner_kind", texts.say("column-owner"), kinds.into()),
        Field::text("owner", texts.say("access-keys-owner-name"), "").hint(texts.say("access-keys-owner-name-hint")),
    ]
}

/// What was named, or that it is not there: it is the form that is wrong, and not the address of the page.
fn known<T>(found: FlowResult<T>, text: &str) -> FlowResult<T> {
    found.map_err(|error| match error {
        FlowError::Denied(Denial::NotFound(_)) => refuse(text).into(),
        error => error,
    })
}

/// Who is named; they have to be there.
pub fn owner(server: &Server, caller: &Caller, form: &Params) -> FlowResult<Option<Owner>> {
    let name = text(form, "owner");
    let needs_name = |kind: &str| {
        if name.is_empty() { Err(refuse(&format!("name the {kind} that the key is for"))) } else { Ok(()) }
    };
    Ok(match text(form, "owner_kind") {
        "platform" => None,
        "service_account" => {
            needs_name("service account")?;
            let found = service_accounts::show(server, caller, name);
            Some(Owner::ServiceAccount(known(found, "there is no service account of this name")?.id.0))
        }
        "client" => {
            needs_name("client")?;
            let found = clients::show(server, caller, name);
            Some(Owner::Client(known(found, "there is no client with this client_id")?.client_id.0))
        }
        "user" => {
            needs_name("user")?;
            let found = users::show(server, caller, name);
            Some(Owner::User(known(found, "there is no user of this name")?.id.0))
        }
        "" | "self" => caller.owner.clone(),
        _ => return Err(refuse("choose whose key it is").into()),
    })
}
