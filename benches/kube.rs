//! Kubernetes: from a save to what it causes in pods, beside the same done by hand with `docker` and `kubectl`.
//!
//! They need what `./test` sets up as root: a Docker Engine with the tests' base image, and the cluster of tests/kube-env, or the
//! one that `ORCH_TEST_KUBECONFIG` names, on this machine. Where something is missing, the figures say that they were not measured.

use crate::{
    docker::{base, plant_app, saves, stamp},
    memory::{pss, wait_until_quiet},
    program::now,
    sandbox::{Sandbox, pause},
    stats::{Figure, Rounds},
};
use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

const MISSING: &str = "needs root and what `./test` sets up";

/// Save to the new file in a running pod, beside a bare `kubectl exec … tar` of the same file.
pub(crate) fn live_update(rounds: &Rounds) -> Vec<Figure> {
    const WHAT: &str = "live update of a pod: save to the file in the container";
    const TARGET: &str = "1.0 x kubectl exec";
    let Some(place) = Place::prepared() else { return vec![Figure::times(WHAT, &[], TARGET).note(MISSING)] };
    let image = place.name("live");
    let mut sandbox = place.sandbox(&format!(
        "docker_build({image:?}, 'web', live_update = [sync('web/pages', '/srv/pages')])\nk8s_yaml('web.yaml')\n"
    ));
    let sleeps = |word: &str| format!("command: [sh, -c, 'sleep 1000000; : {}']", place.name(word));
    sandbox.write("web/Dockerfile", &format!("FROM {}\nCOPY pages /srv/pages\n", base()));
    sandbox.write("web/pages/page", "first");
    sandbox.write("web.yaml", &workload("web", &image, &sleeps("ours")));
    sandbox.write(
        "hand.yaml",
        &workload("hand", &place.base_image, &format!("imagePullPolicy: Never, {}", sleeps("hand"))),
    );
    sandbox.up();
    sandbox.wait_at_rest();
    place.kubectl(&["apply", "-f", sandbox.path("hand.yaml").to_str().unwrap()]);
    place.kubectl(&["rollout", "status", "deployment/hand"]);
    let root = sandbox.wait("container", || root_of(&place.name("ours")));
    let hand_root = sandbox.wait("container by hand", || root_of(&place.name("hand")));
    let hand = place.kubectl(&["get", "pods", "-l", "app=hand", "-o", "name"]);
    let copy = |text: &str| place.copy_by_hand(&hand, text);
    let (times, by_hand) = saves(&mut sandbox, rounds, &root, copy, &hand_root.join("tmp/page"));
    vec![Figure::times(WHAT, &times, TARGET).against("kubectl exec tar", &by_hand)]
}

/// Save to the new ready pod, beside `docker build`, `docker push`, `kubectl apply` and `kubectl rollout status` by hand.
pub(crate) fn replaced(rounds: &Rounds) -> Vec<Figure> {
    const WHAT: &str = "save to the new ready pod";
    let Some(place) = Place::prepared() else { return vec![Figure::times(WHAT, &[], "by hand").note(MISSING)] };
    let image = place.name("app");
    let mut ours = place.sandbox(&format!("docker_build({image:?}, 'app')\nk8s_yaml('app.yaml')\n"));
    place.plant(&ours, "app");
    ours.write("app.yaml", &stamping("ours", &image, &ours));
    ours.up();
    ours.wait_for_stamps("out/stamps", 1);
    ours.wait_at_rest();
    let hand = place.sandbox("");
    place.plant(&hand, "app");
    place.deploy_by_hand(&hand, 0);
    let (mut times, mut by_hand) = (Vec::new(), Vec::new());
    for round in 1..=rounds.long * 2 {
        let text = format!("round {round}");
        pause();
        let saved = ours.save("app/file", &text);
        ours.wait_for_stamps("out/stamps", round + 1);
        ours.wait_at_rest();
        times.push(now().saturating_sub(saved));
        pause();
        let saved = hand.save("app/file", &text);
        place.deploy_by_hand(&hand, round);
        by_hand.push(now().saturating_sub(saved));
    }
    vec![Figure::times(WHAT, &times, "by hand").against("docker build, push, kubectl apply, rollout", &by_hand)]
}

