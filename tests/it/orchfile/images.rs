//! What images an Orchfile comes to: which are built, of what, in which order, and what containers follow.

use super::folder::Folder;
use orch::{
    model::{
        Build, Container, ContainerImage, CustomOutput, DockerBuild, EvaluationInput, FilePath, FileSet, Image,
        LiveUpdate, Project, RestartStep, Seen,
    },
    orchfile::{Limits, LoadRequest, Loaded, LocalSources, SourceCommand, SourceOutput, Told, load},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

/// An evaluation: the files, what came of it, and the inputs that it told of.
struct World {
    folder: Folder,
    loaded: Loaded,
    told: Vec<EvaluationInput>,
}

/// Evaluates files; `compose` is what the compose tool says.
fn evaluate(files: &[(&str, &str)], compose: Option<&Value>) -> World {
    let folder = Folder::with(files);
    let config = compose.map(|config| config.to_string().replace("$DIR", folder.path("").to_string().as_str()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let hear = told.clone();
    let answer = move |_: &SourceCommand| match &config {
        Some(config) => Ok(SourceOutput { code: 0, stdout: config.clone().into_bytes(), stderr: Vec::new() }),
        None => Err(io::ErrorKind::Unsupported.into()),
    };
    let sources = LocalSources::new(answer, move |what| {
        if let Told::Inputs(inputs) = what {
            hear.lock().unwrap().extend(inputs);
        }
    });
    let request = LoadRequest {
        file: folder.path("Orchfile"),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: orch::orchfile::KubeWish::default(),
        environment: BTreeMap::from([("BASE".to_owned(), "acme/base".to_owned())]),
        limits: Limits::default(),
    };
    let loaded = load(&request, &sources);
    let told = told.lock().unwrap().clone();
    World { folder, loaded, told }
}

impl World {
    #[track_caller]
    fn of(text: &str) -> Self {
        let world = evaluate(&[("Orchfile", text)], None);
        assert_eq!(world.loaded.diagnostics, [], "{text}");
        world
    }

    fn project(&self) -> &Project {
        self.loaded.project.as_ref().unwrap_or_else(|| panic!("{:?}", self.loaded.diagnostics))
    }

    fn keys(&self) -> Vec<&str> {
        self.project().images.iter().map(|image| image.key.as_str()).collect()
    }

    fn image(&self, key: &str) -> &Image {
        let image = self.project().images.iter().find(|image| image.key.as_str() == key);
        image.unwrap_or_else(|| panic!("no image {key} among {:?}", self.keys()))
    }

    fn docker(&self, key: &str) -> &DockerBuild {
        let Build::Docker(build) = &self.image(key).build else { panic!("{key} is not built by the engine") };
        build
    }

    fn container(&self, name: &str) -> &Container {
        let resource = self.project().resources.iter().find(|resource| resource.name.as_str() == name);
        resource.and_then(|resource| resource.kind.container()).unwrap_or_else(|| panic!("no container {name}"))
    }

    fn path(&self, name: &str) -> FilePath {
        self.folder.path(name)
    }

    fn codes(&self) -> Vec<&str> {
        self.loaded.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect()
    }

    /// Which of these files are in one of the sets.
    fn within<'a>(&self, sets: &[Arc<FileSet>], names: &[&'a str]) -> Vec<&'a str> {
        let is_in = |name: &&&str| sets.iter().any(|set| set.contains(&self.path(name)));
        names.iter().filter(is_in).copied().collect()
    }

    fn seen(inputs: &[EvaluationInput], path: &FilePath) -> Option<Seen> {
        inputs.iter().find(|input| input.path == *path).map(|input| input.seen)
    }
}

fn bases(image: &Image) -> Vec<&str> {
    image.bases.iter().map(orch::model::ImageKey::as_str).collect()
}

const CHAIN: &str = r#"
docker_build("acme/web", "web", dockerfile_contents="FROM acme/mid:old\nCOPY --from=acme/tool /t /t", live_update=[sync("web/src", "/src")])
docker_build("acme/tool", "tool", dockerfile_contents="ARG BASE\nFROM $BASE", build_args={"BASE": ""})
docker_build("acme/mid", "mid", dockerfile_contents="FROM acme/base", live_update=[sync("mid", "/mid"), run("x")])
docker_build("acme/base", "base", dockerfile_contents="FROM scratch", ignore=["skip"])
docker_container("web", "docker.io/acme/web:latest")
docker_container("other", "busybox:local")
"#;

