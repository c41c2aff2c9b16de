//! What of the machine's environment is there that projects need, and how to get what is not.

#![expect(clippy::disallowed_methods, reason = "it looks at the machine itself, and asks tools for their versions")]

mod cluster;

use super::{
    claim,
    docker::{Docker, Surroundings},
};
use crate::model::{Cluster, FilePath, compose_plugins};
use kube_client::config::KubeconfigError;
use nix::sys::resource::{Resource, getrlimit};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// How long a tool may take to tell its version.
const TOOL_TIMEOUT: Duration = Duration::from_secs(5);
/// What a watched tree of some size needs of inotify.
const WATCHES: u64 = 65_536;
const INSTANCES: u64 = 128;
/// What a session with some hundred resources needs of open files.
const OPEN_FILES: u64 = 1024;

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub is_well: bool,
    /// What is there, or what is wrong.
    pub found: String,
    /// Who needs it.
    pub need: Need,
    /// How to mend it.
    pub help: Option<String>,
}

/// Who needs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every project.
    Always,
    /// The one that is asked about.
    Orchfile,
    /// Those that use this.
    For(&'static str),
}

/// What a project needs beside processes.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing whether it is needed")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// It has images or containers.
    pub docker: bool,
    /// It has services of a compose file.
    pub compose: bool,
    /// It has resources in a cluster.
    pub kubernetes: bool,
    /// Which one, where a kubeconfig names one.
    pub cluster: Option<Cluster>,
    /// It calls `helm()`.
    pub helm: bool,
    /// It calls `kustomize()`.
    pub kustomize: bool,
}

/// Of the project, or of those that use this.
fn need(by_project: bool, what: &'static str) -> Need {
    if by_project { Need::Orchfile } else { Need::For(what) }
}

/// Looks at everything; with what the project needs, where one is asked about.
pub async fn look(needs: &Needs) -> Vec<Finding> {
    let mut all = vec![
        tool("sh", Need::Always, &[], "install a POSIX shell, or mend `PATH`").await,
        tool("git", Need::For("extension repositories"), &["--version"], "install git").await,
        socket_folder(),
        inotify("inotify watches", "max_user_watches", WATCHES, 524_288),
        inotify("inotify instances", "max_user_instances", INSTANCES, 512),
        open_files(),
        docker(need(needs.docker, "images and containers")).await,
    ];
    let compose = need(needs.compose, "Docker Compose");
    all.push(plugin("docker compose", "docker-compose", compose).await);
    all.push(plugin("docker buildx", "docker-buildx", Need::For("images that compose builds itself")).await);
    let client = ["version", "--client"];
    all.push(tool("kubectl", Need::For("`k8s_custom_deploy` commands that call it"), &client, "install kubectl").await);
    all.push(kubeconfig(needs));
    if let Some(cluster) = needs.cluster.as_ref().filter(|_| needs.kubernetes) {
        all.extend(cluster::look(cluster).await);
    }
    let short = ["version", "--short"];
    all.push(tool("helm", need(needs.helm, "`helm()`"), &short, "install helm 3").await);
    // Where it is missing, `kubectl kustomize` serves.
    let kustomize = need(needs.kustomize && in_path("kubectl").is_none(), "`kustomize()`, where kubectl is missing");
    all.push(tool("kustomize", kustomize, &["version"], "install kustomize, or kubectl").await);
    all
}

fn well(name: &'static str, need: Need, found: String) -> Finding {
    Finding { name, is_well: true, found, need, help: None }
}

fn wrong(name: &'static str, need: Need, found: String, help: impl Into<String>) -> Finding {
    Finding { name, is_well: false, found, need, help: Some(help.into()) }
}

/// A program, by what it says of itself.
async fn tool(name: &'static str, need: Need, args: &[&str], help: &str) -> Finding {
    let Some(path) = in_path(name) else { return wrong(name, need, "it is not in `PATH`".to_owned(), help) };
    if args.is_empty() {
        return well(name, need, path.display().to_string());
    }
    match said(&path, args).await {
        Ok(version) => well(name, need, format!("{version} ({})", path.display())),
        Err(why) => wrong(name, need, format!("`{}` {why}", path.display()), help),
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file())
}

