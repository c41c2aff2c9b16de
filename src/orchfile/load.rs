//! Evaluates a file and all that it loads: each file once, none while it is still being loaded.

use super::{
    builtins,
    context::{Context, Executing, Parts, SOURCE_BYTES_MAX, STD},
    convert, dialect, draft,
    environment::{Environment, Surroundings},
    extension::{self, Place},
    fault::Fault,
    globals_of, lower, missing, redact,
    sources::{Sources, Told},
    stdlib,
    text::{OffsetMap, SourceText},
};
use crate::{
    diag::{
        Diagnostic, Severity,
        suggest::{did_you_mean, suggest},
    },
    model::{EvaluationInput, FilePath, Level, Project, ResourceName},
};
use serde::{Deserialize, Serialize};
use starlark::{
    PrintHandler,
    environment::{FrozenModule, Module},
    eval::{Evaluator, FileLoader},
    syntax::AstModule,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
};

/// The stack of an evaluation: deep enough for what `dialect` lets through.
const STACK_BYTES: usize = 64 << 20;

/// What is to be evaluated, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRequest {
    /// The entry file.
    pub file: FilePath,
    /// What came after the verb, without orch's own flags and without `--`: names of resources and arguments of the file.
    pub args: Vec<String>,
    /// What `config.tilt_subcommand` says: `up`, `ci`, `down`, `alpha tiltfile-result`.
    pub subcommand: String,
    /// orch's own environment.
    pub environment: BTreeMap<String, String>,
    /// Which cluster is meant.
    pub kube: KubeWish,
    /// When to give up.
    pub limits: Limits,
}

/// Which cluster is meant, instead of what the kubeconfig says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KubeWish {
    /// `--context`.
    pub context: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
}

/// When an evaluation gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls and turns of loops in one file.
    pub ticks: u64,
    /// Bytes of values in one file.
    pub heap_bytes: usize,
    /// Calls within calls.
    pub call_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ticks: 50_000_000, heap_bytes: 768 << 20, call_depth: 500 }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// What the file declares; `None` when there are errors.
    pub project: Option<Project>,
    /// Errors and warnings, in the order in which they were found.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read; also of a file that failed.
    pub inputs: Vec<EvaluationInput>,
    /// Those of the inputs that `orch eval` does not list, since Tilt has none like them.
    pub silent: BTreeSet<FilePath>,
    /// What `v1alpha1.*` registered, as `orch eval` shows it.
    pub objects: serde_json::Value,
    /// Resources that such objects became: `orch eval` shows the objects.
    pub of_objects: BTreeSet<ResourceName>,
}

/// Files that were or are being evaluated, by what the interpreter calls them.
pub(super) type Modules = BTreeMap<String, Outcome>;

/// How far the evaluation of a file is.
#[derive(Clone)]
pub(super) enum Outcome {
    Begun,
    Done(FrozenModule),
    Failed(Fault),
}

/// Evaluates a file to a project.
pub fn load(request: &LoadRequest, sources: &dyn Sources) -> Loaded {
    thread::scope(|scope| {
        let evaluation =
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || evaluate(request, sources));
        match evaluation {
            Ok(evaluation) => evaluation.join().unwrap_or_else(|cause| panic::resume_unwind(cause)),
            Err(error) => {
                let message = format!("there is no memory for evaluating a file: {error}");
                Loaded { diagnostics: vec![plain_error("orchfile::limit", message)], ..Loaded::default() }
            }
        }
    })
}

