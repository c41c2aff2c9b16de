//! What people and programs read of containers and images.

use orch::{
    model::{
        BoundPort, ContainerId, ContainerPhase, ContainerState, Exit, Failure, FilePath, Health, ImageId, ImageKey,
        InstanceId, ResourceName, RunId, Time,
    },
    report::{Look, json, junit, summary, table, why},
    snapshot::{
        Cause, Goal, Hold, ImageRow, InstanceRow, Row, RowKind, RunRow, RuntimeStatus, Skip, Snapshot, Step, Trouble,
        UpdateStatus, Verdict, links,
    },
};
use std::{sync::Arc, time::Duration};

const LOOK: Look = Look { colour: false, width: 100 };

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn root() -> FilePath {
    FilePath::new("/shop")
}

fn at(millis: u64) -> Time {
    Time(Duration::from_millis(millis))
}

fn run(run: u64, step: Step, cause: Cause, exit: Option<Exit>) -> RunRow {
    let ended_at = exit.as_ref().map(|_| at(3500));
    RunRow { run: RunId(run), step, cause, started_at: at(1000), ended_at, exit, failed_command: None }
}

fn history(runs: Vec<RunRow>) -> Arc<Vec<RunRow>> {
    Arc::new(runs)
}

fn saved(path: &str) -> Cause {
    Cause::Files { paths: vec![root().join(path)], count: 1 }
}

fn container(name: &str, phase: ContainerPhase) -> ContainerState {
    ContainerState {
        id: ContainerId(format!("{name}-0123456789ab").into()),
        name: format!("shop-{name}-1"),
        image: ImageId("sha256:1234".into()),
        fingerprint: None,
        phase,
        health: None,
        health_output: None,
        started_at_ns: 1,
        engine_restarts: 0,
        ports: Vec::new(),
        changed: None,
    }
}

fn image(key: &str, last_run: Option<RunRow>) -> ImageRow {
    ImageRow {
        image: ImageKey(key.into()),
        update: UpdateStatus::Ok,
        dirty: false,
        hold: None,
        current_run: None,
        last_run,
        runs: Arc::default(),
        reference: Some(format!("{key}:orch-12")),
    }
}

fn row(text: &str, containers: Vec<ContainerState>) -> Row {
    let instance = InstanceRow {
        instance: InstanceId(1),
        pid: None,
        started_at: at(3000),
        cause: None,
        ready_at: None,
        exit: None,
        restarts: 0,
        probe_failure: None,
        containers,
        pods: Vec::new(),
    };
    Row {
        links: links::published(&instance.containers),
        update: UpdateStatus::Ok,
        runtime: RuntimeStatus::Ok,
        instance: Some(instance),
        ..Row::new(name(text), RowKind::Container)
    }
}

/// Containers in all states that matter.
fn shop() -> Snapshot {
    let published =
        BoundPort { host_ip: "0.0.0.0".to_owned(), host_port: 8080, container_port: 80, protocol: "tcp".to_owned() };
    let running = |name| container(name, ContainerPhase::Running);
    let api = Row {
        runs: history(vec![
            run(7, Step::LiveUpdate, saved("api/main.py"), Some(Exit::Code(0))),
            run(4, Step::Container, Cause::Image(ImageKey("api".into())), Some(Exit::Code(0))),
        ]),
        images: vec![image("api", Some(run(3, Step::Build, Cause::Definition, Some(Exit::Code(0)))))],
        ..row("api", vec![ContainerState { ports: vec![published], health: Some(Health::Healthy), ..running("api") }])
    };
    let db = Row { skipped: Some(Skip::Adopted), ..row("db", vec![running("db")]) };
    let said = Some("\nno answer on 5432\nat all".to_owned());
    let sick = ContainerState { health: Some(Health::Unhealthy), health_output: said, ..running("queue") };
    let queue = Row { runtime: RuntimeStatus::Error, ..row("queue", vec![running("other"), sick]) };
    let killed = ContainerPhase::Exited { code: 137, out_of_memory: true };
    let cache = Row {
        runtime: RuntimeStatus::Error,
        ..row("cache", vec![ContainerState { engine_restarts: 2, ..container("cache", killed) }])
    };
    let building = ImageRow {
        update: UpdateStatus::InProgress,
        current_run: Some(run(8, Step::Build, saved("web/a.ts"), None)),
        ..image("ghcr.io/acme/web", None)
    };
    let web = Row {
        update: UpdateStatus::Pending,
        runtime: RuntimeStatus::Pending,
        hold: Some(Hold::Image(building.image.clone())),
        images: vec![building],
        instance: None,
        ..row("web", Vec::new())
    };
    let failure = Failure { message: "cannot connect".to_owned(), help: Some("start Docker".to_owned()) };
    let broken = run(5, Step::Build, Cause::Needed(name("jobs")), Some(Exit::Code(2)));
    let jobs = Row {
        runtime: RuntimeStatus::None,
        dirty: true,
        hold: Some(Hold::ImageFailed(ImageKey("jobs".into()))),
        images: vec![ImageRow { update: UpdateStatus::Error, reference: None, ..image("jobs", Some(broken)) }],
        instance: None,
        ..row("jobs", Vec::new())
    };
    let mail = Row {
        update: UpdateStatus::Error,
        runtime: RuntimeStatus::None,
        runs: history(vec![run(6, Step::Container, Cause::Removed, Some(Exit::NotStarted(failure)))]),
        instance: None,
        ..row("mail", Vec::new())
    };
    let local = Row { kind: RowKind::Local, ..mail.clone() };
    let local = Row {
        name: name("gen"),
        update: UpdateStatus::Ok,
        runtime: RuntimeStatus::NotApplicable,
        runs: history(vec![run(1, Step::Command, Cause::First, Some(Exit::Code(0)))]),
        ..local
    };
    let rows = [api, db, queue, cache, web, jobs, mail, local].into_iter().collect();
    Snapshot { at: at(10_000), goal: Goal::Up, root: Some(root()), rows, ..Snapshot::default() }
}

