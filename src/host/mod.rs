//! The world: the only folder that runs, watches and calls things. It obeys effects and reports events; it never decides
//! what comes next.

pub mod ask;
pub mod background;
pub mod claim;
pub mod clock;
pub mod control;
pub mod docker;
pub mod doctor;
pub mod evaluate;
pub mod executors;
pub mod files;
pub mod kube;
mod live_update;
pub mod looking;
pub mod outbox;
pub mod port;
pub mod probe;
pub mod process;
mod reach;
pub mod replace;
pub mod signals;
pub mod tilt;
pub mod tty;
pub mod watch;
