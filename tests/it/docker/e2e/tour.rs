//! What newcomers copy from: the container part of `Orchfile.example`, and `examples/containers`.

use super::{copy_folder, edit, page, until_at_rest};
use crate::docker::Engine;
use std::{fs, path::Path};

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_feature_of_containers_in_one_file_passes_ci() {
    let Some(engine) = Engine::shared() else { return };
    let tour = engine.sandbox("");
    let text = fs::read_to_string(repository("Orchfile.example")).unwrap();
    let text = text.replace("example/", &format!("{}/", engine.id())).replace("example-", &engine.name(""));
    tour.write("Orchfile", &text);
    copy_folder(&repository("examples/quickstart"), &tour.path("examples/quickstart"));
    let arguments = ["--", "--docker", "--base", &Engine::base()];
    let said = tour.orch(&[&["ci"][..], &arguments].concat()).expect_code(0).all();
    assert!(!said.contains("a token for the example"), "a secret in:\n{said}");
    let pages = engine.container("pages").unwrap();
    assert!(page(&pages, 80, "/page.template").is_some(), "{}", engine.said());
    tour.orch(&[&["down", "--volumes"][..], &arguments].concat()).expect_code(0);
    let left = engine.belongings();
    assert!(left.iter().all(|it| it.starts_with("image")), "{left:?}");
}

#[test]
fn two_containers_share_a_volume_that_outlives_them() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("").env("EXAMPLE_BASE", &Engine::base());
    copy_folder(&repository("examples/containers"), &sandbox.root());
    edit(&sandbox, "Orchfile", "example-", &engine.name("example-"));
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    let (counter, server) = (engine.container("counter").unwrap(), engine.container("page").unwrap());
    assert!(page(&server, 80, "/cgi-bin/page").unwrap().starts_with("It is "), "{}", engine.said());
    edit(&sandbox, "page/cgi-bin/page", "It is", "Now it is");
    engine.until("the new page", &mut session, |_| {
        page(&server, 80, "/cgi-bin/page").filter(|page| page.starts_with("Now it is "))
    });
    edit(&sandbox, "counter/count.sh", "goes on", "went on");
    let replaced = engine.until_container("counter", "counts on", &mut session, |it| {
        it.id != counter.id && engine.logs(it).contains("went on from ")
    });
    assert!(!engine.logs(&replaced).contains("went on from 0"), "{}", engine.logs(&replaced));
    until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.container("page").unwrap().identity(), server.identity(), "{}", session.said());
    session.interrupt().expect_code(0);
}
