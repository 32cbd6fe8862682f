//! The integration tests: over real HTTP, on both databases, with a clock that stands still.

// The helpers of the tests may do what a test may do: clippy.toml lifts these only inside `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
#![allow(clippy::too_many_lines, reason = "tables of cases are long, and easier to read in one piece")]

#[macro_use]
mod support;

mod access_key_bounds;
mod access_key_commands;
mod access_key_escapes;
mod access_key_owners;
mod access_keys;
mod account;
mod account_pages;
mod account_support;
mod admin_api;
mod admin_guard;
mod alert_watch;
mod alerts;
mod alerts_support;
mod assertions;
mod assertions_support;
mod audit_chain;
mod audit_search;
mod authorize;
mod back_channel_logout;
mod bad_input;
mod cli;
mod client_auth;
mod client_credentials;
mod client_metadata;
mod client_secrets;
mod code;
mod console;
mod console_access_keys;
mod console_audit;
mod console_clients;
mod console_people;
mod console_settings;
mod console_support;
mod denials;
mod device;
mod disable_scope;
mod discovery;
mod documents;
mod doors;
mod doors_callers;
mod doors_limits;
mod doors_support;
mod explain;
mod faults;
mod introspection;
mod layers;
mod lists;
mod logout;
mod logout_support;
mod migrations;
mod openid_authorize;
mod openid_id_token;
mod openid_support;
mod overview;
mod pages;
mod pairwise;
mod password;
mod password_race;
mod personal_tokens;
mod platforms;
mod privileges;
mod process;
mod proxies;
mod purge;
mod pushed_requests;
mod rate_limits;
mod refresh;
mod registration;
mod registration_bounds;
mod resource_metadata;
mod revocation;
mod seeding;
mod sessions;
mod signing_key_algorithms;
mod signing_keys;
mod store;
mod texts;
mod third_party;
mod third_party_openid;
mod token_exchange;
mod usage;
mod usage_reports;
mod user_import;
mod user_profiles;
mod userinfo;
mod workflow_api;
mod workflows;