fn evaluate(request: &LoadRequest, sources: &dyn Sources) -> Loaded {
    let environment = Environment::new(request.environment.clone());
    let globals = globals_of(&Surroundings {
        file: request.file.clone(),
        subcommand: request.subcommand.clone(),
        args: request.args.clone(),
        environment: environment.clone(),
    });
    let context = Context::new(request, sources, &globals, environment);
    builtins::begin(&context);
    let key = request.file.to_string();
    // The interpreter panics on some sizes that it does not expect; what was read is still told.
    let executed = panic::catch_unwind(AssertUnwindSafe(|| match execute_file(&context, &key, &request.file) {
        Err(fault) if !fault.is_exit() => Err(fault),
        Ok(_) | Err(_) => extension::run_registered(&context),
    }));
    let executed = executed.unwrap_or_else(|_| {
        let message = "the interpreter broke off: a value is too large for it, or orch has a defect";
        Err(Fault::new("orchfile::internal", message).help("look for a list or text that grows without end"))
    });
    let errors = match executed {
        Err(fault) if !fault.is_exit() => convert::of_fault(&fault),
        _ => Vec::new(),
    };
    let mut missing_paths = Vec::new();
    if errors.is_empty() {
        builtins::complete(&context);
        missing_paths = missing::warnings(&context);
    }
    let parts = context.into_parts();
    let known = parts.inputs.len();
    let loaded = finish(request, parts, errors, missing_paths);
    if let Some(more) = loaded.inputs.get(known..).filter(|more| !more.is_empty()) {
        sources.tell(Told::Inputs(more.to_vec()));
    }
    loaded
}

fn finish(request: &LoadRequest, parts: Parts, errors: Vec<Diagnostic>, missing_paths: Vec<Diagnostic>) -> Loaded {
    let secrets = parts.secrets.clone();
    let mut loaded = gather(request, parts, errors);
    // Beside errors they would hide what matters.
    if loaded.project.is_some() {
        loaded.diagnostics.extend(missing_paths);
    }
    loaded.diagnostics.iter_mut().for_each(|diagnostic| redact::diagnostic(diagnostic, &secrets));
    loaded
}

fn gather(request: &LoadRequest, mut parts: Parts, errors: Vec<Diagnostic>) -> Loaded {
    let mut inputs = std::mem::take(&mut parts.inputs);
    let mut silent = std::mem::take(&mut parts.silent);
    let mut diagnostics = std::mem::take(&mut parts.warnings);
    if !errors.is_empty() {
        diagnostics.extend(errors);
        return Loaded { diagnostics, inputs, silent, ..Loaded::default() };
    }
    let (objects, of_objects) = (draft::shown(&parts.draft.api), parts.draft.of_api.clone());
    let lower::Lowered { project, found, needed } = lower::lower(request, parts);
    let more: BTreeMap<_, _> = needed.into_iter().map(|file| (file.input, file.listed)).collect();
    let more = more.into_iter().filter(|(input, _)| inputs.binary_search(input).is_err());
    let (more, listed): (Vec<_>, Vec<_>) = more.unzip();
    silent.extend(more.iter().zip(listed).filter(|(_, listed)| !listed).map(|(input, _)| input.path.clone()));
    inputs.extend(more);
    diagnostics.extend(found);
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Loaded { project: Some(project).filter(|_| !failed), diagnostics, inputs, silent, objects, of_objects }
}

/// Executes the file that a `load`, `include` or `load_dynamic` names, unless it was executed already.
///
/// # Errors
/// A fault that says what is wrong with the path or with the file.
pub(super) fn execute(context: &Context<'_>, path: &str) -> Result<FrozenModule, Fault> {
    if let Some(name) = path.strip_prefix(STD) {
        return once(context, path, |context| execute_embedded(context, name));
    }
    if let Some(name) = path.strip_prefix("ext://") {
        return match extension::find(context, name)? {
            Place::Embedded(name) => execute(context, &format!("{STD}{name}")),
            Place::File(file) => {
                let key = file.to_string();
                once(context, &key, |context| execute_file(context, &key, &file))
            }
        };
    }
    let file = context.dir().join(path);
    let key = file.to_string();
    once(context, &key, |context| execute_file(context, &key, &file))
}

