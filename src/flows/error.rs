//! How a use case ends when it does not succeed: refused, or failed.

use crate::counters::client_key_cache::KeysBusy;
use crate::counters::rate_limits::CountersDown;
use crate::crypto::derived_keys::InvalidRootKey;
use crate::crypto::key_pair::KeyError;
use crate::crypto::password::PasswordError;
use crate::crypto::password_pool::PoolBusy;
use crate::crypto::random::RandomError;
use crate::crypto::seal::SealError;
use crate::domain::denial::Denial;
use crate::store::StoreError;

/// A refusal or a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowError {
    /// The caller's affair.
    Denied(Denial),
    /// Ours.
    Failed(Failure),
}

/// Something that should have worked did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More work is waiting than may wait.
    #[error(transparent)]
    Busy(#[from] PoolBusy),
    /// More requests wait for the keys of clients than may wait.
    #[error(transparent)]
    KeysBusy(#[from] KeysBusy),
    /// Anything inside that no input may cause.
    #[error("{0}")]
    Internal(String),
}

/// The answer of a use case.
pub type FlowResult<T> = Result<T, FlowError>;

impl From<Denial> for FlowError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl<E: Into<Failure>> From<E> for FlowError {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

macro_rules! internal {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Internal(error.to_string())
            }
        })*
    };
}

internal!(RandomError, KeyError, SealError, PasswordError, InvalidRootKey, CountersDown);
