//! The deterministic core: events in, effects out. No I/O, clock, thread, randomness or hash order.

pub mod effect;
pub mod event;

pub use effect::{Attempt, CommandSpec, Effect, Level, PortCheck, Success};
pub use event::{
    EvaluationInput, EvaluationOutcome, Event, Exit, Failure, ProbeResult, Request, RunEnd, Seen, TakenFile,
};