#[test]
fn an_image_comes_after_those_that_it_is_made_of() {
    let world = World::of(CHAIN);
    assert_eq!(world.keys(), ["acme/base", "acme/mid", "acme/tool", "acme/web"]);
    assert_eq!(bases(world.image("acme/web")), ["acme/mid", "acme/tool"]);
    assert_eq!(bases(world.image("acme/tool")), ["acme/base"], "a build argument is taken from the environment");
    assert_eq!(bases(world.image("acme/base")), [""; 0]);
    assert_eq!(world.container("web").image, ContainerImage::Built(world.image("acme/web").key.clone()));
    assert_eq!(world.container("other").image, ContainerImage::Pulled("busybox:local".to_owned()));
}

#[test]
fn a_container_reads_what_all_images_below_it_are_made_of() {
    let world = World::of(CHAIN);
    let sets = &world.container("web").inputs;
    assert_eq!(sets.len(), 4);
    let files = ["web/a", "mid/a", "tool/a", "base/a", "base/skip", "else/a"];
    assert_eq!(world.within(sets, &files), ["web/a", "mid/a", "tool/a", "base/a"]);
    assert!(world.container("other").inputs.is_empty());
}

/// What one image ignores another may need.
#[test]
fn ignores_hold_for_their_own_image_alone() {
    let world = World::of(
        r#"
docker_build("all", ".", dockerfile_contents="FROM scratch", ignore=["web"])
docker_build("web", "web", dockerfile_contents="FROM all")
docker_container("c", "web")
"#,
    );
    assert_eq!(world.within(&world.container("c").inputs, &["a", "web/a"]), ["a", "web/a"]);
    assert_eq!(world.within(std::slice::from_ref(&world.image("all").inputs), &["a", "web/a"]), ["a"]);
}

#[test]
fn live_updates_are_those_of_the_image_and_of_what_it_is_made_of() {
    let world = World::of(CHAIN);
    let updates = &world.container("web").live_updates;
    let images: Vec<_> = updates.iter().map(|update| update.image.as_ref().unwrap().as_str()).collect();
    assert_eq!(images, ["acme/web", "acme/mid"]);
    let files = ["web/a", "mid/a", "tool/a", "base/a"];
    assert_eq!(world.within(&updates[0].inputs, &files), ["web/a", "tool/a", "base/a"], "not those of the other");
    assert_eq!(world.within(&updates[1].inputs, &files), ["mid/a", "base/a"]);
    assert_eq!(world.image("acme/mid").live_update.as_ref(), Some(&updates[1]));
    assert_eq!(world.image("acme/base").live_update, None);
}

#[test]
fn steps_become_one_live_update() {
    let world = World::of(
        r#"
docker_build("web", ".", dockerfile_contents="FROM scratch", live_update=(
    initial_sync(), fall_back_on("a"), fall_back_on(["b", "c/d"]), sync("src", "/src/"),
    run("make", trigger="src/Makefile"), run(["x", "y"], echo_off=True), restart_container(),
))
docker_container("c", "web")
"#,
    );
    let LiveUpdate { initial_sync, fall_back_on, syncs, runs, restart, .. } = &world.container("c").live_updates[0];
    assert!(*initial_sync);
    let paths: Vec<_> = fall_back_on.iter().map(|trigger| &trigger.path).collect();
    assert_eq!(paths, [&world.path("a"), &world.path("b"), &world.path("c/d")]);
    assert_eq!((&syncs[0].local.path, syncs[0].remote.as_str()), (&world.path("src"), "/src/"));
    assert_eq!((runs[0].argv.join(" "), runs[0].echo_off), ("sh -c make".to_owned(), false));
    assert_eq!(runs[0].triggers[0].path, world.path("src/Makefile"));
    assert_eq!((runs[1].argv.join(" "), runs[1].echo_off), ("x y".to_owned(), true));
    assert_eq!(*restart, RestartStep::Always);
}

