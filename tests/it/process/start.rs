//! How commands start, and what is said when they do not.

use super::{LONG, Screen, command, processes, sh, soon};
use nix::sys::signal::Signal;
use orch::{
    engine::CommandSpec,
    host::process::{Capture, Ended, Kind, Processes, Spawn, Stream},
    model::{Exit, Failure, FilePath},
};
use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

async fn output_of(processes: &Processes, spec: &CommandSpec) -> String {
    let capture = Arc::new(Capture::default());
    let spawn = Spawn { defaults: &[("FORCE_COLOR", "1"), ("TONE", "low")], ..Spawn::new(spec, Kind::Command, LONG) };
    let ended = soon("end", processes.spawn(spawn, capture.clone()).ended()).await;
    assert_eq!(ended, Ended { exit: Exit::Code(0), leftovers: false });
    String::from_utf8(capture.take(Stream::Out)).unwrap()
}

#[tokio::test]
async fn the_exit_and_the_pid_are_the_commands_own() {
    let processes = processes();
    for (script, exit) in [
        ("echo pid $$", Exit::Code(0)),
        ("echo pid $$; exit 42", Exit::Code(42)),
        ("echo pid $$; exit 255", Exit::Code(255)),
        ("echo pid $$; kill -9 $$", Exit::Signal(9)),
        ("echo pid $$; kill -TERM $$", Exit::Signal(15)),
    ] {
        let screen = Screen::new();
        let running = processes.spawn(Spawn::new(&sh(script), Kind::Command, LONG), screen.clone());
        let pid = soon("start", running.started()).await.unwrap();
        assert_eq!(screen.numbers("pid", 1).await, [pid]);
        assert_eq!(soon("end", running.ended()).await.exit, exit, "{script}");
        assert_eq!(running.started().await, Ok(pid), "told also after the end");
    }
}

#[tokio::test]
async fn a_command_gets_a_clean_start() {
    let processes = processes();
    let script = "echo $(ps -o pgid= -p $$) $$; sed -n 's/^Sig[BI].*:\t//p' /proc/self/status";
    let text = output_of(&processes, &sh(script)).await;
    let mut lines = text.lines();
    let (group, pid) = lines.next().unwrap().split_once(' ').unwrap();
    assert_eq!(group, pid, "a process group of its own");
    let sets: Vec<_> = lines.map(|line| u64::from_str_radix(line, 16).unwrap()).collect();
    let pipe = 1 << (Signal::SIGPIPE as i32 - 1);
    assert_eq!((sets.len(), sets[0], sets[1] & pipe), (2, 0, 0), "signals that are blocked or ignored");
    let open = output_of(&processes, &command(&["ls", "-l", "/proc/self/fd"])).await;
    assert!(!open.contains("socket:") && !open.contains("signalfd"), "{open}");
}

#[tokio::test]
async fn the_environment_is_orchs_own_then_the_defaults_then_the_commands() {
    let processes = processes();
    let mut spec = sh(r#"echo "${HOME-none} ${FORCE_COLOR-none} ${TONE-none} ${MINE-none} $PWD""#);
    spec.dir = FilePath::new("/usr");
    spec.env = [("TONE", Some("high")), ("MINE", Some("a b")), ("HOME", None)]
        .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
        .into();
    assert_eq!(output_of(&processes, &spec).await, "none 1 high a b /usr\n");
    // Taken from the cargo that runs the tests.
    assert!(!output_of(&processes, &sh("echo $PATH")).await.trim().is_empty());
}

#[tokio::test]
async fn a_program_is_looked_for_in_the_commands_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("greet");
    fs::write(&program, "#!/bin/sh\necho hello $1\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let processes = processes();
    let mut spec = command(&["greet", "you"]);
    spec.env = [("PATH".to_owned(), Some(format!("/nonexistent:{}", folder.path().display())))].into();
    assert_eq!(output_of(&processes, &spec).await, "hello you\n");
    let mut spec = command(&["./greet", "me"]);
    spec.dir = FilePath::new(folder.path());
    assert_eq!(output_of(&processes, &spec).await, "hello me\n");
}

#[tokio::test]
async fn long_arguments_pass() {
    let long = "x".repeat(100_000);
    let mut argv = vec!["printf", "%s"];
    argv.extend([long.as_str(); 12]);
    assert_eq!(output_of(&processes(), &command(&argv)).await.len(), 1_200_000);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, mode: u32, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    file("plain", 0o644, "");
    file("lost", 0o755, "#!/no/such/interpreter\n");
    file("text", 0o755, "echo\n");
    fs::create_dir(folder.path().join("sub")).unwrap();
    let at = folder.path().display().to_string();
    let long = "x".repeat(3_000_000);
    let processes = processes();
    let cases: [(&[&str], &str, String, &str); 11] = [
        (
            &["no-such-program"],
            "",
            "the program `no-such-program` was not found".into(),
            "install it, or add its folder to `PATH`",
        ),
        (&["./none"], "", "there is no program `./none`".into(), "its path is taken from `DIR`"),
        (&["./plain/x"], "", "there is no program `./plain/x`".into(), "its path is taken from `DIR`"),
        (&["./lost"], "", "`./lost` needs an interpreter that was not found".into(), "look at its first line (`#!…`)"),
        (
            &["./text"],
            "",
            "`./text` is neither a program for this machine nor a script with a first line `#!…`".into(),
            "begin it with `#!/bin/sh`, or run it as `sh PATH`",
        ),
        (&["./plain"], "", "`./plain` may not be executed".into(), "run `chmod +x ./plain`"),
        (&["./sub"], "", "`./sub` is a folder, not a program".into(), "name a program in it"),
        (&[""], "", "the command has no program".into(), "name one"),
        (
            &["true", &long],
            "",
            "the arguments and the environment of `true` are too long".into(),
            "pass them in a file",
        ),
        (&["true"], "gone", format!("the folder `{at}/gone` does not exist"), "create it, or mend `dir`"),
        (&["true"], "plain", format!("`{at}/plain` is not a folder"), "mend `dir`"),
    ];
    for (argv, dir, message, help) in cases {
        let mut spec = command(argv);
        spec.dir = FilePath::new(folder.path()).join(dir);
        let running = processes.spawn(Spawn::new(&spec, Kind::Command, LONG), Screen::new());
        let failure = Failure { message, help: Some(help.replace("DIR", &at)) };
        assert_eq!(soon("failure", running.started()).await, Err(failure.clone()));
        assert_eq!(soon("end", running.ended()).await, Ended { exit: Exit::NotStarted(failure), leftovers: false });
        soon("nothing is left", running.leftovers_ended()).await;
    }
}

#[tokio::test]
async fn an_argument_with_a_nul_is_refused() {
    let running = processes().spawn(Spawn::new(&command(&["echo", "a\0b"]), Kind::Command, LONG), Screen::new());
    let failure = soon("failure", running.started()).await.unwrap_err();
    assert_eq!(failure.message, "an argument holds a NUL character, which no program can be given");
}
