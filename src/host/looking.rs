//! An evaluation for somebody who only looks at it, outside of any session: `orch eval`.

use super::{
    evaluate::{Hearer, commands},
    process::{OutputSink, Processes, Stream},
};
use crate::orchfile::{SourceCommand, SourceOutput, Told};
use std::sync::Arc;

/// Hears an evaluation, and says what it says and what its commands print.
pub struct Looking<S> {
    say: S,
    /// Most files run no commands.
    processes: Option<Processes>,
}

impl<S: Fn(&[u8]) + Clone + Send + Sync + 'static> Looking<S> {
    /// `say` gets whole lines and pieces of output.
    pub fn new(say: S) -> Self {
        Self { say, processes: None }
    }
}

impl<S: Fn(&[u8]) + Clone + Send + Sync + 'static> Hearer for Looking<S> {
    fn told(&mut self, told: Told) {
        match told {
            Told::Line { text, .. } => (self.say)(format!("{text}\n").as_bytes()),
            Told::Inputs(_) | Told::Secret(_) => {}
        }
    }

    async fn run(&mut self, command: SourceCommand) -> Result<SourceOutput, String> {
        if command.echo {
            (self.say)(format!("{}\n", commands::shown(&command)).as_bytes());
        }
        let processes = match self.processes.take() {
            Some(processes) => processes,
            None => Processes::start().map_err(|error| error.to_string())?,
        };
        let log = (!command.quiet).then(|| Arc::new(Said(self.say.clone())) as Arc<dyn OutputSink>);
        let output = commands::run(&processes, command, log).await;
        self.processes = Some(processes);
        output
    }
}

/// Output that is said as it comes.
struct Said<S>(S);

impl<S: Fn(&[u8]) + Send + Sync> OutputSink for Said<S> {
    fn write(&self, _: Stream, bytes: &[u8]) {
        (self.0)(bytes);
    }

    fn close(&self) {}
}
