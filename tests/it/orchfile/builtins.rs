//! What orch adds to the language, what the builtins say of wrong arguments, and what they tell the host.

use super::folder::Folder;
use orch::{
    diag::Severity,
    model::{Condition, EvaluationInput, FilePath, Local, Restart, Seen, TriggerMode},
    orchfile::{LoadRequest, Loaded, LocalSources, SourceOutput, Told, dump, load},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

fn evaluate(text: &str) -> Loaded {
    Folder::with(&[("Orchfile", text), ("a.txt", "text"), ("two.yaml", "a: 1\n---\nb: 2\n")]).load()
}

fn only_local(loaded: &Loaded) -> Local {
    let resources = &loaded.project.as_ref().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)).resources;
    let Some(local) = resources[0].kind.local() else { unreachable!("a local resource") };
    local.clone()
}

#[track_caller]
fn check_fault(text: &str, message: &str, help: Option<&str>) {
    let loaded = evaluate(text);
    let error = loaded.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    let error = error.unwrap_or_else(|| panic!("nothing is wrong with {text}"));
    assert_eq!((error.message.as_str(), error.help.as_deref()), (message, help), "{text}");
}

#[test]
fn a_wrong_argument_is_named_with_what_it_takes() {
    let list = Some("leave it out, or write `[]`");
    for (text, message, help) in [
        (
            "local_resource('a', 5)",
            "`cmd` takes a command: a string, or a list of strings, not an int",
            Some("write `str(…)` around it"),
        ),
        ("local_resource('a', 'x', deps=['b', 3])", "item 2 of `deps` must be a path, not an int", None),
        ("local_resource('a', 'x', env={'P': 1})", "the value of \"P\" of `env` must be a string, not an int", None),
        (
            "local_resource('a', 'x', resource_deps=None)",
            "`resource_deps` takes a list of names of resources, not None",
            list,
        ),
        (
            "local_resource('a', 'x', resource_deps='b')",
            "`resource_deps` takes a list of names of resources, not a string",
            Some("put it into `[…]`"),
        ),
        (
            "local_resource('a', 'x', auto_init='no')",
            "`auto_init` takes True or False, not a string",
            Some("write `True` or `False` without quotes"),
        ),
        (
            "local_resource('a/b', 'x')",
            "the name `a/b` holds `/`, which a resource's name may not",
            Some("write `a-b`"),
        ),
        (
            "local_resource('a', serve_cmd='x', dir='d')",
            "`dir` is about `cmd`, and there is none",
            Some("name the server's folder with `serve_dir`"),
        ),
        (
            "local_resource('a', serve_cmd='x', outputs='o')",
            "`outputs` are what `cmd` writes, and there is none",
            Some("a server's own files need no declaration"),
        ),
        ("local_resource('a', 'x', restart='always')", "`restart` is about `serve_cmd`, and there is none", None),
        (
            "local_resource('a', serve_cmd='x', restart='often')",
            "`often` does not say when to restart",
            Some("use \"always\", \"on_failure\" or \"never\""),
        ),
        (
            "local_resource('a', serve_cmd='x', ready_log_line='(up')",
            "`(up` is no regular expression: unclosed group",
            None,
        ),
        ("dep('a', condition='up')", "`up` is no condition", Some("use \"started\", \"ready\" or \"succeeded\"")),
        ("probe()", "a probe needs something to do", Some("give it `exec`, `http_get` or `tcp_socket`")),
        (
            "probe(exec=tcp_socket_action(1))",
            "`exec` takes what `exec_action(…)` gives, not `tcp_socket_action(…)`",
            None,
        ),
        ("tcp_socket_action(70000)", "70000 is no port; ports go from 1 to 65535", None),
        (
            "read_file('b.txt')",
            "there is no file `b.txt`",
            Some(
                "a path begins in the folder of the file that calls; `default=` says what to take when it is not there",
            ),
        ),
        ("read_yaml('two.yaml')", "there are 2 YAML documents, and one was expected", Some("use `read_yaml_stream`")),
        ("decode_json('[1,]')", "the JSON is not valid: trailing comma at line 1 column 4", None),
        (
            "os.environ['NOPE']",
            "the environment variable `NOPE` is not set",
            Some("write `os.getenv(\"NOPE\", …)` with what to take when it is not set"),
        ),
        ("v1alpha1.cmd('a')", "the object `a` needs `args`", Some("add `args=…` to the call")),
        ("ci_settings(timeout='soon')", "`soon` is no duration", Some("write it as \"30s\", \"5m\" or \"1h30m\"")),
    ] {
        check_fault(text, message, help);
    }
}

#[test]
fn a_value_that_holds_itself_is_no_document() {
    check_fault(
        "l = []\nl.append(l)\nencode_json(l)",
        "the value is nested too deeply, or holds itself",
        Some("convert it first: `list(…)` of a tuple or set, `str(…)` of a blob, a dict instead of a struct"),
    );
}

