//! Which cluster is meant: the kubeconfig, `k8s_context`, `k8s_namespace`, and the guard of `allow_k8s_contexts`.
//!
//! Of a kubeconfig only names are taken; who the user is and how to get there is nobody's business here.

use super::{
    super::{
        tree::Tree,
        unpack::{Given, Kind, OneOrList, Text, Unfit, each, sequence},
        yaml,
    },
    selector::DEFAULT_NAMESPACE,
};
use crate::{
    diag::suggest::suggest,
    model::{Cluster, FilePath, Product},
    orchfile::{
        Fault,
        context::{Context, READ_BYTES_MAX, context},
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Heap, Value, none::NoneType},
};
use std::io;

/// Where the kubeconfig is, where nothing names it.
const DEFAULT_FILE: &str = ".kube/config";

/// All that the files say, the first one first.
#[derive(Debug, Default)]
struct KubeConfig {
    files: Vec<FilePath>,
    /// The environment names them.
    is_named: bool,
    /// Those of them that do not exist.
    missing: Vec<FilePath>,
    current: String,
    /// Name, cluster, namespace.
    contexts: Vec<(String, String, String)>,
    /// Name, file of the certificate authority.
    clusters: Vec<(String, Option<FilePath>)>,
}

/// The cluster that is meant: that of `--context`, else of the current context. `None` where there is no context. Read once.
///
/// # Errors
/// A kubeconfig that cannot be read, or a `--context` that is not there.
pub(crate) fn cluster(context: &Context<'_>) -> Result<Option<Cluster>, Fault> {
    context.cluster.get_or_init(|| find(context)).clone()
}

fn find(context: &Context<'_>) -> Result<Option<Cluster>, Fault> {
    let config = KubeConfig::read(context)?;
    let wish = &context.request.kube;
    let name = wish.context.clone().unwrap_or_else(|| config.current.clone());
    if name.is_empty() {
        return Ok(None);
    }
    let known = config.contexts.iter().find(|(known, ..)| *known == name);
    if known.is_none() && wish.context.is_some() {
        return Err(unknown_context(&name, &config));
    }
    let (cluster, namespace) =
        known.map(|(_, cluster, namespace)| (cluster.clone(), namespace.clone())).unwrap_or_default();
    let authority = config.clusters.iter().find(|(known, _)| *known == cluster).and_then(|(_, path)| path.as_ref());
    let home = context.request.environment.get("HOME").map(FilePath::new);
    let namespace = wish.namespace.clone().unwrap_or(namespace);
    Ok(Some(Cluster {
        context: name,
        product: Product::of_cluster(&cluster, authority, home.as_ref()),
        name: cluster,
        namespace: if namespace.is_empty() { DEFAULT_NAMESPACE.to_owned() } else { namespace },
        kubeconfig: config.files,
    }))
}

/// Why there is no cluster, with the files that were looked for.
pub(super) fn why_none(context: &Context<'_>) -> String {
    let Ok(config) = KubeConfig::read(context) else { return "the kubeconfig cannot be read".to_owned() };
    let list = |files: &[FilePath]| files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(" and ");
    match (config.files.len() - config.missing.len(), config.is_named) {
        (0, _) if config.files.is_empty() => "neither `KUBECONFIG` nor `HOME` is set".to_owned(),
        (0, true) => format!("`KUBECONFIG` names {}, which does not exist", list(&config.missing)),
        (0, false) => format!("there is no kubeconfig `~/{DEFAULT_FILE}`"),
        _ => format!("the kubeconfig {} names no current context", list(&config.files)),
    }
}

fn unknown_context(name: &str, config: &KubeConfig) -> Fault {
    let known: Vec<_> = config.contexts.iter().map(|(known, ..)| known.as_str()).collect();
    let quoted: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let missing = config.missing.first().filter(|_| config.missing.len() == config.files.len());
    let there = match missing {
        Some(_) if !config.is_named => format!("`~/{DEFAULT_FILE}` does not exist"),
        Some(file) => format!("`{file}` does not exist"),
        None => match quoted.as_slice() {
            [] => "it has none".to_owned(),
            [only] => format!("there is only {only}"),
            _ => format!("there are {}", quoted.join(", ")),
        },
    };
    let near = suggest(name, known).map(|near| format!("did you mean `{near}`?"));
    let help =
        near.unwrap_or_else(|| "choose one with `--context`, or name another kubeconfig with `KUBECONFIG`".to_owned());
    Fault::new("orchfile::unknown_context", format!("the kubeconfig has no context `{name}`; {there}")).help(help)
}

impl KubeConfig {
    fn read(context: &Context<'_>) -> Result<Self, Fault> {
        let environment = &context.request.environment;
        let named = environment.get("KUBECONFIG").filter(|paths| !paths.is_empty());
        let files: Vec<FilePath> = match named {
            Some(paths) => {
                paths.split(':').filter(|path| !path.is_empty()).map(|path| context.root.join(path)).collect()
            }
            None => environment.get("HOME").map(|home| FilePath::new(home).join(DEFAULT_FILE)).into_iter().collect(),
        };
        let mut config = Self { is_named: named.is_some(), ..Self::default() };
        for file in files {
            match context.peek(&file, READ_BYTES_MAX) {
                Ok(bytes) => config.add(&file, &String::from_utf8_lossy(&bytes))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => config.missing.push(file.clone()),
                Err(error) => return Err(unreadable(&file, &error.to_string())),
            }
            config.files.push(file);
        }
        Ok(config)
    }

