//! One started process as orch sees it: its shim's reports, its stops, and what it writes.

use super::{
    Ended, OutputSink, Stream,
    failure::{not_started, shim_ended},
    sys::bytes_waiting,
    wire::{FRAME, Report, Status, encode_stop},
};
use crate::{
    engine::CommandSpec,
    model::{Exit, Failure},
};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc::SIGKILL,
};
use std::{
    cell::RefCell,
    future,
    io::{self, PipeReader},
    os::fd::AsFd,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf, pipe},
    },
    sync::{mpsc, watch},
};

/// What is read at once.
const CHUNK: usize = 256 * 1024;
/// A pipe's size where nobody changed it: as much at once means that the writer had to wait.
const PIPE_FULL: usize = 64 * 1024;
/// What a pipe gets whose writer had to wait. Not from the start: a user's pipes share one limit.
const PIPE_GROWN: i32 = 1024 * 1024;

thread_local! {
    /// One for all processes: they are read one after the other.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// Where a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Neither started nor failed to.
    Starting,
    /// It runs, with this pid.
    Started(u32),
    /// It ended, its leftovers did not.
    Ended(Option<u32>, Ended),
    /// All has ended.
    Gone(Option<u32>, Ended),
}

/// Accompanies a process from the request for its shim to the end of its output.
pub(super) struct Attendant {
    reports: Option<OwnedReadHalf>,
    /// Its closing tells the shim that orch is gone.
    orders: Option<OwnedWriteHalf>,
    unsent: Vec<u8>,
    received: Vec<u8>,
    stop_asked: bool,
    command: CommandSpec,
    phase: watch::Sender<Phase>,
    output: [Option<Pipe>; 2],
    /// Until it is closed.
    sink: Option<Arc<dyn OutputSink>>,
}

/// What woke the attendant.
enum Woken {
    Control,
    Unsent,
    Stop(Option<Duration>),
    Output(Stream),
}

impl Attendant {
    /// `unsent` is what of the order is still to be sent over `control`.
    pub(super) fn new(
        control: std::os::unix::net::UnixStream,
        unsent: Vec<u8>,
        [out, err]: [PipeReader; 2],
        command: CommandSpec,
        phase: watch::Sender<Phase>,
        sink: Arc<dyn OutputSink>,
    ) -> io::Result<Self> {
        let (reports, orders) = UnixStream::from_std(control)?.into_split();
        Ok(Self {
            reports: Some(reports),
            orders: Some(orders),
            unsent,
            received: Vec::new(),
            stop_asked: false,
            command,
            phase,
            output: [Some(Pipe::new(out)?), Some(Pipe::new(err)?)],
            sink: Some(sink),
        })
    }

    /// Does it all.
    pub(super) async fn attend(mut self, mut stops: mpsc::UnboundedReceiver<Duration>) {
        while self.reports.is_some() || self.output.iter().any(Option::is_some) {
            match self.woken(&mut stops).await {
                Woken::Control => self.read_reports(),
                Woken::Unsent => self.send(),
                Woken::Stop(grace) => self.pass_stop(grace),
                Woken::Output(stream) => self.read(stream),
            }
        }
    }

    async fn woken(&self, stops: &mut mpsc::UnboundedReceiver<Duration>) -> Woken {
        let [out, err] = &self.output;
        let send = !self.unsent.is_empty();
        tokio::select! {
            () = readable(self.reports.as_ref()) => Woken::Control,
            () = writable(self.orders.as_ref()), if send => Woken::Unsent,
            grace = stops.recv(), if self.orders.is_some() && !send => Woken::Stop(grace),
            () = ready(out.as_ref()) => Woken::Output(Stream::Out),
            () = ready(err.as_ref()) => Woken::Output(Stream::Err),
        }
    }

    fn pass_stop(&mut self, grace: Option<Duration>) {
        match grace {
            Some(grace) => {
                self.stop_asked = true;
                self.unsent.extend(encode_stop(grace));
                self.send();
            }
            None => self.orders = None,
        }
    }