#[test]
fn orchs_own_parameters_are_part_of_the_resource() {
    let local = only_local(&evaluate(
        "local_resource('a', 'make', serve_cmd='./a', outputs=['bin/a'], cancel_superseded=True, restart='never',\n\
         \x20   ready_log_line='listening on :\\\\d+', teardown_cmd='rm -r bin', env={'A': '1'}, dir='sub')",
    ));
    assert!(local.outputs[0].as_path().ends_with("bin/a") && local.cancel_superseded);
    let serve = local.serve.unwrap();
    assert_eq!(serve.restart, Some(Restart::Never));
    assert_eq!(serve.ready_log_line.as_deref(), Some("listening on :\\d+"));
    // What takes down a resource runs where its command does.
    let (cmd, teardown) = (local.cmd.unwrap(), local.teardown.unwrap());
    assert_eq!((teardown.argv[2].as_str(), &teardown.dir, &teardown.env), ("rm -r bin", &cmd.dir, &cmd.env));
}

#[test]
fn a_dependency_says_what_it_waits_for() {
    let loaded = evaluate(
        "local_resource('db', serve_cmd='db')\n\
         local_resource('a', 'x', resource_deps=['db', dep('gen', condition='succeeded'), dep('db', 'started')])\n\
         local_resource('gen', 'x')",
    );
    let conditions: Vec<_> =
        loaded.project.unwrap().resources[1].dependencies.iter().map(|dependency| dependency.condition).collect();
    assert_eq!(conditions, [Condition::Ready, Condition::Succeeded, Condition::Started]);
}

#[test]
fn an_orchfile_runs_commands_side_by_side_and_a_tiltfile_does_not() {
    let text = "local_resource('a', 'x')\nlocal_resource('b', 'x', allow_parallel=False)";
    assert!(only_local(&evaluate(text)).parallel);
    let folder = Folder::with(&[("Tiltfile", "local_resource('a', 'x')")]);
    let request = request(&folder.path("Tiltfile"), &[]);
    assert!(!only_local(&load(&request, &LocalSources::silent())).parallel);
}

fn request(file: &FilePath, env: &[(&str, &str)]) -> LoadRequest {
    LoadRequest {
        file: file.clone(),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: orch::orchfile::KubeWish::default(),
        environment: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        limits: orch::orchfile::Limits::default(),
    }
}

#[test]
fn every_resource_ignores_what_the_project_ignores_and_the_entry_file() {
    let folder = Folder::with(&[
        ("Orchfile", "local_resource('a', 'x', deps='.', ignore='own')\nwatch_settings(ignore='*.log')"),
        (".tiltignore", "# comment\ntmp\n"),
    ]);
    let local = only_local(&folder.load());
    for name in ["own/x", "a.log", "tmp/x", "Orchfile", ".git/x"] {
        assert!(!local.inputs.contains(&folder.path(name)), "{name}");
    }
    for name in ["x", "sub/a.log", "sub/Orchfile", "Orchfile.d/x"] {
        assert!(local.inputs.contains(&folder.path(name)), "{name}");
    }
}

#[test]
fn trigger_mode_is_for_all_that_do_not_say_it() {
    let loaded = evaluate(
        "local_resource('a', 'x')\ntrigger_mode(TRIGGER_MODE_MANUAL)\n\
         local_resource('b', 'x', trigger_mode=TRIGGER_MODE_AUTO)",
    );
    let modes: Vec<_> = loaded.project.unwrap().resources.iter().map(|resource| resource.trigger_mode).collect();
    assert_eq!(modes, [TriggerMode::Manual, TriggerMode::Auto]);
}

#[test]
fn a_secret_is_told_before_any_line_that_holds_it() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let sources = LocalSources::new(|_| unreachable!("no command"), move |what| heard.lock().unwrap().push(what));
    let folder = Folder::with(&[("Orchfile", "t = secret('token', value=os.environ['T'])\nprint('t:', t)")]);
    let loaded = load(&request(&folder.path("Orchfile"), &[("T", "s3cret")]), &sources);
    let project = loaded.project.unwrap();
    assert_eq!((project.secrets[0].name.as_str(), project.secrets[0].value.as_str()), ("token", "s3cret"));
    let told = told.lock().unwrap();
    let place = |wanted: fn(&Told) -> bool| told.iter().position(wanted).unwrap();
    assert!(place(|told| matches!(told, Told::Secret(_))) < place(|told| matches!(told, Told::Line { .. })));
}

#[test]
fn a_secret_is_in_no_message_and_in_no_projection() {
    let text = |last: &str| {
        format!("t = secret('token', value='s3cret')\nlocal_resource('a', 'x ' + t, env={{'T': t}})\n{last}")
    };
    let folder = Folder::with(&[("Orchfile", &text("print(t)"))]);
    let shown = dump(&folder.load(), &folder.path("."), &folder.lines()).to_string();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(shown.matches("[redacted token]").count(), 3, "{shown}");
    let failed = evaluate(&text("fail('wrong: ' + t); u = 's3cret'"));
    assert!(!format!("{:?}", failed.diagnostics).contains("s3cret"), "{:?}", failed.diagnostics);
    assert_eq!(failed.diagnostics[0].message, "wrong: [redacted token]");
}

