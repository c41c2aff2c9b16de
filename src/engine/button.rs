//! Buttons: commands that run when a user presses something, beside the resources and without a say in how those fare.

use super::{command, effect::Effect, event::RunEnd, state::State, stop};
use crate::{
    model::{Attempt, Button, ButtonAction, Command, Exit, FileSet, Level, ResourceName, RunId},
    snapshot::{ButtonRow, Cause, RunRow, Step, words},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// The buttons of the project, and what they run.
#[derive(Debug, Default)]
pub(super) struct Buttons {
    /// What readers see.
    pub(super) shown: Arc<Vec<ButtonRow>>,
    /// What goes on.
    running: BTreeMap<RunId, Running>,
    /// What commands that succeeded left running.
    leftovers: BTreeSet<RunId>,
}

/// A command that a button runs.
#[derive(Debug)]
struct Running {
    button: ResourceName,
    /// Which of its commands.
    name: String,
    log: ResourceName,
    row: RunRow,
    /// It was pressed again meanwhile: with these inputs it starts once it has ended.
    again: Option<BTreeMap<String, String>>,
}

impl Buttons {
    /// Whether nothing is left of what was pressed.
    pub(super) fn are_idle(&self) -> bool {
        self.running.is_empty() && self.leftovers.is_empty()
    }

    fn change(&mut self, button: &ResourceName, change: impl FnOnce(&mut ButtonRow)) {
        let place = self.shown.iter().position(|row| row.button.name == *button);
        if let Some(row) = place.and_then(|place| Arc::make_mut(&mut self.shown).get_mut(place)) {
            change(row);
        }
    }
}

/// Another project is in force: its buttons are those that count; what a button runs that is gone ends.
pub(super) fn on_project(state: &mut State, buttons: &[Arc<Button>]) {
    let before = std::mem::take(&mut state.buttons.shown);
    if before.iter().map(|row| &row.button).eq(buttons) {
        state.buttons.shown = before;
        return;
    }
    let row = |button: &Arc<Button>| {
        let known = before.iter().find(|row| row.button.name == button.name).cloned();
        let (current_run, last_run) = known.map_or((None, None), |row| (row.current_run, row.last_run));
        ButtonRow { button: button.clone(), current_run, last_run }
    };
    state.buttons.shown = Arc::new(buttons.iter().map(row).collect());
    let is_gone = |running: &&Running| !buttons.iter().any(|button| button.name == running.button);
    let gone: Vec<RunId> = state.buttons.running.values().filter(is_gone).map(|running| running.row.run).collect();
    let grace = state.grace();
    gone.into_iter().for_each(|run| state.emit(Effect::CancelRun { run, grace }));
}

/// A user pressed one.
pub(super) fn on_click(state: &mut State, name: &ResourceName, inputs: &BTreeMap<String, String>) {
    let found = state.buttons.shown.iter().find(|row| row.button.name == *name).map(|row| row.button.clone());
    let refusal = match &found {
        None => Some(format!("there is no button `{name}`")),
        Some(button) if button.disabled => Some(format!("the button `{name}` cannot be pressed: it is disabled")),
        Some(_) if state.is_ending() => {
            Some(format!("the button `{name}` does nothing any more: the session is ending"))
        }
        Some(button) => button.environment(inputs).err().map(|error| error.to_string()),
    };
    match (refusal, found) {
        (Some(refusal), _) => state.say_session(Level::Warning, refusal),
        (None, Some(button)) => press(state, &button, inputs),
        (None, None) => {}
    }
}

fn press(state: &mut State, button: &Button, inputs: &BTreeMap<String, String>) {
    for action in &button.actions {
        match action {
            ButtonAction::Trigger(resource) => stop::trigger_named(state, resource.clone()),
            ButtonAction::Run { name, log, command } => {
                let is_it = |running: &&mut Running| running.button == button.name && running.name == *name;
                match state.buttons.running.values_mut().find(is_it) {
                    Some(running) => {
                        running.again = Some(inputs.clone());
                        let (run, grace) = (running.row.run, state.grace());
                        state.emit(Effect::CancelRun { run, grace });
                    }
                    None => start(state, button, name, log, command, inputs),
                }
            }
        }
    }
    if button.actions.is_empty() {
        state.say_session(
            Level::Info,
            format!("the button `{}` was pressed, and nothing is started by it", button.name),
        );
    }
}

fn start(
    state: &mut State,
    button: &Button,
    name: &str,
    log: &ResourceName,
    command: &Command,
    inputs: &BTreeMap<String, String>,
) {
    let Ok(environment) = button.environment(inputs) else { return };
    let run = state.ids.next_run();
    let row = RunRow {
        run,
        step: Step::Command,
        cause: Cause::Triggered,
        started_at: state.now,
        ended_at: None,
        exit: None,
        failed_command: None,
    };
    let mut spec = command::spec_of(state, command);
    spec.env.extend(environment.into_iter().map(|(name, value)| (name, Some(value))));
    say(state, log, run, Level::Info, format!("the button `{}` was pressed", button.text));
    state.emit(Effect::StartRun {
        run,
        resource: log.clone(),
        command: spec,
        outputs: Arc::new(FileSet::default()),
        own_sessions: state.mode().ends_own_sessions(),
        grace: state.mode().stop_grace(),
    });
    state.buttons.change(&button.name, |shown| shown.current_run = Some(row.clone()));
    let (button, name, log) = (button.name.clone(), name.to_owned(), log.clone());
    state.buttons.running.insert(run, Running { button, name, log, row, again: None });
}

/// A run ended. Tells whether it was a button's.
pub(super) fn on_run_ended(state: &mut State, run: RunId, end: &RunEnd) -> bool {
    let Some(running) = state.buttons.running.remove(&run) else { return false };
    let Running { button, name, log, mut row, again } = running;
    row.ended_at = Some(state.now);
    row.exit = Some(end.exit.clone());
    let (level, text) = match &end.exit {
        exit if exit.is_success() => (Level::Info, format!("the button `{button}` is done")),
        Exit::Stopped => (Level::Info, format!("the button `{button}` was stopped")),
        exit => (Level::Error, format!("the button `{button}` failed: {}", words::exit(exit))),
    };
    say(state, &log, run, level, text);
    let others = state.buttons.running.values().find(|other| other.button == button).map(|other| other.row.clone());
    state.buttons.change(&button, |shown| {
        shown.current_run = others;
        shown.last_run = Some(row);
    });
    if end.leftovers {
        state.buttons.leftovers.insert(run);
        if state.is_ending() {
            let grace = state.grace();
            state.emit(Effect::StopLeftovers { run, grace });
        }
    }
    if let Some(inputs) = again.filter(|_| !state.is_ending()) {
        again_with(state, &button, &name, &inputs);
    }
    true
}

/// What was pressed while it ran starts, as the project has it now.
fn again_with(state: &mut State, button: &ResourceName, command_name: &str, inputs: &BTreeMap<String, String>) {
    let Some(row) = state.buttons.shown.iter().find(|row| row.button.name == *button) else { return };
    let button = row.button.clone();
    for action in &button.actions {
        if let ButtonAction::Run { name, log, command } = action
            && name == command_name
        {
            start(state, &button, name, log, command, inputs);
        }
    }
}

/// What a command left running is gone. Tells whether it was a button's.
pub(super) fn on_leftovers_ended(state: &mut State, run: RunId) -> bool {
    state.buttons.leftovers.remove(&run)
}

/// Ends all that buttons have running.
pub(super) fn end_all(state: &mut State, grace: Duration) {
    let runs: Vec<RunId> = state.buttons.running.keys().copied().collect();
    runs.into_iter().for_each(|run| state.emit(Effect::CancelRun { run, grace }));
    let leftovers: Vec<RunId> = state.buttons.leftovers.iter().copied().collect();
    leftovers.into_iter().for_each(|run| state.emit(Effect::StopLeftovers { run, grace }));
}

fn say(state: &mut State, log: &ResourceName, run: RunId, level: Level, text: String) {
    let (resource, about) = (Some(log.clone()), Some(Attempt::Run(run)));
    state.emit(Effect::Say { resource, about, level, text });
}
