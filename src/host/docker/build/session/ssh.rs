//! The user's ssh agent for `RUN --mount=type=ssh`: a build may list its keys and sign with them, no more. Keys that are named by
//! their files get an agent of their own for as long as the build takes.

use super::super::private::PrivateFolder;
use crate::{
    engine::CommandSpec,
    host::process::{Capture, Kind, OutputSink, Processes, Running, Spawn, Stream},
    model::{Exit, Failure, FilePath},
};
use bollard_buildkit_proto::moby::sshforward::v1::{
    BytesMessage, CheckAgentRequest, CheckAgentResponse, ssh_server::Ssh,
};
use std::{collections::BTreeMap, fs, io, os::unix::fs::FileTypeExt, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{Notify, mpsc},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The id of an agent that nobody named.
const DEFAULT: &str = "default";
/// Where the engine says which agent it means.
const ID_HEADER: &str = "buildkit.ssh.id";
/// No message of an agent is longer.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// What a build may ask of an agent: to list keys, to sign.
const ALLOWED: [u8; 2] = [11, 13];
/// The agent's answer to all else, with its length.
const REFUSAL: [u8; 5] = [0, 0, 0, 1, 5];
/// How long an agent of our own may take to end.
const AGENT_GRACE: Duration = Duration::from_secs(1);

/// The agents of one build by their ids.
#[derive(Debug, Default)]
pub(in super::super) struct Agents {
    sockets: BTreeMap<String, PathBuf>,
    /// End when this is dropped.
    own: Vec<OwnAgent>,
}

#[derive(Debug)]
struct OwnAgent {
    _running: Running,
    _folder: PrivateFolder,
}

impl Agents {
    /// Understands `default`, `ID` and `ID=SOCKET|KEY[,KEY]`, as `docker build --ssh` does.
    pub(in super::super) async fn new(
        specs: &[String],
        dir: &FilePath,
        agent: Option<String>,
        processes: &Processes,
    ) -> Result<Self, Failure> {
        let mut agents = Self::default();
        for spec in specs {
            let (id, paths) = spec.split_once('=').unwrap_or((spec, ""));
            let id = if id.is_empty() { DEFAULT } else { id };
            let paths: Vec<FilePath> =
                paths.split(',').filter(|path| !path.is_empty()).map(|path| dir.join(path)).collect();
            let socket = match (paths.as_slice(), &agent) {
                ([], Some(agent)) => agent.into(),
                ([], None) => return Err(no_agent(spec)),
                ([path], _) if is_socket(path) => path.as_path().to_owned(),
                _ => agents.start(&paths, processes).await?,
            };
            agents.sockets.insert(id.to_owned(), socket);
        }
        Ok(agents)
    }

    /// Starts an agent that knows these keys.
    async fn start(&mut self, keys: &[FilePath], processes: &Processes) -> Result<PathBuf, Failure> {
        if let Some(key) = keys.iter().find(|key| !key.as_path().is_file()) {
            let message = format!("there is no ssh key at `{}`", key.as_path().display());
            return Err(Failure { message, help: None });
        }
        let folder = PrivateFolder::new().map_err(|error| no_own_agent(&error.to_string()))?;
        let socket = folder.path().join("agent");
        let listening = Arc::new(Listening::default());
        let command = spec(&["ssh-agent", "-D", "-a", &socket.to_string_lossy()], BTreeMap::new());
        let running = processes.spawn(Spawn::new(&command, Kind::Server, AGENT_GRACE), listening.clone());
        // It says where it listens once it does.
        tokio::select! {
            () = listening.said.notified() => {}
            ended = running.ended() => return Err(no_own_agent(&listening.why(&ended.exit))),
        }
        for key in keys {
            let environment = [
                ("SSH_AUTH_SOCK".to_owned(), Some(socket.to_string_lossy().into_owned())),
                ("SSH_ASKPASS_REQUIRE".to_owned(), Some("never".to_owned())),
            ];
            let command = spec(&["ssh-add", "-q", "--", &key.as_path().to_string_lossy()], environment.into());
            let output = Arc::new(Capture::default());
            let ended = processes.spawn(Spawn::new(&command, Kind::Server, AGENT_GRACE), output.clone()).ended().await;
            if !ended.exit.is_success() {
                let said = String::from_utf8_lossy(&output.take(Stream::Err)).trim().to_owned();
                return Err(key_refused(key, &said));
            }
        }
        self.own.push(OwnAgent { _running: running, _folder: folder });
        Ok(socket)
    }
}

/// Tells when a process says its first word.
#[derive(Default)]
struct Listening {
    said: Notify,
    errors: Capture,
}

impl Listening {
    fn why(&self, exit: &Exit) -> String {
        match exit {
            Exit::NotStarted(failure) => failure.message.clone(),
            _ => String::from_utf8_lossy(&self.errors.take(Stream::Err)).trim().to_owned(),
        }
    }
}

impl OutputSink for Listening {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Out => self.said.notify_one(),
            Stream::Err => self.errors.write(stream, bytes),
        }
    }

    fn close(&self) {}
}

