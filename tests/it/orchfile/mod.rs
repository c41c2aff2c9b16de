//! Evaluation of Orchfiles.

mod builtins;
mod dialect;
mod folder;
mod graph;
mod load;
