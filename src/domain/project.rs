//! A project: what a credential can be limited to.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::ids::ProjectId;
use crate::domain::text::is_deceptive;

/// A project of the platform.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Project {
    /// Its identifier, chosen: what credentials and requests name it by.
    pub id: ProjectId,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

/// Checks what people write about a thing: a name of 1 to 200 bytes without control and direction characters, a description
/// of at most 2000, no control characters (it may have line breaks).
pub fn check_texts(name: &str, description: &str) -> Result<(), &'static str> {
    if name.trim().is_empty() || name.len() > 200 || name.chars().any(is_deceptive) {
        return Err("name must have 1 to 200 bytes and no control or direction characters");
    }
    if description.len() > 2000 || description.chars().any(|c| c.is_control() && c != '\n') {
        return Err("description must have at most 2000 bytes and no control characters");
    }
    Ok(())
}
