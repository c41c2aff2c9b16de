//! Evaluation of Orchfiles.

mod builtins;
mod compose;
mod dialect;
mod folder;
mod graph;
mod images;
mod load;
