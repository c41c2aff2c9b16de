//! The `orch` program.

fn main() {}