/// `up` and `ci` again, when nothing has changed.
pub(crate) fn unchanged(rounds: &Rounds) -> Vec<Figure> {
    let objects = |place: &Place| {
        let sandbox = place.sandbox("k8s_yaml('all.yaml')\n");
        let map = |number| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{number}}}\ndata: {{key: x}}\n---\n")
        };
        sandbox.write("all.yaml", &(0..200).map(map).collect::<String>());
        sandbox
    };
    let images = |place: &Place| {
        let build = |number| format!("docker_build({:?}, 'app{number}')\n", place.name(&format!("twenty-{number}")));
        let sandbox = place.sandbox(&((0..20).map(build).collect::<String>() + "k8s_yaml('all.yaml')\n"));
        let app = |number: usize| {
            place.plant(&sandbox, &format!("app{number}"));
            sandbox.write(&format!("app{number}/file"), &number.to_string());
            stamping(&format!("app{number}"), &place.name(&format!("twenty-{number}")), &sandbox) + "---\n"
        };
        sandbox.write("all.yaml", &(0..20).map(app).collect::<String>());
        sandbox
    };
    let mut figures = unchanged_case(rounds, "200 unchanged objects", "kubectl apply", objects, |place, sandbox| {
        place.kubectl(&["apply", "-f", sandbox.path("all.yaml").to_str().unwrap()]);
    });
    figures.extend(unchanged_case(rounds, "20 unchanged images", "docker build x 20", images, |place, sandbox| {
        for number in 0..20 {
            let folder = sandbox.path(&format!("app{number}"));
            place.docker(&["build", "-q", "-t", &place.name(&format!("by-hand-{number}")), folder.to_str().unwrap()]);
        }
    }));
    figures
}

fn unchanged_case(
    rounds: &Rounds,
    what: &str,
    by: &'static str,
    project: impl Fn(&Place) -> Sandbox,
    do_by_hand: impl Fn(&Place, &Sandbox),
) -> Vec<Figure> {
    let names = [format!("`up` again with {what}, until at rest"), format!("`ci` again with {what}")];
    let Some(place) = Place::prepared() else {
        return names.into_iter().map(|name| Figure::times(name, &[], by).note(MISSING)).collect();
    };
    let mut sandbox = project(&place);
    assert!(sandbox.orch(&["ci"]).status().unwrap().success(), "the first `ci` failed");
    let (mut ups, mut cis, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.long {
        let begin = Instant::now();
        sandbox.up();
        sandbox.wait_at_rest();
        ups.push(begin.elapsed());
        sandbox.down();
        let begin = Instant::now();
        assert!(sandbox.orch(&["ci"]).status().unwrap().success(), "`ci` failed");
        cis.push(begin.elapsed());
    }
    assert!(sandbox.orch(&["down"]).status().unwrap().success(), "`orch down` failed");
    for round in 0..=rounds.long {
        let begin = Instant::now();
        do_by_hand(&place, &sandbox);
        // The first one makes it.
        by_hand.extend((round > 0).then(|| begin.elapsed()));
    }
    let [up, ci] = names;
    vec![Figure::times(up, &ups, by).against(by, &by_hand), Figure::times(ci, &cis, by).against(by, &by_hand)]
}

/// Memory while a namespace with many pods is watched.
pub(crate) fn memory(_: &Rounds) -> Vec<Figure> {
    const WHAT: &str = "memory while a namespace with 500 pods is watched";
    const PODS: usize = 500;
    let Some(place) = Place::prepared() else { return vec![Figure::new(WHAT, "MB", Vec::new(), "60").note(MISSING)] };
    let mut sandbox = place.sandbox("k8s_yaml('all.yaml')\nk8s_resource('many', pod_readiness = 'ignore')\n");
    // They have no node, and cost the machine nothing.
    let yaml = workload("many", &place.base_image, "imagePullPolicy: Never")
        .replace("spec:\n  selector", &format!("spec:\n  replicas: {PODS}\n  selector"))
        .replace("    spec:\n", "    spec:\n      nodeSelector: {no: such}\n");
    sandbox.write("all.yaml", &yaml);
    let pid = sandbox.up();
    sandbox.wait("pods", || {
        let count =
            place.kubectl(&["get", "deployment/many", "--ignore-not-found", "-o", "jsonpath={.status.replicas}"]);
        (count == PODS.to_string()).then_some(())
    });
    sandbox.wait_at_rest();
    wait_until_quiet(&sandbox, pid);
    let watched = pss(pid);
    sandbox.down();
    assert!(sandbox.orch(&["down"]).status().unwrap().success(), "`orch down` failed");
    vec![Figure::new(WHAT, "MB", vec![watched], "60")]
}

/// A Deployment of one pod.
fn workload(name: &str, image: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      terminationGracePeriodSeconds: 1\n      containers:\n      \
         - {{name: main, image: {image}, {more}}}\n"
    )
}

/// One that stamps `out/stamps` of a project when it starts.
fn stamping(name: &str, image: &str, sandbox: &Sandbox) -> String {
    let folder = sandbox.path("out");
    workload(name, image, "volumeMounts: [{name: out, mountPath: /out}]")
        + &format!("      volumes: [{{name: out, hostPath: {{path: {}}}}}]\n", folder.display())
}