    fn send(&mut self) {
        let Some(orders) = &self.orders else { return self.unsent.clear() };
        match orders.try_write(&self.unsent) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The shim is gone; its reports end, and that counts.
            Err(_) => {
                self.unsent.clear();
                self.orders = None;
            }
        }
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
    }

    fn read_reports(&mut self) {
        let Some(reports) = &self.reports else { return };
        let mut bytes = [0; 8 * FRAME];
        match reports.try_read(&mut bytes) {
            Ok(count) if count > 0 => self.received.extend(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => return self.on_shim_gone(),
        }
        while let Some((frame, rest)) = self.received.split_first_chunk::<FRAME>() {
            let (report, rest) = (Report::decode(*frame), rest.to_vec());
            self.received = rest;
            if let Some(report) = report {
                self.on_report(report);
            }
        }
    }

    fn on_report(&mut self, report: Report) {
        match report {
            Report::Started(pid) => drop(self.phase.send_replace(Phase::Started(pid))),
            Report::NotStarted(step, errno) => {
                self.all_ended(Exit::NotStarted(not_started(&self.command, step, errno)));
            }
            Report::Ended { status, stopped, leftovers } => {
                let exit = match status {
                    _ if stopped => Exit::Stopped,
                    Status::Code(code) => Exit::Code(code),
                    Status::Signal(signal) => Exit::Signal(signal),
                };
                if leftovers {
                    self.read_what_is_there();
                    let ended = Ended { exit, leftovers };
                    self.phase.send_modify(|phase| *phase = Phase::Ended(phase.pid(), ended));
                } else {
                    self.all_ended(exit);
                }
            }
        }
    }

    /// The shim ends after its tree, or was killed; then the kernel killed the command too.
    fn on_shim_gone(&mut self) {
        self.reports = None;
        self.orders = None;
        self.unsent = Vec::new();
        let phase = self.phase.borrow().clone();
        match phase {
            Phase::Gone(..) => {}
            Phase::Ended(pid, ended) => {
                self.read_what_is_there();
                self.phase.send_replace(Phase::Gone(pid, ended));
            }
            _ if self.stop_asked => self.all_ended(Exit::Stopped),
            Phase::Started(_) => self.all_ended(Exit::Signal(SIGKILL)),
            Phase::Starting => self.all_ended(Exit::NotStarted(shim_ended())),
        }
    }

    fn all_ended(&mut self, exit: Exit) {
        self.read_what_is_there();
        // So the end of the output is known before the end of the process, unless one that was let go still holds it.
        for stream in [Stream::Out, Stream::Err] {
            if self.pass_on(stream, Pipe::read_now).is_none() {
                self.output[stream as usize] = None;
            }
        }
        if self.output.iter().all(Option::is_none) {
            self.close();
        }
        let ended = Ended { exit, leftovers: false };
        self.phase.send_modify(|phase| *phase = Phase::Gone(phase.pid(), ended));
    }

    /// Passes on all that was written until now. No more: what is left over may write for ever.
    fn read_what_is_there(&mut self) {
        for stream in [Stream::Out, Stream::Err] {
            let mut waiting = self.output[stream as usize].as_ref().map_or(0, |pipe| bytes_waiting(pipe.end.as_fd()));
            while waiting > 0 {
                match self.pass_on(stream, Pipe::read_now) {
                    Some(count) if count > 0 => waiting = waiting.saturating_sub(count),
                    _ => break,
                }
            }
        }
    }

    fn close(&mut self) {
        if let Some(sink) = self.sink.take() {
            sink.close();
        }
    }

    fn read(&mut self, stream: Stream) {
        if self.pass_on(stream, Pipe::read_when_ready).is_none() {
            self.output[stream as usize] = None;
        }
    }

    /// Passes on what one read gives: how much it was, `None` at the end.
    fn pass_on(&mut self, stream: Stream, read: fn(&Pipe, &mut [u8]) -> io::Result<usize>) -> Option<usize> {
        let (pipe, sink) = (self.output[stream as usize].as_mut()?, self.sink.as_ref()?);
        BUFFER.with_borrow_mut(|buffer| match read(pipe, buffer) {
            Ok(0) => None,
            Ok(count) => {
                pipe.make_room(count);
                sink.write(stream, &buffer[..count]);
                Some(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Some(0),
            Err(_) => None,
        })
    }
}

impl Drop for Attendant {
    /// Also when `Processes` is gone before the process.
    fn drop(&mut self) {
        self.close();
    }
}

impl Phase {
    fn pid(&self) -> Option<u32> {
        match self {
            Self::Starting => None,
            Self::Started(pid) => Some(*pid),
            Self::Ended(pid, _) | Self::Gone(pid, _) => *pid,
        }
    }
}

/// Tells that a process was never started, where there is nothing to attend.
pub(super) fn never_started(phase: &watch::Sender<Phase>, sink: &dyn OutputSink, failure: Failure) {
    phase.send_replace(Phase::Gone(None, Ended { exit: Exit::NotStarted(failure), leftovers: false }));
    sink.close();
}

/// The end of a pipe from which an output is read.
struct Pipe {
    end: pipe::Receiver,
    grown: bool,
}

impl Pipe {
    fn new(end: PipeReader) -> io::Result<Self> {
        Ok(Self { end: pipe::Receiver::from_owned_fd(end.into())?, grown: false })
    }

    fn read_when_ready(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.end.try_read(buffer)
    }

    /// Also what tokio has not heard of yet.
    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(self.end.as_fd(), buffer)?)
    }

    /// A writer that is faster than the reader gets a bigger pipe, where it may be had.
    fn make_room(&mut self, count: usize) {
        if count >= PIPE_FULL && !self.grown {
            self.grown = true;
            fcntl(self.end.as_fd(), FcntlArg::F_SETPIPE_SZ(PIPE_GROWN)).ok();
        }
    }
}

async fn ready(pipe: Option<&Pipe>) {
    match pipe {
        Some(pipe) => drop(pipe.end.readable().await),
        None => future::pending().await,
    }
}

async fn readable(half: Option<&OwnedReadHalf>) {
    match half {
        Some(half) => drop(half.readable().await),
        None => future::pending().await,
    }
}

async fn writable(half: Option<&OwnedWriteHalf>) {
    match half {
        Some(half) => drop(half.writable().await),
        None => future::pending().await,
    }
}
