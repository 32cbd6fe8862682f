//! Calls that leave the server (layer 2): one guarded HTTP client, webhooks, mail. They block: never from an async thread.

pub mod client;
pub mod guard;
pub mod mail;
pub mod trust;
pub mod webhook;
