//! What can go wrong with the database. All of it is the server's affair; none of it is the caller's fault.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or did not answer as it should: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row of that key exists already, or one that a row refers to does not.
    #[error("a row is in conflict with others: {0}")]
    Conflict(String),
    /// A stored value that this version cannot read.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// A migration failed.
    #[error("the schema could not be brought up to date: {0}")]
    Migration(String),
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
                information,
            ) => Self::Conflict(information.message().to_owned()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<r2d2::Error> for StoreError {
    fn from(error: r2d2::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
