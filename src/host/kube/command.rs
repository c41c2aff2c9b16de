//! Commands of the user's that apply or delete, with a kubeconfig that leads to the session's cluster and to no other.

use super::connection::read;
use crate::{
    engine::{CommandSpec, CustomCommand},
    host::{
        claim::state_dir,
        process::{Kind, OutputSink, Processes, Running, Spawn},
    },
    model::{Cluster, Exit, Failure, FilePath},
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// Runs commands for one cluster.
#[derive(Clone)]
pub struct Commands {
    /// Which cluster.
    pub cluster: Arc<Cluster>,
    /// The folder of the Orchfile.
    pub root: FilePath,
    /// Starts them.
    pub processes: Arc<Processes>,
    /// Set for them when orch itself prints in colour.
    pub defaults: &'static [(&'static str, &'static str)],
}

/// Ends a command whose run is cancelled.
struct Guard(Option<Running>, Duration);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.stop(self.1);
        }
    }
}

impl Commands {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// How it ended, where that was not well; `doing` reads as in "the command that applies `web`".
    pub async fn run(&self, custom: &CustomCommand, doing: &str, sink: Arc<dyn OutputSink>) -> Result<(), Failure> {
        let command = &custom.command;
        let mut env = custom.environment.clone();
        env.insert("KUBECONFIG".to_owned(), Some(self.kubeconfig().await?.to_string_lossy().into_owned()));
        env.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        let spec = CommandSpec { argv: command.argv.clone(), dir: command.dir.clone(), env };
        let spawn =
            Spawn { own_sessions: false, defaults: self.defaults, ..Spawn::new(&spec, Kind::Command, custom.grace) };
        let running = self.processes.spawn(spawn, sink);
        let mut guard = Guard(Some(running.clone()), custom.grace);
        let ended = running.ended().await;
        if !ended.leftovers {
            guard.0 = None;
        }
        let failure = |message| Err(Failure { message, help: None });
        match ended.exit {
            Exit::Code(0) => Ok(()),
            Exit::Code(code) => failure(format!("{doing} ended with exit code {code}")),
            Exit::Signal(signal) => failure(format!("{doing} was ended by signal {signal}")),
            Exit::Stopped => failure(format!("{doing} was stopped")),
            Exit::NotStarted(failure) => Err(failure),
        }
    }

    /// The kubeconfig as orch read it, as one file in which the session's context is the current one.
    async fn kubeconfig(&self) -> Result<PathBuf, Failure> {
        let mut kubeconfig = read(&self.cluster).await?;
        kubeconfig.current_context = Some(self.cluster.context.clone());
        for context in &mut kubeconfig.contexts {
            if context.name == self.cluster.context
                && let Some(context) = &mut context.context
            {
                context.namespace = Some(self.cluster.namespace.clone());
            }
        }
        let dir = state_dir(&self.root);
        let path = dir.join("kubeconfig");
        let text = serde_json::to_vec(&kubeconfig).unwrap_or_default();
        let written = write(&dir, &path, &text);
        written.map_err(|error| Failure {
            message: format!("`{}` cannot be written: {error}", path.display()),
            help: None,
        })?;
        Ok(path)
    }
}

/// Nobody else may read it: credentials are in it.
fn write(dir: &std::path::Path, path: &std::path::Path, text: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let fresh = path.with_extension(format!("{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text)?;
    fs::rename(fresh, path)
}
