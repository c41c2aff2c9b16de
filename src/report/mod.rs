//! What orch prints: pure functions from snapshots and log lines to text. Who calls them writes it.

mod columns;
pub mod critical;
pub mod describe;
pub mod events;
pub mod github;
pub mod graph;
pub mod json;
pub mod junit;
pub mod look;
mod note;
pub mod ordered;
pub mod progress;
pub mod sessions;
pub mod stream;
pub mod summary;
pub mod table;
pub mod waiting;
pub mod when;
pub mod why;

pub use look::Look;
