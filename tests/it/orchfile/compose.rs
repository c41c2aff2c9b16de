//! What services become: the compose tool is asked with these words, and answers with what the test says.

use super::folder::Folder;
use orch::{
    model::{
        Build, Condition, Container, ContainerImage, ContainerSource, EvaluationInput, Image, Project, Restart,
        RestartStep, Seen, Unmatched,
    },
    orchfile::{Limits, LoadRequest, Loaded, LocalSources, SourceCommand, SourceOutput, load},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Loads a file, where the tool answers with `config` (`$DIR` is the folder); gives also how it was called.
fn asked(files: &[(&str, &str)], env: &[(&str, &str)], config: &Value) -> (Folder, Loaded, Vec<SourceCommand>) {
    let folder = Folder::with(files);
    let stdout = config.to_string().replace("$DIR", &folder.path(".").to_string()).into_bytes();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let heard = calls.clone();
    let run = move |command: &SourceCommand| {
        heard.lock().unwrap().push(command.clone());
        Ok(SourceOutput { code: 0, stdout: stdout.clone(), stderr: Vec::new() })
    };
    let file = files.iter().find(|(name, _)| name.ends_with("file")).unwrap().0;
    let request = LoadRequest {
        file: folder.path(file),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: orch::orchfile::KubeWish::default(),
        environment: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        limits: Limits::default(),
    };
    let loaded = load(&request, &LocalSources::new(run, drop));
    let calls = calls.lock().unwrap().clone();
    (folder, loaded, calls)
}

const CALL: &str = "docker_compose('compose.yaml', project_name='shop')\n";
const EMPTY: (&str, &str) = ("compose.yaml", "services: {}\n");

#[track_caller]
fn project(orchfile: &str, services: Value) -> (Folder, Project) {
    let (folder, loaded, _) = asked(&[("Orchfile", orchfile), EMPTY], &[], &json!({ "services": services }));
    let diagnostics = loaded.diagnostics;
    (folder, loaded.project.unwrap_or_else(|| panic!("{diagnostics:?}")))
}

fn container<'p>(project: &'p Project, name: &str) -> &'p Container {
    let resource = project.resources.iter().find(|resource| resource.name.as_str() == name);
    resource.unwrap_or_else(|| panic!("no {name}")).kind.container().unwrap()
}

fn built<'p>(project: &'p Project, name: &str) -> &'p Image {
    let ContainerImage::Built(key) = &container(project, name).image else { panic!("{name} is not built") };
    project.images.iter().find(|image| image.key == *key).unwrap()
}

