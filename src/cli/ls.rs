//! `orch ls`.

use super::{
    args::{Ls, Output},
    error::CliError,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    host::{
        ask,
        claim::{self, SessionCard, Whereabouts},
    },
    report::{
        json,
        sessions::{self, Session},
    },
    snapshot::Snapshot,
};
use std::time::Duration;

/// A session that has not answered by then is shown as one that does not.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn ls(args: &Ls) -> Result<Exit, CliError> {
    let cards = claim::sessions();
    let snapshots = live::block_on(async {
        let asked: Vec<_> = cards.iter().cloned().map(|card| tokio::spawn(snapshot_of(card))).collect();
        let mut snapshots = Vec::new();
        for one in asked {
            snapshots.push(one.await.ok().flatten());
        }
        Ok(snapshots)
    })?;
    let found: Vec<Session> =
        cards.into_iter().zip(snapshots).map(|(card, snapshot)| session(card, snapshot)).collect();
    match args.form.output {
        Output::Table if found.is_empty() => print::to_stderr("no session runs\n"),
        Output::Table => print::to_stdout(&sessions::table(&found, home().as_deref(), terminal::stdout())),
        Output::Name => {
            print::to_stdout(&found.iter().map(|session| format!("{}\n", session.root)).collect::<String>());
        }
        Output::Json | Output::Yaml => {
            let all: Vec<_> = found.iter().map(sessions::document).collect();
            print::document(args.form.output, &serde_json::json!({"schema": json::SCHEMA, "sessions": all}));
        }
        Output::Jsonl => found.iter().for_each(|session| print::json_line(&sessions::document(session))),
    }
    Ok(Exit::Ok)
}

async fn snapshot_of(card: SessionCard) -> Option<Snapshot> {
    tokio::time::timeout(ANSWER_TIMEOUT, ask::snapshot(&card)).await.ok()?.ok()
}

fn session(card: SessionCard, snapshot: Option<Snapshot>) -> Session {
    let (moved_to, is_gone) = match claim::whereabouts(&card) {
        Whereabouts::AtHome => (None, false),
        Whereabouts::Moved(root) => (Some(root), false),
        Whereabouts::Gone => (None, true),
    };
    Session {
        root: card.root(),
        moved_to,
        is_gone,
        file: card.file,
        verb: card.verb,
        pid: card.pid,
        version: card.version,
        since_ms: card.since_ms,
        age: Duration::from_millis(live::now_ms().saturating_sub(card.since_ms)),
        snapshot,
    }
}

fn home() -> Option<String> {
    std::env::var("HOME").ok().filter(|home| !home.is_empty())
}
