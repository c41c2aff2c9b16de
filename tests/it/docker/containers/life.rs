//! When a container is replaced, when it is left alone, and whose is never touched.

use super::{assert_says, ci, sleeping, web};
use crate::docker::Engine;

#[test]
fn another_definition_replaces_it_and_nothing_else_does() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, first) = web(&engine, "env={'A': '1'}");
    for same in ["env=['A=1'], labels='group'", "env={'A': '1'}, links='http://localhost:1'", "env={'A': str(1)}"] {
        sandbox.write("Orchfile", &sleeping("web", same));
        ci(&engine, &sandbox).expect_code(0);
        assert_eq!(engine.container("web").unwrap().identity(), first.identity(), "{same}");
    }
    let mut before = first;
    for other in ["env={'A': '2'}", "env={'A': '2'}, user='1'", "env={'A': '2'}, user='1', networks='front'"] {
        sandbox.write("Orchfile", &sleeping("web", other));
        ci(&engine, &sandbox).expect_code(0);
        let after = engine.container("web").unwrap();
        assert_ne!(after.id, before.id, "{other}");
        assert_eq!(engine.containers().len(), 1, "{}", engine.said());
        before = after;
    }
}

#[test]
fn a_name_that_somebody_else_has_is_not_taken_from_them() {
    let Some(engine) = Engine::shared() else { return };
    engine.run("web", &["sleep", "1000000"]);
    let theirs = engine.container(&engine.name("web")).unwrap();
    let sandbox = engine.sandbox(&sleeping("web", ""));
    let finished = ci(&engine, &sandbox);
    let name = &theirs.name;
    assert_says(&finished, &[&format!("the container name `{name}` is taken"), &format!("`docker rm -f {name}`")]);
    let after = engine.container(name).unwrap();
    assert_eq!((after.identity(), after.is_running()), (theirs.identity(), true));
    sandbox.orch(&["down", "--project", engine.id()]).expect_code(0);
    assert_eq!(engine.belongings(), [format!("container {name}")]);
}

#[test]
fn one_that_was_paused_or_stopped_by_hand_goes_on() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, first) = web(&engine, "");
    crate::docker::block_on(engine.docker().pause_container(&first.id)).unwrap();
    ci(&engine, &sandbox).expect_code(0);
    let after = engine.container("web").unwrap();
    assert_eq!((after.identity(), after.is_running()), (first.identity(), true), "{after}");
    engine.kill(&after);
    ci(&engine, &sandbox).expect_code(0);
    let after = engine.container("web").unwrap();
    assert_eq!((&after.id, after.is_running()), (&first.id, true), "{after}");
}
