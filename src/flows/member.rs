//! Members of a JSON edit (RFC 7396): absent leaves as it is, null empties what can be empty and is refused elsewhere.

use serde::{Deserialize, Deserializer};

/// For a member that can be emptied: tells a null from an absent one.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// For a member that always has a value: refuses a null.
pub fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
