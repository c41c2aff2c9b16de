//! All tests of orch, in one binary.

mod orchfile;
