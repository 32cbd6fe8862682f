//! A scope that the server knows: what the consent page says of it, and which resource it belongs to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::protocol::resource::Resource;

/// A defined scope.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ScopeDefinition {
    /// The scope token (RFC 6749 §3.3).
    pub name: String,
    /// What it allows, for the person asked to consent.
    pub description: String,
    /// The resource it is for: the default audience of a token with this scope (RFC 9068 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub resource: Option<Resource>,
    /// Is it granted only to principals whose roles hold it?
    pub privileged: bool,
    /// When it was defined.
    pub created_at: DateTime<Utc>,
}

/// The defined scopes by name.
#[derive(Debug, Clone, Default)]
pub struct ScopeDefinitions {
    by_name: HashMap<String, ScopeDefinition>,
}

impl ScopeDefinitions {
    /// These definitions.
    pub fn new(definitions: Vec<ScopeDefinition>) -> Self {
        Self { by_name: definitions.into_iter().map(|scope| (scope.name.clone(), scope)).collect() }
    }

    /// The definition of this scope. A client may be registered for scopes that nobody defined.
    pub fn find(&self, name: &str) -> Option<&ScopeDefinition> {
        self.by_name.get(name)
    }

    /// Every definition, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopeDefinition> {
        self.by_name.values()
    }
}
