//! Two images with live updates in two containers of one pod.

use super::{until, until_at_rest};
use crate::{docker::Engine, kube::Room};

const POD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: both}
spec:
  selector: {matchLabels: {app: both}}
  template:
    metadata: {labels: {app: both}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: one, image: ONE}, {name: two, image: TWO}]
";

#[test]
fn only_the_container_of_the_image_that_changed_is_touched() {
    let (Some(room), Some(engine)) = (Room::new(), Engine::shared()) else { return };
    let (one, two) = (engine.name("one"), engine.name("two"));
    let image = |name: &str, dir: &str| {
        format!(
            "docker_build({name:?}, {dir:?}, live_update=[sync({:?}, '/page'), run('echo x >> /runs')])\n",
            format!("{dir}/page")
        )
    };
    let orchfile = format!("{}{}k8s_yaml('pod.yaml')\n", image(&one, "a"), image(&two, "b"));
    let kubeconfig = room.kubeconfig_here(|_| {});
    let sandbox = engine.sandbox(&orchfile).env("KUBECONFIG", kubeconfig.to_str().unwrap());
    for dir in ["a", "b"] {
        let lives = "while ! [ -e /stop ]; do sleep 0.1; done";
        let dockerfile =
            format!("FROM {}\nCOPY page /page\nENTRYPOINT [\"busybox\", \"sh\", \"-c\", {lives:?}]\n", Engine::base());
        sandbox.write(&format!("{dir}/Dockerfile"), &dockerfile);
        sandbox.write(&format!("{dir}/page"), "first\n");
    }
    sandbox.write("pod.yaml", &POD.replace("ONE", &one).replace("TWO", &two));
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&sandbox, &mut session);
    // What a container has of its page, and how often its step was run there.
    let has = |container: &str| {
        let script = "cat /page; cat /runs 2>/dev/null | wc -l";
        let (_, said, _) = room.try_kubectl(
            room.namespace(),
            &["exec", "deployment/both", "-c", container, "--", "sh", "-c", script],
            "",
        );
        said.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut until_it_has = |container: &str, page: &str, runs: &str| {
        until(&format!("`{page}` in {container}"), &sandbox, &mut session, || {
            (has(container) == [page, runs]).then_some(())
        });
    };
    until_it_has("one", "first", "0");
    sandbox.write("b/page", "second\n");
    until_it_has("two", "second", "1");
    until_it_has("one", "first", "0");
    sandbox.write("a/page", "third\n");
    until_it_has("one", "third", "1");
    until_it_has("two", "second", "1");
    // One of them starts anew, without its files: the other is left alone.
    sandbox.write("b/page", "fourth\n");
    until_it_has("two", "fourth", "2");
    room.kubectl(&["exec", "deployment/both", "-c", "two", "--", "touch", "/stop"]);
    until_it_has("two", "fourth", "1");
    until_it_has("one", "third", "1");
    session.interrupt();
    sandbox.orch(&["down"]).expect_code(0);
}
