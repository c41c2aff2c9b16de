//! Images into the nodes of a cluster that has no registry: by the tool of whatever runs it.

use super::{command::Commands, voice::Voice};
use crate::{
    engine::CustomCommand,
    host::process::{OutputSink, Stream},
    logs::{self, LogWriter},
    model::{Cluster, Command, Digest, Failure, Product},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a tool may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// What was given to the nodes in this session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Loaded(Arc<Mutex<BTreeSet<String>>>);

/// The log of a run, for a tool.
struct Sink(LogWriter);

impl OutputSink for Sink {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        let stream = match stream {
            Stream::Out => logs::Stream::Out,
            Stream::Err => logs::Stream::Err,
        };
        self.0.write(stream, bytes);
    }

    fn close(&self) {
        self.0.close();
    }
}

impl Loaded {
    /// Gives images of this machine's Docker Engine to the nodes, those that they did not get yet. A tag tells the content.
    ///
    /// # Errors
    /// What the tool could not do.
    pub async fn load(&self, references: &[String], commands: &Commands, voice: &Voice) -> Result<(), Failure> {
        for reference in references {
            if self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(reference) {
                continue;
            }
            let Some(argv) = argv(&commands.cluster, reference) else { continue };
            let command = Command { argv: argv.clone(), dir: commands.root.clone(), env: BTreeMap::new() };
            let custom =
                CustomCommand { command, environment: BTreeMap::new(), fingerprint: Digest::UNKNOWN, grace: GRACE };
            voice.say(&format!("runs `{}`", argv.join(" ")));
            let doing = format!("`{}`, which gives the image to the cluster,", argv.join(" "));
            commands.run(&custom, &doing, Arc::new(Sink(voice.writer()))).await?;
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.clone());
        }
        Ok(())
    }
}

/// The call that gives an image to a cluster; `None` where its nodes share the images of the Docker Engine, or get them elsewhere.
fn argv(cluster: &Cluster, reference: &str) -> Option<Vec<String>> {
    let name = |prefix: &str| cluster.name.strip_prefix(prefix).unwrap_or(&cluster.name);
    let call = match cluster.product {
        Product::Kind => vec!["kind", "load", "docker-image", reference, "--name", name("kind-")],
        Product::K3d => vec!["k3d", "image", "import", reference, "--cluster", name("k3d-")],
        Product::Minikube => vec!["minikube", "image", "load", reference, "--profile", &cluster.name],
        _ => return None,
    };
    Some(call.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_has_its_call() {
        let call = |name: &str, product: Product| {
            let (name, context) = (name.to_owned(), String::new());
            let cluster = Cluster { context, name, namespace: String::new(), product, kubeconfig: Vec::new() };
            argv(&cluster, "web:1").map(|argv| argv.join(" "))
        };
        assert_eq!(call("kind-shop", Product::Kind).unwrap(), "kind load docker-image web:1 --name shop");
        assert_eq!(call("kind", Product::Kind).unwrap(), "kind load docker-image web:1 --name kind");
        assert_eq!(call("k3d-shop", Product::K3d).unwrap(), "k3d image import web:1 --cluster shop");
        assert_eq!(call("minikube", Product::Minikube).unwrap(), "minikube image load web:1 --profile minikube");
        assert_eq!(call("docker-desktop", Product::DockerDesktop), None);
    }
}
