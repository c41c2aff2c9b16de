//! The state of one evaluation, which builtins reach from their `Evaluator`.

#![expect(unsafe_code, reason = "the interpreter's `ProvidesStaticType` is an unsafe trait; its derive is sound")]

use super::{
    Fault, LoadRequest,
    builtins::config::ConfigState,
    convert,
    draft::Draft,
    environment::Environment,
    fault::Finding,
    load::Modules,
    sources::{Entry, EntryKind, SourceCommand, SourceOutput, Sources, Told, Voice},
    text::{Site, SourceText},
};
use crate::{
    diag::{Diagnostic, Severity},
    model::{Cluster, Digest, EvaluationInput, FilePath, Level, Location, Mode, Secret, Seen},
};
use starlark::{any::ProvidesStaticType, codemap::FileSpan, environment::Globals, eval::Evaluator};
use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

/// Files beyond this size are refused when they are to be evaluated.
pub const SOURCE_BYTES_MAX: u64 = 10 << 20;
/// Files beyond this size are refused when a builtin reads them.
pub const READ_BYTES_MAX: u64 = 256 << 20;
/// What the names of embedded files begin with.
pub const STD: &str = "@std//";

/// The state of one evaluation.
#[derive(ProvidesStaticType)]
pub struct Context<'a> {
    /// What was asked for.
    pub request: &'a LoadRequest,
    /// Whose defaults hold.
    pub mode: Mode,
    /// The folder of the entry file.
    pub root: FilePath,
    /// What was declared so far.
    pub draft: RefCell<Draft>,
    /// The state of `config.*`.
    pub(crate) config: RefCell<ConfigState>,
    pub(super) globals: &'a Globals,
    pub(super) modules: RefCell<Modules>,
    sources: &'a dyn Sources,
    texts: RefCell<BTreeMap<String, Arc<SourceText>>>,
    executing: RefCell<Vec<Executing>>,
    /// The cluster that is meant, once somebody asked.
    pub(super) cluster: OnceCell<Result<Option<Cluster>, Fault>>,
    environment: Environment,
    secrets: RefCell<Vec<Secret>>,
    inputs: RefCell<BTreeSet<EvaluationInput>>,
    silent: RefCell<BTreeSet<FilePath>>,
    warnings: RefCell<Vec<Diagnostic>>,
}

/// A file whose top level is being executed.
#[derive(Debug, Clone)]
pub(super) struct Executing {
    /// What the interpreter calls it.
    pub key: String,
    /// Relative paths are taken from here.
    pub dir: FilePath,
    /// Where each path that the file loads is written, in the order of the text.
    pub loads: Vec<(String, Site)>,
}