    /// What the first file says of a name holds.
    fn add(&mut self, file: &FilePath, text: &str) -> Result<(), Fault> {
        let documents = yaml::parse_stream(text).map_err(|reason| unreadable(file, &reason))?;
        let Some(document) = documents.first() else { return Ok(()) };
        if self.current.is_empty() {
            self.current = field(document, "current-context");
        }
        for (name, entry) in named(document, "contexts", "context") {
            if !self.contexts.iter().any(|(known, ..)| *known == name) {
                self.contexts.push((name, field(entry, "cluster"), field(entry, "namespace")));
            }
        }
        for (name, entry) in named(document, "clusters", "cluster") {
            if !self.clusters.iter().any(|(known, _)| *known == name) {
                let authority = Some(field(entry, "certificate-authority")).filter(|path| !path.is_empty());
                let folder = file.parent().unwrap_or_else(|| FilePath::new("/"));
                self.clusters.push((name, authority.map(|path| folder.join(&path))));
            }
        }
        Ok(())
    }
}

fn unreadable(file: &FilePath, reason: &str) -> Fault {
    Fault::new("orchfile::invalid_kubeconfig", format!("the kubeconfig `{file}` cannot be read: {reason}"))
        .help("mend it, or name another one with `KUBECONFIG`")
}

fn get<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    let Tree::Map(entries) = tree else { return None };
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn field(tree: &Tree, name: &str) -> String {
    match get(tree, name) {
        Some(Tree::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

/// The entries of a list of named things.
fn named<'t>(document: &'t Tree, list: &str, content: &'t str) -> impl Iterator<Item = (String, &'t Tree)> {
    let items = match get(document, list) {
        Some(Tree::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(move |item| Some((field(item, "name"), get(item, content)?)))
}

/// What a cluster that may be somebody's production is refused with.
fn not_allowed(cluster: &Cluster, doing: &str) -> Fault {
    let name = &cluster.context;
    Fault::new("orchfile::context_not_allowed", format!("{doing}: the Kubernetes context `{name}` might be production"))
        .help(format!(
            "if it is meant, say `allow_k8s_contexts(\"{name}\")` first; else choose another with `--context`"
        ))
}

/// Refuses to run commands of the file while `kubectl` in them would talk to a cluster that was not allowed. A kubeconfig that
/// cannot be read leads nowhere.
///
/// # Errors
/// When the context is not known to be local and was not allowed.
pub(crate) fn check_command(eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let context = context(eval);
    let Ok(Some(cluster)) = cluster(context) else { return Ok(()) };
    if is_allowed(context, &cluster) { Ok(()) } else { Err(not_allowed(&cluster, "no command is run")) }
}

/// Refuses resources in a cluster that was not allowed; says which cluster they are for.
///
/// # Errors
/// As [`check_command`], and where the kubeconfig cannot be read.
pub(super) fn check_resources(context: &Context<'_>) -> Result<Option<Cluster>, Fault> {
    match cluster(context)? {
        // No context of the kubeconfig is without a cluster.
        Some(cluster) if cluster.name.is_empty() => Err(unknown_context(&cluster.context, &KubeConfig::read(context)?)),
        Some(cluster) if !is_allowed(context, &cluster) => Err(not_allowed(&cluster, "nothing is applied")),
        cluster => Ok(cluster),
    }
}

fn is_allowed(context: &Context<'_>, cluster: &Cluster) -> bool {
    cluster.product.is_local() || context.draft.borrow().kube.settings.allowed_contexts.contains(&cluster.context)
}

/// A name or several; None is none.
enum Contexts {}

impl Kind for Contexts {
    type Out = Vec<String>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "the name of a context or a list of names";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Ok(name) = Text::take(value, heap) {
            return Ok(vec![name]);
        }
        let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
        each(sequence(value, heap).ok_or(Unfit::Type)?, "a string", text)
    }
}

/// Adds the builtins.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// The name of the Kubernetes context that orch works with: that of `--context`, else the current one; empty where there is
    /// none.
    fn k8s_context<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(cluster(context(eval))?.map(|cluster| cluster.context).unwrap_or_default())
    }

    /// The namespace of objects that name none: that of `--namespace`, else of the context, else `default`; empty where there is
    /// no context.
    fn k8s_namespace<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(cluster(context(eval))?.map(|cluster| cluster.namespace).unwrap_or_default())
    }

    /// Allows Kubernetes contexts that are not known to be on this machine. Several calls add up. Without it nothing is applied
    /// there, and `local` runs no commands.
    ///
    /// # Arguments
    /// * `contexts`: one name or several
    fn allow_k8s_contexts<'v>(
        contexts: Given<'v, Contexts>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let contexts = contexts.take("contexts", eval)?;
        context(eval).draft.borrow_mut().kube.settings.allowed_contexts.extend(contexts);
        Ok(NoneType)
    }
}
