//! `orch wait`. It looks at the session's states as they come: what is there at once is answered at once, what nobody but the user can
//! bring about is given up early.

use super::{
    args::{Output, Wait},
    error::CliError,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    diag,
    host::{ask, claim::SessionCard, control::Wanted},
    model::ResourceName,
    report::{json, table, waiting},
    snapshot::{Row, Snapshot},
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

/// What is still missing after so long is said, and said anew at most that often. What nobody does anything about for so long is
/// stuck: a file that was saved a moment ago is not overtaken.
const PERIOD: Duration = Duration::from_secs(1);

/// How the waiting ended.
enum Waited {
    Met,
    /// These get nowhere unless somebody acts.
    Stuck(Vec<ResourceName>),
    /// The Orchfile gives no project.
    NoProject,
    Ended,
}

pub(super) fn wait(args: &Wait) -> Result<Exit, CliError> {
    let card = args.asking.project()?.need_session()?;
    live::names(args.names.iter().map(String::as_str))?;
    let mut waiting =
        Waiting { args, names: Vec::new(), snapshot: Arc::default(), stuck: Vec::new(), said: String::new() };
    let limit = args.timeout.filter(|timeout| !timeout.is_zero());
    let waited = live::block_on(async {
        // However short the time is, what is so now is answered.
        let waited = waiting.take(Arc::new(ask::snapshot(&card).await?))?;
        if waited.is_some() {
            return Ok(waited);
        }
        let waited = waiting.until_told(&card);
        match limit {
            Some(limit) => timeout(limit, waited).await.ok().transpose(),
            None => waited.await.map(Some),
        }
    })?;
    waiting.answer(waited)
}

struct Waiting<'a> {
    args: &'a Wait,
    /// Known once there is a project.
    names: Vec<ResourceName>,
    snapshot: Arc<Snapshot>,
    /// What was stuck when it was looked at last.
    stuck: Vec<ResourceName>,
    said: String,
}

