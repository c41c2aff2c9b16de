//! The ways in which editors and tools write a file.

use super::World;
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    time::SystemTime,
};

/// A watched folder with a file in it.
fn world() -> World {
    let mut world = World::new();
    world.write("src/a", "before");
    world.watch(&["src"]);
    world
}

/// Checks that `act` makes the watcher tell of exactly these.
#[track_caller]
fn check(act: impl FnOnce(&World), told: &[&str]) {
    let mut world = world();
    act(&world);
    let expected: BTreeSet<PathBuf> = told.iter().map(|name| world.path(name)).collect();
    assert_eq!(world.rest("src"), expected);
}

#[test]
fn truncate_and_write() {
    check(|world| drop(world.write("src/a", "after")), &["src/a"]);
}

#[test]
fn append() {
    let append = |world: &World| {
        OpenOptions::new().append(true).open(world.path("src/a")).unwrap().write_all(b"more").unwrap();
    };
    check(append, &["src/a"]);
}

#[test]
fn rename_over_from_the_same_folder() {
    let save = |world: &World| {
        world.write("src/a.tmp", "after");
        fs::rename(world.path("src/a.tmp"), world.path("src/a")).unwrap();
    };
    check(save, &["src/a", "src/a.tmp"]);
}

#[test]
fn rename_over_from_elsewhere() {
    let save = |world: &World| {
        world.write("elsewhere/a", "after");
        fs::rename(world.path("elsewhere/a"), world.path("src/a")).unwrap();
    };
    check(save, &["src/a"]);
}

#[test]
fn vim() {
    let save = |world: &World| {
        world.write("src/.a.swp", "");
        world.write("src/4913", "");
        fs::remove_file(world.path("src/4913")).unwrap();
        fs::rename(world.path("src/a"), world.path("src/a~")).unwrap();
        world.write("src/a", "after");
        fs::remove_file(world.path("src/a~")).unwrap();
        fs::remove_file(world.path("src/.a.swp")).unwrap();
    };
    check(save, &["src/a"]);
}

#[test]
fn jetbrains() {
    let save = |world: &World| {
        world.write("src/a___jb_tmp___", "after");
        fs::rename(world.path("src/a"), world.path("src/a___jb_old___")).unwrap();
        fs::rename(world.path("src/a___jb_tmp___"), world.path("src/a")).unwrap();
        fs::remove_file(world.path("src/a___jb_old___")).unwrap();
    };
    check(save, &["src/a"]);
}

#[test]
fn emacs() {
    let save = |world: &World| {
        symlink("user@host.1", world.path("src/.#a")).unwrap();
        world.write("src/#a#", "autosaved");
        world.write("src/a", "after");
        fs::remove_file(world.path("src/#a#")).unwrap();
        fs::remove_file(world.path("src/.#a")).unwrap();
    };
    check(save, &["src/a"]);
}

#[test]
fn saves_again_and_again_are_all_told() {
    let mut world = world();
    for round in 0..20 {
        world.write("src/a.new", &format!("{round}"));
        fs::rename(world.path("src/a.new"), world.path("src/a")).unwrap();
        world.wait_changed(&["src/a"]);
    }
}

#[test]
fn touch_and_chmod_are_told() {
    let touch = |world: &World| {
        File::options().write(true).open(world.path("src/a")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    check(touch, &["src/a"]);
    let chmod = |world: &World| fs::set_permissions(world.path("src/a"), Permissions::from_mode(0o755)).unwrap();
    check(chmod, &["src/a"]);
}

#[test]
fn reading_is_not_told() {
    check(|world| drop(fs::read(world.path("src/a")).unwrap()), &[]);
}

#[test]
fn the_end_of_writing_is_told() {
    let mut world = world();
    let file = OpenOptions::new().write(true).open(world.path("src/a")).unwrap();
    assert_eq!(world.rest("src"), BTreeSet::new());
    // What a mapping wrote is told by nothing else.
    drop(file);
    world.wait_changed(&["src/a"]);
}

#[test]
fn removal_and_links_are_told() {
    check(|world| fs::remove_file(world.path("src/a")).unwrap(), &["src/a"]);
    check(|world| symlink("nowhere", world.path("src/link")).unwrap(), &["src/link"]);
    check(|world| fs::hard_link(world.path("src/a"), world.path("src/b")).unwrap(), &["src/b"]);
}
