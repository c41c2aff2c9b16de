//! What Tilt makes of a Tiltfile, orch makes of it too: every case of `tests/conformance/cases`, evaluated in this process and compared as the README beside them says. A case that differs stands in
//! `docs/differences.md`, or this fails; one that stands there and does not differ fails too.
//!
//! `ORCH_CONFORMANCE=NAME` runs one case and prints what orch says of it.

use crate::docker;
use orch::{
    model::{FilePath, Level},
    orchfile::{LoadRequest, LocalSources, SourceCommand, SourceOutput, Told, Voice, dump, load},
};
use regex::Regex;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

/// Files of a case that are no part of its project.
const HARNESS_FILES: [&str; 5] = ["args", "env", "kubeconfig", "setup.sh", "expected.json"];
/// What needs the compose tool.
const COMPOSE: &str = r"\bdocker_compose\b";
/// What a difference of one line in a position may be: Tilt often points one line past the fault.
const SYNTAX: &str = "orchfile::syntax";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

struct Case {
    name: String,
    source: PathBuf,
    /// The folder in which it is evaluated.
    root: PathBuf,
    home: PathBuf,
    _top: tempfile::TempDir,
    env: BTreeMap<String, String>,
    args: Vec<String>,
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path, skip: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if skip.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(name), &[]);
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

impl Case {
    fn prepare(name: &str) -> Self {
        let source = folder().join("cases").join(name);
        let top = tempfile::Builder::new().prefix("conformance-").tempdir().unwrap();
        let real = top.path().canonicalize().unwrap();
        let (root, home) = (real.join("work").join(name), real.join("home"));
        fs::create_dir_all(home.join(".docker")).unwrap();
        docker::link_plugins(&home.join(".docker"));
        copy(&source, &root, &HARNESS_FILES);
        let own = source.join("kubeconfig");
        let kubeconfig = real.join("kubeconfig");
        fs::copy(if own.exists() { own } else { folder().join("kubeconfig") }, &kubeconfig).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let mut env: BTreeMap<String, String> = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME", text(&home)),
            ("KUBECONFIG", text(&kubeconfig)),
            ("LANG", "C.UTF-8".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        let setup = source.join("setup.sh");
        if setup.exists() {
            let status = Command::new("sh").arg(&setup).current_dir(&root).env_clear().envs(&env).status().unwrap();
            assert!(status.success(), "{name}: setup.sh failed");
        }
        let pairs = lines(&source.join("env"));
        env.extend(pairs.iter().filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())));
        let args = lines(&source.join("args"));
        Self { name: name.to_owned(), source, root, home, _top: top, env, args }
    }

    /// What the command line names: the file, and the arguments behind it without the first `--`.
    fn request(&self) -> LoadRequest {
        let (mut file, mut args, mut rest) = ("Tiltfile".to_owned(), Vec::new(), self.args.iter().cloned());
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "-f" | "--file" => file = rest.next().unwrap(),
                "--" => args.extend(rest.by_ref()),
                _ => args.push(arg),
            }
        }
        LoadRequest {
            file: FilePath::new(self.root.join(file)),
            args,
            subcommand: "alpha tiltfile-result".to_owned(),
            kube: orch::orchfile::KubeWish::default(),
            environment: self.env.clone(),
            limits: orch::orchfile::Limits::default(),
        }
    }

    /// What orch says.
    fn evaluate(&self) -> Value {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (env, heard) = (self.env.clone(), log.clone());
        let tell = move |told| {
            if let Told::Line { level: Level::Info | Level::Warning, voice: Voice::File, text } = told {
                heard.lock().unwrap().push(text);
            }
        };
        let sources = LocalSources::new(move |command| run(command, &env), tell);
        let loaded = load(&self.request(), &sources);
        let value = dump(&loaded, &FilePath::new(&self.root), &log.lock().unwrap());
        self.read(&value.to_string())
    }

    /// What the program itself prints.
    fn evaluate_with_the_program(&self) -> Value {
        let mut program = Command::new(env!("CARGO_BIN_EXE_orch"));
        program.args(["eval", "-o", "json"]).args(&self.args).current_dir(&self.root).env_clear().envs(&self.env);
        let output = program.env("XDG_RUNTIME_DIR", &self.home).stdin(Stdio::null()).output().unwrap();
        self.read(&String::from_utf8(output.stdout).unwrap())
    }

    fn read(&self, text: &str) -> Value {
        let text = text.replace(self.root.to_str().unwrap(), "$CASE").replace(self.home.to_str().unwrap(), "$HOME");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.name))
    }

    fn expected(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.source.join("expected.json")).unwrap()).unwrap()
    }
}

