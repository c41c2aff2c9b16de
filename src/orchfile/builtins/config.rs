//! `config.*`: settings of the Orchfile that come from the command line and from `tilt_config.json`.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use super::{
    flags::{self, FlagFault, FlagKind},
    json,
    tree::Tree,
    unpack::{Flag, Given, Optional, Text, TextSeq},
};
use crate::{
    diag::suggest::{did_you_mean, suggest},
    model::FilePath,
    orchfile::{
        Fault,
        context::{Context, context, site},
        draft::Selection,
        environment::Surroundings,
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, dict::AllocDict, none::NoneType},
};
use std::{collections::BTreeMap, io};

const FILE: &str = "tilt_config.json";

/// What `config.define_*` declared and `config.parse` found.
#[derive(Debug, Default)]
pub(crate) struct ConfigState {
    settings: Vec<Setting>,
    /// The folder that `config.parse` was called from.
    parsed_in: Option<FilePath>,
    /// The arguments, where they are not those of the command line.
    args: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
struct Setting {
    name: String,
    kind: SettingKind,
    /// Whether it takes the positional arguments.
    positional: bool,
    usage: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingKind {
    Text,
    List,
    Switch,
    Object,
}

impl SettingKind {
    /// What a value is, in JSON and in messages.
    fn takes(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::List => "a list of strings",
            Self::Switch => "true or false",
            Self::Object => "an object",
        }
    }

    /// The value of the configuration file, if it is of this kind.
    fn of_tree(self, tree: Tree) -> Option<Tree> {
        let is_text = |item: &Tree| matches!(item, Tree::Text(_));
        match (self, tree) {
            (Self::Text, tree @ Tree::Text(_)) | (Self::Switch, tree @ Tree::Bool(_)) => Some(tree),
            (Self::List, Tree::List(items)) if items.iter().all(is_text) => Some(Tree::List(items)),
            (Self::Object, tree) => Some(tree.with_floats()),
            _ => None,
        }
    }
}

fn invalid(message: String) -> Fault {
    Fault::new("orchfile::invalid_config", message)
}

impl ConfigState {
    /// The state of a file that has arguments of its own.
    pub(crate) fn with_args(args: Vec<String>) -> Self {
        Self { args: Some(args), ..Self::default() }
    }

    fn define(&mut self, setting: Setting) -> Result<(), Fault> {
        let name = &setting.name;
        if self.parsed_in.is_some() {
            return Err(invalid(format!("`{name}` is defined after `config.parse` was called"))
                .help("define all settings first"));
        }
        if self.settings.iter().any(|other| other.name == *name) {
            return Err(invalid(format!("the setting `{name}` is defined twice")).help("choose another name"));
        }
        if let Some(other) = self.settings.iter().find(|other| other.positional && setting.positional) {
            let message = format!("both `{}` and `{name}` take the positional arguments", other.name);
            return Err(invalid(message).help("say `args=True` of one only"));
        }
        self.settings.push(setting);
        Ok(())
    }