#[test]
fn the_table_tells_of_each_container_what_matters_most() {
    let expected = "\
NAME   KIND       UPDATE        RUNTIME   NOTE
api    container  ok            ready     http://localhost:8080
db     container  ok            ready     running
queue  container  ok            error     unhealthy: no answer on 5432
cache  container  ok            error     exit code 137 (out of memory), started again 2 times by Docker
web    container  pending       pending   builds image ghcr.io/acme/web
jobs   container  ok            -         image jobs could not be built: exit code 2
mail   container  error         -         cannot connect
gen    local      ok            -
";
    assert_eq!(table::status(&shop(), &[], LOOK), expected);
    let only = table::status(&shop(), &[name("gen")], LOOK);
    assert!(only.starts_with("NAME  UPDATE"), "kinds are shown where there are several: {only}");
}

#[test]
fn why_tells_of_steps_images_and_containers() {
    let shop = shop();
    let explained = |text: &str| why::explain(shop.rows.named(&name(text)).unwrap(), &root(), shop.at);
    assert_eq!(
        explained("api"),
        "\
api#7 was updated in place (1 file changed: api/main.py) in 2.5s
before that:
  api#4 had its container started (the image api was built anew) in 2.5s
its image api was built by api#3 (its definition changed) in 2.5s; it is api:orch-12
its container shop-api-1 (api-01234567): healthy
  http://localhost:8080
"
    );
    assert_eq!(
        explained("web"),
        "\
web#8 builds image ghcr.io/acme/web since 9.0s: 1 file changed: web/a.ts
web waits for the image ghcr.io/acme/web
its image ghcr.io/acme/web is ghcr.io/acme/web:orch-12, not built in this session
"
    );
    assert_eq!(
        explained("jobs"),
        "\
jobs waits for the image jobs, which could not be built
its image jobs could not be built by jobs#5 (needed by jobs): exit code 2
"
    );
    assert_eq!(
        explained("mail"),
        "mail#6 container not started: cannot connect (its container was removed by somebody else)\n"
    );
    assert_eq!(
        explained("db"),
        "db did not run: up to date: an earlier session left it as it should be\nits container shop-db-1 (db-012345678): running\n"
    );
    assert_eq!(explained("gen"), "gen#1 ran (first run of this session) and succeeded in 2.5s\n");
}

