//! The one connection of a session to its cluster, made when somebody first needs it.
//!
//! Where the cluster is and who we are is read from the kubeconfig as `kubectl` reads it; no proxy of the environment is used.

use super::{
    failure::{explain, silent},
    kinds::Kinds,
};
use crate::model::{Cluster, Failure};
use kube_client::{
    Client, Config, Error,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use std::{env, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long the server may take to say that it is there.
const GREETING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a cluster is, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The URL of its API server.
    pub server: String,
    /// The context that leads there.
    pub context: String,
}

/// A cluster that answered. Survives that it goes away and comes back. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    address: Arc<Address>,
    kinds: Kinds,
    namespace: Arc<str>,
}

impl Connection {
    /// Connects to a cluster.
    ///
    /// # Errors
    /// Says where the cluster should be, why it cannot be used, and what to do.
    pub async fn make(cluster: &Cluster) -> Result<Self, Failure> {
        let (config, address) = configured(cluster).await?;
        let client =
            Client::try_from(config).map_err(|error| explain(&address, "the cluster cannot be used", &error))?;
        let kinds = Kinds::new(client.clone());
        let connection =
            Self { client, address: Arc::new(address), kinds, namespace: Arc::from(cluster.namespace.as_str()) };
        match timeout(GREETING_TIMEOUT, connection.greet()).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(connection.failure("the cluster cannot be used", &error)),
            Err(_) => Err(silent(&connection.address)),
        }
    }

    /// Connects to a cluster that an earlier session used, if its context still leads there.
    ///
    /// # Errors
    /// As [`Self::make`], or that the context leads to another cluster now.
    pub async fn make_again(cluster: &Cluster) -> Result<Self, Failure> {
        let kubeconfig = read(cluster).await?;
        let context = kubeconfig.contexts.iter().find(|named| named.name == cluster.context);
        let leads_to = context.and_then(|named| Some(named.context.as_ref()?.cluster.as_str()));
        match leads_to {
            Some(name) if name == cluster.name => Self::make(cluster).await,
            Some(_) | None => Err(Failure {
                message: format!(
                    "the context `{}` of the kubeconfig does not lead to the cluster `{}` any more, on which objects of this project may be",
                    cluster.context, cluster.name
                ),
                help: Some("mend that context, or the Orchfile".to_owned()),
            }),
        }
    }

    /// Asks for something small that only those get whom the server knows.
    ///
    /// # Errors
    /// As the server or the way to it says.
    pub async fn greet(&self) -> Result<(), Error> {
        match self.client.list_core_api_versions().await {
            Ok(_) => Ok(()),
            Err(error) if super::failure::is_forbidden(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The server's API.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Which kinds of objects it has.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The namespace of objects that name none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What went wrong: `doing` reads as in "`Deployment web` cannot be applied".
    #[must_use]
    pub fn failure(&self, doing: &str, error: &Error) -> Failure {
        explain(&self.address, doing, error)
    }
}

/// Nobody answers in time, as far as only the kubeconfig was read.
#[must_use]
pub fn silent_at(cluster: &Cluster) -> Failure {
    silent(&Address { server: cluster.name.clone(), context: cluster.context.clone() })
}

/// What the kubeconfig says about a cluster.
async fn configured(cluster: &Cluster) -> Result<(Config, Address), Failure> {
    let unusable = |why: &KubeconfigError| Failure {
        message: format!("the context `{}` of the kubeconfig cannot be used: {why}", cluster.context),
        help: Some("`kubectl config view` shows what it says".to_owned()),
    };
    let kubeconfig = read(cluster).await?;
    let options = KubeConfigOptions { context: Some(cluster.context.clone()), ..KubeConfigOptions::default() };
    let declares_proxy = kubeconfig.clusters.iter().any(|named| {
        named.name == cluster.name && named.cluster.as_ref().is_some_and(|cluster| cluster.proxy_url.is_some())
    });
    has_login(&kubeconfig, cluster)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|why| unusable(&why))?;
    if declares_proxy {
        return Err(Failure {
            message: format!(
                "the cluster `{}` of the kubeconfig has a `proxy-url`, which orch does not use",
                cluster.name
            ),
            help: Some("forward a local port to the cluster, and name that as its `server`".to_owned()),
        });
    }
    config.proxy_url = None;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // What is asked for again, and when, is decided here.
    config.default_retry = false;
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    Ok((config, Address { server, context: cluster.context.clone() }))
}

/// Whether the program is there that gives credentials, where the kubeconfig names one.
fn has_login(kubeconfig: &Kubeconfig, cluster: &Cluster) -> Result<(), Failure> {
    let context = kubeconfig.contexts.iter().find(|named| named.name == cluster.context);
    let user = context.and_then(|named| named.context.as_ref()?.user.as_deref());
    let user = kubeconfig.auth_infos.iter().find(|named| Some(named.name.as_str()) == user);
    let Some(login) = user.and_then(|named| named.auth_info.as_ref()?.exec.as_ref()) else { return Ok(()) };
    let Some(command) = login.command.as_deref() else { return Ok(()) };
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = command.contains('/') || env::split_paths(&path).any(|folder| folder.join(command).is_file());
    if is_there {
        return Ok(());
    }
    Err(Failure {
        message: format!(
            "the context `{}` of the kubeconfig gets its credentials from the program `{command}`, which is not in `PATH`",
            cluster.context
        ),
        help: Some(
            login.install_hint.clone().unwrap_or_else(|| format!("install `{command}`, or choose another context")),
        ),
    })
}

/// The files of the kubeconfig as one: what an earlier file says counts.
pub(super) async fn read(cluster: &Cluster) -> Result<Kubeconfig, Failure> {
    let paths = cluster.kubeconfig.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut merged = Kubeconfig::default();
        for path in &paths {
            if !path.as_path().exists() {
                continue;
            }
            let one = Kubeconfig::read_from(path).map_err(|why| (path.clone(), why))?;
            merged = merged.merge(one).map_err(|why| (path.clone(), why))?;
        }
        Ok(merged)
    });
    match read.await {
        Ok(Ok(kubeconfig)) => Ok(kubeconfig),
        Ok(Err((path, why))) => {
            Err(Failure { message: format!("the kubeconfig `{path}` cannot be read: {why}"), help: None })
        }
        Err(_) => Err(Failure { message: "the kubeconfig could not be read".to_owned(), help: None }),
    }
}
