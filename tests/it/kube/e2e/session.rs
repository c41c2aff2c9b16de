//! A session on a cluster, from its start to `orch down`.

use crate::{
    docker::Engine,
    kube::Room,
    sandbox::{Sandbox, Session},
};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// A service built from source, a job before it, configuration, and a port that leads there.
struct Shop {
    room: Room,
    engine: Engine,
    sandbox: Sandbox,
}

impl Shop {
    fn new() -> Option<Self> {
        let (room, engine) = (Room::new()?, Engine::shared()?);
        let image = engine.name("web");
        let orchfile = format!(
            "docker_build({image:?}, \"web\", live_update=[sync(\"web/page\", \"/srv/page\")])\n\
             k8s_yaml(\"app.yaml\")\n\
             k8s_resource(\"web\", port_forwards=port_forward(0, 8000), resource_deps=[\"migrate\"])\n"
        );
        let sandbox = engine.sandbox(&orchfile).env("KUBECONFIG", room.kubeconfig().to_str().unwrap());
        sandbox.write(
            "web/Dockerfile",
            &format!(
                "FROM {}\nCOPY page /srv/page\nENTRYPOINT [\"busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/srv\"]\n",
                Engine::base()
            ),
        );
        sandbox.write("web/page", "first\n");
        sandbox.write("app.yaml", &APP.replace("WEB", &image).replace("BASE", &Room::image()));
        Some(Self { room, engine, sandbox })
    }

    fn start(&self, verb: &[&str]) -> Session {
        self.sandbox.start(&[verb, &["--namespace", self.room.namespace()]].concat())
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.sandbox.orch(&["status", "-o", "json"]).stdout).unwrap_or_default()
    }

    fn row(&self, name: &str) -> Value {
        let status = self.status();
        let rows = status["resources"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["name"] == name).unwrap_or_default()
    }

    #[track_caller]
    fn until<T>(&self, what: &str, session: &mut Session, mut check: impl FnMut() -> Option<T>) -> T {
        self.engine.until(what, session, |_| check())
    }

    /// What the port of `web` gives.
    fn page(&self) -> Option<String> {
        let row = self.row("web");
        let url =
            row["links"].as_array()?.iter().find_map(|link| link["url"].as_str()?.strip_prefix("http://"))?.to_owned();
        let mut connection = TcpStream::connect(url.trim_end_matches('/')).ok()?;
        connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        connection.write_all(b"GET /page HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    #[track_caller]
    fn until_page(&self, text: &str, session: &mut Session) {
        self.until(&format!("the page `{text}`"), session, || self.page().filter(|page| page.trim() == text));
    }
}

const APP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: \"BASE\", imagePullPolicy: Never, command: [sh, -c, \"echo migrated\"]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: WEB, readinessProbe: {httpGet: {path: /page, port: 8000}, periodSeconds: 1}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8000}]}
";

#[test]
fn a_session_comes_up_is_changed_in_place_repaired_taken_over_and_goes_down() {
    let Some(shop) = Shop::new() else { return };
    let mut session = shop.start(&["up", "--stream"]);
    session.wait_for("migrated");
    shop.until_page("first", &mut session);
    let pod = shop.room.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]);

    shop.sandbox.write("web/page", "second\n");
    shop.until_page("second", &mut session);
    session.wait_for("updated in place");
    assert_eq!(shop.room.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]), pod, "the pod is another");

    shop.room.kubectl(&["delete", "configmap", "settings"]);
    session.wait_for("`ConfigMap settings` was deleted by somebody else");
    shop.until("the ConfigMap", &mut session, || {
        (shop.room.field("configmap/settings", ".data.a") == "b").then_some(())
    });
    // A pod that is deleted is made anew by Kubernetes, and what was changed in it by orch.
    shop.room.kubectl(&["delete", &pod]);
    session.wait_for("without the files that were changed in it");
    shop.until_page("second", &mut session);
    session.interrupt();

    let applied = shop.room.field("deployment/web", ".metadata.resourceVersion");
    let again = shop.sandbox.orch(&["ci", "--namespace", shop.room.namespace()]).expect_code(0);
    assert!(again.all().contains("up to date, not touched"), "{}", again.all());
    assert_eq!(shop.room.field("deployment/web", ".metadata.resourceVersion"), applied, "it was touched");

    shop.sandbox.orch(&["down", "--namespace", shop.room.namespace()]).expect_code(0);
    let left = shop.room.kubectl(&["get", "all,configmap", "-l", "app.kubernetes.io/managed-by=orch", "-o", "name"]);
    assert_eq!(left, "");
}

#[test]
fn ci_fails_at_once_where_a_pod_crashes() {
    let Some(shop) = Shop::new() else { return };
    shop.sandbox.write("Orchfile", "k8s_yaml(\"app.yaml\")\n");
    let yaml = "
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec: {containers: [{name: c, image: \"BASE\", imagePullPolicy: Never, readinessProbe: {exec: {command: ['false']}, periodSeconds: 1}, command: [sh, -c, \"echo no; exit 3\"]}]}
";
    shop.sandbox.write("app.yaml", &yaml.replace("BASE", &Room::image()));
    let ended = shop.sandbox.orch(&["ci", "--namespace", shop.room.namespace()]).expect_code(1);
    assert!(ended.all().contains("exited with code 3"), "{}", ended.all());
}