/// Runs a command of an evaluation with that environment.
pub(crate) fn run(command: &SourceCommand, env: &BTreeMap<String, String>) -> io::Result<SourceOutput> {
    let mut child = Command::new(&command.argv[0]);
    child.args(&command.argv[1..]).current_dir(&command.dir).env_clear().envs(env);
    for (name, value) in &command.env {
        match value {
            Some(value) => child.env(name, value),
            None => child.env_remove(name),
        };
    }
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn()?;
    child.stdin.take().unwrap().write_all(command.stdin.clone().unwrap_or_default().as_bytes())?;
    let output = child.wait_with_output()?;
    Ok(SourceOutput { code: output.status.code().unwrap_or(128), stdout: output.stdout, stderr: output.stderr })
}

/// How what orch says differs from what Tilt says; `None` when it does not.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    let failed = |value: &Value| !value["error"].is_null();
    match (failed(ours), failed(theirs)) {
        (true, false) => return Some(format!("orch fails: {}", ours["error"])),
        (false, true) => return Some(format!("Tilt fails: {}", theirs["error"])),
        (true, true) => {
            return position_differs(&ours["error"], &theirs["error"]).or_else(|| log_differs(ours, theirs));
        }
        (false, false) => {}
    }
    let mut ours = ours.clone();
    // Tilt knows no conditions of dependencies.
    for resource in ours["resources"].as_array_mut().into_iter().flatten() {
        if resource["type"] == "compose" {
            resource.as_object_mut().unwrap().remove("conditions");
        }
    }
    // Tilt's result does not tell these.
    for image in ours["images"].as_array_mut().into_iter().flatten() {
        image.as_object_mut().unwrap().remove("push");
    }
    if let Some(settings) = ours["settings"].as_object_mut() {
        settings.remove("max_parallel_updates");
        if settings.is_empty() {
            ours["settings"] = Value::Null;
        }
    }
    let differs = |field: &str| {
        (ours[field] != theirs[field]).then(|| format!("`{field}`\n  orch: {}\n  Tilt: {}", ours[field], theirs[field]))
    };
    ["resources", "images", "settings", "objects", "config_files"].into_iter().find_map(differs).or_else(|| {
        let warned = |value: &Value| !value["tilt_log"].is_null();
        log_differs(&ours, theirs)
            .or_else(|| (warned(theirs) && !warned(&ours)).then(|| format!("Tilt warns: {}", theirs["tilt_log"])))
    })
}

fn log_differs(ours: &Value, theirs: &Value) -> Option<String> {
    (ours["log"] != theirs["log"]).then(|| format!("`log`\n  orch: {}\n  Tilt: {}", ours["log"], theirs["log"]))
}