/// Where the files of the container are whose first process has that word among its arguments, seen from outside.
fn root_of(word: &str) -> Option<PathBuf> {
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let has_word = |process: &PathBuf| {
        let said = fs::read(process.join("cmdline")).unwrap_or_default();
        said.starts_with(b"sh\0") && String::from_utf8_lossy(&said).contains(word)
    };
    processes
        .filter(has_word)
        .map(|process| process.join("root"))
        .find(|root| root.join("srv").exists() || root.join("bin").exists())
}

/// The namespace, the mark and the tools of one measurement; all of it is removed in the end.
struct Place {
    mark: String,
    folder: tempfile::TempDir,
    /// The tests' base image, as the node has it.
    base_image: String,
    registry: String,
}

impl Place {
    /// None where Kubernetes cannot be measured.
    fn prepared() -> Option<Self> {
        let kubeconfig = env::var("ORCH_TEST_KUBECONFIG").unwrap_or("/run/kube-env/kubeconfig".to_owned());
        let folder = tempfile::Builder::new().prefix("orchbench").rand_bytes(8).tempdir().unwrap();
        let mark = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
        fs::copy(kubeconfig, folder.path().join("kubeconfig")).ok()?;
        let base_image = env::var("ORCH_TEST_KUBE_IMAGE").unwrap_or_else(|_| format!("docker.io/library/{}", base()));
        let mut place = Self { mark, folder, base_image, registry: String::new() };
        let succeeds = |mut command: Command| command.output().is_ok_and(|output| output.status.success());
        let is_there = nix::unistd::geteuid().is_root()
            && succeeds(place.command("docker", &["image", "inspect", &base()]))
            && succeeds(place.command("kubectl", &["create", "namespace", &place.mark]));
        if !is_there {
            return None;
        }
        place.kubectl(&["config", "set-context", "--current", "--namespace", &place.mark]);
        let told = place.kubectl(&[
            "get",
            "configmap",
            "-n",
            "kube-public",
            "local-registry-hosting",
            "-o",
            "jsonpath={.data}",
        ]);
        // `host: "localhost:5005"`, within a text within JSON.
        place.registry = told.split("host: ").nth(1)?.split(['"', '\\']).find(|part| !part.is_empty())?.into();
        Some(place)
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    fn sandbox(&self, orchfile: &str) -> Sandbox {
        Sandbox::new(orchfile).env("KUBECONFIG", &self.kubeconfig())
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("KUBECONFIG", self.kubeconfig()).stdin(Stdio::null());
        command
    }

    /// Runs `kubectl`, and gives what it prints.
    fn kubectl(&self, arguments: &[&str]) -> String {
        self.run("kubectl", arguments)
    }

    fn docker(&self, arguments: &[&str]) -> String {
        self.run("docker", arguments)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A folder to build the stamping program's image of, and the folder that it stamps in.
    fn plant(&self, sandbox: &Sandbox, folder: &str) {
        sandbox.write("out/.keep", "");
        plant_app(&stamp(self.folder.path()), sandbox, folder, 0);
    }

    /// What a person types after a save, where a tag is never used twice.
    fn deploy_by_hand(&self, sandbox: &Sandbox, round: usize) {
        let image = format!("{}/{}:round-{round}", self.registry, self.name("hand"));
        self.docker(&["build", "-q", "-t", &image, sandbox.path("app").to_str().unwrap()]);
        self.docker(&["push", "-q", &image]);
        sandbox.write("hand.yaml", &stamping("hand", &image, sandbox));
        self.kubectl(&["apply", "-f", sandbox.path("hand.yaml").to_str().unwrap()]);
        self.kubectl(&["rollout", "status", "deployment/hand"]);
    }

    /// `tar c page | kubectl exec -i POD -- tar x`, with nothing around it.
    fn copy_by_hand(&self, pod: &str, text: &str) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_data(&mut header, "page", text.as_bytes()).unwrap();
        let mut exec = self.command("kubectl", &["exec", "-i", pod, "--", "tar", "-C", "/tmp", "-x", "-f", "-"]);
        let mut exec = exec.stdin(Stdio::piped()).spawn().unwrap();
        exec.stdin.take().unwrap().write_all(&archive.into_inner().unwrap()).unwrap();
        assert!(exec.wait().unwrap().success(), "kubectl exec failed");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.command("kubectl", &["delete", "namespace", &self.mark, "--wait=false"]).output());
        let listed = self.command("docker", &["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).output();
        let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let images: Vec<&str> = listed.lines().filter(|line| line.contains(&self.mark)).collect();
        if !images.is_empty() {
            drop(self.command("docker", &[["image", "rm", "-f"].as_slice(), &images].concat()).output());
        }
    }
}