    /// The help of a message about arguments: the setting that was meant, else all of them.
    fn usage(&self, given: &str) -> Option<String> {
        if let Some(meant) = suggest(given, self.settings.iter().map(|setting| setting.name.as_str())) {
            return Some(format!("did you mean `--{meant}`?"));
        }
        let line = |setting: &Setting| {
            let value = match setting.kind {
                SettingKind::Switch => "",
                SettingKind::Object => " JSON",
                SettingKind::Text | SettingKind::List => " TEXT",
            };
            let usage = if setting.usage.is_empty() { String::new() } else { format!(": {}", setting.usage) };
            format!("--{}{value}{usage}", setting.name)
        };
        let lines: Vec<_> = self.settings.iter().map(line).collect();
        (!lines.is_empty()).then(|| format!("the file's own arguments are {}", lines.join(", ")))
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// What the configuration file says.
    fn of_file(&self, text: &str, shown: &str) -> Result<BTreeMap<String, Tree>, Fault> {
        let tree = json::parse(text).map_err(|reason| invalid(format!("`{shown}` is not valid JSON: {reason}")))?;
        let Tree::Map(entries) = tree else { return Err(invalid(format!("`{shown}` must hold an object"))) };
        let entry = |(name, tree): (String, Tree)| {
            let unknown = || {
                let known = self.settings.iter().map(|setting| setting.name.as_str());
                invalid(format!("`{shown}` sets `{name}`, which no `config.define_…` defines"))
                    .maybe_help(did_you_mean(&name, known))
            };
            let kind = self.setting(&name).ok_or_else(unknown)?.kind;
            let unfit = || invalid(format!("`{shown}` must set `{name}` to {}", kind.takes()));
            Ok((name.clone(), kind.of_tree(tree).ok_or_else(unfit)?))
        };
        entries.into_iter().map(entry).collect()
    }

    /// What the command line says.
    fn of_args(&self, args: &[String]) -> Result<BTreeMap<String, Tree>, Fault> {
        let kind_of = |name: &str| {
            let kind = self.setting(name)?.kind;
            Some(if kind == SettingKind::Switch { FlagKind::Switch } else { FlagKind::Value })
        };
        let parsed = flags::parse(args, kind_of).map_err(|fault| {
            let name = if let FlagFault::Unknown(name) = &fault { name.clone() } else { String::new() };
            flag_fault(fault).maybe_help(self.usage(&name))
        })?;
        let mut values = BTreeMap::new();
        for (name, value) in &parsed.flags {
            if let Some(setting) = self.setting(name) {
                set(&mut values, setting, value)?;
            }
        }
        if let Some(first) = parsed.positional.first() {
            let taker = self.settings.iter().find(|setting| setting.positional).ok_or_else(|| {
                invalid(format!("the argument `{first}` is given, and no setting takes positional arguments"))
                    .maybe_help(self.usage(first))
            })?;
            parsed.positional.iter().try_for_each(|value| set(&mut values, taker, value))?;
        }
        Ok(values)
    }
}

fn flag_fault(fault: FlagFault) -> Fault {
    invalid(match fault {
        FlagFault::Unknown(name) => format!("the argument `--{name}` is given, which no `config.define_…` defines"),
        FlagFault::NeedsValue(name) => format!("the argument `--{name}` lacks its value"),
        FlagFault::Malformed(arg) => format!("the argument `{arg}` is no setting; settings begin with `--`"),
    })
}

fn set(values: &mut BTreeMap<String, Tree>, setting: &Setting, text: &str) -> Result<(), Fault> {
    let name = &setting.name;
    if setting.kind == SettingKind::List {
        let list = values.entry(name.clone()).or_insert_with(|| Tree::List(Vec::new()));
        if let Tree::List(items) = list {
            items.push(Tree::Text(text.to_owned()));
        }
        return Ok(());
    }
    if values.contains_key(name) {
        return Err(invalid(format!("the argument `{name}` is given twice, the second time as `{text}`")));
    }
    let tree = match setting.kind {
        SettingKind::Switch => flags::parse_bool(text)
            .map(Tree::Bool)
            .ok_or_else(|| invalid(format!("the argument `{name}` takes true or false, not `{text}`")))?,
        SettingKind::Object => json::parse(text)
            .map(Tree::with_floats)
            .map_err(|reason| invalid(format!("the argument `{name}` takes JSON: {reason}")))?,
        SettingKind::Text | SettingKind::List => Tree::Text(text.to_owned()),
    };
    values.insert(name.clone(), tree);
    Ok(())
}

/// All that is set, in the order of the definitions.
fn parse(context: &Context<'_>) -> Result<Vec<(String, Tree)>, Fault> {
    let dir = context.dir();
    let mut state = context.config.borrow_mut();
    if let Some(before) = state.parsed_in.as_ref().filter(|before| **before != dir) {
        let folders = format!("`{}` and `{}`", context.display(before), context.display(&dir));
        return Err(invalid(format!("`config.parse` was called from two folders, {folders}"))
            .help("call it in one file, and pass on what it gives"));
    }
    state.parsed_in = Some(dir.clone());
    let file = dir.join(FILE);
    let shown = context.display(&file);
    let mut values = match context.read(&file) {
        Ok(bytes) => state.of_file(&String::from_utf8_lossy(&bytes), &shown)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(invalid(format!("`{shown}` cannot be read: {error}"))),
    };
    let args = state.args.as_ref().unwrap_or(&context.request.args);
    values.extend(state.of_args(args)?);
    let mut found = Vec::new();
    for setting in &state.settings {
        found.extend(values.remove_entry(&setting.name));
    }
    Ok(found)
}

fn define<'v>(
    kind: SettingKind,
    name: Given<'v, Text>,
    args: Option<Given<'v, Flag>>,
    usage: Option<Given<'v, Text>>,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<NoneType, Fault> {
    let (name, usage) = (name.take("name", eval)?, usage.take_or_default("usage", eval)?);
    if name.is_empty() {
        return Err(invalid("a setting needs a name that is not empty".to_owned()).at_argument("name"));
    }
    let positional = args.take_or_default("args", eval)?;
    context(eval).config.borrow_mut().define(Setting { name, kind, positional, usage })?;
    Ok(NoneType)
}

fn select(eval: &Evaluator<'_, '_, '_>, selection: Selection) -> NoneType {
    let mut draft = context(eval).draft.borrow_mut();
    draft.selection = selection;
    draft.selected_at = site(eval);
    NoneType
}

/// Adds the family.
pub(crate) fn register(globals: &mut GlobalsBuilder, surroundings: &Surroundings) {
    globals.namespace("config", |config| {
        functions(config);
        config.set("main_path", surroundings.file.to_string());
        config.set("main_dir", surroundings.file.parent().unwrap_or_else(|| surroundings.file.clone()).to_string());
        config.set("tilt_subcommand", surroundings.subcommand.as_str());
    });
}

#[starlark_module]
fn functions(builder: &mut GlobalsBuilder) {
    /// Defines a setting with one text: `--name TEXT`.
    ///
    /// # Arguments
    /// * `name`: its name
    /// * `args`: whether the positional arguments are its value
    /// * `usage`: what it is for
    fn define_string<'v>(
        name: Given<'v, Text>,
        args: Option<Given<'v, Flag>>,
        usage: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        Ok(define(SettingKind::Text, name, args, usage, eval)?)
    }

