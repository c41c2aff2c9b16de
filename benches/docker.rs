//! Images and containers: from a save to what it causes in a container, beside the same done by hand with the Docker client.
//!
//! They need root, a Docker Engine, its client with the plugins `buildx` and `compose`, and the tests' base image: `./test` sets
//! all of that up. Where something is missing, the figures say that they were not measured.

use crate::{
    program::now,
    sandbox::{Sandbox, pause},
    stats::{Figure, Rounds},
};
use bollard::{Docker, query_parameters::UploadToContainerOptionsBuilder};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What runs in containers: says when it began, and waits. Static, so that it runs `FROM scratch`.
const STAMP_C: &str = r#"
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static void end(int signal) { _exit(signal - signal); }
int main(int count, char **words) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    signal(SIGTERM, end);
    FILE *stamps = fopen(words[count - 1], "a");
    if (stamps) fprintf(stamps, "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec), fclose(stamps);
    for (;;) pause();
}
"#;

/// Save to the new file in a running container, beside the bare upload of the same file.
pub(crate) fn live_update(rounds: &Rounds) -> Vec<Figure> {
    const WHAT: &str = "live update: save to the file in the container";
    const TARGET: &str = "1.3 x upload + 15";
    let Some(place) = Place::prepared() else { return vec![Figure::times(WHAT, &[], TARGET).note(MISSING)] };
    let image = place.name("live");
    let mut sandbox = place.sandbox(&format!(
        "docker_build({image:?}, 'web', live_update = [sync('web/pages', '/srv/pages')])\n\
         docker_container('web', {image:?}, command = ['sleep', '1000000'], init = True)\n"
    ));
    sandbox.write("web/Dockerfile", &format!("FROM {}\nCOPY pages /srv/pages\n", base()));
    sandbox.write("web/pages/page", "first");
    sandbox.up();
    let root = sandbox.wait("container", || root_of(&image));
    sandbox.wait_at_rest();
    let hand = place.docker(&["run", "-d", "--init", "--name", &place.name("hand"), &base(), "sleep", "1000000"]);
    let hand_root = PathBuf::from(format!("/proc/{}/root", pid_of(&hand).unwrap()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(async { Docker::connect_with_defaults().unwrap() });
    let copy = |text: &str| runtime.block_on(upload(&engine, &hand, text));
    let (times, by_hand) = saves(&mut sandbox, rounds, &root, copy, &hand_root.join("srv/page"));
    vec![Figure::times(WHAT, &times, TARGET).against("archive upload", &by_hand)]
}

/// How long saves of a page take to the copy below that root, and those that `copy` brings by hand to that file.
pub(crate) fn saves(
    sandbox: &mut Sandbox,
    rounds: &Rounds,
    root: &Path,
    mut copy: impl FnMut(&str),
    by_hand: &Path,
) -> (Vec<Duration>, Vec<Duration>) {
    let round = |round| {
        pause();
        let text = format!("page {round}");
        let saved = sandbox.save("web/pages/page", &text);
        let time = sandbox.wait("page", || seen(&root.join("srv/pages/page"), &text)).saturating_sub(saved);
        pause();
        let begin = now();
        copy(&text);
        (time, sandbox.wait("page by hand", || seen(by_hand, &text)).saturating_sub(begin))
    };
    (0..rounds.short).map(round).unzip()
}

async fn upload(engine: &Docker, container: &str, text: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "page", text.as_bytes()).unwrap();
    let body = bollard::body_full(archive.into_inner().unwrap().into());
    let options = UploadToContainerOptionsBuilder::default().path("/srv").build();
    engine.upload_to_container(container, Some(options), body).await.unwrap();
}

/// The time at which a file has that text.
fn seen(path: &Path, text: &str) -> Option<Duration> {
    fs::read_to_string(path).is_ok_and(|found| found == text).then(now)
}

/// Save to the start of the container made of it, beside `docker build` and `docker compose up` by hand: a small image, and one
/// with a context of 100 MB.
pub(crate) fn replaced(rounds: &Rounds) -> Vec<Figure> {
    [("a small image", 0), ("a context of 2,000 files, 100 MB", 2_000)]
        .into_iter()
        .map(|(size, files)| {
            let what = format!("save to replaced container, {size}");
            match Place::prepared() {
                Some(place) => replaced_with(&place, what, files, rounds.long * 2),
                None => Figure::times(what, &[], "by hand").note(MISSING),
            }
        })
        .collect()
}

fn replaced_with(place: &Place, what: String, files: usize, rounds: usize) -> Figure {
    let mut ours = place.compose_project("ours", files);
    let hand = place.compose_project("hand", files);
    place.by_hand(&hand, "hand");
    hand.wait_for_stamps("out/stamps", 1);
    ours.up();
    ours.wait_for_stamps("out/stamps", 1);
    ours.wait_at_rest();
    let (mut times, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let text = format!("round {round}");
        pause();
        let saved = ours.save("app/file", &text);
        times.push(ours.wait_for_stamps("out/stamps", round + 2).saturating_sub(saved));
        ours.wait_at_rest();
        pause();
        let saved = hand.save("app/file", &text);
        place.by_hand(&hand, "hand");
        by_hand.push(hand.wait_for_stamps("out/stamps", round + 2).saturating_sub(saved));
    }
    Figure::times(what, &times, "by hand").against("docker build, compose up", &by_hand)
}

/// `up` again, when twenty containers of twenty images run and nothing has changed.
pub(crate) fn unchanged(rounds: &Rounds) -> Vec<Figure> {
    const WHAT: &str = "`up` again with 20 unchanged images, until at rest";
    let Some(place) = Place::prepared() else { return vec![Figure::times(WHAT, &[], "300").note(MISSING)] };
    let mut sandbox = place.sandbox("docker_compose('compose.yaml')\n");
    let mut compose = format!("name: {}\nservices:\n", place.name("twenty"));
    for number in 0..20 {
        let image = place.name(&format!("twenty-{number}"));
        compose.push_str(
            &["  app", &number.to_string(), ": { image: ", &image, ", build: app", &number.to_string(), " }\n"]
                .concat(),
        );
        place.plant_app(&sandbox, &format!("app{number}"), 0);
        sandbox.write(&format!("app{number}/file"), &number.to_string());
    }
    sandbox.write("compose.yaml", &compose);
    let (mut times, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..=rounds.long {
        let begin = Instant::now();
        sandbox.up();
        sandbox.wait_at_rest();
        // The first one builds.
        times.extend((round > 0).then(|| begin.elapsed()));
        sandbox.down();
    }
    assert!(sandbox.orch(&["down"]).status().unwrap().success(), "`orch down` failed");
    for round in 0..=rounds.long {
        let begin = Instant::now();
        place.compose(&sandbox, &place.name("twenty"), &["up", "-d", "--build"]);
        by_hand.extend((round > 0).then(|| begin.elapsed()));
    }
    vec![Figure::times(WHAT, &times, "300").against("compose up --build", &by_hand)]
}

const MISSING: &str = "needs root and what `./test` sets up";

pub(crate) fn base() -> String {
    env::var("ORCH_TEST_BASE_IMAGE").unwrap_or("orch-test-base:local".to_owned())
}

/// The mark and the tools of one measurement; what carries the mark is removed in the end.
struct Place {
    mark: String,
    /// The client's settings, with the plugins that `./test` fetched.
    client: tempfile::TempDir,
}

impl Place {
    /// None where containers cannot be measured.
    fn prepared() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("orchbench").rand_bytes(8).tempdir().unwrap();
        let mark = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
        let cache = env::var_os("XDG_CACHE_HOME")
            .map_or_else(|| PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache"), PathBuf::from);
        let plugins = cache.join("orch-test/cli-plugins");
        std::os::unix::fs::symlink(plugins, folder.path().join("cli-plugins")).unwrap();
        let place = Self { mark, client: folder };
        let works = |arguments: &[&str]| place.client(arguments).output().is_ok_and(|output| output.status.success());
        let root = nix::unistd::geteuid().is_root();
        let all = root && works(&["image", "inspect", &base()]) && works(&["compose", "version"]);
        (all && works(&["buildx", "version"])).then_some(place)
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    fn sandbox(&self, orchfile: &str) -> Sandbox {
        Sandbox::new(orchfile).env("DOCKER_CONFIG", self.client.path())
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_CONFIG", self.client.path()).stdin(Stdio::null());
        command
    }

    /// Runs the client, and gives what it prints.
    fn docker(&self, arguments: &[&str]) -> String {
        let output = self.client(arguments).output().unwrap();
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn compose(&self, sandbox: &Sandbox, project: &str, arguments: &[&str]) {
        let file = sandbox.path("compose.yaml");
        let words = ["compose", "--file", file.to_str().unwrap(), "--project-name", project];
        self.docker(&[&words, arguments].concat());
    }

    /// A project of one service that stamps `out/stamps` when it starts, made `FROM scratch` of a context with so many files of
    /// 50 KB beside the small one that changes.
    fn compose_project(&self, name: &str, files: usize) -> Sandbox {
        let (image, project) = (self.name(name), self.name(&format!("{name}-project")));
        let sandbox = self.sandbox(&format!(
            "docker_build({image:?}, 'app')\ndocker_compose('compose.yaml', project_name = {project:?})\n"
        ));
        sandbox.write("out/.keep", "");
        sandbox.write("compose.yaml", &format!("services: {{ app: {{ image: {image}, volumes: [./out:/out] }} }}\n"));
        self.plant_app(&sandbox, "app", files);
        sandbox
    }

    fn plant_app(&self, sandbox: &Sandbox, folder: &str, files: usize) {
        plant_app(&stamp(self.client.path()), sandbox, folder, files);
    }

    /// What a person types after a save.
    fn by_hand(&self, sandbox: &Sandbox, name: &str) {
        self.docker(&["build", "-q", "-t", &self.name(name), sandbox.path("app").to_str().unwrap()]);
        self.compose(sandbox, &self.name(&format!("{name}-project")), &["up", "-d"]);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let remove = |list: &[&str], remove: &[&str]| {
            let listed = self.client(list).output().map(|output| output.stdout).unwrap_or_default();
            let listed = String::from_utf8_lossy(&listed).into_owned();
            let ours: Vec<&str> = listed.lines().filter(|line| line.contains(&self.mark)).collect();
            let ours = ours.iter().filter_map(|line| line.split(' ').next());
            let words: Vec<&str> = remove.iter().copied().chain(ours).collect();
            if words.len() > remove.len() {
                drop(self.client(&words).output());
            }
        };
        remove(
            &["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Labels}}"],
            &["rm", "-f", "-v"],
        );
        remove(&["network", "ls", "--format", "{{.ID}} {{.Name}} {{.Labels}}"], &["network", "rm"]);
        remove(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], &["image", "rm", "-f"]);
    }
}

/// A folder to build an image of that stamps when it starts, with so many files of 50 KB beside the small one that changes.
pub(crate) fn plant_app(stamp: &Path, sandbox: &Sandbox, folder: &str, files: usize) {
    let big = if files > 0 { "COPY big /big\n" } else { "" };
    let dockerfile =
        format!("FROM scratch\nCOPY stamp /stamp\n{big}COPY file /file\nCMD [\"/stamp\", \"/out/stamps\"]\n");
    sandbox.write(&format!("{folder}/Dockerfile"), &dockerfile);
    sandbox.write(&format!("{folder}/file"), "first");
    fs::copy(stamp, sandbox.path(&format!("{folder}/stamp"))).unwrap();
    for number in 0..files {
        // No two are the same, and none packs well.
        let text: String = (0..3_125).map(|place| format!("{:016x}", hash(number * 3_125 + place))).collect();
        sandbox.write(&format!("{folder}/big/{:02}/{number}", number / 100), &text);
    }
}

/// The stamping program, compiled into that folder on first use.
pub(crate) fn stamp(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("stamp.c"), folder.join("stamp"));
    if !program.exists() {
        fs::write(&source, STAMP_C).unwrap();
        let compiled = Command::new("cc").args(["-static", "-O2", "-o"]).args([&program, &source]).status().unwrap();
        assert!(compiled.success(), "the stamping program does not compile");
    }
    program
}

/// Where the files of the container of that image are, seen from outside.
fn root_of(image: &str) -> Option<PathBuf> {
    let list = Command::new("docker").args(["ps", "--no-trunc", "--format", "{{.ID}} {{.Image}}"]).output().ok()?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let id = list.lines().find(|line| line.contains(image))?.split(' ').next()?.to_owned();
    Some(PathBuf::from(format!("/proc/{}/root", pid_of(&id)?)))
}

fn pid_of(container: &str) -> Option<String> {
    let format = ["inspect", "--format", "{{.State.Pid}}", container];
    let output = Command::new("docker").args(format).output().ok()?;
    let pid = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!pid.is_empty() && pid != "0").then_some(pid)
}

/// Scatters a number over all bits (splitmix64).
fn hash(number: usize) -> u64 {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
