//! Live update: files of running containers are changed in place, by programs of their own (`tar`, `rm`).
//!
//! All files of a batch go as one archive, read once and sent to all containers side by side; then commands run in all of them. What to
//! copy and when is the engine's business, as is what to do when it fails.

mod exec;

use super::{Connection, observer::View, voice::Voice};
use crate::{
    engine::PodUpdateOrder,
    host::docker::live_update::{
        archive::{Contents, Cut},
        owner::Owner,
        source::Sources,
        tee::{Chunks, Tee},
    },
    model::{Exit, Failure, FilePath, RunStep},
};
use exec::{Ended, exec};
use futures_util::future::{join_all, try_join_all};
use std::sync::Arc;

/// How many bytes of paths one `rm` gets: they are a part of the request's address.
const ARGUMENTS_BYTES_MAX: usize = 16_000;
/// How much of what `tar` and `rm` say is kept.
const SAID_BYTES_MAX: usize = 4096;

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

/// A container that is changed.
struct Target {
    pod: String,
    namespace: String,
    container: String,
}

/// Why an update ends before its end.
enum Stopped {
    /// A step failed in all containers alike.
    Step(i32),
    /// The containers are not what they should be.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl PodUpdate<'_> {
    /// Performs it.
    pub async fn perform(&self) -> Exit {
        match self.attempt().await {
            Ok(()) => Exit::Code(0),
            Err(Stopped::Step(code)) => Exit::Code(code),
            Err(Stopped::Failed(failure)) => Exit::NotStarted(failure),
        }
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
        let order = Arc::clone(self.order);
        let sources = blocking(move || Sources::look(&order.copies)).await?;
        let removals = self.order.removals.iter().map(FilePath::new);
        // A whole file system is nobody's file.
        let removed: Vec<FilePath> = removals.chain(sources.gone).filter(|path| path.parent().is_some()).collect();
        try_join_all(targets.iter().map(|target| self.remove(target, &removed, &sources.folders))).await?;
        self.copy(targets, sources.files).await
    }

    /// Removes what is gone here; what became a folder here goes unless it is one there too.
    async fn remove(&self, target: &Target, removed: &[FilePath], folders: &[FilePath]) -> Result<(), Failure> {
        for (option, paths, must_work) in [("-rf", removed, true), ("-f", folders, false)] {
            for piece in pieces(paths) {
                let argv: Vec<String> = ["rm", option, "--"].map(str::to_owned).into_iter().chain(piece).collect();
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
        let (mut tee, readers) = Tee::new(targets.len());
        let writing = blocking(move || match contents.write(&mut tee) {
            Err(Cut::Unreadable(failure)) => {
                tee.cut_off();
                Err(failure)
            }
            // Whoever went away says why.
            Err(Cut::Unread) | Ok(()) => Ok(()),
        });
        let uploads = targets.iter().zip(readers).map(|(target, chunks)| self.unpack(target, chunks));
        let (written, unpacked) = futures_util::join!(writing, join_all(uploads));
        written??;
        unpacked.into_iter().collect()
    }

    async fn unpack(&self, target: &Target, chunks: Chunks) -> Result<(), Failure> {
        // Files belong to whoever unpacks them: the user of the container.
        let argv = ["tar", "-C", "/", "-x", "-o", "-f", "-"].map(str::to_owned);
        let mut said = Vec::new();
        let ended = exec(self.connection, target, &argv, Some(chunks), |_, bytes| keep(&mut said, bytes)).await;
        let ended = ended.map_err(|error| target.failure(self.connection, "files cannot be copied into", &error))?;
        worked("tar", "files cannot be copied into", target, ended, &said)
    }

    /// Runs a command in all containers. All that fail alike are still alike.
    async fn run_step(&self, targets: &[Target], step: &RunStep) -> Result<(), Stopped> {
        let called = shown(&step.argv);
        if !step.echo_off {
            self.voice.say(&format!("runs `{called}`"));
        }
        let argv = within(step);
        let runs = targets.iter().map(|target| {
            let (writer, argv) = (self.voice.writer(), &argv);
            async move {
                let ended =
                    exec(self.connection, target, argv, None, |stream, bytes| writer.write(stream, bytes)).await;
                let doing = format!("`{}` cannot be run in", shown(&step.argv));
                let ended = ended.map_err(|error| target.failure(self.connection, &doing, &error))?;
                match ended {
                    Ended::Code(code) => Ok(code),
                    Ended::Refused(why) => {
                        Err(Failure { message: format!("{doing} {}: {why}", target.title()), help: None })
                    }
                }
            }
        });
        let codes = join_all(runs).await.into_iter().collect::<Result<Vec<i32>, Failure>>()?;
        let Some(first) = codes.first().copied() else { return Ok(()) };
        match codes.iter().zip(targets).find(|(code, _)| **code != first) {
            Some((other, target)) => Err(Stopped::Failed(Failure {
                message: format!(
                    "`{called}` ended with {first} in {} and with {other} in {}",
                    targets[0].title(),
                    target.title()
                ),
                help: None,
            })),
            None if first != 0 => Err(Stopped::Step(first)),
            None => Ok(()),
        }
    }
}

impl Target {
    fn title(&self) -> String {
        format!("the container `{}` of the pod `{}`", self.container, self.pod)
    }

    fn failure(&self, connection: &Connection, doing: &str, error: &kube_client::Error) -> Failure {
        connection.failure(&format!("{doing} {}", self.title()), error)
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
        Ended::Code(126 | 127) if said.is_empty() => Err(missing()),
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

fn keep(said: &mut Vec<u8>, bytes: &[u8]) {
    said.extend_from_slice(&bytes[..bytes.len().min(SAID_BYTES_MAX.saturating_sub(said.len()))]);
}

/// Paths in pieces that fit into a request.
fn pieces(paths: &[FilePath]) -> Vec<Vec<String>> {
    let mut pieces: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for path in paths {
        let length = path.as_bytes().len();
        match pieces.last_mut() {
            Some(piece) if length <= room => piece.push(path.to_string()),
            Some(_) | None => {
                room = ARGUMENTS_BYTES_MAX;
                pieces.push(vec![path.to_string()]);
            }
        }
        room = room.saturating_sub(length);
    }
    pieces
}

/// Does what takes a while on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure { message: "the files could not be read".to_owned(), help: None })
}

/// A command as people write it.
fn shown(argv: &[String]) -> String {
    let word = |word: &String| {
        let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"\\$`".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    match argv {
        [shell, option, script] if shell == "sh" && option == "-c" => script.clone(),
        argv => argv.iter().map(word).collect::<Vec<_>>().join(" "),
    }
}
