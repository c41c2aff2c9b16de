//! A namespace of a test's own, and sessions that work in it.

use super::Proxy;
use crate::{docker::skip, sandbox::DEADLINE};
use orch::{
    engine::{AppliedObject, ApplyOrder, Effect, Event, ExpectedObject, KubeEffect, KubeEvent, KubeSeen, PodSearch},
    host::{
        claim::state_dir,
        clock::Clock,
        docker::{Docker, Surroundings},
        evaluate::wire::{Answer, Ask},
        executors::{Host, World},
        files::Files,
        outbox::Outbox,
        process::Processes,
    },
    logs::{Limits, LogStore},
    model::{
        Cluster, Digest, Exit, FilePath, KubeObject, KubeState, Location, ObjectKey, Product, ProjectId, RequestId,
        ResourceName, RunId,
    },
    store::Store,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, mpsc},
};

/// A namespace of the shared cluster, and a project that uses it.
pub(crate) struct Room {
    kubeconfig: PathBuf,
    namespace: String,
    dir: tempfile::TempDir,
}

impl Room {
    /// A new namespace. None where there is no cluster: the test says so and ends, or fails where it may not be skipped.
    #[track_caller]
    pub(crate) fn new() -> Option<Self> {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let Some(kubeconfig) = std::env::var_os("ORCH_TEST_KUBECONFIG").map(PathBuf::from) else {
            skip("no Kubernetes cluster: `ORCH_TEST_KUBECONFIG` is not set");
            return None;
        };
        let namespace = format!("orch-test-{}-{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        let room = Self { kubeconfig, namespace, dir: tempfile::tempdir().unwrap() };
        room.kubectl_at("default", &["create", "namespace", &room.namespace]);
        Some(room)
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Leads to the cluster.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder of the project.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// An image that the node has, with busybox in it.
    pub(crate) fn image() -> String {
        std::env::var("ORCH_TEST_KUBE_IMAGE").unwrap_or("docker.io/library/orch-test-base:local".to_owned())
    }

    /// What `kubectl` prints.
    #[track_caller]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_at(&self.namespace, args)
    }

    #[track_caller]
    fn kubectl_at(&self, namespace: &str, args: &[&str]) -> String {
        let (code, out, err) = self.try_kubectl(namespace, args, "");
        assert_eq!(code, Some(0), "kubectl {args:?}: {err}");
        out
    }

    /// Gives `kubectl` something to read.
    #[track_caller]
    pub(crate) fn kubectl_with(&self, args: &[&str], input: &str) -> String {
        let (code, out, err) = self.try_kubectl(&self.namespace, args, input);
        assert_eq!(code, Some(0), "kubectl {args:?}: {err}");
        out
    }

    pub(super) fn try_kubectl(&self, namespace: &str, args: &[&str], input: &str) -> (Option<i32>, String, String) {
        use std::io::Write as _;
        let mut child = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["--namespace", namespace])
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        (done.status.code(), text(done.stdout), text(done.stderr))
    }

    /// What a field of an object is, as `kubectl` prints it; empty where there is no such object.
    pub(crate) fn field(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "--ignore-not-found", "-o", &format!("jsonpath={{{path}}}")])
    }

    /// A kubeconfig as the test wants it.
    pub(crate) fn kubeconfig_with(&self, change: impl FnOnce(&mut Value)) -> PathBuf {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let shown = self.kubectl(&["config", "view", "--raw", "-o", "json"]);
        let mut value: Value = serde_json::from_str(&shown).unwrap();
        change(&mut value);
        let path = self.dir.path().join(format!("kubeconfig-{}", FILES.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, value.to_string()).unwrap();
        path
    }

    /// A kubeconfig as the test wants it, whose context has this namespace.
    pub(crate) fn kubeconfig_here(&self, change: impl FnOnce(&mut Value)) -> PathBuf {
        self.kubeconfig_with(|value| {
            value["contexts"][0]["context"]["namespace"] = self.namespace.clone().into();
            change(value);
        })
    }

    /// A way to the cluster that can be cut, and the kubeconfig that takes it.
    pub(crate) fn proxied(&self) -> (Proxy, PathBuf) {
        let server = self.kubectl(&["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"]);
        let proxy = Proxy::before(server.trim_start_matches("https://"));
        let address = format!("https://{}", proxy.address());
        let path = self.kubeconfig_here(|value| value["clusters"][0]["cluster"]["server"] = address.into());
        (proxy, path)
    }

    /// A session of this test's project.
    pub(crate) fn session(&self) -> Session {
        self.session_of("project", &self.kubeconfig)
    }

    /// A session of a project in a folder of that name, that reads another kubeconfig.
    pub(crate) fn session_of(&self, name: &str, kubeconfig: &Path) -> Session {
        Session::start(&self.dir.path().join(name), kubeconfig, &self.namespace)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.try_kubectl("default", &["delete", "namespace", &self.namespace, "--wait=false"], "");
    }
}