/// The state of the evaluation that `eval` belongs to.
///
/// # Panics
/// When the evaluator was not made by `orchfile::load`, which is a bug of orch.
pub fn context<'a, 'e>(eval: &Evaluator<'_, 'a, 'e>) -> &'a Context<'e> {
    let context = eval.extra.and_then(|extra| extra.downcast_ref::<Context<'e>>());
    context.unwrap_or_else(|| unreachable!("an evaluator without a context"))
}

/// The innermost call in the user's files, as messages about what a builtin does point to it.
pub fn site(eval: &Evaluator<'_, '_, '_>) -> Option<Site> {
    let context = context(eval);
    let spans = (0..eval.call_stack_count()).filter_map(|depth| eval.call_stack_nth_location(depth));
    let mut outside = spans.filter(|span| !span.filename().starts_with(STD));
    outside.next().and_then(|span| context.site_of(&span)).or_else(|| context.load_site())
}

/// Line and column of [`site`].
pub fn here(eval: &Evaluator<'_, '_, '_>) -> Option<Location> {
    site(eval).map(|site| site.location())
}

/// `path` taken from the folder of the file that is being executed: of the file whose top level runs, not of the one that
/// holds the calling function.
pub fn resolve_path(eval: &Evaluator<'_, '_, '_>, path: &str) -> FilePath {
    context(eval).dir().join(path)
}

impl<'a> Context<'a> {
    pub(super) fn new(
        request: &'a LoadRequest,
        sources: &'a dyn Sources,
        globals: &'a Globals,
        environment: Environment,
    ) -> Self {
        Self {
            request,
            mode: Mode::of_file(request.file.as_path()),
            root: request.file.parent().unwrap_or_else(|| FilePath::new("/")),
            draft: RefCell::default(),
            config: RefCell::default(),
            globals,
            modules: RefCell::default(),
            sources,
            texts: RefCell::default(),
            executing: RefCell::default(),
            cluster: OnceCell::new(),
            environment,
            secrets: RefCell::default(),
            inputs: RefCell::default(),
            silent: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// The folder that relative paths are taken from now.
    pub fn dir(&self) -> FilePath {
        self.executing.borrow().last().map_or_else(|| self.root.clone(), |executing| executing.dir.clone())
    }

    /// The path as messages show it.
    pub fn display(&self, path: &FilePath) -> String {
        path.display_from(&self.root)
    }

    /// Reads a file and watches it from now on, also when there is none.
    pub fn read(&self, path: &FilePath) -> io::Result<Vec<u8>> {
        self.read_at_most(path, READ_BYTES_MAX)
    }

    pub(super) fn read_at_most(&self, path: &FilePath, bytes_max: u64) -> io::Result<Vec<u8>> {
        let result = self.sources.read(path, bytes_max);
        let seen = match &result {
            Ok(bytes) => Seen::Content(Digest::of(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Absent,
            Err(_) => Seen::Tree,
        };
        self.record(path.clone(), seen);
        result
    }

    /// Reads a file and watches it, without `orch eval` listing it: Tilt does not watch it.
    pub fn read_silently(&self, path: &FilePath) -> io::Result<Vec<u8>> {
        if !self.inputs.borrow().iter().any(|input| input.path == *path) {
            self.silent.borrow_mut().insert(path.clone());
        }
        self.read(path)
    }

    /// Reads a file without watching it: whoever calls says in the end whether it was of use.
    pub fn peek(&self, path: &FilePath, bytes_max: u64) -> io::Result<Vec<u8>> {
        self.sources.read(path, bytes_max)
    }

    /// The file that is being executed: the innermost of the user's.
    pub fn file(&self) -> FilePath {
        let executing = self.executing.borrow();
        let users = executing.iter().rev().find(|executing| !executing.key.starts_with(STD));
        users.map_or_else(|| self.request.file.clone(), |executing| FilePath::new(&executing.key))
    }

    /// Watches a file, or a folder with all below it, that is not read here.
    pub fn watch(&self, path: FilePath) {
        self.record(path, Seen::Tree);
    }

    /// Watches a path at which there is nothing, without `orch eval` listing it.
    pub(super) fn watch_absent(&self, path: &FilePath) {
        if !self.inputs.borrow().iter().any(|input| input.path == *path) {
            self.silent.borrow_mut().insert(path.clone());
            self.record(path.clone(), Seen::Absent);
        }
    }

    fn record(&self, path: FilePath, seen: Seen) {
        let input = EvaluationInput { path, seen };
        if self.inputs.borrow_mut().insert(input.clone()) {
            self.sources.tell(Told::Inputs(vec![input]));
        }
    }

    /// What is in a folder; does not watch it.
    pub fn list(&self, folder: &FilePath, recursive: bool) -> io::Result<Vec<Entry>> {
        self.sources.list(folder, recursive)
    }

    /// What is at a path; does not watch it.
    pub fn kind(&self, path: &FilePath) -> io::Result<Option<EntryKind>> {
        self.sources.kind(path)
    }

    /// The path without symbolic links.
    pub fn real_path(&self, path: &FilePath) -> io::Result<FilePath> {
        self.sources.real_path(path)
    }

    /// Runs a command to its end. Its environment gets the overlay of `os.putenv` below its own.
    pub fn run(&self, mut command: SourceCommand) -> io::Result<SourceOutput> {
        for (name, value) in self.environment.overlay() {
            command.env.entry(name).or_insert(value);
        }
        self.sources.run(&command)
    }

    /// Says something in the session's log, in the file's own voice.
    pub fn print(&self, level: Level, text: impl Into<String>) {
        self.sources.tell(Told::Line { level, voice: Voice::File, text: text.into() });
    }

    /// Says something in the session's log, in orch's voice.
    pub fn say(&self, level: Level, text: impl Into<String>) {
        self.sources.tell(Told::Line { level, voice: Voice::Orch, text: text.into() });
    }

    /// Hides `value` from now on.
    pub fn add_secret(&self, name: impl Into<String>, value: impl Into<String>) {
        let secret = Secret { name: name.into(), value: value.into() };
        self.sources.tell(Told::Secret(secret.clone()));
        self.secrets.borrow_mut().push(secret);
    }

    /// The value of an environment variable, as it is now.
    pub fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name)
    }

    /// Sets or, with `None`, removes an environment variable, here and for all commands.
    pub fn set_env(&self, name: &str, value: Option<String>) {
        self.environment.set(name, value);
    }

    /// The whole environment, as it is now.
    pub fn whole_env(&self) -> BTreeMap<String, String> {
        self.environment.all()
    }

    /// Adds a warning that has a place.
    pub fn warn(&self, site: Option<&Site>, code: &str, message: impl Into<String>, help: Option<String>) {
        self.add_warning(Diagnostic {
            severity: Severity::Warning,
            code: code.to_owned(),
            message: message.into(),
            labels: site.map(|site| site.label("")).into_iter().collect(),
            help,
            frames: Vec::new(),
        });
    }

    /// Adds an error that was found when the file had been evaluated.
    pub(super) fn report(&self, site: Option<&Site>, fault: Fault) {
        let Finding { code, message, help, label, at, further } = fault.into_finding();
        let mut labels: Vec<_> = site.map(|site| convert::narrow(site, &at).label(label)).into_iter().collect();
        labels.extend(further);
        let frames = Vec::new();
        self.add_warning(Diagnostic {
            severity: Severity::Error,
            code: code.to_owned(),
            message,
            labels,
            help,
            frames,
        });
    }

    pub(super) fn add_warning(&self, warning: Diagnostic) {
        self.warnings.borrow_mut().push(warning);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.sources.is_cancelled()
    }

    /// The user's place for a place of the interpreter.
    pub fn site_of(&self, span: &FileSpan) -> Option<Site> {
        let source = self.texts.borrow().get(span.filename()).cloned()?;
        let range = span.span.begin().get() as usize..span.span.end().get() as usize;
        let range = source.original(range);
        Some(Site { source, range })
    }

    pub(super) fn add_text(&self, key: String, text: Arc<SourceText>) {
        self.texts.borrow_mut().insert(key, text);
    }

    /// All texts that were parsed so far.
    pub(super) fn texts(&self) -> Vec<Arc<SourceText>> {
        self.texts.borrow().values().cloned().collect()
    }

    pub(super) fn begin(&self, executing: Executing) {
        self.executing.borrow_mut().push(executing);
    }

    pub(super) fn end(&self) {
        self.executing.borrow_mut().pop();
    }

    /// What the interpreter calls the files that are being executed, outermost first.
    pub(super) fn executing(&self) -> Vec<Executing> {
        self.executing.borrow().clone()
    }

    /// What messages call the file that is being executed.
    pub(super) fn executing_name(&self) -> String {
        let executing = self.executing.borrow();
        let key = executing.last().map(|executing| executing.key.as_str());
        let text = key.and_then(|key| self.texts.borrow().get(key).cloned());
        text.map_or_else(|| self.display(&self.request.file), |text| text.name.clone())
    }

    /// The innermost load statement of the user's that led to what is being executed.
    fn load_site(&self) -> Option<Site> {
        let executing = self.executing.borrow();
        let user = executing.iter().rposition(|executing| !executing.key.starts_with(STD))?;
        let next = executing.get(user + 1)?;
        executing[user].loads.iter().find(|(key, _)| *key == next.key).map(|(_, site)| site.clone())
    }

    pub(super) fn into_parts(self) -> Parts {
        Parts {
            mode: self.mode,
            root: self.root,
            draft: self.draft.into_inner(),
            overlay: self.environment.overlay(),
            secrets: self.secrets.into_inner(),
            inputs: self.inputs.into_inner().into_iter().collect(),
            silent: self.silent.into_inner(),
            warnings: self.warnings.into_inner(),
        }
    }
}

/// What is left of a context when the evaluation is over.
pub(super) struct Parts {
    pub mode: Mode,
    pub root: FilePath,
    pub draft: Draft,
    pub overlay: BTreeMap<String, Option<String>>,
    pub secrets: Vec<Secret>,
    pub inputs: Vec<EvaluationInput>,
    pub silent: BTreeSet<FilePath>,
    pub warnings: Vec<Diagnostic>,
}
