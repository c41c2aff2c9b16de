//! `examples/k8s-guestbook`: brought up in order, edited, killed, cut off, left and taken down.

use super::{edit, free_port, until, until_at_rest};
use crate::{
    docker::{Engine, copy_folder},
    kube::{Proxy, Room, forward::fetch_page},
    sandbox::{Sandbox, Session},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How long the way to the cluster is cut.
const CUT: Duration = Duration::from_secs(30);

/// A copy of the example in a namespace of the test's own, whose way to the cluster can be cut.
struct Book {
    room: Room,
    /// Removes what was built.
    _engine: Engine,
    proxy: Proxy,
    port: u16,
    sandbox: Sandbox,
}

impl Book {
    fn new() -> Option<Self> {
        let (engine, room) = (Engine::shared()?, Room::new()?);
        let (proxy, kubeconfig) = room.proxied();
        let port = free_port();
        let sandbox = engine
            .sandbox("")
            .env("KUBECONFIG", kubeconfig.to_str().unwrap())
            .env("GUESTBOOK_BASE", &Engine::base())
            .env("GUESTBOOK_PORT", &port.to_string());
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/k8s-guestbook"), &sandbox.root());
        for file in ["store", "prepare", "web", "counter", "robot", "check"] {
            let file = format!("k8s/{file}.yaml");
            let text = sandbox.read(&file).replace("guestbook.example.com", &group(&room));
            sandbox.write(&file, &text.replace("guestbook-", &engine.name("guestbook-")));
        }
        edit(&sandbox, "Orchfile", "guestbook-", &engine.name("guestbook-"));
        Some(Self { room, _engine: engine, proxy, port, sandbox })
    }

    /// What the page shows, through the port that leads to a pod.
    fn page(&self) -> Option<String> {
        fetch_page(self.port, "/cgi-bin/book")
    }

    #[track_caller]
    fn until_page(&self, session: &mut Session, text: &str) {
        until(&format!("a page with `{text}`"), &self.sandbox, session, || {
            self.page().filter(|page| page.contains(text))
        });
    }

    /// The pods of a workload, that are not ending.
    fn pods(&self, app: &str) -> Vec<String> {
        let path = "jsonpath={range .items[*]}{.metadata.name}={.metadata.deletionTimestamp}{\"\\n\"}{end}";
        let list = self.room.kubectl(&["get", "pods", "-l", &format!("app={app}"), "-o", path]);
        let mut pods: Vec<String> = list.lines().filter_map(|line| Some(line.strip_suffix('=')?.to_owned())).collect();
        pods.sort();
        pods
    }

    /// Whether all pods show that text.
    fn all_have(&self, text: &str) -> bool {
        self.pods("web").iter().all(|pod| {
            let (code, out, _) =
                self.room.try_kubectl(self.room.namespace(), &["exec", pod, "--", "cat", "/srv/top.html"], "");
            code == Some(0) && out.contains(text)
        })
    }

    fn uid(&self, object: &str) -> String {
        self.room.field(object, ".metadata.uid")
    }
}

fn group(room: &Room) -> String {
    format!("{}.example.com", room.namespace())
}

impl Drop for Book {
    fn drop(&mut self) {
        let name = format!("robots.{}", group(&self.room));
        self.room.try_kubectl("default", &["delete", "crd", &name, "--ignore-not-found", "--wait=false"], "");
    }
}

#[test]
fn it_comes_up_in_order_follows_edits_and_outlives_what_is_done_to_it() {
    let Some(book) = Book::new() else { return };
    let (room, sandbox) = (&book.room, &book.sandbox);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(sandbox, &mut session);
    assert_eq!(room.field("job/check", ".status.succeeded"), "1", "{}", session.said());
    assert!(room.kubectl(&["logs", "job/check"]).contains("the book has what was written"));
    let (prepared, made) = (
        room.field("job/prepare", ".status.completionTime"),
        room.field("deployment/web", ".metadata.creationTimestamp"),
    );
    assert!(!prepared.is_empty() && prepared <= made, "`web` ({made}) did not wait for `prepare` ({prepared})");
    let robot = format!("robots.{}/greeter", group(room));
    assert!(room.field(&robot, ".spec.image").contains("guestbook-counter:orch-"), "{}", room.field(&robot, ".spec"));
    book.until_page(&mut session, "Good morning!");

    // A page, by live update, in both pods.
    let pods = book.pods("web");
    assert_eq!(pods.len(), 2, "{pods:?}");
    edit(sandbox, "web/top.html", "Good morning!", "Good evening!");
    until("the page in both pods", sandbox, &mut session, || book.all_have("Good evening!").then_some(()));
    book.until_page(&mut session, "Good evening!");
    until_at_rest(sandbox, &mut session);
    assert_eq!(book.pods("web"), pods, "{}", session.said());

    // A program, by a new image and a new pod.
    let others = ["deployment/store", "deployment/web"].map(|object| room.field(object, ".metadata.generation"));
    edit(sandbox, "counter/counter.sh", "lines in the book", "written so far");
    session.wait_until("what the new pod says", |line| line.contains("counter │") && line.contains("written so far"));
    until_at_rest(sandbox, &mut session);
    assert_eq!(book.pods("counter").len(), 1);
    let after = ["deployment/store", "deployment/web"].map(|object| room.field(object, ".metadata.generation"));
    assert_eq!(after, others, "{}", session.said());

    // A pod that is killed comes back with what was copied.
    room.kubectl(&["delete", "pod", &pods[0], "--now"]);
    until("a new pod with the page", sandbox, &mut session, || {
        (book.pods("web").len() == 2 && !book.pods("web").contains(&pods[0]) && book.all_have("Good evening!"))
            .then_some(())
    });
    until_at_rest(sandbox, &mut session);
    book.until_page(&mut session, "Good evening!");

    // What is deleted is put back.
    let before = book.uid("deployment/counter");
    room.kubectl(&["delete", "deployment/counter"]);
    session.wait_until("the repair", |line| line.contains("counter │ ▸ repair"));
    until("the Deployment", sandbox, &mut session, || {
        Some(book.uid("deployment/counter")).filter(|uid| !uid.is_empty() && *uid != before)
    });
    until_at_rest(sandbox, &mut session);

    // Without a way to the API server nothing is lost, and an edit waits for it.
    let pods = book.pods("web");
    let begin = Instant::now();
    book.proxy.cut();
    session.wait_until("the loss", |line| line.contains(&book.proxy.address().to_string()));
    edit(sandbox, "web/top.html", "Good evening!", "Good night!");
    until("the end of the cut", sandbox, &mut session, || (begin.elapsed() >= CUT).then_some(()));
    book.proxy.mend();
    until("the page in both pods", sandbox, &mut session, || book.all_have("Good night!").then_some(()));
    book.until_page(&mut session, "Good night!");
    until_at_rest(sandbox, &mut session);
    assert_eq!(book.pods("web"), pods, "{}", session.said());
    session.interrupt().expect_code(0);

    // Again: all is as it should be.
    let uids = || ["deployment/store", "deployment/web", "deployment/counter"].map(|object| book.uid(object));
    let before = uids();
    let finished = sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(uids(), before, "{}", finished.all());

    sandbox.orch(&["down"]).expect_code(0);
    let left = room.kubectl(&[
        "get",
        "deployment,service,job,pod,configmap",
        "-l",
        "app.kubernetes.io/managed-by=orch",
        "-o",
        "name",
    ]);
    assert_eq!(left, "");
    let definition = format!("crd/robots.{}", group(room));
    assert_eq!(room.field(&definition, ".metadata.name"), "");
}
