//! grantor.
fn main() {}
