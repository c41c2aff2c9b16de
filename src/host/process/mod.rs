//! Processes of this machine: starting them, reading their output, ending their whole trees.
//!
//! Three programs take part, all of them this binary:
//!
//! - *orch* itself ([`Processes`]) asks for a command and gets a [`Running`]. It reads what the command writes and hands it
//!   to an [`OutputSink`]; it never waits for a process.
//! - one *starter* (`starter.rs`), a tiny process without threads that orch starts once. It forks a shim for each request,
//!   which costs a fraction of starting the whole program and shares nearly all of its memory.
//! - one *shim* (`shim.rs`) for each command: the command's parent and the parent of everything that its descendants orphan
//!   (a subreaper). It tells orch what becomes of the command, and ends the tree when orch says so or is gone.
//!
//! orch and a shim talk over one socket (`wire.rs`); that it closes is how a shim learns that orch is dead, even by SIGKILL.
//!
//! ```no_run
//! # use orch::{engine::CommandSpec, host::process::{Capture, Kind, Processes, Spawn}, model::FilePath};
//! # use std::{collections::BTreeMap, sync::Arc, time::Duration};
//! # async fn example() -> std::io::Result<()> {
//! let processes = Processes::start()?; // main() called `shim::main_if_asked()` before anything else.
//! let command = CommandSpec { argv: vec!["make".into()], dir: FilePath::new("/src"), env: BTreeMap::new() };
//! let output = Arc::new(Capture::default());
//! let running = processes.spawn(Spawn::new(&command, Kind::Command, Duration::from_secs(10)), output.clone());
//! match running.started().await {
//!     Ok(pid) => println!("started as {pid}"),
//!     Err(failure) => println!("{}", failure.message),
//! }
//! let ended = running.ended().await; // All that it wrote is in `output` now.
//! if ended.leftovers {
//!     running.stop(Duration::from_secs(10));
//!     running.leftovers_ended().await;
//! }
//! # Ok(()) }
//! ```
//!
//! This folder does not know resources, runs or logs; the caller ties a [`Running`] to them.

mod attend;
mod failure;
mod output;
mod ready_line;
pub mod shim;
mod spawn;
mod starter;
mod sys;
mod tree;
mod wire;

pub use output::{Capture, Discard, OutputSink, Stream, Tee};
pub use ready_line::ReadyLine;
pub use spawn::{Ended, Kind, Processes, Running, Spawn};
