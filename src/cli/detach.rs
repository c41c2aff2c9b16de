//! `orch up -d`: the session is started anew in the background, and this process stays until that has taken the Orchfile.

use super::{args::FileArg, error::CliError, exit::Exit, print, terminal};
use crate::{
    diag,
    engine::{Event, Request},
    host::{
        background::{self, Background, Word},
        outbox::Outbox,
    },
    snapshot::Snapshot,
};
use std::{env, ffi::OsString, sync::Arc};
use tokio::sync::watch;

/// The hidden flag of a session in the background.
pub(super) const FLAG: &str = "--in-background";
/// The hidden flag of one that is shown on the dashboard.
pub(super) const ATTENDED: &str = "--attended";

/// Starts the session, and answers as soon as it is known how its Orchfile fares.
pub(super) fn start(file: &FileArg) -> Result<Exit, CliError> {
    let cannot =
        |error: &std::io::Error| CliError::unusable(format!("cannot start a session in the background: {error}"));
    let mut session = Background::launch(with_flags(&[FLAG])).map_err(|error| cannot(&error))?;
    let pid = session.pid();
    let word = session.word();
    if let Some(word) = &word {
        let look = terminal::stderr();
        print::to_stderr(&diag::render(&word.diagnostics, look.colour, look.width));
    }
    match word {
        Some(Word { taken: true, .. }) => {
            print::to_stderr(&format!("orch: the session runs in the background (pid {pid})\n"));
            let [status, logs, down] = ["status", "logs --follow", "down"].map(|verb| file.call(verb));
            print::to_stderr(&format!("  help: {status} shows it, {logs} follows it, {down} ends it\n"));
            Ok(Exit::Ok)
        }
        Some(Word { taken: false, .. }) => {
            // The project is free again when this returns.
            session.end();
            Ok(Exit::Usage)
        }
        None => {
            let (code, said) = session.end();
            print::to_stderr(&said);
            Ok(code.and_then(Exit::of_code).unwrap_or(Exit::Unusable))
        }
    }
}

/// The same command line, with flags behind the verb.
pub(super) fn with_flags(flags: &[&str]) -> Vec<OsString> {
    let mut args: Vec<OsString> = env::args_os().skip(1).collect();
    let at = args.len().min(1);
    args.splice(at..at, flags.iter().map(OsString::from));
    args
}

/// Tells who started this session how its Orchfile fares. A session whose Orchfile gives no project ends, and so does one that
/// nobody waits for any more.
pub(super) fn report(attended: bool, mut snapshots: watch::Receiver<Arc<Snapshot>>, outbox: Outbox) {
    if attended {
        // The dashboard shows the rest. If nobody waits any more, it was closed at once, and that hurts no session.
        background::say(&Word { taken: true, diagnostics: Vec::new() }).ok();
        return;
    }
    tokio::spawn(async move {
        let Ok(snapshot) = snapshots.wait_for(|snapshot| has_loaded(snapshot)).await.map(|snapshot| snapshot.clone())
        else {
            return;
        };
        let taken = snapshot.mode.is_some();
        let diagnostics = if taken { &snapshot.orchfile.warnings } else { &snapshot.orchfile.errors };
        let word = Word { taken, diagnostics: diagnostics.to_vec() };
        if background::say(&word).is_err() || !taken {
            outbox.send(Event::Asked(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
        }
    });
}

fn has_loaded(snapshot: &Snapshot) -> bool {
    snapshot.mode.is_some() || !snapshot.orchfile.loading && !snapshot.orchfile.errors.is_empty()
}