/// Same file and line; where Tilt points at the `def` of a function called with wrong arguments, the call is as good.
fn position_differs(ours: &Value, theirs: &Value) -> Option<String> {
    let place = |text: &str| {
        let (rest, _column) = text.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some((file.to_owned(), line.parse::<i64>().ok()?))
    };
    let wanted = theirs["pos"].as_str()?;
    let differs = || Some(format!("orch points at {}, Tilt at {wanted}: {}", ours["pos"], ours["message"]));
    let Some((file, line)) = ours["pos"].as_str().and_then(place) else { return differs() };
    let tolerance = i64::from(ours["code"] == SYNTAX);
    let frames = theirs["frames"].as_array().cloned().unwrap_or_default();
    let frames = frames.iter().filter_map(|frame| frame.as_str()?.split(" in ").next());
    let is_there = |text: &str| place(text).is_some_and(|(f, l)| f == file && (l - line).abs() <= tolerance);
    let message = theirs["message"].as_str().unwrap_or_default();
    let calls_wrongly = message.starts_with("function ") && frames.into_iter().any(is_there);
    // A file that cannot be parsed: Tilt points at its `load`, and says where the fault is in words.
    let says_where = (line - tolerance..=line + tolerance).any(|line| message.contains(&format!("{file}:{line}:")));
    if is_there(wanted) || calls_wrongly || says_where { None } else { differs() }
}

/// The cases that `docs/differences.md` names.
fn named_differences() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/differences.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells
        .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|n| !n.is_empty())
        .collect()
}

fn uses(case: &Path, what: &Regex) -> bool {
    fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return uses(&path, what);
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        path.file_name().unwrap() != "expected.json" && what.is_match(&text)
    })
}

fn check(name: &str, named: &BTreeSet<String>) -> Option<String> {
    let case = Case::prepare(name);
    match (difference(&case.evaluate(), &case.expected()), named.contains(name)) {
        (Some(difference), false) => Some(format!("{}: {difference}", case.name)),
        (None, true) => Some(format!("{name}: stands in docs/differences.md, and does not differ")),
        _ => None,
    }
}

#[test]
fn orch_says_what_tilt_says() {
    if let Ok(name) = std::env::var("ORCH_CONFORMANCE") {
        let case = Case::prepare(&name);
        let (ours, theirs) = (case.evaluate(), case.expected());
        println!("{ours:#}\n{}", difference(&ours, &theirs).unwrap_or_else(|| "no difference".to_owned()));
        return;
    }
    let all: Vec<String> = fs::read_dir(folder().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut run: Vec<_> = all.iter().collect();
    if !docker::has_compose() {
        docker::skip("no compose tool: its cases are left out");
        let compose = Regex::new(COMPOSE).unwrap();
        run.retain(|name| !uses(&folder().join("cases").join(name), &compose));
    }
    run.sort();
    let named = named_differences();
    let unknown: Vec<_> = named.iter().filter(|name| !all.contains(name)).collect();
    assert!(unknown.is_empty(), "docs/differences.md names cases that are not there: {unknown:?}");
    let failures: Vec<_> = run.iter().filter_map(|name| check(name, &named)).collect();
    println!("{} cases, {} run, {} named as different, {} wrong", all.len(), run.len(), named.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn orch_eval_prints_what_was_evaluated() {
    for name in [
        "config-main_dir",
        "config-parse-all-kinds",
        "config-parse-unknown-flag",
        "lang-exit",
        "lang-fail",
        "k8s_context-namespace-set",
        "local-error-exit-code",
        "local-forms",
        "os-env",
        "real-local-only-monorepo",
        "watch_settings-and-tiltignore",
    ] {
        let case = Case::prepare(name);
        assert_eq!(case.evaluate_with_the_program(), case.evaluate(), "{name}");
    }
}

#[test]
fn a_difference_is_seen() {
    let fine = json!({"resources": [], "config_files": ["Tiltfile"], "log": ["a"], "error": null});
    let mut other = fine.clone();
    assert_eq!(difference(&fine, &other), None);
    other["log"] = json!(["b"]);
    assert!(difference(&fine, &other).is_some());
    let error = |pos: &str| json!({"error": {"message": "m", "pos": pos}});
    assert!(difference(&error("Tiltfile:1:1"), &fine).is_some());
    assert_eq!(difference(&error("Tiltfile:1:9"), &error("Tiltfile:1:1")), None);
    assert!(difference(&error("Tiltfile:2:1"), &error("Tiltfile:1:1")).is_some());
}
