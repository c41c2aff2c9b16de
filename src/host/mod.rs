//! The world: the only folder that runs, watches and calls things. It obeys effects and reports events; it never decides
//! what comes next.

pub mod files;
pub mod port;
pub mod probe;
pub mod process;
pub mod watch;