#[test]
fn what_is_not_watched_is_sent_all_the_same_but_for_what_orch_and_git_keep() {
    let world = evaluate(
        &[
            (
                "Orchfile",
                "watch_settings(ignore=['*.log'])\ndocker_build('web', '.', only=['src', 'Dockerfile', 'a.log'])\ndocker_container('c', 'web')\n",
            ),
            ("Dockerfile", "FROM scratch\n"),
            (".dockerignore", "src/tmp\n"),
            (".tiltignore", "src/unwatched\n"),
        ],
        None,
    );
    assert_eq!(world.codes(), [""; 0]);
    let files = [
        "src/a",
        "src/tmp",
        "src/unwatched",
        "a.log",
        "b",
        "Dockerfile",
        "Orchfile",
        ".git/HEAD",
        ".orch/store.sqlite",
    ];
    let build = world.docker("web");
    let sent = FileSet { roots: vec![world.path("")], ignore: build.ignore.clone() };
    let sent = |name: &&&str| !sent.ignores(&world.path(name));
    assert_eq!(
        files.iter().filter(sent).copied().collect::<Vec<_>>(),
        ["src/a", "src/unwatched", "a.log", "Dockerfile"]
    );
    assert_eq!(world.within(&world.container("c").inputs, &files), ["src/a"]);
}

#[test]
fn files_that_say_what_is_ignored_are_inputs_of_the_evaluation_where_the_image_is_needed() {
    let files = [
        (
            "Orchfile",
            "docker_build('web', 'web', dockerfile='web/special')\ndocker_build('idle', 'idle')\ndocker_build('api', 'api')\ndocker_container('c', 'web')\ndocker_container('d', 'api')\n",
        ),
        ("web/special", "FROM scratch\n"),
        ("web/special.dockerignore", "a\n"),
        ("web/.dockerignore", "b\n"),
        ("idle/Dockerfile", "FROM scratch\n"),
        ("idle/.dockerignore", "a\n"),
        ("api/Dockerfile", "FROM scratch\n"),
    ];
    let world = evaluate(&files, None);
    assert_eq!(world.codes(), ["orchfile::unused_image"]);
    let set = std::slice::from_ref(&world.image("web").inputs);
    assert_eq!(world.within(set, &["web/a", "web/b"]), ["web/b"], "the file beside the Dockerfile holds alone");
    for inputs in [&world.loaded.inputs, &world.told] {
        let seen = |name| World::seen(inputs, &world.path(name));
        assert!(matches!(seen("web/special.dockerignore"), Some(Seen::Content(_))));
        assert!(matches!(seen("web/.dockerignore"), Some(Seen::Content(_))));
        assert_eq!(seen("idle/.dockerignore"), None);
        assert_eq!(seen("api/.dockerignore"), Some(Seen::Absent));
        assert_eq!(seen("api/Dockerfile.dockerignore"), Some(Seen::Absent), "it would count if it were there");
        assert!(matches!(seen("idle/Dockerfile"), Some(Seen::Content(_))));
    }
    let silent: Vec<_> = world.loaded.silent.iter().collect();
    assert_eq!(silent, [&world.path("api/Dockerfile.dockerignore")]);
}

#[test]
fn images_that_containers_use_are_pushed_to_the_registry() {
    let world = World::of(
        r#"
default_registry("localhost:5005", single_name="all")
docker_build("acme/base:1", ".", dockerfile_contents="FROM scratch")
docker_build("acme/web", ".", dockerfile_contents="FROM acme/base:1")
custom_build("own", "make", deps=["src"], disable_push=True)
custom_build("away", "make", deps=["src"], skips_local_docker=True)
docker_container("a", "acme/web")
docker_container("b", "own")
docker_container("c", "away")
"#,
    );
    let place = |key: &str| {
        let image = world.image(key);
        (image.repository.as_str(), image.tag_prefix.as_str(), image.push)
    };
    assert_eq!(place("acme/web"), ("localhost:5005/all", "web-", true));
    assert_eq!(place("acme/base:1"), ("localhost:5005/all", "base-", false));
    assert_eq!(place("own"), ("localhost:5005/all", "own-", false));
    assert_eq!(place("away"), ("localhost:5005/all", "away-", false));
    assert!(world.image("acme/base:1").exact && !world.image("acme/web").exact);
}

