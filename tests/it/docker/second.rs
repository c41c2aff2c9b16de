//! An engine of a test's own, for faults that would hurt the others: a full disk, an engine that dies.

use super::{Engine, belongings, block_on, skip, until};
use crate::sandbox::wait_for_death;
use bollard::query_parameters::ImportImageOptionsBuilder;
use futures_util::{StreamExt as _, TryStreamExt as _};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Where an engine notes the pid of its containerd.
const CONTAINERD_PID: &str = "exec/containerd/containerd.pid";

/// How much room a second engine has for its images and containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// As much as the machine has.
    Any,
    /// A file system in memory of so many MiB. The base image takes a few.
    Mib(u32),
}

/// A `dockerd` with a folder, a socket, a network and containers of its own. Nothing outside reaches the ports of its containers, and
/// they live on when it dies. Ended, with all that it started, when this is dropped.
pub(crate) struct SecondEngine {
    engine: Engine,
    daemon: Child,
    place: Place,
}

/// Where its files are: taken apart last.
struct Place {
    folder: TempDir,
    mounted: bool,
}

impl SecondEngine {
    /// Starts one that has the base image. None where that is impossible: the test is skipped.
    #[track_caller]
    pub(crate) fn start(shared: &Engine, disk: Disk) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || Command::new("dockerd").arg("--version").output().is_err() {
            skip("a second engine needs root and `dockerd`");
            return None;
        }
        let place = Place::new(disk);
        let daemon = place.spawn();
        let engine = place.until_it_answers();
        let second = Self { engine, daemon, place };
        second.copy_base_image(shared);
        Some(second)
    }

    fn copy_base_image(&self, from: &Engine) {
        let image = block_on(async {
            let parts = from.docker().export_image(&Engine::base());
            parts.try_fold(Vec::new(), async |whole, part| Ok([whole, part.to_vec()].concat())).await.unwrap()
        });
        block_on(async {
            let options = ImportImageOptionsBuilder::default().quiet(true).build();
            let answers = self.engine.docker().import_image(options, bollard::body_full(image.into()), None);
            answers.for_each(async |answer| drop(answer.unwrap())).await;
        });
    }

    /// Ends the engine as a power cut would; its containers run on.
    pub(crate) fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
        self.place.until_containerd_ended();
    }

    /// Ends it as an administrator would; its containers run on.
    pub(crate) fn stop(&mut self) {
        end(&mut self.daemon);
    }

    /// Starts it again at the same address, after [`Self::kill`] or [`Self::stop`], and waits until it answers.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        self.daemon = self.place.spawn();
        // What this one is called no longer matters: things keep the first one's id.
        drop(self.place.until_it_answers());
    }

    /// Fills its disk but for so many KiB; the room comes back when the file that is given is removed.
    pub(crate) fn fill_disk(&self, but_kib: u64) -> PathBuf {
        assert!(self.place.mounted, "only a disk of its own may be filled");
        let path = self.place.disk().join("filler");
        let room = nix::sys::statvfs::statvfs(&self.place.disk()).unwrap();
        let filled = room.blocks_available() * room.fragment_size() - but_kib * 1024;
        let file = File::create(&path).unwrap();
        nix::fcntl::fallocate(&file, nix::fcntl::FallocateFlags::empty(), 0, i64::try_from(filled).unwrap()).unwrap();
        path
    }

    /// All that it logged.
    pub(crate) fn log(&self) -> String {
        self.place.log()
    }
}

impl Deref for SecondEngine {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        belongings::remove(self.engine.docker(), |_| true);
        end(&mut self.daemon);
        self.place.end_all();
    }
}

impl Place {
    #[track_caller]
    fn new(disk: Disk) -> Self {
        let folder = tempfile::Builder::new().prefix("orch-engine-").tempdir().unwrap();
        let mut place = Self { folder, mounted: false };
        fs::create_dir(place.disk()).unwrap();
        if let Disk::Mib(size) = disk {
            let options = format!("size={size}m");
            let mounted =
                Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(place.disk()).status();
            place.mounted = mounted.is_ok_and(|status| status.success());
            assert!(place.mounted, "no file system in memory");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn disk(&self) -> PathBuf {
        self.path("disk")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn spawn(&self) -> Child {
        let path = |name: &str| self.path(name).display().to_string();
        // What a killed one left says that it runs.
        fs::remove_file(self.path("pid")).ok();
        fs::remove_file(self.path(CONTAINERD_PID)).ok();
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        // Outside a network of its own it would take the shared engine's bridge away.
        Command::new("unshare")
            .args(["--net", "sh", "-c", "busybox ip link set lo up; exec dockerd \"$@\"", "dockerd"])
            .args(["--data-root", &path("disk"), "--exec-root", &path("exec"), "--pidfile", &path("pid")])
            .args(["--host", &format!("unix://{}", path("socket"))])
            .args(["--iptables=false", "--live-restore"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// The kernel ends an engine's containerd with it. While that is under way, a new engine would take it for its own.
    #[track_caller]
    fn until_containerd_ended(&self) {
        let pid = fs::read_to_string(self.path(CONTAINERD_PID)).ok().and_then(|text| text.trim().parse().ok());
        pid.into_iter().for_each(wait_for_death);
    }

    #[track_caller]
    fn until_it_answers(&self) -> Engine {
        let address = format!("unix://{}", self.path("socket").display());
        until("a second engine", || self.log(), || Engine::at(&address).ok())
    }

    /// Ends what the engine started and left: its containerd, shims and containers. All of them name this folder.
    fn end_all(&self) {
        let name = self.folder.path().to_str().unwrap().to_owned();
        until(
            "the end of what a second engine started",
            || self.log(),
            || {
                let left = processes_that_name(&name);
                left.iter().for_each(|pid| _ = kill(*pid, Signal::SIGKILL).ok());
                left.is_empty().then_some(())
            },
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let inside = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
        let inside: Vec<_> = inside.filter(|path| path.starts_with(self.folder.path())).collect();
        for path in inside.into_iter().rev() {
            Command::new("umount").arg("-l").arg(path).status().ok();
        }
    }
}

/// Asks a daemon to end, and waits for that.
fn end(daemon: &mut Child) {
    if daemon.try_wait().is_ok_and(|ended| ended.is_none()) {
        let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap());
        kill(pid, Signal::SIGTERM).ok();
    }
    daemon.wait().ok();
}

/// The processes in whose command line `text` stands, and all below them: the containers' own are below their shims.
fn processes_that_name(text: &str) -> Vec<Pid> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let parents: BTreeMap<i32, i32> = pids.filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let names_it = |pid: i32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(text)
    };
    let line = |pid: i32| std::iter::successors(Some(pid), |pid| parents.get(pid).copied());
    parents.keys().filter(|pid| line(**pid).any(names_it)).map(|pid| Pid::from_raw(*pid)).collect()
}

/// The parent of a process that is no zombie.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut rest = stat.rsplit_once(") ")?.1.split(' ');
    rest.next().filter(|state| *state != "Z")?;
    rest.next()?.parse().ok()
}
