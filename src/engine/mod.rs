//! The deterministic core: events in, effects out. No I/O, clock, thread, randomness or hash order.

pub mod effect;
pub mod event;

pub use effect::{CommandSpec, Effect, PortCheck};
pub use event::{EvaluationOutcome, Event, ProbeResult, Request, RunEnd, TakenFile};