#[test]
fn the_last_words_say_what_failed_and_what_to_do() {
    let shop = shop();
    let RunRow { exit: Some(not_started), .. } = shop.rows.named(&name("mail")).unwrap().runs[0].clone() else {
        panic!()
    };
    let troubles = vec![
        (name("cache"), Trouble::InstanceEnded(Exit::Code(137))),
        (name("queue"), Trouble::NotReady(Some("no answer on 5432".to_owned()))),
        (name("jobs"), Trouble::Held(Hold::ImageFailed(ImageKey("jobs".into())))),
        (name("web"), Trouble::ImageFailed(ImageKey("web".into()), not_started.clone())),
        (name("mail"), Trouble::RunFailed(not_started)),
        (name("gen"), Trouble::RunFailed(Exit::Code(3))),
    ];
    let verdict = Verdict::Failed(troubles);
    let expected = "\
orch: failed after 10.0s
  cache: container ended: exit code 137 (out of memory), started again 2 times by Docker
  queue: container did not become ready: no answer on 5432
  jobs: image jobs could not be built: exit code 2
  web: image web could not be built: cannot connect
    help: start Docker
  mail: container not started: cannot connect
    help: start Docker
  gen: command failed: exit code 3
";
    assert_eq!(summary::verdict(&shop, &verdict, LOOK), expected);
    let succeeded = summary::verdict(&shop, &Verdict::Succeeded, LOOK);
    assert_eq!(succeeded, "orch: succeeded in 10.0s: 3 resources ran, 4 up to date\n");
    let document = junit::document(&shop, &verdict, |row| format!("log of {}", row.name));
    let case = r#"<testcase name="jobs" classname="orch" time="2.500"><failure message="image jobs could not be built: exit code 2">log of jobs</failure></testcase>"#;
    assert!(document.contains(case), "{document}");
    let said = &json::verdict(&shop, &verdict, |_| String::new())["troubles"][0];
    assert_eq!(said["message"], "container ended: exit code 137 (out of memory), started again 2 times by Docker");
}

#[test]
fn whoever_ends_is_told_what_goes_on() {
    let left = "orch: containers are left running (api, db and queue); `orch down` removes them\n";
    assert_eq!(summary::left_running(&shop()), left);
    assert_eq!(summary::left_running(&Snapshot::default()), "");
}

#[test]
fn what_was_being_replaced_is_not_said_to_be_left() {
    let cut = |name: &str, step| Row {
        runs: history(vec![run(9, step, Cause::First, Some(Exit::Stopped))]),
        ..row(name, vec![container(name, ContainerPhase::Running)])
    };
    let rows = [cut("api", Step::Container), cut("db", Step::LiveUpdate)].into_iter().collect();
    let expected = "\
orch: containers were being replaced and may be stopped (api); `orch up` goes on with that
orch: containers are left running (db); `orch down` removes them
";
    assert_eq!(summary::left_running(&Snapshot { rows, ..shop() }), expected);
}

#[test]
fn a_job_that_ended_well_is_done() {
    let exited = ContainerPhase::Exited { code: 0, out_of_memory: false };
    let mut job = row("job", vec![container("job", exited)]);
    job.instance.as_mut().unwrap().exit = Some(Exit::Code(0));
    let explained = why::explain(&job, &root(), at(10_000));
    assert!(explained.starts_with("job ran to its end (exit code 0)\n"), "{explained}");
    let shop = Snapshot { rows: [job].into_iter().collect(), ..shop() };
    let expected = "\
NAME  KIND       UPDATE        RUNTIME   NOTE
job   container  ok            done      ended: exit code 0
";
    assert_eq!(table::status(&shop, &[], LOOK), expected);
}

#[test]
fn programs_get_all_that_is_known() {
    let shop = shop();
    let rows: Vec<&Row> = shop.rows.iter().map(|row| &**row).collect();
    let document = json::status(&shop, &rows, true);
    assert_eq!(document["live"], true);
    let (api, cache, web) = (&document["resources"][0], &document["resources"][3], &document["resources"][4]);
    assert_eq!((&api["kind"], &api["last_run"]["step"]), (&"container".into(), &"live_update".into()));
    assert_eq!(api["links"][0]["url"], "http://localhost:8080");
    let port = serde_json::json!({"host_ip": "0.0.0.0", "host_port": 8080, "container_port": 80, "protocol": "tcp"});
    assert_eq!((&api["containers"][0]["ports"][0], &api["containers"][0]["health"]), (&port, &"healthy".into()));
    assert_eq!((&api["images"][0]["image"], &api["images"][0]["reference"]), (&"api".into(), &"api:orch-12".into()));
    let cache = &cache["containers"][0];
    assert_eq!(
        (&cache["phase"], &cache["exit_code"], &cache["out_of_memory"]),
        (&"exited".into(), &137.into(), &true.into())
    );
    assert_eq!(
        web["images"][0]["running"],
        serde_json::json!({"run": 8, "step": "build", "cause": "1 file changed: web/a.ts"})
    );
    assert_eq!(web["containers"], serde_json::json!([]));
}