/// The first line that a program prints.
async fn said(program: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(TOOL_TIMEOUT, command.output()).await.map_err(|_| "does not answer".to_owned())?;
    let output = output.map_err(|error| format!("cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    if output.status.success() { Ok(line) } else { Err("fails when it is asked for its version".to_owned()) }
}

/// A plugin of docker's, where docker looks for it.
async fn plugin(name: &'static str, file: &str, need: Need) -> Finding {
    let (config, home) = (env::var("DOCKER_CONFIG").ok(), env::var("HOME").ok());
    let places = compose_plugins(config.as_deref(), home.as_deref());
    let places = places.iter().filter_map(FilePath::parent).map(|folder| folder.as_path().join(file));
    let help = format!("install the plugin `{file}`, for example from your distribution or docker.com");
    let Some(path) = places.into_iter().find(|path| path.is_file()) else {
        return wrong(name, need, "the plugin is not installed".to_owned(), help);
    };
    match said(&path, &["version"]).await {
        Ok(version) => well(name, need, version),
        Err(why) => wrong(name, need, format!("`{}` {why}", path.display()), help),
    }
}

async fn docker(need: Need) -> Finding {
    let name = "docker";
    let docker = Docker::new(Surroundings::of_this_process());
    match docker.connection().await {
        Ok(connection) => {
            let (major, minor) = connection.api_version();
            well(name, need, format!("an engine with API {major}.{minor} at {}", connection.address()))
        }
        Err(failure) => Finding { help: failure.help, ..wrong(name, need, failure.message, "") },
    }
}

fn socket_folder() -> Finding {
    let (name, need) = ("control socket", Need::Always);
    match claim::socket_folder() {
        Ok(folder) => well(name, need, folder.display().to_string()),
        Err(failure) => Finding { help: failure.help, ..wrong(name, need, failure.message, "") },
    }
}

/// A limit of inotify, which is for all programs of a user together.
fn inotify(name: &'static str, file: &str, needed: u64, better: u64) -> Finding {
    let text = fs::read_to_string(format!("/proc/sys/fs/inotify/{file}")).unwrap_or_default();
    let Ok(limit) = text.trim().parse::<u64>() else {
        return well(name, Need::Always, "its limit cannot be read".to_owned());
    };
    if limit >= needed {
        return well(name, Need::Always, format!("{limit} for a user"));
    }
    let help = format!("run `sysctl fs.inotify.{file}={better}` as root, and put it in `/etc/sysctl.d` to keep it");
    wrong(name, Need::For("large trees"), format!("only {limit} for a user"), help)
}

fn open_files() -> Finding {
    let (name, need) = ("open files", Need::Always);
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard < OPEN_FILES => {
            let help = "raise the hard limit `nofile` in `/etc/security/limits.conf`, then log in again";
            wrong(name, need, format!("only {hard} for a process"), help)
        }
        Ok((soft, hard)) => well(name, need, format!("{soft} for a process, {hard} at most")),
        Err(error) => wrong(name, need, format!("their limit cannot be read: {error}"), "none is known"),
    }
}

/// Whether somebody says which cluster is meant.
fn kubeconfig(needs: &Needs) -> Finding {
    let (name, need) = ("kubeconfig", need(needs.kubernetes, "Kubernetes"));
    let help = "name one with `KUBECONFIG`, or make one with your cluster's own tool, such as `kind export kubeconfig`";
    if let Some(cluster) = needs.cluster.as_ref().filter(|_| needs.kubernetes) {
        return well(name, need, format!("the context is `{}`", cluster.context));
    }
    match kube_client::config::Kubeconfig::read() {
        Ok(config) => match config.current_context {
            Some(context) => well(name, need, format!("the current context is `{context}`")),
            None => {
                wrong(name, need, "it names no current context".to_owned(), "run `kubectl config use-context NAME`")
            }
        },
        Err(KubeconfigError::ReadConfig(error, path)) => {
            let why =
                if error.kind() == io::ErrorKind::NotFound { "there is none".to_owned() } else { error.to_string() };
            wrong(name, need, format!("`{}` cannot be read: {why}", path.display()), help)
        }
        Err(error) => wrong(name, need, error.to_string(), help),
    }
}