    /// Defines a setting with several texts: `--name A --name B`.
    ///
    /// # Arguments
    /// * `name`: its name
    /// * `args`: whether the positional arguments are its value
    /// * `usage`: what it is for
    fn define_string_list<'v>(
        name: Given<'v, Text>,
        args: Option<Given<'v, Flag>>,
        usage: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        Ok(define(SettingKind::List, name, args, usage, eval)?)
    }

    /// Defines a setting that is on or off: `--name`, `--name=false`.
    ///
    /// # Arguments
    /// * `name`: its name
    /// * `args`: whether the positional arguments are its value
    /// * `usage`: what it is for
    fn define_bool<'v>(
        name: Given<'v, Text>,
        args: Option<Given<'v, Flag>>,
        usage: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        Ok(define(SettingKind::Switch, name, args, usage, eval)?)
    }

    /// Defines a setting that is any value, written as JSON: `--name '{"a": 1}'`. Its numbers become floats.
    ///
    /// # Arguments
    /// * `name`: its name
    /// * `args`: whether the positional arguments are its value
    /// * `usage`: what it is for
    fn define_object<'v>(
        name: Given<'v, Text>,
        args: Option<Given<'v, Flag>>,
        usage: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        Ok(define(SettingKind::Object, name, args, usage, eval)?)
    }

    /// The settings that are given, by `tilt_config.json` beside the calling file or by the command line, as a dict. From now on
    /// the arguments of the command line are no names of resources.
    fn parse<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        let context = context(eval);
        let found = self::parse(context)?;
        let mut draft = context.draft.borrow_mut();
        if draft.selection == Selection::Arguments {
            draft.selection = Selection::All;
        }
        let heap = eval.heap();
        Ok(heap.alloc(AllocDict(found.iter().map(|(name, tree)| (name.as_str(), tree.alloc(heap))))))
    }

    /// The session begins with these resources and what they depend on; with all of them when the list is empty. The last call
    /// counts.
    ///
    /// # Arguments
    /// * `resources`: their names
    fn set_enabled_resources<'v>(
        resources: Given<'v, TextSeq>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let names = resources.take("resources", eval)?;
        Ok(select(eval, Selection::Named(names)))
    }

    /// The session begins with no resource.
    fn clear_enabled_resources<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        Ok(select(eval, Selection::Nothing))
    }
}
