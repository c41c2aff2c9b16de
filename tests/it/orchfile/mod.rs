//! Evaluation of Orchfiles.

mod builtins;
mod compose;
mod containers;
mod dialect;
mod folder;
mod graph;
mod images;
mod kube;
mod load;