pub(super) fn once(
    context: &Context<'_>,
    key: &str,
    execute: impl FnOnce(&Context<'_>) -> Result<FrozenModule, Fault>,
) -> Result<FrozenModule, Fault> {
    let known = context.modules.borrow().get(key).cloned();
    match known {
        Some(Outcome::Done(module)) => return Ok(module),
        Some(Outcome::Failed(fault)) => return Err(fault),
        Some(Outcome::Begun) => return Err(circular(context, key)),
        None => {}
    }
    context.modules.borrow_mut().insert(key.to_owned(), Outcome::Begun);
    let result = execute(context);
    let outcome = match &result {
        Ok(module) => Outcome::Done(module.clone()),
        Err(fault) => Outcome::Failed(fault.clone()),
    };
    context.modules.borrow_mut().insert(key.to_owned(), outcome);
    result
}

fn circular(context: &Context<'_>, key: &str) -> Fault {
    let executing = context.executing();
    let from = executing.iter().position(|executing| executing.key == key).unwrap_or(0);
    let names = executing[from..].iter().map(|executing| executing.key.as_str()).chain([key]);
    let chain: Vec<_> = names.map(|key| format!("`{}`", shown(context, key))).collect();
    Fault::new("orchfile::circular_load", format!("files load each other in a circle: {}", chain.join(" loads ")))
        .help("move what both need into a file of its own")
}

fn shown(context: &Context<'_>, key: &str) -> String {
    if key.starts_with(STD) { key.to_owned() } else { context.display(&FilePath::new(key)) }
}

fn execute_embedded(context: &Context<'_>, name: &str) -> Result<FrozenModule, Fault> {
    let key = format!("{STD}{name}");
    let Some(text) = stdlib::text(name) else {
        let known: Vec<_> = stdlib::names().map(|name| format!("{STD}{name}")).collect();
        let message = format!("there is no `{key}` in the standard library");
        let help = did_you_mean(&key, known.iter().map(String::as_str));
        return Err(Fault::new("orchfile::missing_file", message).maybe_help(help).at_literal(key));
    };
    run(context, &key, None, text.to_owned())
}

pub(super) fn execute_file(context: &Context<'_>, key: &str, file: &FilePath) -> Result<FrozenModule, Fault> {
    let bytes = context.read_at_most(file, SOURCE_BYTES_MAX).map_err(|error| unreadable(context, file, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| not_text(context, file, &error))?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    run(context, key, Some(file), text)
}

fn unreadable(context: &Context<'_>, file: &FilePath, error: &io::Error) -> Fault {
    let name = context.display(file);
    match error.kind() {
        io::ErrorKind::NotFound => {
            let fault = Fault::new("orchfile::missing_file", format!("there is no file `{name}`"));
            // The file that it all begins with is loaded by nobody.
            if *file == context.request.file { fault } else { fault.help(beside(context, file)) }
        }
        io::ErrorKind::IsADirectory => {
            Fault::new("orchfile::unreadable_file", format!("`{name}` is a folder, not a file"))
                .help("name the file in it that is meant")
        }
        io::ErrorKind::FileTooLarge => {
            Fault::new("orchfile::unreadable_file", format!("`{name}` is larger than 10 MB"))
                .help("generate less text, or read data with `read_json` and loop over it")
        }
        _ => Fault::new("orchfile::unreadable_file", format!("`{name}` cannot be read: {error}")),
    }
}

/// A file of nearly that name in its folder, or how paths are read.
fn beside(context: &Context<'_>, file: &FilePath) -> String {
    let path = file.as_path();
    let folder = path.parent().map(FilePath::new);
    let entries = folder.and_then(|folder| context.list(&folder, false).ok()).unwrap_or_default();
    let names: Vec<_> = entries.iter().filter_map(|entry| entry.path.as_path().file_name()?.to_str()).collect();
    let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let with_ending = names.iter().copied().find(|name| name.strip_suffix(".star") == Some(wanted));
    match with_ending.or_else(|| suggest(wanted, names.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a path begins in the folder of the file in which it is written".to_owned(),
    }
}

fn not_text(context: &Context<'_>, file: &FilePath, error: &std::string::FromUtf8Error) -> Fault {
    let at = error.utf8_error().valid_up_to();
    let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').fold(1, |line, _| line + 1);
    let name = context.display(file);
    Fault::new("orchfile::unreadable_file", format!("`{name}` is not UTF-8 text (line {line})"))
        .help("save the file in UTF-8")
}

/// Parses and executes a text.
fn run(context: &Context<'_>, key: &str, file: Option<&FilePath>, text: String) -> Result<FrozenModule, Fault> {
    let name = file.map_or_else(|| key.to_owned(), |file| context.display(file));
    let widened = dialect::widen(&text);
    let (parsed, map, refused) = match widened {
        Ok(widened) => (widened.text, widened.map, None),
        Err(refused) => (String::new(), OffsetMap::default(), Some(refused)),
    };
    let source = Arc::new(SourceText::new(file.cloned(), name, text, map));
    context.add_text(key.to_owned(), source.clone());
    if let Some(refused) = refused {
        return Err(Fault::diagnosed(vec![refused.diagnostic(&source)]));
    }
    let ast = AstModule::parse(key, parsed, &dialect::DIALECT).map_err(|error| convert::of_error(context, &error))?;
    let dir = file.and_then(FilePath::parent).unwrap_or_else(|| context.dir());
    let loads =
        ast.loads().iter().filter_map(|load| Some((load.module_id.to_owned(), context.site_of(&load.span)?))).collect();
    context.begin(Executing { key: key.to_owned(), dir, loads });
    let result = interpret(context, key, file, ast);
    context.end();
    result
}

fn interpret(context: &Context<'_>, key: &str, file: Option<&FilePath>, ast: AstModule) -> Result<FrozenModule, Fault> {
    Module::with_temp_heap(|module| {
        let is_entry = context.executing().len() == 1;
        let is_projects = is_entry && file == Some(&context.request.file);
        let own_name =
            file.map_or(key, |file| file.as_path().file_name().and_then(|name| name.to_str()).unwrap_or(key));
        module.set("__file__", module.heap().alloc(key));
        module.set("__name__", module.heap().alloc(if is_entry { "__main__" } else { own_name }));
        let loader = Loader { context };
        let print = Print { context };
        {
            let mut eval = Evaluator::new(&module);
            eval.extra = Some(context);
            eval.set_loader(&loader);
            eval.set_print_handler(&print);
            set_limits(&mut eval, context)?;
            let evaluated = eval.eval_module(ast, context.globals).map_err(|error| convert::of_error(context, &error));
            let is_over = evaluated.as_ref().err().is_none_or(Fault::is_exit);
            if is_projects && is_over {
                builtins::name_workloads(&mut eval).map_err(|error| convert::of_error(context, &error))?;
            }
            evaluated?;
        }
        // The frozen module lists its public names only, and `load_dynamic` gives the others too.
        let hidden = module.names_and_visibilities().map(|(name, _)| name.as_str().to_owned());
        let hidden: Vec<_> = hidden.filter(|name| name.starts_with('_') && !name.starts_with("__")).collect();
        module.set_extra_value(module.heap().alloc(hidden));
        module.freeze().map_err(|error| Fault::new("orchfile::internal", format!("{error:?}")))
    })
}

fn set_limits<'a>(eval: &mut Evaluator<'_, 'a, '_>, context: &'a Context<'_>) -> Result<(), Fault> {
    let limits = &context.request.limits;
    let set = eval
        .set_max_callstack_size(limits.call_depth)
        .and_then(|()| eval.set_max_heap_size(limits.heap_bytes))
        .and_then(|()| eval.set_max_tick_count(limits.ticks));
    eval.set_check_cancelled(Box::new(|| context.is_cancelled()));
    set.map_err(|error| Fault::new("orchfile::limit", error.to_string()))
}

struct Loader<'c, 'a> {
    context: &'c Context<'a>,
}

impl FileLoader for Loader<'_, '_> {
    fn load(&self, path: &str) -> starlark::Result<FrozenModule> {
        Ok(execute(self.context, path)?)
    }
}

struct Print<'c, 'a> {
    context: &'c Context<'a>,
}

impl PrintHandler for Print<'_, '_> {
    fn println(&self, text: &str) -> starlark::Result<()> {
        self.context.print(Level::Info, text);
        Ok(())
    }
}

/// An error without a place.
pub(super) fn plain_error(code: &str, message: String) -> Diagnostic {
    let (labels, help, frames) = (Vec::new(), None, Vec::new());
    Diagnostic { severity: Severity::Error, code: code.to_owned(), message, labels, help, frames }
}
