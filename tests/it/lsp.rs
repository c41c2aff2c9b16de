//! `orch lsp`, as an editor talks to it: the real program over its standard input and output.

use crate::sandbox::{DEADLINE, Sandbox};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

/// An editor with one open file.
struct Editor {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    uri: String,
    text: String,
    next_id: u64,
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Editor {
    /// Opens a file of the sandbox; the bar in the text is the cursor.
    fn open(sandbox: &Sandbox, file: &str) -> Self {
        let mut command = sandbox.command(&["lsp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Some(message) = message(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let uri = format!("file://{}", sandbox.path(file).display());
        let mut editor = Self { child, stdin, messages, uri, text: sandbox.read(file), next_id: 1 };
        let capabilities = editor.ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}}));
        assert_eq!(capabilities["capabilities"]["hoverProvider"], true, "{capabilities}");
        editor.tell("initialized", json!({}));
        let document = json!({"uri": editor.uri, "languageId": "starlark", "version": 1, "text": editor.text});
        editor.tell("textDocument/didOpen", json!({"textDocument": document}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.stdin.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.wait(&format!("an answer to {method}"), |message| message["id"] == id);
        answer.get("result").cloned().unwrap_or(answer)
    }

    #[track_caller]
    fn wait(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(begin.elapsed());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("no {what}: {error}"));
            if is_it(&message) {
                return message;
            }
        }
    }

    /// Puts a text in the place of all, and gives the place of the bar in it.
    fn change(&mut self, text: &str) -> Value {
        let bar = text.find('|').unwrap_or(text.len());
        self.text = text.replacen('|', "", 1);
        let changes = json!([{"text": self.text}]);
        self.tell(
            "textDocument/didChange",
            json!({"textDocument": {"uri": self.uri, "version": 2}, "contentChanges": changes}),
        );
        let before = &self.text[..bar];
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        json!({"line": before.matches('\n').count(), "character": character})
    }

    /// Asks about the place of the bar.
    #[track_caller]
    fn at(&mut self, method: &str, text: &str) -> Value {
        let position = self.change(text);
        self.ask(&format!("textDocument/{method}"), json!({"textDocument": {"uri": self.uri}, "position": position}))
    }

    #[track_caller]
    fn completions(&mut self, text: &str) -> Vec<String> {
        let items = self.at("completion", text)["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    /// The next messages about the file that are as asked for.
    #[track_caller]
    fn until_diagnosed(&self, what: &str, is_it: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let published = self.wait(what, |message| {
            message["method"] == "textDocument/publishDiagnostics"
                && is_it(message["params"]["diagnostics"].as_array().unwrap())
        });
        published["params"]["diagnostics"].as_array().unwrap().clone()
    }
}

fn message(input: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            _ => break,
        }
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

const LIBRARY: &str = "def server(name, port = 80):\n    \"\"\"Makes a server.\n\n    Args:\n      name: what it is called\n    \"\"\"\n    pass\n";

fn editor() -> (Sandbox, Editor) {
    let sandbox = Sandbox::new("");
    sandbox.write("lib.star", LIBRARY);
    let editor = Editor::open(&sandbox, "Orchfile");
    (sandbox, editor)
}

#[test]
fn names_are_completed() {
    let (_sandbox, mut editor) = editor();
    let all = editor.completions("load(\"lib.star\", \"server\")\nlimit = 3\ndef own(x):\n    pass\nl|");
    for name in ["local_resource", "limit", "own", "server", "len", "load", "config", "for"] {
        assert!(all.iter().any(|label| label == name), "no `{name}` in {all:?}");
    }
    assert!(!all.contains(&"x".to_owned()), "a parameter beyond its function");
    assert!(editor.completions("def own(x):\n    return |\n").contains(&"x".to_owned()));
    let members = editor.completions("x = os.path.|");
    assert!(members.contains(&"join".to_owned()) && !members.contains(&"len".to_owned()), "{members:?}");
    assert!(editor.completions("x = name.|").contains(&"removeprefix".to_owned()));
    assert!(editor.completions("# lo|").is_empty());
}

#[test]
fn arguments_are_completed_while_they_are_typed() {
    let (_sandbox, mut editor) = editor();
    let open = editor.completions("local_resource(\"a\", deps=[\"src\"], |\n\nother = 1\n");
    assert!(open.contains(&"serve_cmd=".to_owned()), "{open:?}");
    assert!(!open.contains(&"deps=".to_owned()), "what is given is offered again");
    let own = editor.completions("load(\"lib.star\", \"server\")\nserver(|)");
    assert!(own.contains(&"port=".to_owned()), "{own:?}");
    let names = editor
        .completions("local_resource(\"api\", \"true\")\nlocal_resource(\"web\", \"true\", resource_deps=[\"|\"])");
    assert_eq!(names, ["api", "web"]);
}

#[test]
fn what_can_be_loaded_is_completed() {
    let (_sandbox, mut editor) = editor();
    let files = editor.completions("load(\"|\")");
    assert!(files.contains(&"@std//procfile.star".to_owned()) && files.contains(&"lib.star".to_owned()), "{files:?}");
    assert_eq!(editor.completions("load(\"lib.star\", \"|\")"), ["server"]);
    assert!(editor.completions("load(\"@std//tools.star\", \"|\")").contains(&"which".to_owned()));
}

#[test]
fn hover_shows_the_reference() {
    let (_sandbox, mut editor) = editor();
    let mut text =
        |source: &str| editor.at("hover", source)["contents"]["value"].as_str().unwrap_or_default().to_owned();
    assert!(text("local_res|ource(\"a\", \"true\")").contains("A resource made of commands on this machine"));
    assert!(text("x = os.path.jo|in(\"a\")").contains("os.path.join(*parts)"));
    assert!(text("local_resource(\"a\", \"true\", out|puts=[])").contains("files and folders that `cmd` writes"));
    assert!(text("load(\"lib.star\", \"server\")\nser|ver(\"a\")").contains("Makes a server."));
    assert!(text("load(\"@std//tools.star\", \"port\")\npo|rt(\"a\")").contains("Chooses a port"));
    assert!(text("limit = 3\nprint(lim|it)").contains("limit = 3"));
    assert_eq!(text("x = 1|1"), "");
}

#[test]
fn signatures_know_the_argument() {
    let (_sandbox, mut editor) = editor();
    let mut active = |source: &str| {
        let help = editor.at("signatureHelp", source);
        let place = usize::try_from(help["activeParameter"].as_u64().unwrap_or(99)).unwrap();
        let signature = &help["signatures"][0];
        (signature["label"].as_str().unwrap_or_default().to_owned(), signature["parameters"][place]["label"].clone())
    };
    let (label, parameter) = active("local_resource(\"a\", |");
    assert!(label.starts_with("local_resource(name, cmd=…"), "{label}");
    assert_eq!(parameter, "cmd=…");
    assert_eq!(active("local_resource(\"a\", \"b\", outputs=[|])").1, "outputs=…");
    assert_eq!(active("def own(x, y = 1):\n    pass\nown(1, |)"), ("own(x, y=1)".to_owned(), json!("y=1")));
}

#[test]
fn definitions_are_found() {
    let (sandbox, mut editor) = editor();
    let uri = editor.uri.clone();
    let mut at = |source: &str| editor.at("definition", source);
    let own = at("limit = 3\ndef own(x):\n    return limit + x\nprint(ow|n(1))");
    assert_eq!((&own["uri"], &own["range"]["start"]), (&json!(uri), &json!({"line": 1, "character": 4})));
    let parameter = at("limit = 3\ndef own(x):\n    return limit + x|\n");
    assert_eq!(parameter["range"]["start"], json!({"line": 1, "character": 8}));
    let library = format!("file://{}", sandbox.path("lib.star").display());
    let loaded = at("load(\"lib.star\", \"server\")\nser|ver(\"a\")");
    assert_eq!((&loaded["uri"], &loaded["range"]["start"]["character"]), (&json!(library), &json!(4)));
    assert_eq!(at("load(\"lib.s|tar\", \"server\")")["uri"], json!(library));
    let resource = at("local_resource(\"api\", \"true\")\nlocal_resource(\"web\", \"true\", resource_deps=[\"a|pi\"])");
    assert_eq!(resource["range"]["start"]["line"], 0);
}

#[test]
fn mistakes_are_shown_while_they_are_typed() {
    let (_sandbox, mut editor) = editor();
    let codes = |found: &[Value]| found.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    editor.change("x = lenn([1])\nlocal_resource(\"a\", comand=\"true\")\n");
    let found = editor.until_diagnosed("two mistakes", |found| found.len() == 2);
    assert_eq!(codes(&found), ["orchfile::unknown_name", "orchfile::unknown_parameter"]);
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `len`?"), "{found:?}");
    assert_eq!(found[1]["range"]["start"], json!({"line": 1, "character": 20}));
    editor.change("x = (1,\n");
    let found = editor.until_diagnosed("an open bracket", |found| found.len() == 1);
    assert_eq!(codes(&found), ["orchfile::syntax"]);
    editor.change("while True:\n\tbreak\n");
    editor.until_diagnosed("nothing", <[Value]>::is_empty);
}

#[test]
fn a_saved_file_is_evaluated_and_runs_nothing() {
    let (sandbox, mut editor) = editor();
    let text = "local_resource(\"a\", \"true\", resource_deps=[\"b\"])\n";
    editor.change(text);
    sandbox.write("Orchfile", text);
    let uri = editor.uri.clone();
    editor.tell("textDocument/didSave", json!({"textDocument": {"uri": uri}, "text": text}));
    let found = editor.until_diagnosed("an unknown dependency", |found| !found.is_empty());
    assert_eq!(found[0]["code"], "orchfile::unknown_dependency", "{found:?}");

    let text = "local(\"touch ran\")\nlocal_resource(\"a\", \"true\", resource_deps=[\"b\"])\n";
    editor.change(text);
    sandbox.write("Orchfile", text);
    editor.tell("textDocument/didSave", json!({"textDocument": {"uri": editor.uri.clone()}, "text": text}));
    // What was published for the change and for the save; then what came of the evaluation.
    for _ in 0..3 {
        let found = editor.until_diagnosed("nothing", |_| true);
        assert!(found.is_empty(), "a refused command is nobody's mistake: {found:?}");
    }
    assert!(!sandbox.path("ran").exists(), "an editor ran a command");
}

#[test]
fn it_ends_as_the_protocol_says() {
    let (_sandbox, mut editor) = editor();
    let refused = editor.ask("workspace/symbol", json!({"query": ""}));
    assert_eq!(refused["error"]["code"], -32601);
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(0));
}
