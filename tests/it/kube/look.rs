//! What is seen of a cluster.

use super::Room;
use orch::{
    engine::{Event, KubeEvent},
    model::{Exit, PodPhase},
};

/// What defines the namespaced kind `Thing` of that group, which takes any field.
pub(super) fn things(group: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\nspec:\n  group: \
         {group}\n  scope: Namespaced\n  names: {{plural: things, singular: thing, kind: Thing}}\n  versions:\n  - name: v1\n    served: \
         true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
    )
}

/// A Deployment of one pod that waits, with something more in its pods' spec.
pub(super) fn deployment(name: &str, command: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      \
         - {{name: main, image: {image}, imagePullPolicy: Never, command: [sh, -c, '{command}']}}\n",
        image = Room::image()
    )
}

#[test]
fn pods_are_found_and_those_of_an_older_template_do_not_count() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let first = deployment("web", "sleep 1000");
    assert!(session.look(&[("web", &first)]).resources.is_empty());
    assert_eq!(session.apply("web", &first), Exit::Code(0));
    let state = session.until_state("web", |state| state.pods.iter().any(|pod| pod.is_ready));
    let pod = &state.pods[0];
    assert!(pod.is_current && pod.phase == PodPhase::Running && pod.containers[0].started_at_ns > 0, "{pod:?}");
    session.forget();
    let second = deployment("web", "sleep 1001");
    assert_eq!(session.apply("web", &second), Exit::Code(0));
    let after = session.until_state("web", |state| state.pods.iter().any(|pod| pod.is_current && pod.is_ready));
    for old in after.pods.iter().filter(|old| old.id == pod.id) {
        assert!(!old.is_current, "{old:?}");
    }
    // Another session sees the same.
    let mut other = room.session();
    let seen = other.look(&[("web", &second)]);
    let state = seen.resources.values().next().unwrap();
    assert_eq!(state.objects.len(), 1, "{state:?}");
    assert!(state.objects.values().all(|object| object.fingerprint.is_some() && object.drift.is_none()), "{state:?}");
    assert!(state.pods.iter().any(|pod| pod.is_current && pod.is_ready), "{state:?}");
}

#[test]
fn what_keeps_pods_from_running_is_told() {
    let Some(room) = Room::new() else { return };
    let mut session = room.session();
    let web = deployment("web", "exit 3");
    let nowhere = deployment("far", "sleep 1").replace("terminationGracePeriodSeconds: 0", "nodeSelector: {no: such}");
    let missing =
        deployment("miss", "sleep 1").replace(&Room::image(), "localhost:5005/no/such:1").replace("Never", "Always");
    let all = format!("{web}---\n{nowhere}---\n{missing}");
    session.look(&[("all", &all)]);
    assert_eq!(session.apply("all", &all), Exit::Code(0));
    let mut missing =
        vec!["exited with code 3", "cannot be scheduled: 0/1 nodes", "`localhost:5005/no/such:1` cannot be pulled"];
    session.until_state("all", |state| {
        for said in state.pods.iter().filter_map(|pod| pod.trouble.as_deref()) {
            missing.retain(|expected| !said.contains(expected));
        }
        missing.is_empty()
    });
}

#[test]
fn a_cluster_that_goes_away_is_lost_and_comes_back() {
    let Some(room) = Room::new() else { return };
    let (proxy, kubeconfig) = room.proxied();
    let mut session = room.session_of("project", &kubeconfig);
    let web = deployment("web", "sleep 1000");
    session.look(&[("web", &web)]);
    assert_eq!(session.apply("web", &web), Exit::Code(0));
    proxy.cut();
    let failure = session.until("the loss", |event| match event {
        Event::Kube(KubeEvent::Lost { failure }) => Some(failure.clone()),
        _ => None,
    });
    assert!(failure.message.contains(&proxy.address().to_string()), "{failure:?}");
    match session.apply("web", &web) {
        Exit::NotStarted(failure) => assert!(failure.message.contains("kind-env"), "{failure:?}"),
        exit => panic!("{exit:?}"),
    }
    proxy.mend();
    session.until("the way back", |event| matches!(event, Event::Kube(KubeEvent::Back)).then_some(()));
    let seen = session.look(&[("web", &web)]);
    assert_eq!(seen.resources.len(), 1, "{seen:?}");
    assert_eq!(
        seen.registry.is_some(),
        room.kubectl(&[
            "get",
            "configmap",
            "-n",
            "kube-public",
            "local-registry-hosting",
            "--ignore-not-found",
            "-o",
            "name"
        ])
        .contains("local-registry")
    );
}

#[test]
fn why_a_cluster_cannot_be_used_is_told_with_its_address() {
    let Some(room) = Room::new() else { return };
    let lost = |kubeconfig: &std::path::Path, context: &str| {
        let mut session = room.session_of("other", kubeconfig);
        session.change_cluster(|cluster| context.clone_into(&mut cluster.context));
        session.ask(&[], &[]);
        session.until("the loss", |event| match event {
            Event::Kube(KubeEvent::Lost { failure }) => Some(failure.message.clone()),
            Event::Kube(KubeEvent::Seen { .. }) => panic!("it was let in"),
            _ => None,
        })
    };
    let nobody = room.kubeconfig_with(|value| value["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1".into());
    assert!(lost(&nobody, "kind-env").contains("nobody listens at `https://127.0.0.1:1`"));
    let stranger = room.kubeconfig_with(|value| {
        let cluster = value["clusters"][0]["cluster"].as_object_mut().unwrap();
        cluster.remove("certificate-authority-data").unwrap();
    });
    let said = lost(&stranger, "kind-env");
    assert!(said.contains("no encrypted connection") && said.contains("https://"), "{said}");
    let expired = room.kubeconfig_with(|value| value["users"][0]["user"] = serde_json::json!({"token": "expired"}));
    let said = lost(&expired, "kind-env");
    assert!(said.contains("does not accept the credentials of the context `kind-env`"), "{said}");
    let plugin = room.kubeconfig_with(|value| {
        value["users"][0]["user"] = serde_json::json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "/no/such/plugin", "interactiveMode": "Never",
        }});
    });
    let said = lost(&plugin, "kind-env");
    assert!(said.contains("/no/such/plugin") || said.contains("credentials"), "{said}");
    let said = lost(&nobody, "elsewhere");
    assert!(said.contains("the context `elsewhere` of the kubeconfig cannot be used"), "{said}");
}
