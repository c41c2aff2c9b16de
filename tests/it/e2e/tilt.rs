//! The program `tilt` that commands of a Tiltfile find.

use crate::sandbox::{Sandbox, wait_for_text};

const TILTFILE: &str = r#"
local_resource("gen", "echo run >> runs", trigger_mode=TRIGGER_MODE_MANUAL, labels=["one"])
local_resource("ask", """
tilt get uiresource gen -o jsonpath={.status.updateStatus} > update
tilt get session -o jsonpath='{.items[0].spec.exitCondition}' > condition
cd /; tilt wait --for=condition=Ready --timeout=50s uiresource/gen && tilt trigger gen && tilt get uiresources -o name
""", resource_deps=["gen"])
print("version", str(local("tilt version", quiet=True)).split(",")[0])
"#;

#[test]
fn it_answers_from_the_session_of_the_command() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", TILTFILE);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("version v0.37.6");
    up.wait_for("uiresource.tilt.dev/gen condition met");
    up.wait_for("uiresource.tilt.dev/ask");
    wait_for_text(&sandbox.path("runs"), "run\nrun\n");
    assert_eq!((sandbox.read("update").as_str(), sandbox.read("condition").as_str()), ("ok", "manual"));
    up.interrupt().expect_code(0);
}

const SHAPES: &str = r#"
load("ext://uibutton", "cmd_button", "location")
config.define_string("who")
config.parse()
local_resource("web", serve_cmd="exec sleep 1000", labels=["front"], links=["http://localhost:1"])
local_resource("late", "true", auto_init=False, trigger_mode=TRIGGER_MODE_MANUAL)
cmd_button("seed", argv=["true"], location=location.NAV)
local_resource("ask", """
ask() { echo "$1: $(shift; tilt --port 10350 get "$@" 2>&1)"; }
ask server cmd/web-serve -ojsonpath='{.status.running.pid}' | sed 's/[0-9][0-9]*/PID/'
ask names uiresources -o name | tr '\\n' ' '; echo
ask range uiresource -o=jsonpath --template='{range .items[*]}{.metadata.name}={.status.triggerMode},{end}'
ask label uiresources -l front -o jsonpath='{.items[*].metadata.name}'
ask filter uiresources -o jsonpath='{.items[?(@.metadata.name=="web")].status.endpointLinks[0].url}'
ask ready uiresource/web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}'
ask button uib seed -o jsonpath='{.spec.location.componentType} {.metadata.name}'
ask none kd web --ignore-not-found
ask pods kd -o jsonpath='{.items[*].status.pods[*].name}'
ask missing kd web -o json
ask table session
ask kind thing
tilt dump engine | grep -c ManifestTargets
tilt args
tilt logs --json --level warn --source build web | grep -c resource | sed 's/[1-9][0-9]*/lines: some/'
tilt trigger '(Tiltfile)'
""", resource_deps=["web"])
"#;

#[test]
fn objects_have_the_shape_that_scripts_expect() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", SHAPES);
    let mut up = sandbox.start(&["up", "--", "--who", "you"]);
    up.wait_for("ask │ server: PID");
    let uiresources = ["(Tiltfile)", "web", "late", "ask"].map(|name| format!("uiresource.tilt.dev/{name}")).join(" ");
    up.wait_for(&format!("ask │ names: {uiresources}"));
    for said in [
        "range: (Tiltfile)=,web=0,late=2,ask=0,",
        "label: web",
        "filter: http://localhost:1",
        "ready: True",
        "button: Global seed",
        "none:",
        "pods:",
        "there is no kubernetesdiscovery `web`",
        "NAME                                     CREATED AT",
        "it has uiresource, kubernetesdiscovery, portforward",
        "ask │ 1",
        "ask │ --who",
        "ask │ you",
    ] {
        up.wait_for(said);
    }
    up.wait_for_each(&["ask │ lines: some", "evaluates the Orchfile with arguments --who you"]);
    up.interrupt().expect_code(0);
}

#[test]
fn a_watch_tells_each_change() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", "local_resource('a', 'sleep 0.1; true', deps=['in'])\nlocal_resource('w', serve_cmd='tilt get uiresource a -w -o jsonpath={.status.updateStatus}')");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("w │ ok");
    sandbox.write("in", "x");
    up.wait_for("w │ in_progress");
    up.wait_for("w │ ok");
    up.interrupt().expect_code(0);
}

#[test]
fn what_it_does_not_know_it_says() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", "local_resource('a', 'tilt apply -f x')");
    let ended = sandbox.orch(&["ci"]).expect_code(1);
    assert!(ended.all().contains("`tilt apply -f x` has no meaning here"), "{}", ended.all());
}

#[test]
fn an_orchfile_has_none() {
    let sandbox = Sandbox::new(r#"print("which", str(local("echo $ORCH_TILT_FILE", quiet=True)) == "\n")"#);
    assert!(sandbox.orch(&["ci"]).expect_code(0).all().contains("which True"));
}