fn spec(argv: &[&str], env: BTreeMap<String, Option<String>>) -> CommandSpec {
    CommandSpec { argv: argv.iter().map(|&word| word.to_owned()).collect(), dir: FilePath::new("/"), env }
}

fn is_socket(path: &FilePath) -> bool {
    fs::metadata(path.as_path()).is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn no_agent(spec: &str) -> Failure {
    Failure {
        message: format!("the build wants an ssh agent (`ssh={spec}`), and none runs: `SSH_AUTH_SOCK` is not set"),
        help: Some("start one (`eval $(ssh-agent)`, `ssh-add`), or name a key: `default=PATH`".to_owned()),
    }
}

fn no_own_agent(why: &str) -> Failure {
    Failure {
        message: format!("no ssh agent for the keys of the build: {why}"),
        help: Some("install `openssh-client`, or use an agent that runs".to_owned()),
    }
}

fn key_refused(key: &FilePath, said: &str) -> Failure {
    Failure {
        message: format!("the ssh key `{}` cannot be used: {said}", key.as_path().display()),
        help: Some("for a key with a passphrase, `ssh-add` it to your agent and write `ssh=\"default\"`".to_owned()),
    }
}

/// The service.
#[derive(Debug)]
pub(super) struct Service(pub(super) Arc<Agents>);

#[tonic::async_trait]
impl Ssh for Service {
    type ForwardAgentStream = ReceiverStream<Result<BytesMessage, Status>>;

    async fn check_agent(&self, request: Request<CheckAgentRequest>) -> Result<Response<CheckAgentResponse>, Status> {
        self.socket(&request.get_ref().id)?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get(ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let socket = self.socket(id)?;
        let agent = UnixStream::connect(socket).await;
        let agent = agent.map_err(|error| Status::unavailable(format!("the ssh agent does not answer: {error}")))?;
        let (out, answers) = mpsc::channel(1);
        let agents = self.0.clone();
        tokio::spawn(async move {
            // That one side closed is how it ends.
            forward(request.into_inner(), agent, &out).await.ok();
            drop(agents);
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

impl Service {
    fn socket(&self, id: &str) -> Result<&PathBuf, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        let missing = || Status::not_found(format!("no ssh agent `{id}` was given to the build (`ssh=`)"));
        self.0.sockets.get(id).ok_or_else(missing)
    }
}

/// Takes one request after the other to the agent, and its answer back.
async fn forward(
    mut requests: Streaming<BytesMessage>,
    mut agent: UnixStream,
    out: &mpsc::Sender<Result<BytesMessage, Status>>,
) -> io::Result<()> {
    let mut received = Vec::new();
    while let Ok(Some(part)) = requests.message().await {
        received.extend(part.data);
        while let Some(length) = length_of(&received)? {
            let rest = received.split_off(length);
            let request = std::mem::replace(&mut received, rest);
            let data = match request.get(4) {
                Some(kind) if ALLOWED.contains(kind) => ask(&mut agent, &request).await?,
                _ => REFUSAL.to_vec(),
            };
            if out.send(Ok(BytesMessage { data })).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The length of the first message, its own length included, once all of it is there.
fn length_of(received: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = received.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*head) as usize + head.len();
    if length > MESSAGE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Some(length).filter(|length| received.len() >= *length))
}

async fn ask(agent: &mut UnixStream, request: &[u8]) -> io::Result<Vec<u8>> {
    agent.write_all(request).await?;
    let mut answer = vec![0; 4];
    agent.read_exact(&mut answer).await?;
    let length = answer.first_chunk().map_or(0, |head| u32::from_be_bytes(*head) as usize);
    if length > MESSAGE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    answer.resize(4 + length, 0);
    agent.read_exact(&mut answer[4..]).await?;
    Ok(answer)
}