impl Waiting<'_> {
    async fn until_told(&mut self, card: &SessionCard) -> Result<Waited, CliError> {
        let (sender, mut states) = watch::channel(None);
        let mut following = pin!(ask::snapshots(card, |snapshot| sender.send(Some(snapshot)).is_ok()));
        let mut next_look = Instant::now() + PERIOD;
        loop {
            let has_ended = tokio::select! {
                ended = &mut following => {
                    ended?;
                    true
                }
                // The sender lives as long as what follows.
                _ = states.changed() => false,
                () = sleep_until(next_look) => {
                    next_look = Instant::now() + PERIOD;
                    if let Some(stuck) = self.look() {
                        return Ok(stuck);
                    }
                    continue;
                }
            };
            let Some(snapshot) = states.borrow_and_update().clone() else { return Ok(Waited::Ended) };
            if let Some(waited) = self.take(snapshot)? {
                return Ok(waited);
            }
            if has_ended || self.snapshot.shutting_down {
                return Ok(Waited::Ended);
            }
        }
    }

    fn wanted(&self) -> Wanted {
        self.args.state.into()
    }

    /// Takes over a state of the session; says whether it is what is waited for.
    fn take(&mut self, snapshot: Arc<Snapshot>) -> Result<Option<Waited>, CliError> {
        let is_first = self.snapshot.began_ms.is_none();
        self.snapshot = snapshot;
        if self.snapshot.mode.is_some() {
            self.names = live::known_names(&self.snapshot, &self.args.names)?;
        }
        if is_first {
            self.stuck = self.stuck_now();
        }
        let is_loaded = self.snapshot.mode.is_some() && !self.snapshot.orchfile.loading;
        Ok((is_loaded && self.missing().is_empty()).then_some(Waited::Met))
    }

    fn missing(&self) -> Vec<&Arc<Row>> {
        let wanted = self.wanted();
        // What is no part of the session is nothing at all, whatever it was.
        self.snapshot.meant(&self.names).filter(|row| !(row.spec.enabled && wanted.is_of(row))).collect()
    }

    fn stuck_now(&self) -> Vec<ResourceName> {
        let missing: Vec<ResourceName> = self.missing().iter().map(|row| row.name.clone()).collect();
        let stuck = self.snapshot.stuck(&missing);
        missing.into_iter().filter(|name| stuck.contains(name)).collect()
    }

    /// Says what is waited for, or gives up what was stuck a while ago and still is.
    fn look(&mut self) -> Option<Waited> {
        if !self.args.keep_waiting {
            if self.snapshot.mode.is_none()
                && !self.snapshot.orchfile.loading
                && !self.snapshot.orchfile.errors.is_empty()
            {
                return Some(Waited::NoProject);
            }
            let now = self.stuck_now();
            let before = std::mem::replace(&mut self.stuck, now.clone());
            let lasting: Vec<ResourceName> = now.into_iter().filter(|name| before.contains(name)).collect();
            if !lasting.is_empty() {
                return Some(Waited::Stuck(lasting));
            }
        }
        let text = waiting::line(&self.snapshot, &self.missing());
        if self.talks() && text != self.said {
            print::to_stderr(&format!("orch: waits until {}: {text}\n", self.wanted().word()));
            self.said = text;
        }
        None
    }

    /// Whether there is a reader of what is going on.
    fn talks(&self) -> bool {
        !self.args.quiet && matches!(self.args.asking.output(), Output::Table | Output::Name)
    }

    /// The answer; `None` when it took too long.
    fn answer(&self, waited: Option<Waited>) -> Result<Exit, CliError> {
        let what = self.wanted().word();
        let snapshot = &self.snapshot;
        let exit = match waited {
            Some(Waited::Met) => Exit::Ok,
            Some(Waited::Stuck(stuck)) => {
                let rows: Vec<&Arc<Row>> = snapshot.rows.iter().filter(|row| stuck.contains(&row.name)).collect();
                print::to_stderr(&format!("orch: not {what}, and not without somebody's doing:\n"));
                print::to_stderr(&waiting::obstacles(snapshot, &rows));
                print::to_stderr(
                    "  help: `orch why NAME` tells more; with `--keep-waiting` the wait goes on until then\n",
                );
                Exit::Failed
            }
            Some(Waited::NoProject) => {
                let look = terminal::stderr();
                print::to_stderr(&diag::render(&snapshot.orchfile.errors, look.colour, look.width));
                Exit::Usage
            }
            Some(Waited::Ended) => return Err(CliError::failed("the session ended before that".to_owned())),
            None => {
                let missing: Vec<ResourceName> = self.missing().iter().map(|row| row.name.clone()).collect();
                if missing.is_empty() {
                    print::to_stderr(&format!("orch: not {what} in time: {}\n", waiting::line(snapshot, &[])));
                } else {
                    print::to_stderr(&format!("orch: not {what} in time:\n"));
                    print::to_stderr(&table::status(snapshot, &missing, terminal::stderr()));
                }
                Exit::TimedOut
            }
        };
        self.show(exit);
        Ok(exit)
    }

    /// For programs, how the resources are then, whether it is so or not.
    fn show(&self, exit: Exit) {
        let rows: Vec<&Row> = self.snapshot.meant(&self.names).map(|row| &**row).collect();
        match self.args.asking.output() {
            // That it ended says all.
            Output::Table => {}
            Output::Name if exit == Exit::Ok => {
                print::to_stdout(&rows.iter().map(|row| format!("{}\n", row.name)).collect::<String>());
            }
            Output::Name => {}
            output @ (Output::Json | Output::Yaml) => {
                print::document(output, &json::status(&self.snapshot, &rows, true));
            }
            Output::Jsonl => rows.iter().for_each(|row| print::json_line(&json::resource(&self.snapshot, row))),
        }
    }
}
