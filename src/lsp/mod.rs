//! The language server, for Orchfiles and Tiltfiles: what an editor says and asks, and the answers. It knows the protocol and
//! the language, does no I/O but reading files, and runs nothing; `cli` gives it the messages and evaluates saved files.

mod answers;
mod document;
mod names;

use crate::{
    diag::{Diagnostic, Severity},
    model::FilePath,
    orchfile::{
        check,
        reference::{self, Entry},
    },
};
use document::{Document, file_of};
use names::Names;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Codes of the protocol for what cannot be answered.
const UNKNOWN_METHOD: i32 = -32601;
const INVALID_REQUEST: i32 = -32600;

/// What an editor and orch have told each other so far.
pub struct Server {
    entries: Vec<Entry>,
    documents: BTreeMap<String, Document>,
    is_shut_down: bool,
}

/// What comes of a message.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// What is to be sent, in this order.
    pub messages: Vec<Value>,
    /// An entry file that was opened or saved and can be evaluated.
    pub evaluate: Option<(String, FilePath)>,
    /// The editor wants the server to end; `false` when it did not say so before.
    pub exit: Option<bool>,
}

impl Default for Server {
    fn default() -> Self {
        Self { entries: reference::entries(), documents: BTreeMap::new(), is_shut_down: false }
    }
}

impl Server {
    /// Takes a message of the editor.
    pub fn handle(&mut self, message: &Value) -> Outcome {
        let (method, params) = (message["method"].as_str().unwrap_or_default(), &message["params"]);
        match message.get("id") {
            Some(id) if !method.is_empty() => {
                Outcome { messages: vec![self.answered(id, method, params)], ..Outcome::default() }
            }
            // The answer to a request of ours; there are none.
            Some(_) => Outcome::default(),
            None => self.notified(method, params),
        }
    }

    fn answered(&mut self, id: &Value, method: &str, params: &Value) -> Value {
        if self.is_shut_down {
            return refused(id, INVALID_REQUEST, "the server is shut down");
        }
        let result = match method {
            "initialize" => capabilities(),
            "shutdown" => {
                self.is_shut_down = true;
                Value::Null
            }
            "textDocument/completion" => self.about(params, answers::completion),
            "textDocument/hover" => self.about(params, answers::hover),
            "textDocument/signatureHelp" => self.about(params, answers::signature),
            "textDocument/definition" => {
                let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
                self.about(params, |names, offset| answers::definition(names, uri, offset))
            }
            _ => return refused(id, UNKNOWN_METHOD, &format!("`{method}` is not something this server answers")),
        };
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }

    /// Answers a question about a place of an open text.
    fn about(&self, params: &Value, answer: impl Fn(&Names<'_>, usize) -> Value) -> Value {
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
        let Some(document) = self.documents.get(uri) else { return Value::Null };
        let names = Names::of(document, file_of(uri), &self.entries);
        answer(&names, document.offset(&params["position"]))
    }

    fn notified(&mut self, method: &str, params: &Value) -> Outcome {
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default().to_owned();
        let text = |value: &Value| value["text"].as_str().map(str::to_owned);
        match method {
            "textDocument/didOpen" => self.changed(uri, text(&params["textDocument"]), true),
            "textDocument/didChange" => {
                let last = params["contentChanges"].as_array().and_then(|changes| changes.last());
                self.changed(uri, last.and_then(text), false)
            }
            "textDocument/didSave" => self.changed(uri, text(params), true),
            "textDocument/didClose" => {
                self.documents.remove(&uri);
                Outcome { messages: vec![published(&uri, Vec::new())], ..Outcome::default() }
            }
            "exit" => Outcome { exit: Some(self.is_shut_down), ..Outcome::default() },
            _ => Outcome::default(),
        }
    }

    /// A text is as the file has it (`is_saved`), or is being changed.
    fn changed(&mut self, uri: String, text: Option<String>, is_saved: bool) -> Outcome {
        match (text, self.documents.get_mut(&uri)) {
            (Some(text), Some(document)) => document.text = text,
            (Some(text), None) => drop(self.documents.insert(uri.clone(), Document { text })),
            (None, None) => return Outcome::default(),
            (None, Some(_)) => {}
        }
        let evaluate = file_of(&uri).filter(|file| is_saved && is_entry(file)).map(|file| (uri.clone(), file));
        Outcome { messages: self.diagnosed(&uri, &[]).into_iter().collect(), evaluate, exit: None }
    }

    /// What is wrong with a text: with it as such, and what came of its evaluation.
    pub fn diagnosed(&self, uri: &str, evaluated: &[Diagnostic]) -> Option<Value> {
        let (document, file) = (self.documents.get(uri)?, file_of(uri).unwrap_or_else(|| FilePath::new("/Orchfile")));
        let found = check::check(&file, &document.text, &self.entries);
        let more = evaluated.iter().filter(|one| !found.iter().any(|other| is_same(one, other)));
        let shown = found.iter().chain(more).map(|diagnostic| shown(document, &file, diagnostic)).collect();
        Some(published(uri, shown))
    }
}

fn refused(id: &Value, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

fn capabilities() -> Value {
    json!({
        "capabilities": {
            "textDocumentSync": {"openClose": true, "change": 1, "save": {"includeText": true}},
            "completionProvider": {"triggerCharacters": [".", "\"", "(", ","]},
            "hoverProvider": true,
            "signatureHelpProvider": {"triggerCharacters": ["(", ","]},
            "definitionProvider": true,
            "positionEncoding": "utf-16",
        },
        "serverInfo": {"name": "orch", "version": env!("CARGO_PKG_VERSION")},
    })
}

fn published(uri: &str, diagnostics: Vec<Value>) -> Value {
    let params = json!({"uri": uri, "diagnostics": diagnostics});
    json!({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params})
}

/// Whether orch would begin with this file.
fn is_entry(file: &FilePath) -> bool {
    ["Orchfile", "Tiltfile"].iter().any(|name| file.as_path().ends_with(name))
}

fn is_same(one: &Diagnostic, other: &Diagnostic) -> bool {
    let place = |it: &Diagnostic| it.labels.first().map(|label| (label.location.line, label.location.column));
    one.code == other.code && place(one) == place(other)
}

/// A diagnostic as the protocol has it. One that is about another file points to the call in this one, or to the beginning.
fn shown(document: &Document, file: &FilePath, diagnostic: &Diagnostic) -> Value {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let own = name(file.as_path());
    let label = diagnostic.labels.first();
    let mut message = diagnostic.message.clone();
    let range = if let Some(label) = label.filter(|label| label.location.file == own) {
        document.range_of(label)
    } else {
        if let Some(label) = label {
            message = format!("{}:{}: {message}", label.location.file, label.location.line);
        }
        let frame = diagnostic.frames.iter().rev().find(|frame| frame.location.file == own);
        let line = frame.map_or(0, |frame| frame.location.line.saturating_sub(1));
        json!({"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1}})
    };
    if let Some(help) = &diagnostic.help {
        message = format!("{message}\nhelp: {help}");
    }
    let severity = match diagnostic.severity {
        Severity::Error => 1,
        Severity::Warning => 2,
    };
    json!({"range": range, "severity": severity, "code": diagnostic.code, "source": "orch", "message": message})
}
