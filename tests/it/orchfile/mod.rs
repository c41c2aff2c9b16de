//! Evaluation of Orchfiles.

mod load;
