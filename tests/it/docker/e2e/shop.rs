//! `examples/compose-shop`: six services, brought up in order, edited, killed, left and taken down.

use super::{copy_folder, edit, page, status, until_at_rest};
use crate::{
    docker::{Container, Engine},
    sandbox::{Sandbox, Session},
};
use std::path::Path;

const SERVICES: [&str; 6] = ["check", "db", "migrate", "prices", "web", "worker"];
const SERVERS: [&str; 4] = ["db", "prices", "web", "worker"];

/// A copy of the example, on images of the test's own.
fn shop(engine: &Engine) -> Sandbox {
    let sandbox = engine.sandbox("").env("SHOP_BASE", &Engine::base()).env("SHOP_PORT", "0");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/compose-shop"), &sandbox.root());
    for file in ["Orchfile", "compose.yaml"] {
        edit(&sandbox, file, "shop-", &engine.name("shop-"));
    }
    sandbox
}

/// Waits until the customer has got the parcel, and nothing is left to do.
#[track_caller]
fn until_open(engine: &Engine, sandbox: &Sandbox, session: &mut Session) {
    engine.until_container("check", "succeeds", session, |it| it.state == "exited" && it.exit_code == Some(0));
    until_at_rest(engine, sandbox, session);
}

/// The front page, once it holds that text.
#[track_caller]
fn until_page(engine: &Engine, session: &mut Session, text: &str) -> Container {
    engine.until(&format!("a page with `{text}`"), session, |engine| {
        let web = engine.container("web")?;
        page(&web, 8080, "/cgi-bin/shop").filter(|page| page.contains(text)).map(|_| web)
    })
}

#[track_caller]
fn service(engine: &Engine, name: &str) -> Container {
    engine.container(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", engine.belongings()))
}

fn finished_at(container: &Container) -> String {
    container.inspected.state.as_ref().and_then(|state| state.finished_at.clone()).unwrap()
}

#[test]
fn it_comes_up_in_order_and_follows_each_edit() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = shop(&engine);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_open(&engine, &sandbox, &mut session);
    let [check, db, migrate, prices, web, worker] = SERVICES.map(|name| service(&engine, name));
    assert!(db.started_at < migrate.started_at, "{migrate} before {db}");
    assert!(engine.logs(&migrate).contains("all is up to date"), "{}", engine.logs(&migrate));
    for (later, earlier) in [(&web, &migrate), (&worker, &migrate)] {
        assert!(finished_at(earlier) < later.started_at, "{later} did not wait for {earlier}");
    }
    assert!(prices.started_at < web.started_at && web.started_at < check.started_at);

    // A page, by live update: nothing is started again.
    edit(&sandbox, "web/pages/shop.html", "Good morning!", "Good evening!");
    let edited = until_page(&engine, &mut session, "Good evening!");
    assert!(engine.file_in(&edited, "/srv/rendered/shop.html").unwrap().contains("Good evening!"));
    until_at_rest(&engine, &sandbox, &mut session);
    for before in [&db, &prices, &web, &worker] {
        assert_eq!(service(&engine, &label(before)).identity(), before.identity(), "{}", session.said());
    }

    // A price, by way of the compiler and a new image; a comment goes no further than the compiler.
    edit(&sandbox, "prices/prices.c", "250", "275");
    until_page(&engine, &mut session, "<li>tea, 2.75</li>");
    until_at_rest(&engine, &sandbox, &mut session);
    let dearer = service(&engine, "prices");
    assert_ne!(dearer.image_id, prices.image_id);
    edit(&sandbox, "prices/prices.c", "/* Answers", "/* Quickly answers");
    session.wait_until("the compiler's second run", |line| {
        line.starts_with(" compile │") || line.contains("compile │ ▸ succeeded")
    });
    until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(service(&engine, "prices").identity(), dearer.identity(), "{}", session.said());

    // A rule of `develop.watch`: copied, and the container restarted.
    edit(&sandbox, "worker/worker.sh", "worker: ready", "worker: at your service");
    let restarted = engine.until_container("worker", "is restarted", &mut session, |it| {
        it.started_at != worker.started_at && engine.logs(it).contains("worker: at your service")
    });
    assert_eq!(restarted.id, worker.id, "{}", session.said());

    // A bad edit harms nothing.
    edit(&sandbox, "web/Dockerfile", "RUN render", "RUM render");
    session.wait_until("the error in the Dockerfile", |line| line.contains("RUM"));
    until_page(&engine, &mut session, "Good evening!");
    edit(&sandbox, "web/Dockerfile", "RUM render", "RUN render && echo mended >/srv/mended");
    engine.until_container("web", "is mended", &mut session, |it| engine.file_in(it, "/srv/mended").is_some());
    until_page(&engine, &mut session, "Good evening!");
    session.interrupt().expect_code(0);
}

