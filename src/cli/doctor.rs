//! `orch doctor`.

#![expect(clippy::disallowed_methods, reason = "it looks which tools the text of the Orchfile names")]

use super::{
    args::{Doctor, OrchfileArgs, Output},
    error::CliError,
    eval,
    exit::Exit,
    live::{self, Project},
    print, terminal,
};
use crate::{
    host::{
        ask,
        doctor::{self, Finding, Need, Needs},
        evaluate::wire::Answer,
    },
    model::{Kind, Project as Evaluated},
    report::{Look, json::SCHEMA, look::Colour},
    snapshot::{RowKind, Snapshot},
};
use serde_json::{Value, json};
use std::{env, fmt::Write as _, fs, io::IsTerminal};

pub(super) fn doctor(args: &Doctor) -> Result<Exit, CliError> {
    let (needs, orchfile) = needs(args)?;
    let mut findings = live::block_on(async { Ok(doctor::look(&needs).await) })?;
    findings.insert(0, terminal());
    findings.splice(0..0, orchfile);
    let output = args.asking.output();
    match output {
        Output::Table => print::to_stdout(&table(&findings, terminal::stdout())),
        Output::Name => {
            let wrong = findings.iter().filter(|finding| !finding.is_well);
            print::to_stdout(&wrong.map(|finding| format!("{}\n", finding.name)).collect::<String>());
        }
        Output::Json | Output::Yaml => {
            let all: Vec<Value> = findings.iter().map(document).collect();
            print::document(output, &json!({"schema": SCHEMA, "checks": all}));
        }
        Output::Jsonl => findings.iter().for_each(|finding| print::json_line(&document(finding))),
    }
    let unusable = findings.iter().any(|finding| !finding.is_well && is_needed(finding));
    Ok(if unusable { Exit::Unusable } else { Exit::Ok })
}

fn is_needed(finding: &Finding) -> bool {
    matches!(finding.need, Need::Always | Need::Orchfile)
}

/// What the project here needs, as its session knows or its file says; and what is to be said of the file. Without a file nothing
/// is needed.
fn needs(args: &Doctor) -> Result<(Needs, Option<Finding>), CliError> {
    let file = args.asking.file.file.clone();
    let found = super::discover::orchfile(file.as_deref());
    let path = match (found, file) {
        (Ok(path), _) => path,
        (Err(error), Some(_)) => return Err(error),
        (Err(_), None) => return Ok((Needs::default(), None)),
    };
    let finding = |is_well: bool, found: String| Finding {
        name: "Orchfile",
        is_well,
        found,
        need: Need::Orchfile,
        help: (!is_well).then(|| "mend what is said above; what it needs is known then".to_owned()),
    };
    let text = fs::read_to_string(path.as_path()).unwrap_or_default();
    let (helm, kustomize) = (text.contains("helm("), text.contains("kustomize("));
    let project = args.asking.project()?;
    let needs = if let Some(needs) = of_session(&project)? {
        Some(needs)
    } else {
        let arguments = live::last_args(&project.root);
        let orchfile = OrchfileArgs { file: args.asking.file.clone(), args: arguments, ..<_>::default() };
        eval::evaluated(orchfile, Answer::Project)?.project.map(|project| of_project(&project))
    };
    let has_project = needs.is_some();
    let needs = Needs { helm, kustomize, ..needs.unwrap_or_default() };
    let found = if has_project { path.to_string() } else { format!("{path} has errors") };
    Ok((needs, Some(finding(has_project, found))))
}

fn of_session(project: &Project) -> Result<Option<Needs>, CliError> {
    let Some(card) = project.session() else { return Ok(None) };
    let snapshot = live::block_on(async { Ok(ask::snapshot(&card).await?) })?;
    Ok(snapshot.mode.is_some().then(|| of_snapshot(&snapshot)))
}

fn of_snapshot(snapshot: &Snapshot) -> Needs {
    let rows = || snapshot.rows.iter();
    Needs {
        docker: rows().any(|row| row.kind == RowKind::Container || !row.images.is_empty()),
        compose: rows().any(|row| row.spec.parts.iter().any(|part| part.name == "service")),
        kubernetes: rows().any(|row| row.kind == RowKind::Kubernetes),
        cluster: snapshot.cluster.as_deref().cloned(),
        ..Needs::default()
    }
}

fn of_project(project: &Evaluated) -> Needs {
    let kinds = || project.resources.iter().map(|resource| &resource.kind);
    Needs {
        docker: !project.images.is_empty() || kinds().any(|kind| matches!(kind, Kind::Container(_))),
        compose: !project.compose.is_empty(),
        kubernetes: kinds().any(|kind| matches!(kind, Kind::Kube(_))),
        cluster: project.kube.cluster.clone(),
        ..Needs::default()
    }
}

/// What the dashboard finds; without a terminal it is not missed.
fn terminal() -> Finding {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let name = env::var("TERM").unwrap_or_default();
    let look = terminal::stdout();
    let (is_well, found) = match name.as_str() {
        _ if !is_terminal => (true, "none here: `orch up` prints lines".to_owned()),
        "" | "dumb" => (false, format!("`TERM={name}` cannot show the dashboard: `orch up` prints lines")),
        name => {
            let colour = if look.colour { "colours" } else { "no colours" };
            let signs = if super::attach::speaks_unicode() { "Unicode" } else { "no Unicode" };
            (true, format!("{name}, {} columns, {colour}, {signs}", look.width))
        }
    };
    let help = (!is_well).then(|| "set `TERM` to what the terminal is, such as `xterm-256color`".to_owned());
    Finding { name: "terminal", is_well, found, need: Need::For("the dashboard"), help }
}

fn table(findings: &[Finding], look: Look) -> String {
    let mut text = String::new();
    let widest = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    for finding in findings {
        let (word, colour) = match (finding.is_well, is_needed(finding)) {
            (true, _) => ("ok", Colour::Green),
            (false, true) => ("wrong", Colour::Red),
            (false, false) => ("missing", Colour::Yellow),
        };
        writeln!(text, "{}  {:widest$}  {}", look.paint(colour, format!("{word:7}")), finding.name, finding.found).ok();
        if !finding.is_well {
            let pad = " ".repeat(widest + 11);
            match finding.need {
                Need::Always => {}
                Need::Orchfile => writeln!(text, "{pad}needed by this Orchfile").unwrap_or_default(),
                Need::For(what) => writeln!(text, "{pad}needed for {what}").unwrap_or_default(),
            }
            finding.help.iter().for_each(|help| _ = writeln!(text, "{pad}help: {help}"));
        }
    }
    text
}

fn document(finding: &Finding) -> Value {
    let needed_for = match finding.need {
        Need::Always => "everything",
        Need::Orchfile => "this Orchfile",
        Need::For(what) => what,
    };
    json!({
        "check": finding.name,
        "ok": finding.is_well,
        "found": finding.found,
        "needed": is_needed(finding),
        "needed_for": needed_for,
        "help": finding.help,
    })
}
