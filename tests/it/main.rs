//! The integration tests: over real HTTP, on both databases, with a clock that stands still.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod support;

mod code;
mod layers;
mod refresh;