#[test]
fn without_a_registry_an_image_keeps_its_name_and_stays() {
    let world = World::of(
        "docker_build('gcr.io/acme/web:1', '.', dockerfile_contents='FROM x')\ndocker_container('a', 'gcr.io/acme/web:1')",
    );
    let image = world.image("gcr.io/acme/web:1");
    assert_eq!((image.repository.as_str(), image.tag_prefix.as_str(), image.push), ("gcr.io/acme/web", "", false));
}

#[test]
fn custom_builds_say_where_their_image_is() {
    let world = World::of(
        r#"
custom_build("base", "make", deps=[])
custom_build("a", ["make", "a"], deps=["src", "b.txt"], ignore=["src"], tag="dev", image_deps=["base:any"], env={"K": "V"}, dir="tools")
custom_build("b", "make", deps="src", outputs_image_ref_to="src/ref.txt")
custom_build("c", "make", deps="src", skips_local_docker=True)
docker_container("a", "a")
docker_container("b", "b")
docker_container("c", "c")
"#,
    );
    let custom = |key: &str| {
        let Build::Custom(build) = &world.image(key).build else { panic!("{key} is not a custom build") };
        build.as_ref().clone()
    };
    let a = custom("a");
    assert_eq!((a.command.argv.join(" "), &a.command.dir), ("make a".to_owned(), &world.path("tools")));
    assert_eq!(a.command.env, BTreeMap::from([("K".to_owned(), "V".to_owned())]));
    assert_eq!(a.output, CustomOutput::Local { tag: Some("dev".to_owned()) });
    assert_eq!((a.image_deps.clone(), bases(world.image("a"))), (world.image("a").bases.clone(), vec!["base"]));
    assert_eq!(custom("b").output, CustomOutput::Reference { file: world.path("src/ref.txt"), elsewhere: false });
    let inputs = std::slice::from_ref(&world.image("b").inputs);
    assert_eq!(world.within(inputs, &["src/a", "src/ref.txt"]), ["src/a"], "what the command writes is no input");
    assert_eq!(custom("c").output, CustomOutput::Elsewhere { tag: None });
}

#[test]
fn the_better_match_is_taken() {
    let world = World::of(
        r#"
docker_build("web", ".", dockerfile_contents="FROM scratch")
docker_build("web:1", ".", dockerfile_contents="FROM scratch")
docker_container("a", "web:1")
docker_container("b", "web:2")
docker_container("c", "gcr.io/web")
"#,
    );
    let image = |name| match &world.container(name).image {
        ContainerImage::Built(key) => key.to_string(),
        ContainerImage::Pulled(name) => format!("pulled {name}"),
    };
    assert_eq!(["a", "b", "c"].map(image), ["web:1", "web", "pulled gcr.io/web"]);
}

const COMPOSE: [(&str, &str); 5] = [
    ("Orchfile", "docker_compose('compose.yaml', project_name='p')\n"),
    ("compose.yaml", "services: {}\n"),
    ("api/Dockerfile", "FROM acme/base\n"),
    ("api/.dockerignore", "tmp\n"),
    ("base/Dockerfile", "FROM scratch\n"),
];

fn service(spec: &Value) -> Value {
    json!({"name": "p", "services": {"api": spec}, "secrets": {"s": {"file": "/s.txt"}, "t": {"environment": "T"}}})
}

