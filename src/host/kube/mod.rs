//! A Kubernetes cluster: how it is reached, what orch applies there, and what is seen of it.
//!
//! Everything goes through the server's API; no other tool is called, but those that load images into a cluster of this machine.

pub mod apply;
pub mod command;
pub mod connection;
pub mod delete;
pub mod exec;
pub mod failure;
pub mod follow;
pub mod forward;
pub mod kinds;
pub mod link;
pub mod live_update;
pub mod load;
pub mod marks;
pub mod observer;
pub mod registry;
pub mod voice;
mod yaml;

pub use connection::{Address, Connection};