fn label(container: &Container) -> String {
    container.labels["com.docker.compose.service"].clone()
}

#[test]
fn what_is_killed_by_hand_is_put_back_and_what_runs_is_adopted() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = shop(&engine);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_open(&engine, &sandbox, &mut session);
    let prices = service(&engine, "prices");
    engine.kill(&prices);
    session.wait_until("the word that the container ended", |line| line.contains("prices │") && line.contains('▸'));
    engine.until_container("prices", "is healthy again", &mut session, |it| {
        it.health == "healthy" && it.started_at != prices.started_at
    });
    let worker = service(&engine, "worker");
    engine.remove(&worker);
    session.wait_until("the repair", |line| line.contains("worker │ ▸ repair"));
    engine.until_container("worker", "is back", &mut session, |it| it.is_running() && it.id != worker.id);
    until_page(&engine, &mut session, "<li>tea, 2.50</li>");
    until_at_rest(&engine, &sandbox, &mut session);
    session.interrupt().expect_code(0);

    // `check` ran for containers that were put back since: it runs once more, and nothing else is touched.
    let but_check = || engine.containers().into_iter().filter(|it| label(it) != "check").collect::<Vec<_>>();
    let before: Vec<_> = but_check().iter().map(Container::identity).collect();
    let check = service(&engine, "check");
    let belongings = engine.belongings();
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("check", "ran again", &mut session, |it| {
        it.id == check.id && it.started_at != check.started_at
    });
    session.wait_until("what it says", |line| line.contains("check │ check: all is well"));
    until_at_rest(&engine, &sandbox, &mut session);
    session.interrupt().expect_code(0);
    assert_eq!(but_check().iter().map(Container::identity).collect::<Vec<_>>(), before);
    assert_eq!(engine.belongings(), belongings);

    let before: Vec<_> = engine.containers().iter().map(Container::identity).collect();
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    let rows = status(&sandbox);
    session.interrupt().expect_code(0);
    assert_eq!(engine.containers().iter().map(Container::identity).collect::<Vec<_>>(), before, "{rows:#}");
    assert_eq!(engine.belongings(), belongings);
}

#[test]
fn it_passes_ci_twice_and_is_taken_down() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = shop(&engine);
    let first = sandbox.orch(&["ci"]).expect_code(0);
    assert!(first.all().contains("check: all is well"), "{}", first.all());
    let before: Vec<_> = SERVERS.iter().map(|name| service(&engine, name).identity()).collect();
    let second = sandbox.orch(&["ci"]).expect_code(0);
    let after: Vec<_> = SERVERS.iter().map(|name| service(&engine, name).identity()).collect();
    assert_eq!(after, before, "{}", second.all());

    sandbox.orch(&["down"]).expect_code(0);
    let left = engine.belongings();
    assert!(!left.iter().any(|it| it.starts_with("container") || it.starts_with("network")), "{left:?}");
    assert!(left.iter().any(|it| it.starts_with("volume")), "the tables went with it: {left:?}");
    sandbox.orch(&["down", "--volumes"]).expect_code(0);
    let left = engine.belongings();
    assert!(left.iter().all(|it| it.starts_with("image")), "{left:?}");
}
