//! The names of those whose keys are listed.

use std::collections::HashMap;

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::search::SearchKind;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// Names by kind and identifier.
#[derive(Debug, Default)]
pub struct OwnerNames(HashMap<(&'static str, String), String>);

impl OwnerNames {
    /// What an owner is called; its identifier where it has no name.
    pub fn of<'a>(&'a self, owner: &'a Owner) -> &'a str {
        let name = self.0.get(&(owner.kind(), owner.id().to_owned())).map(String::as_str);
        name.filter(|name| !name.is_empty()).unwrap_or(owner.id())
    }
}

/// The kinds of owners whose names this caller may know.
pub(super) fn kinds_to_know(caller: &Caller) -> Vec<SearchKind> {
    let kinds = [
        (SearchKind::User, "users:read"),
        (SearchKind::ServiceAccount, "service-accounts:read"),
        (SearchKind::Client, "clients:read"),
    ];
    kinds.into_iter().filter(|(_, scope)| caller.require(scope).is_ok()).map(|(kind, _)| kind).collect()
}

/// The names of the owners of keys that the caller was shown, as far as the caller may know them.
pub fn owner_names(server: &Server, caller: &Caller, keys: &[AccessKey]) -> FlowResult<OwnerNames> {
    let kinds = kinds_to_know(caller);
    let may_know = |owner: &Owner| kinds.iter().any(|kind| kind.as_str() == owner.kind());
    let mut owners: Vec<Owner> = Vec::new();
    for owner in keys.iter().filter_map(|key| key.owner.as_ref()) {
        if may_know(owner) && !owners.contains(owner) {
            owners.push(owner.clone());
        }
    }
    let names = server.store.read(|connection| connection.list_owner_names(&owners))?;
    Ok(OwnerNames(names.into_iter().map(|(kind, id, name)| ((kind, id), name)).collect()))
}
