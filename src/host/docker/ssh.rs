//! A connection to an engine of another machine: ssh runs `docker system dial-stdio` there, as the docker tool does it.

use std::{
    io,
    pin::Pin,
    process::Stdio,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

/// How long ssh may try to reach the machine, in seconds.
const CONNECT_SECONDS: u32 = 10;
/// How much of what ssh complains of is told.
const COMPLAINT_BYTES: u64 = 4096;

/// What ssh and the command on the other machine carry. Dropping it ends ssh.
pub(super) struct SshStream {
    input: ChildStdin,
    output: ChildStdout,
    /// Something came: what ssh says from now on is no reason why there is no connection.
    answered: bool,
    complaint: Complaint,
    _ssh: Child,
}

/// What ssh complains of.
enum Complaint {
    /// It may still say something.
    Open(JoinHandle<String>),
    Said(String),
}

impl Complaint {
    /// Why there is no connection, once ssh has said all.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Self::Open(reading) = self {
            *self = Self::Said(ready!(Pin::new(reading).poll(cx)).unwrap_or_default());
        }
        let said = match self {
            Self::Said(text) if !text.is_empty() => text,
            Self::Said(_) | Self::Open(_) => "nothing, and ended",
        };
        Poll::Ready(io::Error::other(format!("ssh says: {said}")))
    }
}

/// Starts ssh. Whether it gets anywhere shows at the first read.
pub(super) fn dial(user: Option<&str>, host: &str, port: Option<u16>, socket: Option<&str>) -> io::Result<SshStream> {
    let mut ssh = command(user, host, port, socket).spawn().map_err(|error| {
        let message = format!("`ssh` cannot be started: {error}");
        io::Error::other(message)
    })?;
    let (Some(input), Some(output), Some(complaints)) = (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take()) else {
        return Err(io::Error::other("`ssh` was started without pipes"));
    };
    let complaint = tokio::spawn(async move {
        let mut text = Vec::new();
        // What could be read of it is what is known.
        complaints.take(COMPLAINT_BYTES).read_to_end(&mut text).await.ok();
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    Ok(SshStream { input, output, answered: false, complaint: Complaint::Open(complaint), _ssh: ssh })
}

fn command(user: Option<&str>, host: &str, port: Option<u16>, socket: Option<&str>) -> Command {
    let mut ssh = Command::new("ssh");
    // Nobody sits at that terminal who could be asked for a password.
    ssh.args(["-T", "-o", "BatchMode=yes", "-o", &format!("ConnectTimeout={CONNECT_SECONDS}")]);
    user.map(|user| ssh.args(["-l", user]));
    port.map(|port| ssh.args(["-p", &port.to_string()]));
    ssh.args(["--", host, "docker"]);
    socket.map(|socket| ssh.args(["--host", &format!("unix://{socket}")]));
    ssh.args(["system", "dial-stdio"]);
    // A Ctrl-C in the terminal is orch's to hear.
    ssh.process_group(0).kill_on_drop(true);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ssh
}

impl AsyncRead for SshStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.output).poll_read(cx, buf))?;
        self.answered |= buf.filled().len() > before;
        if self.answered {
            return Poll::Ready(Ok(()));
        }
        self.complaint.poll(cx).map(Err)
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.input).poll_write(cx, bytes)) {
            // It ended before it heard anything: what it said of that says more.
            Err(error) if !self.answered && error.kind() == io::ErrorKind::BrokenPipe => {
                self.complaint.poll(cx).map(Err)
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
