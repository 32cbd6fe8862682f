//! grantor: the authentication side of an API platform.
//!
//! The rooms and their layers: a file may import only from lower numbers, and folders of equal number never import each
//! other; `config` and `clock` may be used from `flows` up. `tests/it/layers.rs` holds every file to it.

pub mod cli; // 4
pub mod clock; // for flows and up
pub mod config; // for flows and up
pub mod counters; // 2
pub mod crypto; // 1
pub mod domain; // 1
pub mod flows; // 3
pub mod http; // 4
pub mod jobs; // 4
pub mod outbound; // 2
pub mod protocol; // 0
pub mod store; // 2
