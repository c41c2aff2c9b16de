//! Evaluation of Orchfiles.

mod dialect;
mod folder;
mod load;
