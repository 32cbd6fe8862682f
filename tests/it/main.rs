//! The integration tests: over real HTTP, on both databases, with a clock that stands still.

// The helpers of the tests may do what a test may do: clippy.toml lifts these only inside `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

#[macro_use]
mod support;

mod authorize;
mod client_auth;
mod client_credentials;
mod code;
mod denials;
mod discovery;
mod introspection;
mod layers;
mod pages;
mod password;
mod refresh;
mod revocation;
mod third_party;
mod process;
mod admin_api;
mod admin_guard;
mod signing_keys;
mod migrations;
mod store;
mod purge;
mod cli;
mod faults;
mod bad_input;
