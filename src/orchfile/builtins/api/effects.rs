//! What API objects do: commands become resources, or actions of buttons; buttons become part of the project. Extensions and their
//! repositories are the loader's.

use super::{
    body::{self, ButtonBody, CmdBody, InputBody, LocationBody, ProbeBody, Starts, TextBody, WatchBody},
    objects::Objects,
};
use crate::{
    diag::suggest::did_you_mean,
    model::{
        Button, ButtonAction, ButtonInput, Command, FilePath, InputKind, Kind, Local, Probe, ProbeAction, ResourceName,
        Restart, Serve,
    },
    orchfile::{
        Fault,
        context::Context,
        draft::{ApiObject, DraftResource},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The annotation that says whose log a command writes.
const LOG_OF: &str = "tilt.dev/resource";
/// A button that belongs to no resource.
const GLOBAL: &str = "Global";
const OF_RESOURCE: &str = "Resource";

/// Refuses what the API refuses.
pub(super) fn check(object: &ApiObject) -> Result<(), Fault> {
    let missing = |field: &str| {
        Fault::value(format!("the object `{}` needs `{field}`", object.name))
            .help(format!("add `{field}=…` to the call"))
    };
    let needs_text = |field: &str, api: &str| if object.text(api).is_empty() { Err(missing(field)) } else { Ok(()) };
    match object.kind {
        "cmds" => check_command(object, missing("args")),
        "filewatches" if body::of::<WatchBody>(object).watched_paths.is_empty() => Err(missing("watched_paths")),
        "extensionrepos" => needs_text("url", "url"),
        "extensions" => needs_text("repo_name", "repoName"),
        "uibuttons" => check_button(object),
        _ => Ok(()),
    }
}

fn check_command(object: &ApiObject, missing: Fault) -> Result<(), Fault> {
    let body: CmdBody = body::of(object);
    if body.args.is_empty() {
        return Err(missing);
    }
    name_of(object)?;
    match body.env.iter().find(|entry| !entry.contains('=')) {
        Some(entry) => Err(Fault::value(format!("`{entry}` is no `NAME=value`")).at_literal(entry)),
        None => Ok(()),
    }
}

fn check_button(object: &ApiObject) -> Result<(), Fault> {
    let body: ButtonBody = body::of(object);
    name_of(object)?;
    let LocationBody { id, kind } = &body.location;
    if id.is_empty() || kind.is_empty() {
        let message = format!("the button `{}` does not say where it is", object.name);
        let help =
            "give it `location=v1alpha1.ui_component_location(component_id=RESOURCE, component_type=\"Resource\")`";
        return Err(Fault::value(message).help(help));
    }
    if kind != GLOBAL && kind != OF_RESOURCE {
        let message = format!("a button cannot be at a `{kind}`");
        return Err(Fault::value(message).help("use \"Resource\" or \"Global\"").at_literal(kind));
    }
    for input in &body.inputs {
        let kinds = [input.text.is_some(), input.bool.is_some(), input.hidden.is_some(), input.choice.is_some()];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            let message = format!("the input `{}` is one of `text`, `bool`, `choice` and `hidden`", input.name);
            return Err(Fault::value(message).at_literal(&input.name));
        }
    }
    Ok(())
}

/// A command, with its environment as `NAME=value`.
pub(super) fn command(argv: Vec<String>, dir: &str, env: &[String]) -> Command {
    let env = env.iter().filter_map(|entry| entry.split_once('='));
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Command { argv, dir: FilePath::new(dir), env }
}

/// The name of an object, as that of a resource.
pub(super) fn name_of(object: &ApiObject) -> Result<ResourceName, Fault> {
    ResourceName::parse(&object.name).map_err(|invalid| Fault::value(invalid.to_string()).at_argument("name"))
}

/// Puts what the objects do into the draft, when all resources are known.
pub(crate) fn declare(context: &Context<'_>) {
    let objects = context.draft.borrow().api.clone();
    if objects.is_empty() {
        return;
    }
    let names = context.draft.borrow().resources.iter().map(|resource| resource.name.clone()).collect();
    let mut effects = Effects { objects: Objects { context, all: &objects }, names, actions: BTreeMap::new() };
    effects.objects.of_kind("cmds").for_each(|object| effects.command(object));
    let buttons =
        effects.objects.of_kind("uibuttons").filter_map(|object| effects.button(object)).map(Arc::new).collect();
    context.draft.borrow_mut().buttons = buttons;
}

struct Effects<'a, 'c> {
    objects: Objects<'a, 'c>,
    /// The resources of the project.
    names: BTreeSet<ResourceName>,
    /// What buttons do, by their names.
    actions: BTreeMap<String, Vec<ButtonAction>>,
}

impl Effects<'_, '_> {
    fn command(&mut self, object: &ApiObject) {
        let body: CmdBody = body::of(object);
        let Ok(name) = name_of(object) else { return };
        if self.objects.is_disabled(body.disable_source.as_ref()) {
            return;
        }
        let command = command(body.args, &body.dir, &body.env);
        match body.start_on {
            Some(starts) => {
                for button in starts.ui_buttons {
                    self.objects.warn_of_unknown(object, "uibuttons", "button", &button);
                    let log = self.log_of(object, &button);
                    let run = ButtonAction::Run { name: name.to_string(), log, command: command.clone() };
                    self.actions.entry(button).or_default().push(run);
                }
            }
            None => self.resource(object, name, command, body.readiness_probe, body.restart_on.unwrap_or_default()),
        }
    }

    /// The resource whose log a button's command writes, or a log of its own.
    fn log_of(&self, object: &ApiObject, button: &str) -> ResourceName {
        let said = object.annotations.get(LOG_OF).and_then(|name| ResourceName::parse(name).ok());
        let known = said.filter(|name| self.names.contains(name));
        known.or_else(|| ResourceName::parse(button).ok()).unwrap_or_else(|| name_or_cmd(object))
    }

    /// A command that runs by itself.
    fn resource(
        &mut self,
        object: &ApiObject,
        name: ResourceName,
        command: Command,
        probe: Option<ProbeBody>,
        starts: Starts,
    ) {
        let name = if self.names.contains(&name) { name_or_cmd(object) } else { name };
        for button in starts.ui_buttons {
            self.objects.warn_of_unknown(object, "uibuttons", "button", &button);
            self.actions.entry(button).or_default().push(ButtonAction::Trigger(name.clone()));
        }
        let inputs = self.objects.watched(object, &starts.file_watches);
        let probe = probe.and_then(probe_of);
        let (cmd, serve) = match probe {
            Some(probe) => {
                let serve = Serve { command, probe: Some(probe), ready_log_line: None, restart: Some(Restart::Never) };
                (None, Some(serve))
            }
            None => (Some(command), None),
        };
        let local = Local {
            cmd,
            serve,
            teardown: None,
            inputs: Arc::new(inputs),
            outputs: Vec::new(),
            parallel: true,
            cancel_superseded: true,
        };
        self.names.insert(name.clone());
        let mut draft = self.objects.context.draft.borrow_mut();
        draft.of_api.insert(name.clone());
        draft.resources.push(DraftResource {
            name,
            site: object.site.clone(),
            kind: Kind::Local(Box::new(local)),
            dependencies: Vec::new(),
            trigger_mode: Some(crate::model::TriggerMode::Auto),
            auto_init: true,
            labels: Vec::new(),
            links: Vec::new(),
        });
    }

    fn button(&self, object: &ApiObject) -> Option<Button> {
        let body: ButtonBody = body::of(object);
        let at_resource = body.location.kind == OF_RESOURCE;
        let resource = ResourceName::parse(&body.location.id).ok().filter(|name| self.names.contains(name));
        if at_resource && resource.is_none() {
            let names = self.names.iter().map(ResourceName::as_str);
            let help = did_you_mean(&body.location.id, names);
            let message = format!("the button `{}` is for `{}`, which no one declares", object.name, body.location.id);
            self.objects.context.warn(object.site.as_ref(), "orchfile::unknown_resource", message, help);
        }
        Some(Button {
            name: name_of(object).ok()?,
            text: if body.text.is_empty() { object.name.clone() } else { body.text },
            resource: resource.filter(|_| at_resource),
            icon: body.icon_name,
            disabled: body.disabled,
            confirm: body.requires_confirmation,
            inputs: body.inputs.into_iter().map(input_of).collect(),
            actions: self.actions.get(&object.name).cloned().unwrap_or_default(),
        })
    }
}

/// The name of a command's resource where its own is taken.
fn name_or_cmd(object: &ApiObject) -> ResourceName {
    ResourceName::parse(&format!("cmd:{}", object.name)).unwrap_or_else(|_| unreachable!("its name was checked"))
}

fn input_of(input: InputBody) -> ButtonInput {
    let kind = match (input.text, input.bool, input.hidden, input.choice) {
        (_, Some(bool), ..) => {
            InputKind::Bool { default: bool.default_value, on: bool.true_string, off: bool.false_string }
        }
        (_, _, Some(hidden), _) => InputKind::Hidden { value: hidden.value },
        (_, _, _, Some(choice)) => InputKind::Choice { choices: choice.choices },
        (text, ..) => {
            let TextBody { default_value, placeholder } = text.unwrap_or_default();
            InputKind::Text { default: default_value, placeholder }
        }
    };
    ButtonInput { name: input.name, label: input.label, kind }
}

fn probe_of(body: ProbeBody) -> Option<Probe> {
    let non_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
    let handler = body.handler.map(|handler| *handler).unwrap_or_default();
    let action = match (body.exec.or(handler.exec), body.http_get.or(handler.http_get)) {
        (Some(exec), _) => ProbeAction::Exec { argv: exec.command },
        (None, Some(http)) => ProbeAction::HttpGet {
            host: non_empty(http.host),
            port: http.port,
            scheme: non_empty(http.scheme).map(|scheme| scheme.to_uppercase()),
            path: non_empty(http.path),
            headers: http.http_headers.into_iter().map(|header| (header.name, header.value)).collect(),
        },
        (None, None) => {
            let tcp = body.tcp_socket.or(handler.tcp_socket)?;
            ProbeAction::TcpSocket { host: non_empty(tcp.host), port: tcp.port }
        }
    };
    Some(Probe {
        action,
        initial_delay_secs: body.initial_delay_seconds,
        timeout_secs: body.timeout_seconds,
        period_secs: body.period_seconds,
        success_threshold: body.success_threshold,
        failure_threshold: body.failure_threshold,
    })
}
