//! The examples and `Orchfile.example`, run as a newcomer would run them, in a copy.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

#[test]
fn every_example_evaluates() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let folder = entry.unwrap().path();
        let copy = Copy::of(&folder);
        let is_composed = ["compose.yaml", "infra/compose.yaml"].iter().any(|file| folder.join(file).exists());
        if is_composed && !copy.client().join("cli-plugins/docker-compose").exists() {
            crate::docker::skip("no plugin `docker compose` here");
            continue;
        }
        copy.succeeds(&["eval", "-o", "json"]);
    }
    Copy::of_the_tour().succeeds(&["eval", "-f", "Orchfile.example", "-o", "json"]);
    Copy::of_the_tour().succeeds(&["eval", "-f", "Orchfile.example", "-o", "json", "--", "--docker"]);
}

#[test]
fn what_the_readme_shows_evaluates() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```python\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let orchfile: String =
        block.lines().map(|line| format!("{}\n", line.strip_prefix("   ").unwrap_or(line))).collect();
    let copy = Copy::empty();
    fs::write(copy.project.join("Orchfile"), orchfile).unwrap();
    for name in ["schema", "api", "check.sh"] {
        fs::write(copy.project.join(name), "").unwrap();
    }
    assert_eq!(copy.succeeds(&["eval", "-o", "name"]), "generate\napi\ncheck\n");
}

#[test]
fn every_feature_in_one_file_passes_ci() {
    let tour = Copy::of_the_tour();
    let said = tour.succeeds(&["ci", "-f", "Orchfile.example"]);
    assert!(said.contains("hello ANN"), "no greeting in:\n{said}");
    assert!(!said.contains("a token for the example"), "a secret in:\n{said}");
}

#[test]
fn polyglot_passes_ci() {
    Copy::of(&root().join("examples/polyglot")).succeeds(&["ci"]);
}

#[test]
fn quickstart_does_nothing_twice() {
    let quickstart = Copy::of(&root().join("examples/quickstart"));
    let first = quickstart.succeeds(&["ci"]);
    assert!(first.contains("wrote gen/messages.sh") && first.contains("all answers are right"), "{first}");
    let second = quickstart.succeeds(&["ci"]);
    assert!(!second.contains("wrote gen/"), "what was fresh ran again:\n{second}");
    assert!(second.contains("all answers are right"), "{second}");
}

#[test]
fn a_save_travels_through_quickstart_and_a_comment_does_not() {
    let quickstart = Copy::of(&root().join("examples/quickstart"));
    let mut session = quickstart.up();
    session.wait_for("all answers are right");

    quickstart.replace("messages.txt", "Hello, you.", "Good morning.");
    session.wait_for("hello: Good morning.");
    session.wait_for("all answers are right");
    quickstart.wait_at_rest();
    session.take_all();
    assert_eq!(session.count("wrote gen/page.html"), 2, "{}", session.text());
    assert_eq!(session.count("serving: "), 2, "one save started the server more than once:\n{}", session.text());

    quickstart.replace("messages.txt", "# What", "# All that");
    session.wait_for("wrote gen/messages.sh");
    quickstart.wait_at_rest();
    session.take_all();
    assert_eq!(session.count("wrote gen/messages.sh"), 3, "{}", session.text());
    assert_eq!(session.count("wrote gen/page.html"), 2, "a comment went beyond the generator:\n{}", session.text());
    assert_eq!(session.count("serving: "), 2, "a comment went beyond the generator:\n{}", session.text());
}

/// How long a test waits for what it waits for.
const PATIENCE: Duration = Duration::from_mins(4);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of an example in a folder of its own.
struct Copy {
    folder: tempfile::TempDir,
    project: PathBuf,
}

impl Copy {
    fn of(example: &Path) -> Self {
        let copy = Self::empty();
        copy_folder(example, &copy.project);
        copy
    }

    /// `Orchfile.example`, and the folder that it looks at.
    fn of_the_tour() -> Self {
        let copy = Self::empty();
        fs::copy(root().join("Orchfile.example"), copy.project.join("Orchfile.example")).unwrap();
        copy_folder(&root().join("examples/quickstart"), &copy.project.join("examples/quickstart"));
        copy
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("orch-").tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        let copy = Self { folder, project };
        crate::docker::link_plugins(&copy.client());
        copy
    }

    /// The settings of the Docker client, with its plugins.
    fn client(&self) -> PathBuf {
        self.folder.path().join("docker")
    }

    fn orch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orch"));
        command.args(arguments).current_dir(&self.project).stdin(Stdio::null());
        // Sockets of its own; caches of compilers are those of the user.
        command.env("XDG_RUNTIME_DIR", self.folder.path().join("run")).env("DOCKER_CONFIG", self.client());
        let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("ORCH_"));
        for name in ours {
            command.env_remove(name);
        }
        command
    }

    /// Runs a verb that must succeed, and gives all that it said.
    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.orch(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        assert!(status.success(), "orch {arguments:?}: {status}\n{said}");
        said
    }

    fn up(&self) -> Session {
        let mut child = self.orch(&["up", "--stream"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let copy = sender.clone();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).try_for_each(|line| copy.send(line))
        });
        Session { child, lines, seen: Vec::new() }
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.project.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Asks the session again and again until it has nothing left to do.
    #[track_caller]
    fn wait_at_rest(&self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let status = self.orch(&["status", "-o", "json"]).output().unwrap();
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            if status["live"] == true && status["at_rest"] == true {
                return;
            }
        }
        panic!("never at rest");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let made = ["gen", "run", "build", ".orch"].iter().any(|made| entry.file_name() == *made);
        if source.is_dir() && !made {
            copy_folder(&source, &target);
        } else if source.is_file() {
            fs::copy(&source, &target).unwrap();
        }
    }
}

/// A running `orch up` and the lines that it prints.
struct Session {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Session {
    /// Reads on until a line holds the text.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            let found = line.contains(text);
            self.seen.push(line);
            if found {
                return;
            }
        }
        panic!("no line with `{text}` in:\n{}", self.text());
    }

    /// Reads what was printed meanwhile.
    fn take_all(&mut self) {
        self.seen.extend(self.lines.try_iter());
    }

    fn count(&self, text: &str) -> usize {
        self.seen.iter().filter(|line| line.contains(text)).count()
    }

    fn text(&self) -> String {
        self.seen.join("\n")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        #[expect(clippy::cast_possible_wrap, reason = "process ids are positive")]
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).ok();
        drop(self.child.wait());
    }
}
