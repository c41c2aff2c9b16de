//! Builds that are ended, and engines that end in the middle of one.

use super::{Engine, Workshop};
use crate::docker::{Disk, SecondEngine, block_on, until};
use orch::host::docker::build::{BuildFailure, Log, build};
use orch::model::Build;
use std::{fs, sync::mpsc, thread};

/// Whether a process of that command line runs: containers' processes are seen from here.
fn runs(mark: &str) -> bool {
    let commands =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    commands.into_iter().any(|command| {
        let words: Vec<_> = command.split(|byte| *byte == 0).collect();
        words.first() == Some(&&b"sleep"[..]) && words.contains(&mark.as_bytes())
    })
}

/// A number of seconds that is this test's own.
fn own_seconds(engine: &Engine) -> String {
    let digits = |c: char| c.is_ascii_digit();
    let number: String = engine.id().chars().filter(|c| digits(*c)).collect();
    format!("99{number}")
}

#[test]
fn a_build_that_is_dropped_ends_at_the_engine() {
    let Some(engine) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let shop = Workshop::with_builder(&engine, builder);
        let seconds = own_seconds(&engine);
        let recipe = shop.docker_build(&format!("FROM BASE\nLABEL test={}\nRUN sleep {seconds}", engine.id()));
        let order = shop.order(Build::Docker(Box::new(recipe)));
        let (enough, enough_said) = tokio::sync::oneshot::channel::<()>();
        thread::scope(|scope| {
            let ending = scope.spawn(|| {
                block_on(async {
                    let log = Log::new(shop.screen.clone());
                    tokio::select! {
                        ended = build(&shop.tools, &order, &log) => panic!("{ended:?}"),
                        _ = enough_said => {}
                    }
                });
            });
            until("the step", || shop.said(), || runs(&seconds).then_some(()));
            enough.send(()).unwrap();
            ending.join().unwrap();
        });
        until("the end of the step", || shop.said(), || (!runs(&seconds)).then_some(()));
        until(
            "its end without a trace",
            || format!("{:?}", engine.belongings()),
            || engine.containers().is_empty().then_some(()),
        );
    }
}

/// The failure of a build on a second engine that something happens to while a step runs.
fn interrupted(second: &mut SecondEngine, builder: &str, happens: impl FnOnce(&mut SecondEngine)) -> BuildFailure {
    let seconds = own_seconds(second);
    let shop = Workshop::with_builder(second, builder);
    let mut recipe = shop.docker_build(&format!("FROM BASE\nRUN sleep {seconds}"));
    "none".clone_into(&mut recipe.network);
    let order = shop.order(Build::Docker(Box::new(recipe)));
    let (tools, screen) = (shop.tools.clone(), shop.screen.clone());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let built = block_on(build(&tools, &order, &Log::new(screen)));
        ended.send(built).ok();
    });
    until("the step", || shop.said(), || runs(&seconds).then_some(()));
    let folder = shop.folder;
    happens(second);
    let built = until("the end of the build", String::new, || end.try_recv().ok());
    drop(folder);
    built.expect_err("it was built")
}

#[test]
fn an_engine_that_dies_in_a_build_is_lost() {
    let Some(shared) = Engine::shared() else { return };
    for builder in ["1", "0"] {
        let Some(mut second) = SecondEngine::start(&shared, Disk::Any) else { return };
        for end in [SecondEngine::stop, SecondEngine::kill] {
            let failure = interrupted(&mut second, builder, end);
            let BuildFailure::Lost(failure) = failure else { panic!("builder {builder}: {failure:?}") };
            assert!(failure.help.is_some() && failure.message.contains("Docker Engine"), "{failure:?}");
            second.start_again();
        }
    }
}

#[test]
fn a_full_disk_is_not_the_dockerfile_s_fault() {
    let Some(shared) = Engine::shared() else { return };
    let Some(second) = SecondEngine::start(&shared, Disk::Mib(64)) else { return };
    let _filler = second.fill_disk(2048);
    let base = Engine::base();
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&second, builder);
        shop.write("big", &"x".repeat(5 << 20));
        let recipe = shop.docker_build(&format!("FROM {base}\nCOPY big /big"));
        let failure = shop.fails(recipe);
        let BuildFailure::Engine(failure) = failure else { panic!("builder {builder}: {failure:?}") };
        assert_eq!(failure.message, "the disk of the Docker Engine is full");
    }
}

#[test]
fn an_engine_that_is_away_is_lost() {
    let Some(shared) = Engine::shared() else { return };
    let Some(mut second) = SecondEngine::start(&shared, Disk::Any) else { return };
    let connection = Workshop::new(&second).tools.connection.clone();
    second.stop();
    let mut shop = Workshop::new(&shared);
    shop.tools.connection = connection;
    let recipe = shop.docker_build("FROM BASE");
    let failure = shop.fails(recipe);
    let BuildFailure::Lost(failure) = failure else { panic!("{failure:?}") };
    assert!(failure.message.contains("unix://"), "{failure:?}");
}
