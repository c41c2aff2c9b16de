//! The calls to the kernel that the standard library and nix have no safe form for. All unsafe code of orch is here.

#![expect(unsafe_code, reason = "fork, clone and passed file descriptors have no safe form")]

use super::wire::{ReceivedOrder, Step};
use nix::{
    cmsg_space,
    errno::Errno,
    libc::{self, c_char, c_int, c_void},
    sys::socket::{ControlMessageOwned, MsgFlags, recvmsg},
    unistd::{ForkResult, Pid},
};
use std::{
    io::IoSliceMut,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// The most file descriptors that come with one request.
const DESCRIPTORS: usize = 4;

/// Which of the two processes this is after a fork.
pub(super) enum Fork {
    /// The new one.
    Child,
    /// The old one, with the new one's pid.
    Parent(Pid),
}

/// Forks. Only for a process without other threads: then everything may be called in the child.
pub(super) fn fork() -> nix::Result<Fork> {
    // SAFETY: the starter has one thread, so no lock is held by a thread that the child lacks.
    Ok(match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Fork::Child,
        ForkResult::Parent { child } => Fork::Parent(child),
    })
}

/// Waits for the next request; gives its file descriptors, or `None` when the other side is gone.
pub(super) fn receive_descriptors(socket: BorrowedFd<'_>) -> nix::Result<Option<Vec<OwnedFd>>> {
    let mut byte = [0];
    let mut iov = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([RawFd; DESCRIPTORS]);
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            // SAFETY: the kernel made these for this process just now; nobody else knows them.
            descriptors.extend(fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok((message.bytes > 0).then_some(descriptors))
}

/// Ends this process without the work that a whole program does at its end: it would touch memory that is shared until then.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process; nothing of it is used after.
    unsafe { libc::_exit(code) }
}

/// How many bytes wait in a pipe.
pub(super) fn bytes_waiting(pipe: BorrowedFd<'_>) -> usize {
    let mut count: c_int = 0;
    // SAFETY: FIONREAD writes one int.
    let result = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) };
    if result == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

/// What the new process needs, and where it says why it failed: it shares this process' memory until it executes.
struct Launch<'a> {
    dir: *const c_char,
    candidates: &'a [*const c_char],
    argv: *const *const c_char,
    env: *const *const c_char,
    /// Standard input, output and error.
    standard: [RawFd; 3],
    parent: libc::pid_t,
    failed: Option<(Step, c_int)>,
}

/// Starts the command of an order as a child in a process group of its own that dies with this process. Returns once it
/// executes or failed to. All signals must be blocked.
pub(super) fn start_command(order: &ReceivedOrder, standard: [BorrowedFd<'_>; 3]) -> Result<Pid, (Step, i32)> {
    let (dir, [candidates, argv, env]) = order.pointers();
    let mut launch = Launch {
        dir,
        candidates: &candidates[..candidates.len() - 1],
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        standard: standard.map(|fd| fd.as_raw_fd()),
        // SAFETY: always succeeds.
        parent: unsafe { libc::getpid() },
        failed: None,
    };
    let mut stack = vec![0_u128; 2048];
    // SAFETY: CLONE_VFORK holds this thread until the child executed or ended, so `launch` and the stack outlive its use of
    // them; `run` makes only direct system calls. Sharing the memory makes this as cheap for a big process as for a small one.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.len());
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(run, top.cast::<c_void>(), flags, (&raw mut launch).cast::<c_void>())
    };
    if pid < 0 {
        return Err((Step::Fork, Errno::last_raw()));
    }
    // SAFETY: the child wrote it before it ended; it is read once, after the child.
    match unsafe { (&raw const launch.failed).read_volatile() } {
        None => Ok(Pid::from_raw(pid)),
        Some(failed) => {
            // SAFETY: reaps the child that failed.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            Err(failed)
        }
    }
}

/// The new process until it executes.
extern "C" fn run(launch: *mut c_void) -> c_int {
    // SAFETY: see `start_command`.
    unsafe {
        let launch = launch.cast::<Launch<'_>>();
        (*launch).failed = Some(become_command(&*launch));
        libc::_exit(127)
    }
}

/// Turns this process into the command. Returns only if that failed.
unsafe fn become_command(launch: &Launch<'_>) -> (Step, c_int) {
    // SAFETY: all are plain system calls on values that outlive them.
    unsafe {
        libc::setpgid(0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != launch.parent {
            libc::_exit(127);
        }
        if libc::chdir(launch.dir) != 0 {
            return (Step::Dir, Errno::last_raw());
        }
        for (number, from) in (0..).zip(launch.standard) {
            if libc::dup2(from, number) < 0 {
                return (Step::Fork, Errno::last_raw());
            }
        }
        // Rust programs start with SIGPIPE ignored; others must not inherit that.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        (Step::Exec, execute(launch))
    }
}

/// Executes the first candidate that can be. Goes on where `execvp` does: what is not there, or may not be executed.
unsafe fn execute(launch: &Launch<'_>) -> c_int {
    let mut found = libc::ENOENT;
    for candidate in launch.candidates {
        // SAFETY: the lists end with null pointers.
        unsafe { libc::execve(*candidate, launch.argv, launch.env) };
        match Errno::last_raw() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => found = libc::EACCES,
            other => return other,
        }
    }
    found
}