/// What the tool is told, however it is called here.
fn words(call: &SourceCommand) -> String {
    let own = call.argv.iter().skip_while(|word| *word != "--project-name");
    own.map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_tool_is_told_all_that_the_call_says() {
    let text = "docker_compose(['a/one.yaml', 'two.yaml'], env_file='dev.env', profiles=['x', 'y'])";
    let files = [("Orchfile", text), ("a/one.yaml", ""), ("two.yaml", ""), ("dev.env", "")];
    let (folder, loaded, calls) = asked(&files, &[("COMPOSE_PROFILES", "z")], &json!({ "services": {} }));
    let dir = folder.path(".");
    let expected = format!(
        "--project-name a --project-directory {dir}/a --env-file {dir}/dev.env --profile x --profile y \
         -f {dir}/a/one.yaml -f {dir}/two.yaml config --format json"
    );
    assert_eq!(words(&calls[0]), expected);
    assert_eq!(calls[0].env["COMPOSE_PROFILES"].as_deref(), Some(""), "those of the environment do not hold");
    let project = loaded.project.unwrap();
    assert_eq!(project.compose[0].profiles, Some(vec!["x".to_owned(), "y".to_owned()]));
}

#[test]
fn profiles_of_the_environment_hold_where_none_are_given() {
    let env = [("COMPOSE_PROFILES", "x,y")];
    let (_, _, calls) = asked(&[("Orchfile", CALL), EMPTY], &env, &json!({}));
    assert!(words(&calls[0]).contains("--profile x --profile y "), "{calls:?}");
    let none = "docker_compose('compose.yaml', profiles=[])";
    let (_, _, calls) = asked(&[("Orchfile", none), EMPTY], &env, &json!({}));
    assert!(!words(&calls[0]).contains("--profile"), "{calls:?}");
}

#[test]
fn texts_go_by_standard_input() {
    let text = "docker_compose(blob('services: {a: {}}'))";
    let (_, _, calls) = asked(&[("Orchfile", text)], &[], &json!({}));
    assert!(words(&calls[0]).ends_with(" -f - config --format json"), "{calls:?}");
    assert_eq!(calls[0].stdin.as_deref(), Some("services: {a: {}}"));
    let text = "docker_compose([{'services': {}}, 'compose.yaml', blob('x: 1')])";
    let (_, _, calls) = asked(&[("Orchfile", text), ("compose.yaml", "y: 2")], &[], &json!({}));
    assert_eq!(calls[0].stdin.as_deref(), Some("---\n{\n  \"services\": {}\n}\n---\ny: 2\n---\nx: 1\n"));
}

#[test]
fn calls_for_one_project_are_one_project() {
    let text = "docker_compose('compose.yaml', project_name='shop')\ndc_resource('web', labels='front')\n\
                docker_compose(['more.yaml', 'compose.yaml'], project_name='shop', wait=True)";
    let files = [("Orchfile", text), EMPTY, ("more.yaml", "")];
    let config = json!({ "services": { "web": { "image": "nginx" } } });
    let (folder, loaded, calls) = asked(&files, &[], &config);
    let both = format!("-f {0}/compose.yaml -f {0}/more.yaml config", folder.path("."));
    assert!(words(&calls[1]).contains(&both), "{calls:?}");
    let project = loaded.project.unwrap();
    assert_eq!((project.compose.len(), project.resources.len(), project.compose[0].wait), (1, 1, true));
    assert_eq!(project.resources[0].labels, ["front"]);
}

#[test]
fn several_projects_stand_where_their_first_calls_do() {
    let text = "local_resource('a', 'x')\ndocker_compose({'x': 1}, project_name='one')\nlocal_resource('b', 'x')\n\
                docker_compose({'x': 2}, project_name='two')\ndc_resource('web2', project_name='two', labels='x')";
    let folder = Folder::with(&[("Orchfile", text)]);
    let run = |command: &SourceCommand| {
        let number = if command.argv.contains(&"one".to_owned()) { 1 } else { 2 };
        let service = json!({ "image": "x", "depends_on": { format!("db{number}"): {} } });
        let services = json!({ format!("web{number}"): service, format!("db{number}"): { "image": "y" } });
        Ok(SourceOutput {
            code: 0,
            stdout: json!({ "services": services }).to_string().into_bytes(),
            stderr: Vec::new(),
        })
    };
    let request = LoadRequest {
        file: folder.path("Orchfile"),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: orch::orchfile::KubeWish::default(),
        environment: BTreeMap::new(),
        limits: Limits::default(),
    };
    let project = load(&request, &LocalSources::new(run, drop)).project.unwrap();
    let names: Vec<_> = project.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["a", "db1", "web1", "b", "db2", "web2"]);
    assert_eq!(project.compose.iter().map(|compose| compose.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(project.resources[5].labels, ["x"]);
}

#[test]
fn the_name_of_a_project_is_that_of_its_folder_as_compose_makes_it() {
    let text = "docker_compose('_My Shop.v2/compose.yaml')";
    let (_, _, calls) = asked(&[("Orchfile", text), ("_My Shop.v2/compose.yaml", "")], &[], &json!({}));
    assert!(words(&calls[0]).contains("--project-name myshopv2 "), "{calls:?}");
}

#[test]
fn services_wait_as_their_files_say() {
    let (_, project) = project(
        CALL,
        json!({
            "api": { "image": "api", "depends_on": {
                "db": { "condition": "service_healthy", "required": true },
                "cache": { "condition": "service_started", "required": true },
                "setup": { "condition": "service_completed_successfully", "required": true },
                "gone": { "condition": "service_started", "required": false },
            } },
            "db": { "image": "db" }, "cache": { "image": "cache" }, "setup": { "image": "setup" },
        }),
    );
    let names: Vec<_> = project.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["cache", "db", "setup", "api"], "dependencies come first");
    let dependencies: Vec<_> =
        project.resources[3].dependencies.iter().map(|it| (it.on.as_str(), it.condition)).collect();
    assert_eq!(
        dependencies,
        [("cache", Condition::Started), ("db", Condition::Ready), ("setup", Condition::Succeeded)]
    );
}

#[test]
fn a_rename_reaches_those_that_wait() {
    let text = CALL.to_owned()
        + "dc_resource('web', resource_deps=['db'])\ndc_resource('db', new_name='database')\n\
           dc_resource('database', labels=['x'], links=['http://a'], trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)\n\
           dc_resource('database', labels='y', links='http://b', infer_links=False)";
    let services = json!({ "web": { "image": "web", "depends_on": { "db": {} } }, "db": { "image": "db" } });
    let (_, project) = project(&text, services);
    let [database, web] = project.resources.as_slice() else { panic!("{project:?}") };
    assert_eq!(web.dependencies.iter().map(|it| it.on.as_str()).collect::<Vec<_>>(), ["database", "database"]);
    assert_eq!((database.name.as_str(), &database.labels), ("database", &vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!((database.links.len(), database.auto_init), (2, false));
    assert!(!container(&project, "database").infer_links);
    let ContainerSource::Compose { service, .. } = &container(&project, "database").source else { panic!() };
    assert_eq!(service, "db");
}

#[test]
fn restarts_and_health_are_those_of_the_file() {
    let (_, project) = project(
        CALL,
        json!({
            "plain": { "image": "x" },
            "always": { "image": "x", "restart": "unless-stopped" },
            "never": { "image": "x", "restart": "no", "healthcheck": { "disable": true, "test": ["CMD", "x"] } },
            "swarm": { "image": "x", "deploy": { "restart_policy": { "condition": "on-failure" } } },
            "well": { "image": "x", "healthcheck": { "test": ["CMD-SHELL", "x"] } },
            "none": { "image": "x", "healthcheck": { "test": ["NONE"] } },
        }),
    );
    let restarts = |name| (container(&project, name).engine_restarts, container(&project, name).restart);
    assert_eq!(restarts("plain"), (false, None));
    assert_eq!(restarts("always"), (true, None));
    assert_eq!(restarts("never"), (false, Some(Restart::Never)));
    assert_eq!(restarts("swarm"), (true, None));
    let healthy = ["plain", "never", "well", "none"].map(|name| container(&project, name).health_check);
    assert_eq!(healthy, [false, false, true, false]);
}

#[test]
fn the_definition_is_what_makes_the_container_another() {
    let definition = |services: Value, networks: Value| {
        let config = json!({ "services": { "web": services }, "networks": { "net": networks, "other": {} } });
        let (_, loaded, _) = asked(&[("Orchfile", CALL), EMPTY], &[], &config);
        let project = loaded.project.unwrap();
        let ContainerSource::Compose { definition, .. } = &container(&project, "web").source else { panic!() };
        definition.clone()
    };
    let net = json!({ "name": "net" });
    let web = definition(
        json!({ "image": "x", "environment": { "B": "1", "A": "2" }, "networks": { "net": null } }),
        net.clone(),
    );
    let expected = r#"{"environment":{"A":"2","B":"1"},"image":"x","networks":{"net":null},"x-orch-networks":{"net":{"name":"net"}}}"#;
    assert_eq!(web, expected);
    let without_effect = json!({
        "networks": { "net": null }, "environment": { "A": "2", "B": "1" }, "image": "x", "depends_on": {}, "profiles": ["x"],
        "build": { "context": "/x", "network": "host", "shm_size": "1" }, "develop": {}, "command": null,
    });
    assert_eq!(definition(without_effect, net), expected);
    let other = definition(json!({ "image": "x", "networks": { "net": null } }), json!({ "name": "other" }));
    assert!(other.contains(r#"{"net":{"name":"other"}}"#), "what it refers to belongs to it: {other}");
}

#[test]
fn a_build_that_orch_understands_is_its_own() {
    let text = "docker_compose('compose.yaml', project_name='shop')";
    let config = json!({
        "services": { "web": { "image": "acme/web:1", "platform": "linux/arm64", "build": {
            "context": "$DIR/web", "dockerfile": "dev.Dockerfile", "args": { "A": "a$$b", "B": null }, "target": "dev",
            "secrets": [{ "source": "key", "target": "id" }, { "source": "token" }], "ssh": ["default"],
            "extra_hosts": ["db=1.2.3.4"], "tags": ["acme/web:dev"], "network": "host", "pull": true, "cache_from": ["acme/web:0"],
        }, "volumes": [{ "type": "bind", "source": "$DIR/web/src", "target": "/src" }] } },
        "secrets": { "key": { "file": "$DIR/key" }, "token": { "environment": "TOKEN" } },
    });
    let files =
        [("Orchfile", text), EMPTY, ("web/dev.Dockerfile", "ARG A\nFROM acme/base\n"), ("web/.dockerignore", "dist\n")];
    let (folder, loaded, _) = asked(&files, &[], &config);
    let project = loaded.project.unwrap();
    let image = built(&project, "web");
    let Build::Docker(build) = &image.build else { panic!("{image:?}") };
    assert_eq!((image.key.as_str(), image.exact, image.repository.as_str()), ("acme/web:1", true, "acme/web"));
    assert_eq!(build.context, folder.path("web"));
    assert_eq!(build.dockerfile, "ARG A\nFROM acme/base\n");
    let args = BTreeMap::from([("A".to_owned(), Some("a$b".to_owned())), ("B".to_owned(), None)]);
    assert_eq!(build.build_args, args);
    assert_eq!(build.secrets, [format!("id=id,src={}", folder.path("key")), "id=token,env=TOKEN".to_owned()]);
    assert_eq!((&build.ssh[..], &build.extra_hosts[..]), (&["default".to_owned()][..], &["db:1.2.3.4".to_owned()][..]));
    assert_eq!(build.extra_tags, ["acme/web:1", "acme/web:dev"]);
    assert_eq!(
        (build.target.as_str(), build.network.as_str(), build.platform.as_str()),
        ("dev", "host", "linux/arm64")
    );
    assert!(build.pull && build.cache_from == ["acme/web:0"]);
    let counts = |name: &str| image.inputs.contains(&folder.path(name));
    assert!(counts("web/main.js") && !counts("web/dist/x") && !counts("web/src/x") && !counts("web/dev.Dockerfile"));
    assert!(
        !build.ignore.iter().any(|rule| rule.ignores(&folder.path("web/src/x"))),
        "what is mounted is sent all the same"
    );
    assert!(loaded.inputs.iter().any(|input| input.path == folder.path("web/dev.Dockerfile")));
}

#[test]
fn a_build_that_says_more_is_the_tools() {
    for extra in [
        ("shm_size", json!("1g")),
        ("labels", json!({ "a": "b" })),
        ("platforms", json!(["linux/amd64", "linux/arm64"])),
        ("additional_contexts", json!({ "a": "b" })),
        ("secrets", json!([{ "source": "outside" }])),
        ("dockerfile", json!("missing.Dockerfile")),
    ] {
        let mut build = json!({ "context": "$DIR", "dockerfile_inline": null, "privileged": false });
        build[extra.0] = extra.1;
        let files = [("Orchfile", CALL), EMPTY, ("Dockerfile", "FROM acme/base")];
        let config = json!({ "services": { "web": { "build": build } } });
        let (folder, loaded, _) = asked(&files, &[], &config);
        let project = loaded.project.unwrap();
        let image = built(&project, "web");
        let Build::Compose(own) = &image.build else { panic!("{}: {image:?}", extra.0) };
        assert_eq!((own.service.as_str(), image.key.as_str()), ("web", "shop_web"));
        assert!(image.inputs.contains(&folder.path("main.js")));
    }
}

#[test]
fn an_image_of_the_orchfile_stands_for_that_of_a_service() {
    let images = "docker_build('acme/api', '.', dockerfile_contents='FROM scratch')\n\
                  docker_build('shop-worker', '.', dockerfile_contents='FROM acme/api')\n\
                  docker_build('shop_job', '.', dockerfile_contents='FROM scratch')\n\
                  docker_build('acme/other', '.', dockerfile_contents='FROM scratch')\n\
                  dc_resource('plain', image='acme/other')\n";
    let build = json!({ "context": "/nowhere" });
    let services = json!({
        "api": { "image": "acme/api:dev", "build": build }, "worker": { "build": build }, "job": { "build": build },
        "plain": { "image": "redis" }, "left": { "image": "redis" },
    });
    let (_, project) = project(&(CALL.to_owned() + images), services);
    let keys = ["api", "worker", "job", "plain"].map(|name| built(&project, name).key.as_str());
    assert_eq!(keys, ["acme/api", "shop-worker", "shop_job", "acme/other"]);
    assert_eq!(container(&project, "left").image, ContainerImage::Pulled("redis".to_owned()));
    assert_eq!(project.images.len(), 4, "what the files would build is not needed: {:?}", project.images);
    assert_eq!(built(&project, "worker").bases[0].as_str(), "acme/api");
}

#[test]
fn services_that_build_the_same_share_it_and_others_do_not() {
    let mount = |source: &str| json!([{ "type": "bind", "source": source, "target": "/x" }]);
    let build = json!({ "context": "$DIR", "dockerfile_inline": "FROM scratch" });
    let other = json!({ "context": "$DIR", "dockerfile_inline": "FROM other" });
    let config = json!({ "services": {
        "a": { "image": "app", "build": build, "volumes": mount("$DIR/src") },
        "b": { "image": "app", "build": build, "volumes": mount("$DIR/lib") },
        "c": { "image": "app", "build": other },
        "d": { "image": "app" },
    } });
    let (folder, loaded, _) = asked(&[("Orchfile", CALL), EMPTY], &[], &config);
    let project = loaded.project.unwrap();
    let keys = ["a", "b", "c", "d"].map(|name| built(&project, name).key.as_str());
    assert_eq!(keys, ["app", "app", "shop_c", "app"]);
    assert!(built(&project, "a").inputs.contains(&folder.path("src/x")), "one of them does not mount it");
}

#[test]
fn rules_of_develop_watch_are_a_live_update() {
    let watch = json!([
        { "action": "sync", "path": "$DIR/src", "target": "/srv/src", "ignore": ["node_modules/"], "initial_sync": true },
        { "action": "rebuild", "path": "$DIR/package.json" },
        { "action": "sync+restart", "path": "$DIR/conf", "target": "/etc/app", "include": ["*.conf"] },
        { "action": "restart", "path": "$DIR/flag" },
        { "action": "sync+exec", "path": "$DIR/sql", "target": "/sql", "exec": {
            "command": "reload now", "user": "app", "working_dir": "/srv", "environment": { "A": "1" } } },
        { "action": "sync", "path": "$DIR/mounted/sub", "target": "/mounted/sub" },
    ]);
    let web = json!({
        "image": "web", "build": { "context": "$DIR", "dockerfile_inline": "FROM scratch" }, "develop": { "watch": watch },
        "volumes": [{ "type": "bind", "source": "$DIR/mounted", "target": "/mounted" }],
    });
    let config = json!({ "services": { "web": web } });
    let files = [("Orchfile", CALL), EMPTY, (".dockerignore", "**/*.test.js\n")];
    let (folder, loaded, _) = asked(&files, &[], &config);
    let ignore_file = |input: &&EvaluationInput| input.path == folder.path(".dockerignore");
    assert!(loaded.inputs.iter().any(|input| ignore_file(&input)));
    let project = loaded.project.unwrap();
    let [update] = container(&project, "web").live_updates.as_slice() else { panic!() };
    assert_eq!((update.image.as_ref().unwrap().as_str(), update.unmatched), ("web", Unmatched::Wait));
    assert!(update.initial_sync);
    let targets: Vec<_> = update.syncs.iter().map(|sync| sync.remote.as_str()).collect();
    assert_eq!(targets, ["/srv/src", "/etc/app", "/sql"], "what is mounted needs no rule");
    let matches = |sync: usize, name: &str| update.syncs[sync].local.matches(&folder.path(name));
    assert!(matches(0, "src/a.js") && !matches(0, "src/node_modules/b.js") && !matches(0, "src/a.test.js"));
    assert!(matches(1, "conf/a.conf") && !matches(1, "conf/a.txt"));
    assert_eq!(update.fall_back_on[0].path, folder.path("package.json"));
    let RestartStep::On(restarts) = &update.restart else { panic!("{update:?}") };
    assert_eq!(
        restarts.iter().map(|it| it.path.clone()).collect::<Vec<_>>(),
        [folder.path("conf"), folder.path("flag")]
    );
    let run = &update.runs[0];
    assert_eq!((run.argv.join(" "), run.env[0].as_str()), ("sh -c reload now".to_owned(), "A=1"));
    assert_eq!((run.user.as_deref(), run.dir.as_deref()), (Some("app"), Some("/srv")));
    assert!(run.triggers[0].matches(&folder.path("sql/x")) && !run.triggers[0].matches(&folder.path("src/x")));
    let answers = |name: &str| update.inputs.iter().any(|set| set.contains(&folder.path(name)));
    assert!(answers("src/a.js") && answers("anything/else"), "it answers for the whole image");
    let inputs = &container(&project, "web").inputs;
    assert!(inputs.iter().any(|set| set.contains(&folder.path("sql/x"))));
    let (_, loaded, _) = asked(&[("Tiltfile", CALL), EMPTY], &[], &config);
    assert!(container(&loaded.project.unwrap(), "web").live_updates.is_empty(), "Tilt knows no such rules");
}

#[test]
fn a_live_update_of_the_orchfile_holds_against_develop_watch() {
    let text = CALL.to_owned()
        + "docker_build('web', '.', dockerfile_contents='FROM scratch', live_update=[sync('src', '/app')])";
    let watch = json!([{ "action": "sync", "path": "/x", "target": "/y" }]);
    let (_, project) = project(&text, json!({ "web": { "image": "web", "develop": { "watch": watch } } }));
    let [update] = container(&project, "web").live_updates.as_slice() else { panic!() };
    assert_eq!(update.syncs[0].remote, "/app");
}

#[test]
fn all_that_compose_files_are_made_of_is_watched() {
    let compose = "include: [sub/inc.yaml, {path: [other.yaml], env_file: inc.env}]\nservices:\n  a: {env_file: [a.env, {path: '${B}.env'}]}\n  \
                   c: {extends: {file: base.yaml, service: x}, env_file: c.env}\n";
    let files = [
        ("Orchfile", CALL),
        ("compose.yaml", compose),
        ("sub/inc.yaml", "services: {d: {env_file: d.env}}"),
        ("other.yaml", ""),
        ("base.yaml", "services: {x: {env_file: x.env}}"),
        ("a.env", "A=1"),
    ];
    let (folder, loaded, _) = asked(&files, &[("B", "b")], &json!({}));
    let seen = |name: &str| loaded.inputs.iter().find(|input| input.path == folder.path(name)).map(|input| input.seen);
    for name in ["compose.yaml", "sub/inc.yaml", "other.yaml", "base.yaml", "a.env"] {
        assert!(matches!(seen(name), Some(Seen::Content(_))), "{name}: {:?}", seen(name));
    }
    for name in [".env", "b.env", "c.env", "sub/d.env", "x.env", "inc.env"] {
        assert_eq!(seen(name), Some(Seen::Absent), "{name}");
    }
}

#[test]
fn what_the_tool_reads_is_one_digest_where_it_can_be_told() {
    let inputs = |compose: &str, variables: &str| {
        let files = [
            ("Orchfile", CALL),
            ("compose.yaml", compose),
            ("inc/a.yaml", "services: {x: {env_file: b.env}}"),
            ("inc/b.env", variables),
        ];
        asked(&files, &[], &json!({})).2[0].inputs
    };
    let sure = "include: [inc/a.yaml]";
    let digest = inputs(sure, "A=1");
    assert!(digest.is_some());
    let folder_counts = inputs(sure, "A=1");
    assert_ne!(folder_counts, digest, "another folder is another project");
    for unsure in ["include: ['${WHERE}/a.yaml']", "include: ['https://example.com/x.git']", "services: {", "{{"] {
        assert_eq!(inputs(unsure, ""), None, "{unsure}");
    }
    let folder =
        Folder::with(&[("Orchfile", CALL), ("compose.yaml", sure), ("inc/a.yaml", "services: {x: {env_file: b.env}}")]);
    let now = || {
        let heard = Arc::new(Mutex::new(None));
        let told = heard.clone();
        let run = move |command: &SourceCommand| {
            *told.lock().unwrap() = command.inputs;
            Ok(SourceOutput { code: 0, stdout: b"{}".to_vec(), stderr: Vec::new() })
        };
        let request = LoadRequest {
            file: folder.path("Orchfile"),
            args: Vec::new(),
            subcommand: "up".to_owned(),
            kube: orch::orchfile::KubeWish::default(),
            environment: BTreeMap::new(),
            limits: Limits::default(),
        };
        load(&request, &LocalSources::new(run, drop));
        let inputs = *heard.lock().unwrap();
        inputs.unwrap()
    };
    let first = now();
    assert_eq!(now(), first);
    for name in ["inc/b.env", ".env", "inc/.env", "inc/a.yaml", "compose.yaml"] {
        let before = now();
        let old = std::fs::read_to_string(folder.path(name)).unwrap_or_default();
        std::fs::write(folder.path(name), old + "\n# more\n").unwrap();
        assert_ne!(now(), before, "{name}");
    }
}
