//! Roots of every kind, and how the set of them changes.

use super::{DEADLINE, World, changed};
use orch::{
    host::watch::WatchNews,
    model::{FilePath, FileSet},
};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant, SystemTime},
};

fn set_of(world: &World, name: &str) -> FileSet {
    FileSet::of(vec![FilePath::new(world.path(name))])
}

#[test]
fn a_file_as_root_survives_every_save() {
    let mut world = World::new();
    world.write("conf/a", "1");
    world.write("conf/other", "1");
    world.watch(&["conf/a", "rest"]);
    for round in 0..3 {
        world.write("conf/a", "2");
        world.expect("rest", &["conf/a"]);
        world.write("conf/a.tmp", &format!("{round}"));
        fs::rename(world.path("conf/a.tmp"), world.path("conf/a")).unwrap();
        world.expect("rest", &["conf/a"]);
        fs::remove_file(world.path("conf/a")).unwrap();
        world.expect("rest", &["conf/a"]);
    }
    world.write("conf/other", "2");
    assert_eq!(world.rest("rest"), BTreeSet::new());
}

#[test]
fn a_file_whose_folder_goes_and_comes_back() {
    let mut world = World::new();
    world.write("x/conf/a", "1");
    world.folder("rest");
    world.watch(&["x/conf/a", "rest"]);
    for gone in ["x/conf", "x"] {
        fs::remove_dir_all(world.path(gone)).unwrap();
        world.expect("rest", &["x/conf/a"]);
        world.write("x/conf/a", "2");
        world.expect("rest", &["x/conf/a"]);
        fs::rename(world.path(gone), world.path("aside")).unwrap();
        world.expect("rest", &["x/conf/a"]);
        fs::rename(world.path("aside"), world.path(gone)).unwrap();
        world.expect("rest", &["x/conf/a"]);
    }
}

#[test]
fn a_folder_as_root_may_be_removed_and_made_again() {
    let mut world = World::new();
    world.write("src/d/a", "1");
    world.folder("rest");
    world.watch(&["src", "rest"]);
    for _ in 0..20 {
        fs::remove_dir_all(world.path("src")).unwrap();
        world.expect("rest", &["src/d/a"]);
        world.write("src/d/a", "2");
        world.expect("rest", &["src/d/a"]);
    }
}

#[test]
fn a_root_that_is_not_there_yet_is_seen_when_it_comes() {
    let mut world = World::new();
    world.watch(&["x/y/z/file", "x/y/tree"]);
    world.write("x/unrelated", "1");
    world.write("x/y/z/file", "1");
    world.write("x/y/tree/d/a", "1");
    let told = world.wait_changed(&["x/y/z/file", "x/y/tree/d/a"]);
    assert_eq!(told.len(), 2, "{told:?}");
    fs::remove_dir_all(world.path("x")).unwrap();
    world.wait_changed(&["x/y/z/file", "x/y/tree/d/a"]);
    world.write("x/y/tree/d/b", "1");
    world.wait_changed(&["x/y/tree/d/b"]);
}

#[test]
fn all_folders_above_a_root_may_go() {
    let mut world = World::new();
    world.write("x/a", "1");
    world.watch(&["x/a", "x/b"]);
    fs::remove_dir_all(world.folder.path()).unwrap();
    world.wait_for(|told| changed(told).iter().any(|path| path.ends_with("x/a")));
    fs::create_dir_all(world.folder.path().join("x")).unwrap();
    world.write("x/b", "1");
    world.wait_changed(&["x/b"]);
}

#[test]
fn a_root_that_becomes_a_file_and_a_folder_again() {
    let mut world = World::new();
    world.write("src/a", "1");
    world.folder("rest");
    world.watch(&["src", "rest"]);
    fs::remove_dir_all(world.path("src")).unwrap();
    world.write("src", "a file now");
    world.expect("rest", &["src", "src/a"]);
    fs::remove_file(world.path("src")).unwrap();
    world.write("src/b", "1");
    world.expect("rest", &["src/b"]);
}

