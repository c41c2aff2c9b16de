//! `orch doctor`.

use super::{
    args::{Doctor, Output},
    error::CliError,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    host::doctor::{self, Finding, Need},
    report::{Look, json::SCHEMA, look::Colour},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn doctor(args: &Doctor) -> Result<Exit, CliError> {
    let findings = live::block_on(async { Ok(doctor::look().await) })?;
    match args.output {
        Output::Table => print::to_stdout(&table(&findings, terminal::stdout())),
        Output::Name => {
            let wrong = findings.iter().filter(|finding| !finding.is_well);
            print::to_stdout(&wrong.map(|finding| format!("{}\n", finding.name)).collect::<String>());
        }
        Output::Json => {
            let all: Vec<Value> = findings.iter().map(document).collect();
            print::json(&json!({"schema": SCHEMA, "checks": all}));
        }
        Output::Jsonl => findings.iter().for_each(|finding| print::json_line(&document(finding))),
    }
    let unusable = findings.iter().any(|finding| !finding.is_well && finding.need == Need::Always);
    Ok(if unusable { Exit::Unusable } else { Exit::Ok })
}

fn table(findings: &[Finding], look: Look) -> String {
    let mut text = String::new();
    let widest = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    for finding in findings {
        let (word, colour) = match (finding.is_well, finding.need) {
            (true, _) => ("ok", Colour::Green),
            (false, Need::Always) => ("wrong", Colour::Red),
            (false, Need::For(_)) => ("missing", Colour::Yellow),
        };
        writeln!(text, "{}  {:widest$}  {}", look.paint(colour, format!("{word:7}")), finding.name, finding.found).ok();
        if !finding.is_well {
            let pad = " ".repeat(widest + 11);
            if let Need::For(what) = finding.need {
                writeln!(text, "{pad}needed for {what}").ok();
            }
            finding.help.iter().for_each(|help| _ = writeln!(text, "{pad}help: {help}"));
        }
    }
    text
}

fn document(finding: &Finding) -> Value {
    let needed_for = match finding.need {
        Need::Always => "everything",
        Need::For(what) => what,
    };
    json!({
        "check": finding.name,
        "ok": finding.is_well,
        "found": finding.found,
        "needed_for": needed_for,
        "help": finding.help,
    })
}
