//! The cluster that an Orchfile is for: whether the kubeconfig leads there, it answers, and we may do what a session does.

use super::{Finding, Need, well, wrong};
use crate::{
    host::kube::{Connection, connection::silent_at},
    model::Cluster,
};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube_client::{Api, api::PostParams};
use std::time::Duration;
use tokio::time::timeout;

/// How long a cluster may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// What a session does in its namespace: the verb, the group of the API, and what it is done with.
const RIGHTS: [(&str, &str, &str); 8] = [
    ("patch", "apps", "deployments"),
    ("patch", "", "services"),
    ("delete", "apps", "deployments"),
    ("list", "", "pods"),
    ("watch", "", "pods"),
    ("get", "", "pods/log"),
    ("create", "", "pods/exec"),
    ("create", "", "pods/portforward"),
];

/// Whether it answers, and lets us work.
pub(super) async fn look(cluster: &Cluster) -> Vec<Finding> {
    let (name, need) = ("cluster", Need::Orchfile);
    let connection = match timeout(ANSWER_TIMEOUT, Connection::make(cluster)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(failure)) => return vec![Finding { help: failure.help, ..wrong(name, need, failure.message, "") }],
        Err(_) => {
            let failure = silent_at(cluster);
            return vec![Finding { help: failure.help, ..wrong(name, need, failure.message, "") }];
        }
    };
    let address = connection.address();
    let answers = well(
        name,
        need,
        format!("`{}` answers at {}, namespace `{}`", address.context, address.server, cluster.namespace),
    );
    vec![answers, rights(&connection, cluster).await]
}

async fn rights(connection: &Connection, cluster: &Cluster) -> Finding {
    let (name, need) = ("cluster rights", Need::Orchfile);
    let asked = RIGHTS.map(|right| may(connection, &cluster.namespace, right));
    let asked = timeout(ANSWER_TIMEOUT, futures_util::future::join_all(asked)).await;
    let Ok(answers) = asked else { return well(name, need, "the cluster does not tell in time".to_owned()) };
    let missing: Vec<String> = RIGHTS
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| **answer == Some(false))
        .map(|((verb, group, what), _)| {
            let dot = if group.is_empty() { "" } else { "." };
            format!("`{verb}` `{what}{dot}{group}`")
        })
        .collect();
    if missing.is_empty() {
        let told = answers.iter().any(Option::is_some);
        let found =
            if told { "all that a session does in the namespace is allowed" } else { "the cluster does not tell" };
        return well(name, need, found.to_owned());
    }
    let found = format!("in the namespace `{}` you may not {}", cluster.namespace, missing.join(", "));
    let help = format!(
        "whoever runs the cluster can give you the role `edit` there: `kubectl create rolebinding NAME --clusterrole=edit --user=YOU -n {}`",
        cluster.namespace
    );
    wrong(name, need, found, help)
}

/// Whether we may do that; `None` where the cluster does not tell.
async fn may(connection: &Connection, namespace: &str, (verb, group, what): (&str, &str, &str)) -> Option<bool> {
    let (resource, subresource) = match what.split_once('/') {
        Some((resource, sub)) => (resource, Some(sub.to_owned())),
        None => (what, None),
    };
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..<_>::default() },
        ..<_>::default()
    };
    let answered = Api::all(connection.client()).create(&PostParams::default(), &review).await.ok()?;
    answered.status.map(|status| status.allowed)
}
