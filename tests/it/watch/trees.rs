//! Folders that come, go and move below a watched one.

use super::{World, changed};
use orch::host::watch::WatchNews;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

fn world() -> World {
    let mut world = World::new();
    world.folder("src");
    world.watch(&["src"]);
    world
}

#[test]
fn new_trees_lose_nothing() {
    let mut world = world();
    let files: Vec<String> = (0..300).map(|n| format!("src/{n}/x/y/file")).collect();
    files.iter().for_each(|file| drop(world.write(file, "new")));
    world.wait_changed(&files);
    files.iter().for_each(|file| drop(world.write(file, "again")));
    world.wait_changed(&files);
}

#[test]
fn a_folder_moved_away_takes_its_files_and_its_watches() {
    let mut world = world();
    world.write("src/d/e/a", "1");
    world.write("src/d/b", "1");
    world.expect("src", &["src/d/e/a", "src/d/b"]);
    let watches = world.watcher.watches();
    fs::rename(world.path("src/d"), world.path("gone")).unwrap();
    world.expect("src", &["src/d/e/a", "src/d/b"]);
    world.write("gone/b", "2");
    assert_eq!(world.rest("src"), BTreeSet::new());
    assert_eq!(world.watcher.watches(), watches - 2);
}

#[test]
fn a_folder_moved_in_brings_its_files() {
    let mut world = world();
    world.write("new/e/a", "1");
    world.write("new/b", "1");
    fs::rename(world.path("new"), world.path("src/d")).unwrap();
    world.expect("src", &["src/d/e/a", "src/d/b"]);
    world.write("src/d/e/a", "2");
    world.expect("src", &["src/d/e/a"]);
}

#[test]
fn a_folder_renamed_within_is_both() {
    let mut world = world();
    world.write("src/d/e/a", "1");
    world.expect("src", &["src/d/e/a"]);
    for round in 0..50 {
        let (from, to) = if round % 2 == 0 { ("src/d", "src/f") } else { ("src/f", "src/d") };
        fs::rename(world.path(from), world.path(to)).unwrap();
        let (old, new) = (format!("{from}/e/a"), format!("{to}/e/a"));
        world.expect("src", &[&old, &new]);
        world.write(&new, "again");
        world.expect("src", &[&new]);
    }
}

#[test]
fn folders_that_trade_places_stay_watched() {
    let mut world = world();
    world.write("src/d/a", "1");
    world.write("src/e/b", "1");
    world.wait_changed(&["src/d/a", "src/e/b"]);
    for _ in 0..50 {
        fs::rename(world.path("src/d"), world.path("src/t")).unwrap();
        fs::rename(world.path("src/e"), world.path("src/d")).unwrap();
        fs::rename(world.path("src/t"), world.path("src/e")).unwrap();
    }
    world.rest("src");
    world.write("src/d/a", "2");
    world.write("src/e/b", "2");
    world.expect("src", &["src/d/a", "src/e/b"]);
}

#[test]
fn a_removed_folder_tells_of_its_files_and_may_come_back() {
    let mut world = world();
    for _ in 0..20 {
        world.write("src/d/e/a", "1");
        world.expect("src", &["src/d/e/a"]);
        fs::remove_dir_all(world.path("src/d")).unwrap();
        world.expect("src", &["src/d/e/a"]);
    }
}

#[test]
fn folders_made_and_removed_at_once_are_watched_in_the_end() {
    let mut world = world();
    for _ in 0..200 {
        world.write("src/d/e/a", "1");
        fs::remove_dir_all(world.path("src/d")).unwrap();
    }
    world.write("src/d/e/a", "last");
    world.rest("src");
    world.write("src/d/e/b", "1");
    world.expect("src", &["src/d/e/b"]);
}

#[test]
fn a_burst_loses_nothing() {
    let mut world = world();
    let files: Vec<PathBuf> = (0..20_000).map(|n| PathBuf::from(format!("src/{}/f{n}", n % 200))).collect();
    for file in &files {
        world.write(file, "1");
    }
    assert_eq!(world.wait_changed(&files).len(), files.len());
    for file in &files {
        // Without truncating, for which some file systems wait for the disk.
        OpenOptions::new().append(true).open(world.folder.path().join(file)).unwrap().write_all(b"2").unwrap();
    }
    assert_eq!(world.wait_changed(&files).len(), files.len());
}

#[test]
fn what_is_ignored_is_neither_watched_nor_told() {
    let mut world = World::new();
    for name in ["src/a", "src/node_modules/x/y/b", "src/.git/objects/c", "src/build/out/d", "src/keep/build/e"] {
        world.write(name, "1");
    }
    world.watch_ignoring("src", &["**/node_modules", "build", "*.log"]);
    // The root, what leads to it (two folders at least), and `keep/build`.
    let outside = world.path("src").components().count() - 3;
    assert_eq!(world.watcher.watches(), outside + 3);
    for name in ["src/node_modules/x/y/b", "src/.git/objects/c", "src/build/out/d", "src/x.log", "src/build/new/z"] {
        world.write(name, "2");
    }
    assert_eq!(world.rest("src"), BTreeSet::new());
    assert_eq!(world.watcher.watches(), outside + 3);
    world.write("src/keep/build/e", "2");
    world.wait_changed(&["src/keep/build/e"]);
}

#[test]
fn what_is_kept_below_an_ignored_folder_is_told() {
    let mut world = World::new();
    world.write("src/gen/keep/a", "1");
    world.write("src/gen/drop/b", "1");
    world.watch_ignoring("src", &["gen", "!gen/keep"]);
    world.write("src/gen/drop/b", "2");
    world.write("src/gen/keep/a", "2");
    assert_eq!(world.rest("src"), BTreeSet::from([world.path("src/gen/keep/a")]));
}

#[test]
fn names_that_are_no_text_are_told() {
    let mut world = world();
    let name = Path::new("src").join(OsStr::from_bytes(b"d\xff\xfe")).join(OsStr::from_bytes(b"\x80 file\n"));
    world.write(&name, "1");
    assert!(world.rest("src").contains(&world.path(&name)));
    world.write(&name, "2");
    world.wait_changed(&[&name]);
}

#[test]
fn links_to_folders_are_not_followed() {
    let mut world = world();
    world.write("other/a", "1");
    symlink(world.path("other"), world.path("src/link")).unwrap();
    world.expect("src", &["src/link"]);
    world.write("other/a", "2");
    assert_eq!(world.rest("src"), BTreeSet::new());
}

#[test]
fn a_look_again_tells_of_nothing_old() {
    let mut world = world();
    world.write("src/d/a", "1");
    world.expect("src", &["src/d/a"]);
    let watches = world.watcher.watches();
    world.watcher.rescan();
    world.write("src/d/b", "1");
    let told = world.wait_for(|told| changed(told).iter().any(|path| path.ends_with("src/d/b")));
    assert!(told.iter().all(|news| matches!(news, WatchNews::Changed(_))));
    world.write("src/d/a", "2");
    world.wait_changed(&["src/d/a"]);
    assert_eq!(world.watcher.watches(), watches);
}