/// The executors of a session.
pub(crate) struct Session {
    runtime: Runtime,
    host: Host,
    inbox: mpsc::UnboundedReceiver<Event>,
    seen: Vec<Event>,
    pub(crate) logs: LogStore,
    cluster: Arc<Cluster>,
    root: PathBuf,
    runs: u64,
}

impl Session {
    fn start(root: &Path, kubeconfig: &Path, namespace: &str) -> Self {
        std::fs::create_dir_all(root).unwrap();
        let folder = FilePath::new(root);
        let runtime = Runtime::new().unwrap();
        let within = runtime.enter();
        let dir = state_dir(&folder);
        let (store, _) = Store::open(&dir).unwrap();
        let logs = LogStore::open(&dir.join("logs"), Limits::default()).unwrap();
        let (outbox, inbox) = Outbox::new();
        let (first, _) = store.next_ids();
        let file = folder.join("Orchfile");
        let (args, subcommand, answer) = (Vec::new(), "up".to_owned(), Answer::Project);
        let kube = orch::orchfile::KubeWish::default();
        let world = World {
            clock: Clock::start(),
            outbox,
            logs: logs.clone(),
            files: Arc::new(Files::new(store.known_files())),
            store,
            processes: Arc::new(Processes::start_through(Path::new(env!("CARGO_BIN_EXE_orch"))).unwrap()),
            docker: Docker::new(Surroundings::default()),
            project: ProjectId::of_folder(&folder),
            ask: Arc::new(Ask { file, args, kube, subcommand, answer, memory_bytes: 1 << 30, cpu_secs: 10 }),
            known_outputs: Arc::default(),
            defaults: &[],
            background: Arc::new(Semaphore::new(1)),
            drawing_width: 80,
        };
        let cluster = Arc::new(Cluster {
            context: "kind-env".to_owned(),
            name: "kind-env".to_owned(),
            namespace: namespace.to_owned(),
            product: Product::Kind,
            kubeconfig: vec![FilePath::new(kubeconfig)],
        });
        let host = Host::new(world);
        drop(within);
        Self { runtime, host, inbox, seen: Vec::new(), logs, cluster, root: root.to_owned(), runs: first.0 }
    }

    /// The folder of its Orchfile.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Changes which cluster it is for.
    pub(crate) fn change_cluster(&mut self, change: impl FnOnce(&mut Cluster)) {
        change(Arc::make_mut(&mut self.cluster));
    }

    pub(crate) fn perform(&mut self, effect: KubeEffect) {
        let _within = self.runtime.enter();
        self.host.perform(Effect::Kube(effect));
    }