#[test]
fn a_module_has_its_members_as_attributes_also_when_it_is_loaded() {
    let folder = Folder::with(&[
        (
            "Orchfile",
            "load('./m.star', 'm')\nprint(m.double(2), type(m), m, dir(m), hasattr(m, 'x'), dict(os.environ.items()))",
        ),
        ("m.star", "m = module('m', double=lambda x: 2 * x, a=[1])"),
    ]);
    assert_eq!(folder.load().diagnostics, []);
    assert_eq!(folder.lines(), ["4 module <module \"m\"> [\"a\", \"double\"] False {}"]);
}

#[test]
fn load_dynamic_gives_private_names_too_and_no_loaded_ones() {
    let folder = Folder::with(&[
        ("Orchfile", "print(load_dynamic('./a.star'))"),
        ("a.star", "load('./b.star', 'b')\n_hidden = 1\nshown = [b]"),
        ("b.star", "b = 2"),
    ]);
    assert_eq!(folder.load().diagnostics, []);
    assert_eq!(folder.lines(), ["{\"shown\": [2], \"_hidden\": 1}"]);
}

#[test]
fn the_environment_that_a_file_changes_reaches_its_commands_and_the_project() {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let seen = ran.clone();
    let sources = LocalSources::new(
        move |command| {
            seen.lock().unwrap().push(command.clone());
            Ok(SourceOutput { code: 0, stdout: b"out\n".to_vec(), stderr: Vec::new() })
        },
        drop,
    );
    let text = "os.putenv('A', 'a')\nos.environ['B'] = 'b'\nos.unsetenv('HOME')\nos.environ.pop('P')\n\
                x = str(local('run', env={'B': 'mine'}, quiet=True, stdin='in')) + str('HOME' in os.environ)\n\
                local_resource(x.replace('\\n', '-'), 'x')";
    let folder = Folder::with(&[("Orchfile", text)]);
    let loaded = load(&request(&folder.path("Orchfile"), &[("HOME", "/h"), ("P", "p")]), &sources);
    let project = loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let some = |value: &str| Some(value.to_owned());
    let overlay = |b: &str| {
        BTreeMap::from([("A", some("a")), ("B", some(b)), ("HOME", None), ("P", None)].map(|(k, v)| (k.to_owned(), v)))
    };
    assert_eq!(project.environment, overlay("b"));
    let command = &ran.lock().unwrap()[0];
    assert_eq!(command.env, overlay("mine"));
    assert_eq!((command.stdin.as_deref(), command.quiet, command.echo), (Some("in"), true, true));
    assert_eq!(project.resources[0].name.as_str(), "out-False");
}

#[test]
fn what_is_read_is_an_input_with_what_was_seen() {
    let folder = Folder::with(&[
        ("Orchfile", "read_file('a.txt')\nread_json('none.json', {})\nwatch_file('w')\nlistdir('d', recursive=True)"),
        ("a.txt", "text"),
        ("d/x", ""),
    ]);
    let inputs = folder.load().inputs;
    let input = |name: &str, seen| EvaluationInput { path: folder.path(name), seen };
    for expected in [
        input("a.txt", Seen::Content(orch::model::Digest::of(b"text"))),
        input("none.json", Seen::Absent),
        input("w", Seen::Tree),
        input("d", Seen::Tree),
        input(".tiltignore", Seen::Absent),
    ] {
        assert!(inputs.contains(&expected), "{expected:?} is not in {inputs:?}");
    }
}

#[test]
fn the_reference_shows_what_parameters_take() {
    let docs = orch::orchfile::globals().documentation();
    let item = docs.members.get("local_resource").unwrap();
    let text = starlark::docs::markdown::render_doc_item_no_link("local_resource", item);
    for line in [
        "cmd: str | list[str] = ...",
        "resource_deps: list[dep | str] = ...",
        "links: link | str | list[link | str] = ...",
        "readiness_probe: None | probe = ...",
        "* `outputs`: (defaults to: `...`)",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn every_builtin_says_what_it_does() {
    use starlark::docs::{DocItem, DocMember};
    fn undocumented(prefix: &str, item: &DocItem, found: &mut Vec<String>) {
        match item {
            DocItem::Member(DocMember::Function(function)) if function.docs.is_none() => found.push(prefix.to_owned()),
            DocItem::Module(module) => {
                module.members.iter().for_each(|(name, item)| undocumented(&format!("{prefix}.{name}"), item, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (name, item) in &orch::orchfile::globals().documentation().members {
        undocumented(name, item, &mut found);
    }
    // The interpreter's own, and what stands for `while`.
    found.retain(|name| !name.starts_with("json.") && !name.starts_with("__"));
    assert_eq!(found, Vec::<String>::new());
}
