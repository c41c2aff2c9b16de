//! The shim: the process between orch and one command, which owns the command's whole tree.
//!
//! It is a subreaper: whatever a descendant does to get away (a group or session of its own, forking twice), it becomes the
//! shim's child when its parent ends. So the tree has ended when the shim has no children left, and not before.
//!
//! Asking a tree to end means SIGTERM to each of its processes, parents first, so that no shell goes on to its next line
//! because its child was ended. A process that starts after that was started by one that is cleaning up, and is asked only if
//! its parent leaves it behind. One that was asked between its fork and its `exec` may have lost the signal: it is asked again.
//! After the grace all are killed, again and again until nobody is left. A process that may not
//! be signalled (it runs as another user) is left.

use super::{
    starter::{self, Possessions},
    sys::start_command,
    tree::{Member, MemberId, living_descendants, send},
    wire::{FRAME, ReceivedOrder, Report, Status, Terms, decode_stop},
};
use crate::host::process::Kind;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, Signal, killpg},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getpid, getsid},
};
use std::{
    collections::BTreeMap,
    env,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::ExitCode,
    time::{Duration, Instant},
};

/// Does the work of the starter and its shims if this process was started for it. `main` calls this before anything else, and
/// leaves with the code if there is one.
#[must_use]
pub fn main_if_asked() -> Option<ExitCode> {
    let mut args = env::args_os().skip(1);
    if args.next()? != starter::VERB {
        return None;
    }
    let files = args.next().and_then(|text| text.to_str()?.parse().ok());
    Some(if starter::serve(files).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A shim's life: starts the command of the order that comes first, and stays until its tree has ended.
pub(super) fn own(possessions: Possessions, null: OwnedFd) -> nix::Result<()> {
    let Possessions { mut control, out, err, input } = possessions;
    // Seen in lists of processes; nothing depends on it.
    prctl::set_name(c"orch-shim").ok();
    prctl::set_child_subreaper(true)?;
    let signals = SignalFd::with_flags(&wanted_signals(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let order = ReceivedOrder::read(&mut control).map_err(|_| Errno::EBADMSG)?;
    let terms = order.terms;
    let input = input.unwrap_or(null);
    let started = start_command(&order, [input.as_fd(), out.as_fd(), err.as_fd()]);
    // The output ends when the last of the tree ends it; and an idle shim must be small.
    drop((order, out, err, input));
    let command = match started {
        Ok(command) => command,
        Err((step, errno)) => {
            tell(&mut control, Report::NotStarted(step, errno));
            return Ok(());
        }
    };
    tell(&mut control, Report::Started(command.as_raw().cast_unsigned()));
    control.set_nonblocking(true).map_err(|_| Errno::EBADF)?;
    let session = (!terms.own_sessions).then(|| getsid(None)).transpose()?;
    Shim {
        control,
        orch_lives: true,
        signals,
        terms,
        session,
        command,
        ended: None,
        told: false,
        stop: None,
        look: FIRST_LOOK,
    }
    .live()
}

fn wanted_signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// Where orch is gone, nobody wants to know.
fn tell(control: &mut UnixStream, report: Report) {
    drop(control.write_all(&report.encode()));
}

struct Shim {
    control: UnixStream,
    orch_lives: bool,
    signals: SignalFd,
    terms: Terms,
    /// Set where processes of other sessions do not belong to the tree.
    session: Option<Pid>,
    command: Pid,
    /// How the command ended, and whether it had been asked to.
    ended: Option<(Status, bool)>,
    /// Whether orch knows that it ended.
    told: bool,
    stop: Option<Stop>,
    /// How long after the last look at the tree the next one comes when nothing happens.
    look: Duration,
}

/// Each further look at a tree that takes its time comes after twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(10);

/// An ending under way.
struct Stop {
    kill_at: Instant,
    /// Who was asked, and which program it ran then.
    asked: BTreeMap<MemberId, String>,
    /// How often all were killed.
    kills: u32,
}

impl Shim {
    fn live(mut self) -> nix::Result<()> {
        loop {
            let nobody_left = self.reap();
            // Where the command is still to be reaped, that is about to happen.
            if nobody_left || (self.settle() && self.ended.is_some()) {
                self.tell_end(false);
                return Ok(());
            }
            self.wait()?;
        }
    }

    /// Waits for something to happen, and takes up what orch and others ask for.
    fn wait(&mut self) -> nix::Result<()> {
        let mut ready = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if self.orch_lives {
            ready.push(PollFd::new(self.control.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut ready, self.patience()) {
            Ok(0) => self.look *= 2,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        // Whether the command ended before it was told to is decided here.
        self.reap();
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                self.begin_stop(self.terms.grace);
            }
        }
        self.read_control();
        Ok(())
    }

    fn patience(&self) -> PollTimeout {
        let left = match &self.stop {
            Some(stop) if stop.kills > 0 => Duration::from_millis(2 << stop.kills.min(7)),
            Some(stop) => stop.kill_at.saturating_duration_since(now()).min(self.look),
            // What is left over may still go into a session of its own, which nothing tells.
            None if self.told && self.session.is_some() => self.look,
            None => return PollTimeout::NONE,
        };
        // Rounded up: else the last millisecond is spent spinning.
        PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
    }

    fn read_control(&mut self) {
        let mut frame = [0; FRAME];
        while self.orch_lives {
            match self.control.read(&mut frame) {
                Ok(FRAME) => self.begin_stop(decode_stop(frame)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.orch_lives = false;
                    self.begin_stop(self.terms.grace);
                }
            }
        }
    }

    /// Reaps what ended; whether nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Status::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Status::Signal(signal as i32)),
                Ok(WaitStatus::StillAlive) => return false,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => return true,
            };
            if pid == self.command {
                self.ended = Some((status, self.stop.is_some()));
            }
        }
    }

    /// Does what is due; whether the shim's work is over although it still has children.
    fn settle(&mut self) -> bool {
        if self.stop.is_none() {
            match self.ended {
                None => return false,
                Some((Status::Code(0), _)) if self.terms.kind == Kind::Command => return self.keep_leftovers(),
                Some(_) => self.begin_stop(self.terms.grace),
            }
        }
        self.press_stop()
    }

    /// The command succeeded and the shim has children; whether all of them are let go.
    fn keep_leftovers(&mut self) -> bool {
        let all_let_go = self.all_let_go();
        if !all_let_go {
            self.tell_end(true);
        }
        all_let_go
    }

    /// Asks the tree to end; or, if that was done before, leaves it no more time than `grace`.
    fn begin_stop(&mut self, grace: Duration) {
        let kill_at = now() + grace;
        if let Some(stop) = &mut self.stop {
            stop.kill_at = stop.kill_at.min(kill_at);
            return;
        }
        let tree = if grace.is_zero() { Vec::new() } else { self.tree() };
        self.stop = Some(Stop { kill_at, asked: tree.into_iter().map(ask).collect(), kills: 0 });
        self.look = FIRST_LOOK;
    }

    /// Goes on with an ending; whether only those are left that cannot or need not be ended.
    fn press_stop(&mut self) -> bool {
        if self.all_let_go() {
            return true;
        }
        let tree = self.tree();
        let Some(stop) = &mut self.stop else { return false };
        if now() < stop.kill_at {
            let own = getpid().as_raw();
            for member in tree {
                let ask_now = match stop.asked.get(&member.id()) {
                    Some(name) => *name != member.name,
                    None => member.parent == own,
                };
                if ask_now {
                    stop.asked.extend([ask(member)]);
                }
            }
            return false;
        }
        stop.kills += 1;
        // A group is killed at once: none of it can start another process meanwhile.
        if self.ended.is_none() {
            killpg(self.command, Signal::SIGKILL).ok();
        }
        let reached = tree.iter().filter(|member| send(member, Signal::SIGKILL)).count();
        reached == 0 && !tree.is_empty() && stop.kills > 3
    }

    fn tree(&self) -> Vec<Member> {
        living_descendants(getpid(), self.session)
    }

    /// Whether all that live are in sessions of their own and let go. Looks twice: one whose parent ends meanwhile may be
    /// missed once.
    fn all_let_go(&self) -> bool {
        self.session.is_some() && self.tree().is_empty() && self.tree().is_empty()
    }

    fn tell_end(&mut self, leftovers: bool) {
        if let (Some((status, stopped)), false) = (self.ended, self.told) {
            tell(&mut self.control, Report::Ended { status, stopped, leftovers });
            self.told = true;
        }
    }
}

/// A stopped process acts on nothing until it continues.
fn ask(member: Member) -> (MemberId, String) {
    send(&member, Signal::SIGTERM);
    send(&member, Signal::SIGCONT);
    (member.id(), member.name)
}

#[expect(clippy::disallowed_methods, reason = "a shim has no session that could tell it the time")]
fn now() -> Instant {
    Instant::now()
}