    /// Waits for an event, among those that nobody waited for yet.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: &str, check: impl FnMut(&Event) -> Option<T>) -> T {
        match self.until_or(DEADLINE, check) {
            Some(found) => found,
            None => panic!("{what} did not come; {:#?}\n{}", self.seen, self.log("web")),
        }
    }

    /// As `until`, with a time of its own.
    pub(crate) fn until_or<T>(&mut self, time: Duration, mut check: impl FnMut(&Event) -> Option<T>) -> Option<T> {
        if let Some(at) = self.seen.iter().position(|event| check(event).is_some()) {
            let event = self.seen.remove(at);
            return check(&event);
        }
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let inbox = &mut self.inbox;
            let next = self.runtime.block_on(async { tokio::time::timeout(left, inbox.recv()).await });
            let Ok(Some(event)) = next else { return None };
            self.host.observe(orch::model::Time::ZERO, &event);
            match check(&event) {
                Some(found) => return Some(found),
                None => self.seen.push(event),
            }
        }
    }

    /// Forgets what nobody waited for.
    pub(crate) fn forget(&mut self) {
        while self.inbox.try_recv().is_ok() {}
        self.seen.clear();
    }

    fn expected(&self, yaml: &str) -> Vec<ExpectedObject> {
        let all = objects(yaml).into_iter();
        all.map(|declared| ExpectedObject { key: self.key(&declared), declared, left_alone: Vec::new() }).collect()
    }

    fn key(&self, object: &KubeObject) -> ObjectKey {
        let name = if object.name.is_empty() { format!("{}*", object.generate_name()) } else { object.name.clone() };
        ObjectKey {
            group: object.group().to_owned(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone().unwrap_or_else(|| self.cluster.namespace.clone()),
            name,
        }
    }

    /// Asks what there is of a project with these resources.
    pub(crate) fn ask(&mut self, resources: &[(&str, &str)], pods: &[(&str, PodSearch)]) -> RequestId {
        self.runs += 1;
        let request = RequestId(self.runs);
        let name = |name: &str| ResourceName::parse(name).unwrap();
        let objects = resources.iter().map(|(resource, yaml)| (name(resource), self.expected(yaml))).collect();
        let mut searches: BTreeMap<_, _> = resources
            .iter()
            .map(|(resource, _)| (name(resource), PodSearch { owned: true, selectors: Vec::new() }))
            .collect();
        searches.extend(pods.iter().map(|(resource, search)| (name(resource), search.clone())));
        let cluster = self.cluster.clone();
        self.perform(KubeEffect::Look { request, cluster, objects: Arc::new(objects), pods: Arc::new(searches) });
        request
    }

    /// What there is of a project with these resources.
    #[track_caller]
    pub(crate) fn look(&mut self, resources: &[(&str, &str)]) -> KubeSeen {
        self.look_for(resources, &[])
    }

    /// As `look`, where pods are found in that way.
    #[track_caller]
    pub(crate) fn look_for(&mut self, resources: &[(&str, &str)], pods: &[(&str, PodSearch)]) -> KubeSeen {
        let asked = self.ask(resources, pods);
        self.until("what is there", |event| match event {
            Event::Kube(KubeEvent::Seen { request, seen }) if *request == asked => Some(seen.clone()),
            Event::Kube(KubeEvent::Lost { failure }) => panic!("{failure:?}"),
            _ => None,
        })
    }

    /// What a resource is to be.
    pub(crate) fn order(&self, yaml: &str) -> ApplyOrder {
        let applied = objects(yaml).into_iter().map(|declared| AppliedObject {
            key: self.key(&declared),
            fingerprint: Digest::of(declared.value.to_string().as_bytes()),
            value: declared.value.clone(),
            declared,
            left_alone: Vec::new(),
        });
        ApplyOrder {
            objects: applied.collect(),
            custom: None,
            load: Vec::new(),
            restart: false,
            timeout: Duration::from_secs(40),
        }
    }

    /// Applies, and tells how that ended.
    #[track_caller]
    pub(crate) fn apply(&mut self, resource: &str, yaml: &str) -> Exit {
        let order = self.order(yaml);
        self.apply_order(resource, order)
    }

    #[track_caller]
    pub(crate) fn apply_order(&mut self, resource: &str, order: ApplyOrder) -> Exit {
        let (resource, order) = (ResourceName::parse(resource).unwrap(), Arc::new(order));
        self.run(|run| KubeEffect::Apply { run, resource, order })
    }

    /// Does a run to its end.
    #[track_caller]
    pub(crate) fn run(&mut self, effect: impl FnOnce(RunId) -> KubeEffect) -> Exit {
        let run = self.begin(effect);
        self.ended(run)
    }

    /// Begins a run.
    pub(crate) fn begin(&mut self, effect: impl FnOnce(RunId) -> KubeEffect) -> RunId {
        self.runs += 1;
        let run = RunId(self.runs);
        self.perform(effect(run));
        run
    }

    /// How a run ended.
    #[track_caller]
    pub(crate) fn ended(&mut self, run: RunId) -> Exit {
        self.until("the run's end", |event| match event {
            Event::RunEnded { run: ended, end } if *ended == run => Some(end.exit.clone()),
            _ => None,
        })
    }

    /// Waits until a resource is so.
    #[track_caller]
    pub(crate) fn until_state(&mut self, resource: &str, mut check: impl FnMut(&KubeState) -> bool) -> KubeState {
        self.until(&format!("the state of `{resource}`"), |event| match event {
            Event::Kube(KubeEvent::Changed { resource: changed, state }) if changed.as_str() == resource => {
                check(state).then(|| state.clone())
            }
            _ => None,
        })
    }

    /// Waits until the log of a resource is so.
    #[track_caller]
    pub(crate) fn until_log(&self, resource: &str, check: impl Fn(&str) -> bool) {
        crate::docker::until("the log", || self.log(resource), || check(&self.log(resource)).then_some(()));
    }

    /// All that a resource's log has.
    pub(crate) fn log(&self, resource: &str) -> String {
        let names = [ResourceName::parse(resource).unwrap()];
        self.logs.flush();
        let mut all = self.logs.reader().read(Some(&names), orch::logs::From::Start);
        let mut text = String::new();
        while let Some(batch) = all.next_batch() {
            batch.lines.iter().for_each(|line| text += &(String::from_utf8_lossy(line.visible()).into_owned() + "\n"));
        }
        text
    }
}

/// The objects of a text, as an Orchfile would have them.
pub(crate) fn objects(yaml: &str) -> Vec<Arc<KubeObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    let mut line = 1;
    documents
        .into_iter()
        .map(|value| {
            let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            line += 1;
            Arc::new(KubeObject {
                api_version: text("/apiVersion").unwrap(),
                kind: text("/kind").unwrap(),
                name: text("/metadata/name").unwrap_or_default(),
                namespace: text("/metadata/namespace"),
                images: Vec::new(),
                declared_at: Some(Location { file: "k8s.yaml".to_owned(), line, column: 1 }),
                value,
            })
        })
        .collect()
}
