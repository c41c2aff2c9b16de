//! Evaluation of Orchfiles.

mod builtins;
mod dialect;
mod folder;
mod load;