#[test]
fn a_root_behind_a_link_is_followed() {
    let mut world = World::new();
    world.write("v1/a", "1");
    world.write("v2/a", "2");
    symlink("v1", world.path("current")).unwrap();
    world.folder("rest");
    world.watch(&["current", "rest"]);
    world.write("v1/a", "3");
    world.expect("rest", &["current/a"]);
    symlink("v2", world.path("next")).unwrap();
    fs::rename(world.path("next"), world.path("current")).unwrap();
    world.expect("rest", &["current/a"]);
    world.write("v2/a", "4");
    world.expect("rest", &["current/a"]);
}

#[test]
fn what_changed_since_is_told_before_established() {
    let mut world = World::new();
    world.write("src/old", "1");
    world.write("src/new", "1");
    let after_old = world.path("src/old").metadata().unwrap().modified().unwrap() + Duration::from_millis(60);
    let deadline = Instant::now() + DEADLINE;
    // Written until the clock of the file system is past the moment.
    while world.path("src/new").metadata().unwrap().modified().unwrap() <= after_old {
        assert!(Instant::now() < deadline);
        world.write("src/new", "2");
    }
    let set = set_of(&world, "src");
    world.watcher.set(
        std::sync::Arc::new(orch::model::WatchSet { sets: vec![std::sync::Arc::new(set)], git_dirs: Vec::new() }),
        after_old,
    );
    let told = world.wait_for(|told| told.contains(&WatchNews::Established));
    assert_eq!(changed(&told), BTreeSet::from([world.path("src/new")]));
    assert_eq!(told.last(), Some(&WatchNews::Established));
}

#[test]
fn what_a_new_set_holds_of_a_watched_folder_is_told_too() {
    let mut world = World::new();
    world.write("src/a.log", "1");
    world.watch_ignoring("src", &["*.log"]);
    let since = SystemTime::UNIX_EPOCH;
    let both = vec![set_of(&world, "src/a.log"), set_of(&world, "other")];
    let set = both.into_iter().map(std::sync::Arc::new).collect();
    world.watcher.set(std::sync::Arc::new(orch::model::WatchSet { sets: set, git_dirs: Vec::new() }), since);
    let told = world.wait_for(|told| told.contains(&WatchNews::Established));
    assert_eq!(changed(&told), BTreeSet::from([world.path("src/a.log")]));
}

#[test]
fn another_set_costs_only_what_differs() {
    let mut world = World::new();
    (0..50).for_each(|n| drop(world.write(format!("big/{n}/a"), "1")));
    world.write("small/a", "1");
    let big = set_of(&world, "big");
    world.watch_sets(vec![big.clone()]);
    let watches = world.watcher.watches();
    let small = set_of(&world, "small");
    // Had it walked the big tree again, it would tell of its files.
    world.watcher.set(
        std::sync::Arc::new(orch::model::WatchSet {
            sets: [&big, &small].into_iter().cloned().map(std::sync::Arc::new).collect(),
            git_dirs: Vec::new(),
        }),
        SystemTime::UNIX_EPOCH,
    );
    let told = world.wait_for(|told| told.contains(&WatchNews::Established));
    assert_eq!(changed(&told), BTreeSet::from([world.path("small/a")]));
    assert_eq!(world.watcher.watches(), watches + 1);
    world.watch_sets(vec![small]);
    assert_eq!(world.watcher.watches(), watches + 1 - 51);
    world.write("big/0/a", "2");
    assert_eq!(world.rest("small"), BTreeSet::new());
    world.watch_sets(Vec::new());
    assert_eq!(world.watcher.watches(), 0);
}

#[test]
fn a_thousand_sets_tell_of_a_path_once() {
    let mut world = World::new();
    world.write("src/a", "1");
    let roots = (0..1000).map(|n| set_of(&world, &format!("src/{n}")));
    let sets = roots.chain([set_of(&world, "src"), set_of(&world, "src"), set_of(&world, "src/a")]).collect();
    world.watch_sets(sets);
    world.write("src/a", "2");
    world.write("src/17/x", "2");
    let told = world.wait_changed(&["src/a", "src/17/x"]);
    assert_eq!(told.len(), 2);
}
