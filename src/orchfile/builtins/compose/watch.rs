//! `develop.watch`: what compose does in a service's containers when files change.

use super::{
    config::{items, text, texts},
    resources::mounts,
};
use crate::{
    model::{FilePath, FileSet, IgnoreRule, LiveUpdate, RestartStep, RunStep, Sync, Trigger, Unmatched},
    orchfile::{builtins::image::ignore::Ignores, context::Context},
};
use serde_json::Value;
use std::sync::Arc;

/// The live update that the rules of a service mean; `None` where it has none. What the build's ignore file leaves out counts
/// for no rule.
pub(super) fn live_update(service: &Value, context: &Context<'_>) -> Option<LiveUpdate> {
    let mut rules: Vec<_> = items(service.get("develop")?, "watch").filter_map(Rule::of).collect();
    let left_out = left_out(service, context);
    rules.iter_mut().for_each(|rule| rule.trigger.ignore.extend(left_out.iter().cloned()));
    // What is mounted is there already.
    let mounted: Vec<_> = mounts(service).collect();
    let rules: Vec<_> =
        rules.into_iter().filter(|rule| !mounted.iter().any(|mount| rule.trigger.path.is_within(mount))).collect();
    if rules.is_empty() {
        return None;
    }
    let triggers = |action: Action| rules.iter().filter(move |rule| rule.action.has(action)).map(Rule::trigger);
    let restarts: Vec<_> = triggers(Action::Restart).collect();
    let sync = |rule: &Rule| Some(Sync { local: rule.trigger(), remote: rule.target.clone()? });
    Some(LiveUpdate {
        image: None,
        inputs: rules.iter().map(|rule| Arc::new(rule.files())).collect(),
        initial_sync: rules.iter().any(|rule| rule.initial_sync),
        fall_back_on: triggers(Action::Rebuild).collect(),
        syncs: rules.iter().filter(|rule| rule.action.has(Action::Sync)).filter_map(sync).collect(),
        runs: rules.iter().filter_map(|rule| run_step(rule.exec.as_ref()?, &rule.trigger)).collect(),
        restart: if restarts.is_empty() { RestartStep::Never } else { RestartStep::On(restarts) },
        unmatched: Unmatched::Wait,
    })
}

fn left_out(service: &Value, context: &Context<'_>) -> Vec<Arc<IgnoreRule>> {
    let Some(build) = service.get("build") else { return Vec::new() };
    let Some(folder) = text(build, "context").filter(|folder| folder.starts_with('/')) else { return Vec::new() };
    let folder = FilePath::new(folder);
    let dockerfile = folder.join(text(build, "dockerfile").unwrap_or("Dockerfile"));
    let mut ignores = Ignores::default();
    ignores.file(&folder, Some(&dockerfile), context);
    for file in &ignores.looked {
        // It was read just now; this time it is watched.
        drop(context.read_silently(&file.input.path));
    }
    ignores.always(&[folder], context);
    ignores.rules
}

/// What a rule does. Some do two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Sync,
    Rebuild,
    Restart,
    SyncAndRestart,
    SyncAndExec,
}

impl Action {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "sync" => Self::Sync,
            "rebuild" => Self::Rebuild,
            "restart" => Self::Restart,
            "sync+restart" => Self::SyncAndRestart,
            "sync+exec" => Self::SyncAndExec,
            _ => return None,
        })
    }

    fn has(self, other: Self) -> bool {
        match self {
            Self::SyncAndRestart => matches!(other, Self::Sync | Self::Restart),
            Self::SyncAndExec => other == Self::Sync,
            Self::Sync | Self::Rebuild | Self::Restart => self == other,
        }
    }
}

/// One rule.
struct Rule {
    action: Action,
    trigger: Trigger,
    target: Option<String>,
    exec: Option<Value>,
    initial_sync: bool,
}

impl Rule {
    fn of(rule: &Value) -> Option<Self> {
        let action = Action::of(text(rule, "action")?)?;
        let path = FilePath::new(text(rule, "path")?);
        let mut ignore = Vec::new();
        let left_out = texts(rule, "ignore");
        if !left_out.is_empty() {
            ignore.push(Arc::new(IgnoreRule::new(path.clone(), left_out)));
        }
        let only = texts(rule, "include");
        if !only.is_empty() {
            let patterns = only.into_iter().map(|pattern| format!("!{pattern}"));
            let patterns = std::iter::once("**".to_owned()).chain(patterns).collect();
            ignore.push(Arc::new(IgnoreRule::new(path.clone(), patterns)));
        }
        let trigger = Trigger { path, ignore };
        let exec = rule.get("exec").filter(|_| action == Action::SyncAndExec).cloned();
        let initial_sync = rule.get("initial_sync").and_then(Value::as_bool).unwrap_or(false);
        Some(Self { action, trigger, target: text(rule, "target").map(str::to_owned), exec, initial_sync })
    }

    fn trigger(&self) -> Trigger {
        self.trigger.clone()
    }

    fn files(&self) -> FileSet {
        FileSet { roots: vec![self.trigger.path.clone()], ignore: self.trigger.ignore.clone() }
    }
}

/// What `sync+exec` runs.
fn run_step(exec: &Value, trigger: &Trigger) -> Option<RunStep> {
    let argv = match exec.get("command")? {
        Value::String(text) => ["sh", "-c", text].map(str::to_owned).to_vec(),
        _ => texts(exec, "command"),
    };
    let env = match exec.get("environment") {
        Some(Value::Object(fields)) => fields.iter().map(|(name, value)| variable(name, value)).collect(),
        _ => texts(exec, "environment"),
    };
    let owned = |key| text(exec, key).map(str::to_owned);
    Some(RunStep {
        argv: Some(argv).filter(|argv| !argv.is_empty())?,
        triggers: vec![trigger.clone()],
        echo_off: false,
        user: owned("user"),
        dir: owned("working_dir"),
        env,
    })
}

fn variable(name: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{name}={text}")
}
