//! Evaluations of the Orchfile: what the child tells goes to the log and the engine, and what it asks for is run.

use super::{World, sink::LogSink};
use crate::{
    diag::Diagnostic,
    engine::{EvaluationOutcome, Event},
    host::{
        evaluate::{
            self, Hearer, commands,
            wire::{Ask, Ended},
        },
        outbox::Promise,
        process::OutputSink,
    },
    logs::{self, LogName, LogWriter},
    model::{EvaluationId, Level},
    orchfile::{SourceCommand, SourceOutput, Told, Voice},
};
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Begins to evaluate, once; a task tells the engine.
pub(super) fn start(world: &World, evaluation: EvaluationId, args: Arc<Vec<String>>) -> AbortHandle {
    let cancelled = Event::EvaluationEnded { evaluation, outcome: EvaluationOutcome::Cancelled };
    world.outbox.spawn(cancelled, |promise| evaluate(world.clone(), evaluation, args, promise))
}

async fn evaluate(world: World, evaluation: EvaluationId, args: Arc<Vec<String>>, promise: Promise) {
    let log = world.logs.writer(&LogName::Session, None);
    let ask = Ask { args: args.to_vec(), ..Ask::clone(&world.ask) };
    let mut hearing = Hearing { world: world.clone(), evaluation, log };
    let ended = evaluate::evaluate(&ask, &mut hearing).await;
    hearing.log.close();
    let outcome = outcome_of(ended);
    promise.keep(Event::EvaluationEnded { evaluation, outcome });
}

fn outcome_of(ended: Result<Ended, Diagnostic>) -> EvaluationOutcome {
    match ended {
        Ok(Ended { project: Some(project), diagnostics, .. }) => {
            EvaluationOutcome::Loaded(Arc::new(project), diagnostics)
        }
        Ok(Ended { diagnostics, .. }) => EvaluationOutcome::Failed(diagnostics),
        Err(diagnostic) => EvaluationOutcome::Failed(vec![diagnostic]),
    }
}

/// Hears one evaluation of a session.
struct Hearing {
    world: World,
    evaluation: EvaluationId,
    log: LogWriter,
}

impl Hearer for Hearing {
    fn told(&mut self, told: Told) {
        match told {
            Told::Inputs(inputs) => {
                self.world.outbox.send(Event::EvaluationRead { evaluation: self.evaluation, inputs });
            }
            Told::Secret(secret) => self.world.logs.redact(&secret),
            Told::Line { level: Level::Info, voice: Voice::File, text } => {
                self.log.write(logs::Stream::Out, text.as_bytes());
                self.log.write(logs::Stream::Out, b"\n");
            }
            Told::Line { level, text, .. } => self.world.logs.say(&LogName::Session, None, level, &text),
        }
    }

    async fn run(&mut self, command: SourceCommand) -> Result<SourceOutput, String> {
        if command.echo {
            self.log.write(logs::Stream::Out, format!("{}\n", commands::shown(&command)).as_bytes());
        }
        let log: Option<Arc<dyn OutputSink>> = (!command.quiet)
            .then(|| Arc::new(LogSink(self.world.logs.writer(&LogName::Session, None))) as Arc<dyn OutputSink>);
        if let Some(output) = self.world.known_outputs.find(&command) {
            return Ok(output);
        }
        let result = commands::run(&self.world.processes, command.clone(), log).await;
        if let Ok(output) = &result {
            self.world.known_outputs.learn(&command, output);
        }
        result
    }
}
