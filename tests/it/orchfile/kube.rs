//! What Kubernetes resources an Orchfile comes to: objects, images, live updates, and the cluster that is meant.

use super::folder::Folder;
use orch::{
    model::{
        ContainerImage, ContainerSelector, FilePath, ImageForm, ImageKey, KubeSpec, PodReadiness, Product, Project,
        TriggerMode,
    },
    orchfile::{KubeWish, Limits, LoadRequest, Loaded, LocalSources, SourceCommand, SourceOutput, Told, load},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

/// An evaluation, and the commands that it ran.
struct World {
    folder: Folder,
    loaded: Loaded,
    commands: Vec<SourceCommand>,
}

/// Evaluates files. Programs other than `missing` print `output`.
fn evaluate(files: &[(&str, &str)], wish: KubeWish, kubeconfig: &str, output: Option<&str>) -> World {
    let folder = Folder::with(files);
    let commands = Arc::new(Mutex::new(Vec::new()));
    let (ran, output) = (commands.clone(), output.map(str::to_owned));
    let run = move |command: &SourceCommand| {
        ran.lock().unwrap().push(command.clone());
        let stdout = output.clone().filter(|_| command.argv[0] != "kustomize");
        let stdout = stdout.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.into_bytes();
        Ok(SourceOutput { code: 0, stdout, stderr: Vec::new() })
    };
    let request = LoadRequest {
        file: folder.path("Orchfile"),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: wish,
        environment: BTreeMap::from([("KUBECONFIG".to_owned(), kubeconfig.to_owned())]),
        limits: Limits::default(),
    };
    let loaded = load(&request, &LocalSources::new(run, |_: Told| {}));
    let commands = commands.lock().unwrap().clone();
    World { folder, loaded, commands }
}

impl World {
    #[track_caller]
    fn of(text: &str, yaml: &str) -> Self {
        let files = [("Orchfile", text), ("app.yaml", yaml)];
        let world = evaluate(&files, KubeWish::default(), "none", None);
        assert_eq!(world.loaded.diagnostics, [], "{text}");
        world
    }

    fn project(&self) -> &Project {
        self.loaded.project.as_ref().unwrap_or_else(|| panic!("{:?}", self.loaded.diagnostics))
    }

    #[track_caller]
    fn kube(&self, name: &str) -> &KubeSpec {
        let resource = self.project().resources.iter().find(|resource| resource.name.as_str() == name);
        resource.and_then(|resource| resource.kind.kube()).unwrap_or_else(|| panic!("no Kubernetes resource {name}"))
    }

    fn path(&self, name: &str) -> FilePath {
        self.folder.path(name)
    }

    fn names(&self) -> Vec<&str> {
        self.project().resources.iter().map(|resource| resource.name.as_str()).collect()
    }
}

const WEB: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: wait, image: busybox}]
      containers: [{name: web, image: 'acme/web:1', env: [{name: SIDE, value: acme/side}, {name: OTHER, value: acme/web}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {password: correct-horse, pin: '1234'}
";

#[test]
fn images_are_found_with_their_places_and_files() {
    let text = r#"
docker_build("acme/base", "base", dockerfile_contents="FROM scratch", live_update=[sync("base/lib", "/lib")])
docker_build("acme/web", "web", dockerfile_contents="FROM acme/base", live_update=[sync("web/src", "/src")])
docker_build("acme/side", "side", dockerfile_contents="FROM scratch", match_in_env_vars=True)
k8s_yaml("app.yaml")
"#;
    let world = World::of(text, WEB);
    let kube = world.kube("web");
    let keys: Vec<_> = kube.images.iter().map(ImageKey::as_str).collect();
    assert_eq!(keys, ["acme/web", "acme/side"]);
    let places: Vec<_> = kube.objects[0]
        .images
        .iter()
        .map(|place| {
            let built = matches!(place.image, ContainerImage::Built(_));
            (place.at.strip_prefix("/spec/template/spec/").unwrap(), place.form == ImageForm::Container, built)
        })
        .collect();
    assert_eq!(
        places,
        [
            ("initContainers/0", true, false),
            ("containers/0", true, true),
            // The other variable names an image that says nothing of variables.
            ("containers/0/env/0/value", false, true)
        ]
    );
    let is_input = |name: &str| kube.inputs.iter().any(|set| set.contains(&world.path(name)));
    assert!(is_input("web/x") && is_input("base/x") && is_input("side/x") && !is_input("app.yaml"));
    let updates: Vec<_> = kube
        .live_updates
        .iter()
        .map(|it| {
            let ContainerSelector::Built(key) = &it.containers else { panic!("{:?}", it.containers) };
            (key.as_str(), it.update.image.as_ref().unwrap().as_str())
        })
        .collect();
    assert_eq!(updates, [("acme/web", "acme/web"), ("acme/web", "acme/base")]);
}

#[test]
fn an_object_knows_the_line_where_it_begins() {
    let world = World::of("k8s_yaml('app.yaml')", WEB);
    let at = world.kube("uncategorized").objects[0].declared_at.clone().unwrap();
    assert_eq!((at.file.as_str(), at.line), ("app.yaml", 14));
}

#[test]
fn what_belongs_to_nobody_is_applied_first_and_waits_for_no_user() {
    let world =
        World::of("trigger_mode(TRIGGER_MODE_MANUAL)\nk8s_yaml('app.yaml')\nlocal_resource('gen', 'true')", WEB);
    assert_eq!(world.names(), ["web", "gen", "uncategorized"]);
    assert!(world.kube("uncategorized").before_others && !world.kube("web").before_others);
    let modes: Vec<_> = world.project().resources.iter().map(|resource| resource.trigger_mode).collect();
    assert_eq!(modes, [TriggerMode::Manual, TriggerMode::Manual, TriggerMode::Auto]);
}

#[test]
fn values_of_secrets_are_hidden_unless_the_file_wants_them() {
    let hidden = |text: &str| {
        let secrets = World::of(text, WEB).project().secrets.clone();
        secrets.into_iter().map(|secret| (secret.name, secret.value)).collect::<Vec<_>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // What is short is hidden only as the manifest has it.
    let both = [pair("token:password", "correct-horse"), pair("token:pin", "MTIzNA==")];
    assert_eq!(hidden("k8s_yaml('app.yaml')"), both);
    assert_eq!(hidden("secret_settings(disable_scrub=True)\nk8s_yaml('app.yaml')"), []);
}

#[test]
fn a_scaled_workload_leaves_its_replicas_to_what_scales_it() {
    let world = World::of("k8s_yaml('app.yaml')\nk8s_resource('web', autoscale=autoscale(1, 5, cpu=70))", WEB);
    let kube = world.kube("web");
    let scaler = &kube.objects[1];
    assert_eq!(scaler.kind, "HorizontalPodAutoscaler");
    assert_eq!(kube.objects[0].value.pointer("/spec/replicas"), None);
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    assert_eq!(scaler.value["spec"]["scaleTargetRef"], target);
    assert_eq!(scaler.value["spec"]["minReplicas"], 1);
    assert_eq!(scaler.value["spec"]["maxReplicas"], 5);
    assert_eq!(scaler.value.pointer("/spec/metrics/0/resource/target/averageUtilization"), Some(&json!(70)));
}

#[test]
fn a_deployment_by_command_is_applied_anew_by_what_no_live_update_answers_for() {
    let text = r#"
docker_build("acme/web", "web", dockerfile_contents="FROM scratch")
k8s_custom_deploy("op", "apply", "delete", deps=["src", "chart"], container_selector="main", image_deps=["docker.io/acme/web:x"],
    live_update=[fall_back_on("src/go.mod"), sync("src/app", "/app")])
"#;
    let world = World::of(text, "");
    let kube = world.kube("op");
    let custom = kube.custom.as_ref().unwrap();
    let applies = |name: &str| custom.inputs.contains(&world.path(name));
    assert!(applies("chart/x") && applies("src/x") && !applies("src/app/x") && !applies("src/go.mod"));
    assert!(kube.inputs.iter().any(|set| set.contains(&world.path("src/app/x"))));
    let deps: Vec<_> = custom.image_deps.iter().map(ImageKey::as_str).collect();
    assert_eq!(deps, ["acme/web"]);
    assert_eq!(kube.live_updates[0].containers, ContainerSelector::Name("main".to_owned()));
    assert_eq!(world.project().images.len(), 1, "what stands for its containers is not built");
    assert_eq!(kube.pod_readiness, PodReadiness::Wait);
}

const TWO: &str = r"
current-context: dev
contexts:
- {name: dev, context: {cluster: kind-x, namespace: team}}
- {name: other, context: {cluster: minikube}}
clusters: [{name: kind-x, cluster: {}}, {name: minikube, cluster: {}}]
";

#[test]
fn the_cluster_is_that_of_the_flags_else_of_the_kubeconfig() {
    let files = |text: &'static str| {
        [("Orchfile", text), ("one", "contexts: [{name: dev, context: {cluster: kind-one}}]"), ("two", TWO)]
    };
    let text = "k8s_yaml(blob('{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}'))";
    let cluster = |context: Option<&str>, namespace: Option<&str>, paths: &str| {
        let wish = KubeWish { context: context.map(str::to_owned), namespace: namespace.map(str::to_owned) };
        let world = evaluate(&files(text), wish, paths, None);
        let cluster = world.project().kube.cluster.clone();
        cluster.map(|it| (it.context, it.name, it.namespace, it.product))
    };
    let of = |context: &str, name: &str, namespace: &str, product| {
        Some((context.to_owned(), name.to_owned(), namespace.to_owned(), product))
    };
    assert_eq!(cluster(None, None, "two"), of("dev", "kind-x", "team", Product::Kind));
    assert_eq!(cluster(Some("other"), None, "two"), of("other", "minikube", "default", Product::Minikube));
    assert_eq!(cluster(None, Some("mine"), "two"), of("dev", "kind-x", "mine", Product::Kind));
    // What the first file says of a name holds.
    assert_eq!(cluster(None, None, "one:missing:two"), of("dev", "kind-one", "default", Product::Kind));
    assert_eq!(cluster(None, None, "missing"), None);
}

#[test]
fn helm_is_told_all_that_was_given_and_its_chart_is_watched() {
    let text = r#"k8s_yaml(helm("chart", name="rel", namespace="ns", values=["v.yaml"], set=["a=1"], kube_version="1.30", skip_crds=True))"#;
    let files = [("Orchfile", text), ("chart/Chart.yaml", "name: c"), ("v.yaml", "")];
    let output = "---\n# Source: c/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n";
    let world = evaluate(&files, KubeWish::default(), "none", Some(output));
    let object = &world.kube("uncategorized").objects[0];
    assert_eq!((object.name.as_str(), object.namespace.as_deref()), ("cm", Some("ns")));
    let (chart, values) = (world.path("chart").to_string(), world.path("v.yaml").to_string());
    let argv = ["helm", "template", "rel", &chart, "--namespace", "ns", "--kube-version", "1.30", "--values", &values];
    assert_eq!(world.commands[0].argv, argv.into_iter().chain(["--set", "a=1"]).collect::<Vec<_>>());
    let watched = |name: &str| world.loaded.inputs.iter().any(|input| input.path == world.path(name));
    assert!(watched("chart") && watched("v.yaml"));
}

#[test]
fn kubectl_stands_in_for_kustomize_and_what_is_named_is_watched() {
    let kustomization = "resources: [../base, 'https://example.com/x']\npatches: [{path: p.yaml}]\n\
        configMapGenerator: [{name: c, files: [k=f.txt], envs: [e.env]}]\n";
    let files = [
        ("Orchfile", "k8s_yaml(kustomize('over', flags='--enable-helm'))"),
        ("over/kustomization.yaml", kustomization),
        ("base/Kustomization", "resources: [pod.yaml]"),
    ];
    let output = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n";
    let world = evaluate(&files, KubeWish::default(), "none", Some(output));
    assert_eq!(world.names(), ["p"]);
    let argvs: Vec<_> = world.commands.iter().map(|command| command.argv.join(" ")).collect();
    assert_eq!(argvs, ["kustomize build --enable-helm over", "kubectl kustomize --enable-helm over"]);
    for name in
        ["over/kustomization.yaml", "over/p.yaml", "over/f.txt", "over/e.env", "base/Kustomization", "base/pod.yaml"]
    {
        assert!(world.loaded.inputs.iter().any(|input| input.path == world.path(name)), "{name}");
    }
}

#[test]
fn a_function_of_a_loaded_file_names_resources() {
    let files = [
        ("Orchfile", "load('names.star', 'install')\ninstall()\nk8s_yaml('app.yaml')\nexit()"),
        (
            "names.star",
            "def install():\n    workload_to_resource_function(lambda id: id.kind.lower() + '-' + id.name)\n",
        ),
        ("app.yaml", WEB),
    ];
    let world = evaluate(&files, KubeWish::default(), "none", None);
    assert_eq!(world.names(), ["deployment-web", "uncategorized"]);
}

#[test]
fn images_are_pushed_under_their_own_names_where_nodes_get_them_from_registries_alone() {
    let text = "allow_k8s_contexts('dev')\ndocker_build('gcr.io/acme/web', '.', dockerfile_contents='FROM x')\n\
                k8s_yaml(blob('{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: gcr.io/acme/web}]}}'))";
    let pushed = |cluster: &str| {
        let kubeconfig = format!(
            "{{current-context: dev, clusters: [{{name: '{cluster}', cluster: {{server: 'http://127.0.0.1:9'}}}}], \
             contexts: [{{name: dev, context: {{cluster: '{cluster}'}}}}]}}"
        );
        let files = [("Orchfile", text), ("config", kubeconfig.as_str())];
        let world = evaluate(&files, KubeWish::default(), "config", None);
        let image = &world.project().images[0];
        assert_eq!(image.repository, "gcr.io/acme/web");
        image.push
    };
    for cluster in ["gke_acme_europe_dev", "arn:aws:eks:eu:1:cluster/dev", "microk8s-cluster", "own"] {
        assert!(pushed(cluster), "{cluster}");
    }
    for cluster in ["kind-dev", "k3d-dev", "minikube", "docker-desktop", "rancher-desktop", "colima", "orbstack"] {
        assert!(!pushed(cluster), "{cluster}");
    }
}
