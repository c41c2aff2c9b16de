//! Evaluation of Orchfiles.

mod api;
mod builtins;
mod compose;
mod containers;
mod dialect;
mod extensions;
mod folder;
mod git;
mod graph;
mod images;
mod kube;
mod load;
