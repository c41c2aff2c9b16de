//! Live update: files of running containers are changed in place, by programs of their own (`tar`, `rm`).
//!
//! All files of a batch go as one archive, read once and sent to all containers side by side; then commands run in all of them. What to
//! copy and when is the engine's business, as is what to do when it fails.

use super::{
    Connection,
    exec::{Ended, Target, run as exec},
    observer::View,
    voice::Voice,
};
use crate::{
    engine::{PodUpdateOrder, RunEnd},
    host::live_update::{
        Changes, Chunks, Contents, Owner, Removal, Stopped, change, keep, pieces, run_alike, send, shown,
    },
    model::{Failure, FilePath, RunStep},
};
use futures_util::future::try_join_all;
use std::sync::Arc;

/// How many bytes of paths one `rm` gets: they are a part of the request's address.
const ARGUMENTS_BYTES_MAX: usize = 16_000;
/// Unpacks an archive. Files belong to whoever unpacks them, the user of the container, and are as new as that: busybox knows whole
/// seconds only, and a program that looks at times would miss the second of two saves. What is left unread when `tar` fails is read,
/// since a node may wait for ever for somebody to take it.
const UNPACK: &str = "tar -C / -x -m -o -f -; code=$?; cat >/dev/null; exit $code";

/// An update of containers of a resource.
pub struct PodUpdate<'a> {
    /// The cluster.
    pub connection: &'a Connection,
    /// The resource, as it is.
    pub view: Arc<View>,
    /// What is done.
    pub order: &'a Arc<PodUpdateOrder>,
    /// Where it says what it does.
    pub voice: &'a Voice,
}

impl PodUpdate<'_> {
    /// Performs it.
    pub async fn perform(&self) -> RunEnd {
        Stopped::end(self.attempt().await, self.voice.logs())
    }

    async fn attempt(&self) -> Result<(), Stopped> {
        let targets = self.targets()?;
        self.change_files(&targets).await?;
        for step in &self.order.runs {
            self.run_step(&targets, step).await?;
        }
        Ok(())
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        let target = |(id, container): &(crate::model::PodId, String)| {
            let pod = self.view.state.pods.iter().find(|pod| pod.id == *id && !pod.is_ending);
            let pod = pod
                .ok_or_else(|| Failure { message: "the pod is gone that was to be changed".to_owned(), help: None })?;
            Ok(Target { pod: pod.name.clone(), namespace: pod.namespace.clone(), container: container.clone() })
        };
        self.order.containers.iter().map(target).collect()
    }

    async fn change_files(&self, targets: &[Target]) -> Result<(), Failure> {
        let Changes { removal, files } =
            Changes::look(self.order.copies.clone(), &self.order.removals, self.order.folders.clone()).await?;
        let one_by_one = removal.is_in_the_way_of(&files);
        let remove = async { try_join_all(targets.iter().map(|target| self.remove(target, &removal))).await.map(drop) };
        change(one_by_one, remove, self.copy(targets, files)).await
    }

    /// Removes what goes. What became a folder here goes unless it is one there too.
    async fn remove(&self, target: &Target, removal: &Removal) -> Result<(), Failure> {
        for (option, paths, must_work) in [("-rf", &removal.all, true), ("-f", &removal.files, false)] {
            for piece in pieces(paths.clone(), ARGUMENTS_BYTES_MAX) {
                let options = ["rm", option, "--"].map(str::to_owned);
                let argv: Vec<String> = options.into_iter().chain(piece.iter().map(FilePath::to_string)).collect();
                let mut said = Vec::new();
                let ended = exec(self.connection, target, &argv, None, |_, bytes| keep(&mut said, bytes)).await;
                let ended =
                    ended.map_err(|error| target.failure(self.connection, "files cannot be removed in", &error))?;
                if must_work {
                    worked("rm", "files cannot be removed in", target, ended, &said)?;
                }
            }
        }
        Ok(())
    }

    /// Copies files into all containers.
    async fn copy(&self, targets: &[Target], files: Vec<(FilePath, FilePath)>) -> Result<(), Failure> {
        if targets.is_empty() || files.is_empty() {
            return Ok(());
        }
        let contents = Contents { base: FilePath::new("/"), owner: Owner::default(), folders: Vec::new(), files };
        send(contents, targets, |target, chunks| self.unpack(target, chunks)).await
    }

    async fn unpack(&self, target: &Target, chunks: Chunks) -> Result<(), Failure> {
        let argv = ["sh", "-c", UNPACK].map(str::to_owned);
        let mut said = Vec::new();
        let ended = exec(self.connection, target, &argv, Some(chunks), |_, bytes| keep(&mut said, bytes)).await;
        let ended = ended.map_err(|error| target.failure(self.connection, "files cannot be copied into", &error))?;
        let program = if matches!(ended, Ended::Refused(_)) { "sh" } else { "tar" };
        worked(program, "files cannot be copied into", target, ended, &said)
    }

    async fn run_step(&self, targets: &[Target], step: &RunStep) -> Result<(), Stopped> {
        let called = shown(&step.argv);
        if !step.echo_off {
            self.voice.say(&format!("runs `{called}`"));
        }
        let argv = within(step);
        let run = async |target: &Target| {
            let writer = self.voice.writer();
            let ended = exec(self.connection, target, &argv, None, |stream, bytes| writer.write(stream, bytes)).await;
            let doing = format!("`{called}` cannot be run in");
            match ended.map_err(|error| target.failure(self.connection, &doing, &error))? {
                Ended::Code(code) => Ok(code),
                Ended::Refused(why) => {
                    Err(Failure { message: format!("{doing} {}: {why}", target.title()), help: None })
                }
            }
        };
        run_alike(&called, targets, Target::title, run).await
    }
}

/// Whether a program of the container did what it should.
fn worked(program: &str, doing: &str, target: &Target, ended: Ended, said: &[u8]) -> Result<(), Failure> {
    let missing = || Failure {
        message: format!("{doing} {}: it has no `{program}`", target.title()),
        help: Some(format!("put `{program}` into the image, or leave `live_update` out")),
    };
    match ended {
        Ended::Code(0) => Ok(()),
        // A shell says that of what it does not find.
        Ended::Code(126 | 127) => Err(missing()),
        Ended::Code(code) => {
            let text = String::from_utf8_lossy(said);
            let first = text.lines().next().map_or_else(|| format!("`{program}` ended with {code}"), str::to_owned);
            let may_not = first.contains("ermission denied") || first.contains("ead-only file system");
            let help = may_not.then(|| "sync to a folder that the container's user may write".to_owned());
            Err(Failure { message: format!("{doing} {}: {first}", target.title()), help })
        }
        Ended::Refused(why) if why.contains("not found") || why.contains("no such file") => Err(missing()),
        Ended::Refused(why) => Err(Failure { message: format!("{doing} {}: {why}", target.title()), help: None }),
    }
}

/// The command of a step, with the folder and the variables that it asks for.
fn within(step: &RunStep) -> Vec<String> {
    let mut argv = Vec::new();
    if let Some(dir) = &step.dir {
        argv.extend(["sh", "-c", r#"cd "$0" && exec "$@""#].map(str::to_owned));
        argv.push(dir.clone());
    }
    if !step.env.is_empty() {
        argv.push("env".to_owned());
        argv.extend(step.env.iter().cloned());
    }
    argv.extend(step.argv.iter().cloned());
    argv
}
