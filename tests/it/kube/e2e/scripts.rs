//! What extensions and scripts of a Tiltfile do with a cluster: the process that starts again, the pods that `tilt get` tells.

use crate::{docker::Engine, kube::Room};

const APP: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
    template:\n    metadata: {labels: {app: web}}\n    spec:\n      terminationGracePeriodSeconds: 1\n      \
    containers: [{name: c, image: IMAGE}]\n";

#[test]
fn a_process_starts_again_and_scripts_find_its_pod() {
    let (Some(room), Some(engine)) = (Room::new(), Engine::shared()) else { return };
    let image = engine.name("web");
    let sandbox = engine.sandbox("").env("KUBECONFIG", room.kubeconfig().to_str().unwrap());
    // Only a Tiltfile's commands find a program `tilt`.
    std::fs::remove_file(sandbox.path("Orchfile")).unwrap();
    let tiltfile = format!(
        "load('ext://restart_process', 'docker_build_with_restart')\n\
         docker_build_with_restart({image:?}, 'web', 'sh /app/run.sh', live_update=[sync('web/app', '/app')])\n\
         k8s_yaml('app.yaml')\n\
         pod = \"tilt get kd web -o jsonpath='{{.status.pods[0].name}} {{.status.pods[0].phase}} {{.spec.watches[*].namespace}}'\"\n\
         local_resource('ask', pod, resource_deps=['web'])\n"
    );
    sandbox.write("Tiltfile", &tiltfile);
    sandbox.write(
        "web/Dockerfile",
        &format!("FROM {}\nCOPY --chown=1000:1000 app /app\nUSER 1000:1000\n", Engine::base()),
    );
    sandbox.write("web/app/run.sh", "echo first; exec sleep 1000\n");
    sandbox.write("app.yaml", &APP.replace("IMAGE", &image));
    let mut up = sandbox.start(&["up", "--namespace", room.namespace()]);
    up.wait_for("web │ first");
    let asked = up.wait_for("ask │ web-");
    assert!(asked.contains(&format!(" Running {}", room.namespace())), "{asked}");
    sandbox.write("web/app/run.sh", "echo second; exec sleep 1000\n");
    up.wait_for("updated in place");
    up.wait_for("web │ second");
    up.interrupt().expect_code(0);
    let pods = room.kubectl(&[
        "get",
        "pods",
        "-l",
        "app=web",
        "-o",
        "jsonpath={.items[*].status.containerStatuses[0].restartCount}",
    ]);
    assert_eq!(pods, "0");
    sandbox.orch(&["down"]).expect_code(0);
}
