//! What happens where the kernel gives no more watches.

use super::World;
use orch::{
    host::watch::{Limits, WatchNews},
    model::Level,
};
use std::{collections::BTreeSet, fs, time::Duration};

/// A watcher that must poll from its `watches_max`th folder on.
fn world(watches_max: usize) -> World {
    World::within(Limits { watches_max, poll_period: Duration::from_millis(5) })
}

#[test]
fn folders_beyond_the_limit_are_polled() {
    let mut world = world(0);
    world.write("src/a", "1");
    world.write("src/d/b", "1");
    world.watch(&["src", "x/file"]);
    world.write("src/a", "22");
    world.wait_changed(&["src/a"]);
    world.write("src/d/e/f/c", "1");
    world.wait_changed(&["src/d/e/f/c"]);
    world.write("src/d/e/f/c", "22");
    world.wait_changed(&["src/d/e/f/c"]);
    fs::rename(world.path("src/d"), world.path("gone")).unwrap();
    world.wait_changed(&["src/d/b", "src/d/e/f/c"]);
    fs::rename(world.path("gone"), world.path("src/g")).unwrap();
    world.wait_changed(&["src/g/b", "src/g/e/f/c"]);
    fs::remove_dir_all(world.path("src")).unwrap();
    world.wait_changed(&["src/a", "src/g/b", "src/g/e/f/c"]);
    world.write("src/a", "1");
    world.write("x/file", "1");
    world.wait_changed(&["src/a", "x/file"]);
    assert_eq!(world.watcher.watches(), 0);
}

#[test]
fn some_watched_and_some_polled_lose_nothing() {
    let mut world = world(7);
    let files: Vec<String> = (0..40).map(|n| format!("src/{}/{n}", n % 10)).collect();
    files.iter().for_each(|file| drop(world.write(file, "1")));
    world.watch(&["src"]);
    assert_eq!(world.watcher.watches(), 7);
    for text in ["22", "333"] {
        files.iter().for_each(|file| drop(world.write(file, text)));
        world.wait_changed(&files);
    }
}

#[test]
fn one_notice_says_how_to_raise_the_limit() {
    let mut world = world(1);
    world.write("src/d/a", "1");
    world.write("other/d/a", "1");
    let sets = ["src", "other"].map(|name| {
        let root = orch::model::FilePath::new(world.path(name));
        std::sync::Arc::new(orch::model::FileSet::of(vec![root]))
    });
    for count in [1, 2] {
        let set = orch::model::WatchSet { sets: sets[..count].to_vec(), git_dirs: Vec::new() };
        world.watcher.set(std::sync::Arc::new(set), std::time::SystemTime::UNIX_EPOCH);
    }
    let established = |told: &[WatchNews]| told.iter().filter(|news| **news == WatchNews::Established).count();
    let told = world.wait_for(|told| established(told) == 2);
    let notices: Vec<&WatchNews> = told.iter().filter(|news| matches!(news, WatchNews::Notice { .. })).collect();
    let [WatchNews::Notice { level: Level::Warning, text }] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(text.contains("sudo sysctl fs.inotify.max_user_watches="), "{text}");
}

#[test]
fn nothing_is_missed_that_the_kernel_did_not_tell() {
    // Neither the kernel nor a poll tells of anything here: what is told, the look after a loss found.
    let mut world = World::within(Limits { watches_max: 0, poll_period: Duration::from_hours(1) });
    for name in ["src/written", "src/removed", "src/d/kept", "src/gone/a", "src/moved/b", "file"] {
        world.write(name, "1");
    }
    world.watch(&["src", "file", "later/x"]);
    world.write("src/written", "2");
    world.write("src/d/new", "1");
    world.write("src/new/e/c", "1");
    world.write("file", "2");
    world.write("later/x/y", "1");
    fs::remove_file(world.path("src/removed")).unwrap();
    fs::remove_dir_all(world.path("src/gone")).unwrap();
    fs::rename(world.path("src/moved"), world.path("src/to")).unwrap();
    world.watcher.rescan();
    let changed = [
        "src/written",
        "src/d/new",
        "src/new/e/c",
        "file",
        "later/x/y",
        "src/removed",
        "src/gone/a",
        "src/moved/b",
        "src/to/b",
    ];
    let told = world.wait_changed(&changed);
    let fresh = BTreeSet::from([world.path("src/d/kept")]);
    let expected: BTreeSet<_> = changed.iter().map(|name| world.path(name)).collect();
    assert!(told.difference(&expected).all(|path| fresh.contains(path)), "{told:?}");
}
