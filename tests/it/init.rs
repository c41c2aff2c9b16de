//! `orch init`: what it writes evaluates, comes up, and is never written over something else.

use crate::sandbox::{Finished, Sandbox};

/// A folder with these files, in which `orch init` has written an Orchfile.
#[track_caller]
fn initialized(files: &[(&str, &str)]) -> (Sandbox, Finished) {
    let sandbox = Sandbox::named("Shop_1");
    files.iter().for_each(|(name, text)| sandbox.write(name, text));
    let finished = sandbox.orch(&["init"]).expect_code(0);
    (sandbox, finished)
}

/// The names of what the Orchfile declares.
#[track_caller]
fn declared(sandbox: &Sandbox) -> Vec<String> {
    let finished = sandbox.orch(&["eval", "-o", "name"]).expect_code(0);
    finished.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn nothing_is_a_start_too() {
    let (sandbox, said) = initialized(&[]);
    assert!(said.all().contains("found nothing"), "{}", said.all());
    assert!(sandbox.orch(&["ci"]).expect_code(0).all().contains("say in the Orchfile what runs here"));
}

#[test]
fn nothing_is_overwritten() {
    for name in ["Orchfile", "Tiltfile"] {
        let sandbox = Sandbox::empty();
        sandbox.write(name, "# mine\n");
        let said = sandbox.orch(&["init"]).expect_code(2);
        assert!(said.all().contains(&format!("there is a `{name}` already")), "{}", said.all());
        assert_eq!(sandbox.read(name), "# mine\n");
        assert!(sandbox.orch(&["init", "--print"]).expect_code(0).stdout.contains("local_resource("));
    }
}

#[test]
fn a_procfile_comes_up() {
    let procfile = "# all\nrelease: echo migrated >>log\nweb: echo \"web on $PORT, $GREETING\"; exec sleep 1000\n\
                    worker: test -s log && echo worker on $PORT; exec sleep 1000\n";
    let (sandbox, said) =
        initialized(&[("Procfile", procfile), (".env", "GREETING='good morning'\n"), ("Makefile", "all:\n")]);
    assert!(said.all().contains("found Procfile"), "{}", said.all());
    assert!(said.all().contains("found Makefile: left out, since Procfile tells what runs"), "{}", said.all());
    assert_eq!(declared(&sandbox), ["release", "web", "worker"]);
    let ci = sandbox.orch(&["ci"]).expect_code(0).all();
    assert!(ci.contains("web on 5100, good morning") && ci.contains("worker on 5200"), "{ci}");
    assert_eq!(sandbox.read("log"), "migrated\n");
}

#[test]
fn a_process_compose_file_comes_up() {
    let file = "version: '0.5'\nenvironment: [GREETING=hello]\nprocesses:\n  \
        prepare:\n    command: mkdir -p data && echo '{{.WHO}}' >data/who\n    vars: {WHO: world}\n  \
        server:\n    command: |\n      read who <who; echo \"$$GREETING $$who, $$PC_PROC_NAME\"\n      touch up; exec sleep 1000\n    \
        working_dir: data\n    depends_on: {prepare: {condition: process_completed_successfully}}\n    \
        readiness_probe: {exec: {command: test -e up}, period_seconds: 1}\n    availability: {restart: on_failure}\n    \
        namespace: back\n  \
        client:\n    command: test -e data/up && echo client $$PC_REPLICA_NUM; exec sleep 1000\n    replicas: 2\n    \
        depends_on: {server: {condition: process_healthy}}\n  \
        shell:\n    command: exit 1\n    disabled: true\n";
    let (sandbox, _) = initialized(&[("process-compose.yaml", file)]);
    assert_eq!(declared(&sandbox), ["prepare", "server", "client-0", "client-1", "shell"]);
    let ci = sandbox.orch(&["ci"]).expect_code(0).all();
    for said in ["hello world, server", "client 0", "client 1"] {
        assert!(ci.contains(said), "no `{said}` in:\n{ci}");
    }
}

#[test]
fn what_has_no_counterpart_is_named() {
    let file = "processes:\n  a:\n    command: sleep 1\n    liveness_probe: {exec: {command: 'true'}}\n    \
        shutdown: {signal: 9}\n    availability: {restart: exit_on_failure, max_restarts: 3}\n    schedule: {interval: 1m}\n";
    let (sandbox, _) = initialized(&[("process-compose.yaml", file)]);
    let said = sandbox.orch(&["eval"]).expect_code(0).all();
    for word in ["`schedule`", "liveness_probe", "signal 9", "exit_on_failure", "max_restarts"] {
        assert!(said.contains(word), "no word of {word} in:\n{said}");
    }
}

#[test]
fn an_unknown_dependency_of_a_process_is_told() {
    let file = "processes:\n  a:\n    command: sleep 1\n    depends_on: {b: {condition: process_started}}\n";
    let (sandbox, _) = initialized(&[("process-compose.yaml", file)]);
    let said = sandbox.orch(&["eval"]).expect_code(2).all();
    assert!(said.contains("`a` in `process-compose.yaml` depends on `b`, and there is no such process"), "{said}");
}

#[test]
fn a_package_comes_up() {
    let package = r#"{"name": "@acme/front_end", "scripts": {"dev": "echo ready; exec sleep 1000", "test": "exit 1"}}"#;
    let (sandbox, said) = initialized(&[("package.json", package)]);
    assert!(said.all().contains("its script `dev` starts the server"), "{}", said.all());
    assert_eq!(declared(&sandbox), ["front-end"]);
    if which("npm") {
        sandbox.start(&["up", "--stream"]).wait_until("the server's word", |line| line.contains("│ ready"));
    }
}

#[test]
fn a_package_with_dependencies_is_installed_first() {
    let package = r#"{"name": "app", "scripts": {"start": "node ."}, "dependencies": {"left": "1"}}"#;
    let (sandbox, _) = initialized(&[("package.json", package), ("yarn.lock", "")]);
    assert_eq!(declared(&sandbox), ["install", "app"]);
    let text = sandbox.read("Orchfile");
    assert!(text.contains("\"yarn install\",\n    deps = [\"package.json\", \"yarn.lock\"],\n"), "{text}");
    assert!(text.contains(r#"serve_cmd = "yarn run start", resource_deps = ["install"]"#), "{text}");
}

#[test]
fn a_cargo_workspace_comes_up() {
    let root = "[workspace]\nmembers = [\"one\"]\nresolver = \"3\"\n";
    let member = "[package]\nname = \"one\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let source = "#[test]\nfn it_is() {}\n";
    let (sandbox, _) = initialized(&[("Cargo.toml", root), ("one/Cargo.toml", member), ("one/src/lib.rs", source)]);
    assert_eq!(declared(&sandbox), ["build", "test"]);
    let text = sandbox.read("Orchfile");
    assert!(text.contains(r#"sources = ["Cargo.toml", "one"]"#), "{text}");
    // The compiler itself: the one that people call looks into a home that the sandbox has not.
    let cargo = std::path::Path::new(env!("CARGO")).parent().unwrap();
    let path = format!("{}:{}", cargo.display(), std::env::var("PATH").unwrap());
    assert!(sandbox.env("PATH", &path).orch(&["ci"]).expect_code(0).all().contains("1 passed"));
}

#[test]
fn a_go_module_is_declared() {
    let files = [
        ("go.mod", "module example.org/x\n\ngo 1.20\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("in/a.go", "package in\n"),
    ];
    let (sandbox, _) = initialized(&files);
    assert_eq!(declared(&sandbox), ["build", "test"]);
    assert!(
        sandbox.read("Orchfile").contains(r#"sources = ["go.mod", "in", "main.go"]"#),
        "{}",
        sandbox.read("Orchfile")
    );
}

#[test]
fn a_makefile_comes_up() {
    let makefile = "build: out\nout: src/in\n\tcp src/in out\nrun: out\n\tcat out; exec sleep 1000\n";
    let (sandbox, _) = initialized(&[("Makefile", makefile), ("src/in", "made of it\n")]);
    assert_eq!(declared(&sandbox), ["build", "run"]);
    if which("make") {
        assert!(sandbox.orch(&["ci"]).expect_code(0).all().contains("made of it"));
    }
}

#[test]
fn manifests_get_their_images() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
        selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
        spec:\n      containers:\n      - name: web\n        image: registry.example.org/shop/web:1\n";
    let files = [("k8s/web.yaml", manifest), ("web/Dockerfile", "FROM busybox\n"), ("values.yaml", "a: 1\n")];
    let (sandbox, said) = initialized(&files);
    let text = sandbox.read("Orchfile");
    assert!(text.contains("k8s_yaml(\"k8s/web.yaml\")"), "{text}");
    assert!(text.contains("docker_build(\"registry.example.org/shop/web\", \"web\")"), "{text}");
    assert!(said.all().contains("the image that the manifests name"), "{}", said.all());
}

#[test]
fn a_dockerfile_is_a_container() {
    let (sandbox, _) =
        initialized(&[("Dockerfile", "FROM busybox\nEXPOSE 8080\n"), ("api/Dockerfile", "FROM busybox\n")]);
    assert_eq!(declared(&sandbox), ["shop-1", "api"]);
    assert!(sandbox.read("Orchfile").contains(r#"docker_container("shop-1", "shop-1", ports = [8080])"#));
}

#[test]
fn an_image_is_found_by_its_name_and_by_what_is_left() {
    let manifest = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - name: c\n    image: {image}\n"
        )
    };
    let (api, db) = (manifest("api", "shop-api"), manifest("db", "postgres:16"));
    let files = [
        ("k8s/api.yaml", api.as_str()),
        ("k8s/db.yaml", &db),
        ("api/Dockerfile", "FROM x\n"),
        ("tool/Dockerfile.dev", "FROM x\n"),
    ];
    let (sandbox, _) = initialized(&files);
    let text = sandbox.read("Orchfile");
    assert!(text.contains("\ndocker_build(\"shop-api\", \"api\")"), "{text}");
    assert!(text.contains("# docker_build(\"tool\", \"tool\", dockerfile = \"tool/Dockerfile.dev\")"), "{text}");
    let files = [("app.yaml", api.as_str()), ("Dockerfile", "FROM x\n")];
    assert!(initialized(&files).0.read("Orchfile").contains("docker_build(\"shop-api\", \".\")"));
}

#[test]
fn the_overlay_for_development_is_chosen() {
    let files = [
        ("base/kustomization.yaml", "resources: []\n"),
        ("overlays/dev/kustomization.yaml", "resources: [../../base]\n"),
        ("overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
    ];
    let text = initialized(&files).0.read("Orchfile");
    assert!(text.contains("kustomize(\"overlays/dev\")") && text.contains("Others: base, overlays/prod."), "{text}");
}

#[test]
fn a_compose_file_that_builds_nothing_leaves_the_rest_to_its_tools() {
    let compose = "services:\n  db:\n    image: postgres\n";
    let package = r#"{"name": "shop", "scripts": {"dev": "exec sleep 1000"}}"#;
    let files = [
        ("docker-compose.yml", compose),
        ("docker-compose.override.yml", "services:\n  db:\n    command: sleep 1000\n"),
        ("package.json", package),
        ("Dockerfile", "FROM x\n"),
    ];
    let (sandbox, said) = initialized(&files);
    let text = sandbox.read("Orchfile");
    assert!(text.contains("docker_compose([\"docker-compose.yml\", \"docker-compose.override.yml\"])"), "{text}");
    assert!(text.contains("local_resource(\"shop\", serve_cmd = \"npm run dev\")"), "{text}");
    assert!(text.contains("# docker_container("), "{text}");
    assert!(said.all().contains("found Dockerfile: left as a comment"), "{}", said.all());
}

#[test]
fn parts_in_folders_of_their_own_are_found() {
    let server = r#"{"name": "site", "scripts": {"dev": "pwd; exec sleep 1000"}, "dependencies": {"a": "1"}}"#;
    let crate_file = "[package]\nname = \"api\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let files = [
        ("front/package.json", server),
        ("front/package-lock.json", "{}"),
        ("back/Cargo.toml", crate_file),
        ("back/src/main.rs", "fn main() {}\n"),
        ("tools/go.mod", "module x\n"),
        ("tools/cmd/a/main.go", "package main\n"),
    ];
    let (sandbox, _) = initialized(&files);
    let names = ["front-install", "site", "back-build", "back-test", "tools-build", "tools-test"];
    assert_eq!(declared(&sandbox), names);
    let text = sandbox.read("Orchfile");
    assert!(text.contains("outputs = [\"front/node_modules/.package-lock.json\"]"), "{text}");
    assert!(text.contains("back_sources = [\"back/Cargo.toml\", \"back/src\"]"), "{text}");
    assert!(text.contains("tools_sources = [\"tools/go.mod\", \"tools/cmd\"]"), "{text}");
}

#[test]
fn a_workspace_is_installed_once_and_its_packages_are_served() {
    let files = [
        ("package.json", r#"{"private": true, "workspaces": ["packages/*"], "scripts": {"build": "true"}}"#),
        ("packages/web/package.json", r#"{"name": "@me/web", "scripts": {"dev": "true"}}"#),
        ("packages/api/package.json", r#"{"name": "@me/api", "scripts": {"start": "true"}}"#),
        ("packages/lib/package.json", r#"{"name": "@me/lib"}"#),
    ];
    let (sandbox, _) = initialized(&files);
    assert_eq!(declared(&sandbox), ["install", "api", "web"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let (_, said) = initialized(&[("package.json", "{\"name\": }")]);
    assert!(said.all().contains("found package.json: left out, since it is no JSON"), "{}", said.all());
}

#[test]
fn a_compose_file_tells_what_runs() {
    let compose = "services:\n  web:\n    build: web\n  db:\n    image: postgres\n";
    let files = [("compose.yaml", compose), ("web/Dockerfile", "FROM busybox\n"), ("Procfile", "web: true\n")];
    let (sandbox, said) = initialized(&files);
    assert!(sandbox.read("Orchfile").contains("docker_compose(\"compose.yaml\")"));
    assert!(said.all().contains("found Procfile: left out, since compose.yaml has a `web`, too"), "{}", said.all());
    assert!(said.all().contains("found web/Dockerfile: left out"), "{}", said.all());
}

fn which(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