#[test]
fn a_service_builds_an_image_of_the_project() {
    let spec = json!({
        "build": {
            "context": "$DIR/api", "dockerfile": "Dockerfile", "args": {"A": "1", "B": null}, "target": "dev", "pull": true,
            "secrets": [{"source": "s"}, {"source": "t", "target": "id"}], "ssh": {"default": null, "k": "/key"},
            "tags": ["x:1"], "platforms": ["linux/amd64"], "extra_hosts": ["h=1.2.3.4"], "network": "host",
        },
        "volumes": [{"type": "bind", "source": "$DIR/api/src", "target": "/src"}],
    });
    let text = format!("{}docker_build('acme/base', 'base')\n", COMPOSE[0].1);
    let files: Vec<_> = std::iter::once(("Orchfile", text.as_str())).chain(COMPOSE[1..].iter().copied()).collect();
    let world = evaluate(&files, Some(&service(&spec)));
    assert_eq!(world.codes(), [""; 0]);
    assert_eq!(world.keys(), ["acme/base", "p_api"]);
    assert_eq!(bases(world.image("p_api")), ["acme/base"]);
    let build = world.docker("p_api");
    assert_eq!(build.dockerfile, "FROM acme/base\n");
    assert_eq!(build.build_args, BTreeMap::from([("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)]));
    assert_eq!(build.secrets, ["id=s,src=/s.txt", "id=id,env=T"]);
    assert_eq!((build.ssh.join(" "), build.extra_tags.join(" ")), ("default k=/key".to_owned(), "x:1".to_owned()));
    assert_eq!((build.target.as_str(), build.platform.as_str(), build.pull), ("dev", "linux/amd64", true));
    assert_eq!(build.extra_hosts, ["h:1.2.3.4"]);
    assert_eq!(build.service.as_ref().map(|service| service.service.as_str()), Some("api"));
    let files = ["api/a", "api/tmp", "api/src/a", "api/Dockerfile"];
    let set = std::slice::from_ref(&world.image("p_api").inputs);
    assert_eq!(world.within(set, &files), ["api/a"], "what is mounted needs no build");
    let is_sent = |path: &str| !build.ignore.iter().any(|rule| rule.ignores(&world.path(path)));
    assert!(is_sent("api/src/a") && is_sent("api/Dockerfile") && !is_sent("api/tmp"));
    assert!(matches!(World::seen(&world.told, &world.path("api/Dockerfile")), Some(Seen::Content(_))));
}

#[test]
fn a_build_that_says_more_is_left_to_the_compose_tool() {
    for more in [
        json!({"context": "$DIR/api", "labels": {"a": "b"}}),
        json!({"context": "$DIR/api", "no_cache": true}),
        json!({"context": "$DIR/api", "platforms": ["linux/amd64", "linux/arm64"]}),
        json!({"context": "$DIR/api", "dockerfile": "nowhere"}),
        json!({"context": "https://example.com/a.git"}),
    ] {
        let world = evaluate(&COMPOSE, Some(&service(&json!({"build": more, "image": "acme/api"}))));
        let Build::Compose(build) = &world.image("acme/api").build else { panic!("{more}") };
        assert_eq!((build.project.as_str(), build.service.as_str()), ("p", "api"));
    }
    let plain = json!({"context": "$DIR/api", "labels": {}, "no_cache": false});
    let world = evaluate(&COMPOSE, Some(&service(&json!({"build": plain}))));
    assert!(matches!(world.image("p_api").build, Build::Docker(_)), "what is empty says nothing");
}

#[test]
fn an_image_of_the_file_goes_before_that_of_a_service() {
    let text = "docker_compose('compose.yaml', project_name='p')\ndocker_build('acme/api', 'base', live_update=[sync('base', '/b'), restart_container()])\n";
    let files: Vec<_> = std::iter::once(("Orchfile", text)).chain(COMPOSE[1..].iter().copied()).collect();
    let spec = json!({"build": {"context": "$DIR/api"}, "image": "acme/api:dev"});
    let world = evaluate(&files, Some(&service(&spec)));
    assert_eq!((world.codes(), world.keys()), (vec![], vec!["acme/api"]));
    assert_eq!(world.docker("acme/api").context, world.path("base"));
    assert_eq!(world.container("api").live_updates.len(), 1);
    assert_eq!(world.within(&world.container("api").inputs, &["base/a", "api/a"]), ["base/a"]);
}

#[test]
fn compose_has_no_registry() {
    let text = "docker_compose('compose.yaml', project_name='p')\ndefault_registry('localhost:5000')\n";
    let files: Vec<_> = std::iter::once(("Orchfile", text)).chain(COMPOSE[1..].iter().copied()).collect();
    let world = evaluate(&files, Some(&service(&json!({"image": "a"}))));
    assert_eq!(world.codes(), ["orchfile::registry_with_compose"]);
    assert_eq!(world.loaded.diagnostics[0].labels[0].location.line, 2);
}
