//! All tests of orch, in one binary.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests read their cases and fail where they stand")]

mod case;
mod cases;
mod conformance;
mod contract;
mod dashboard;
mod docker;
mod e2e;
mod engine;
mod engine_random;
mod examples;
mod files;
mod init;
mod kube;
mod logs;
mod lsp;
mod orchfile;
mod port;
mod probe;
mod process;
mod reference;
mod report;
mod sandbox;
mod sim;
mod store;
mod tidy;
mod watch;
