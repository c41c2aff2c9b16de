//! The lock of a repository.

use super::World;
use orch::{
    host::watch::{WatchNews, git_dirs_of},
    model::{FilePath, FileSet, WatchSet},
};
use std::{fs, sync::Arc, time::SystemTime};

fn watch(world: &mut World, git_dirs: Vec<FilePath>) -> Vec<WatchNews> {
    let root = FilePath::new(world.path("repo"));
    let set = WatchSet { sets: vec![Arc::new(FileSet::of(vec![root]))], git_dirs };
    world.watcher.set(Arc::new(set), SystemTime::UNIX_EPOCH);
    world.wait_for(|told| told.contains(&WatchNews::Established))
}

#[test]
fn a_lock_that_comes_and_goes_is_told() {
    let mut world = World::new();
    world.folder("repo/.git/objects");
    let dirs = git_dirs_of([&FilePath::new(world.path("repo/src"))]);
    assert_eq!(dirs, [FilePath::new(world.path("repo/.git"))]);
    watch(&mut world, dirs);
    for _ in 0..5 {
        world.write("repo/.git/index.lock", "");
        world.wait_for(|told| told.contains(&WatchNews::GitLock(true)));
        fs::rename(world.path("repo/.git/index.lock"), world.path("repo/.git/index")).unwrap();
        let told = world.wait_for(|told| told.contains(&WatchNews::GitLock(false)));
        assert_eq!(told, [WatchNews::GitLock(false)], "what lies in `.git` is told of in no other way");
    }
    world.write("repo/.git/index.lock", "");
    world.wait_for(|told| told.contains(&WatchNews::GitLock(true)));
    fs::remove_dir_all(world.path("repo/.git")).unwrap();
    world.wait_for(|told| told.contains(&WatchNews::GitLock(false)));
}

#[test]
fn a_lock_that_is_there_is_told_when_it_is_watched() {
    let mut world = World::new();
    world.write("repo/.git/index.lock", "");
    let dir = FilePath::new(world.path("repo/.git"));
    assert!(watch(&mut world, vec![dir]).contains(&WatchNews::GitLock(true)));
    assert!(watch(&mut world, Vec::new()).contains(&WatchNews::GitLock(false)));
}

#[test]
fn the_repositories_of_paths() {
    let world = World::new();
    for folder in ["a/.git", "a/x/y", "a/sub/.git", "b", "main/.git/worktrees/tree", "tree/src"] {
        world.folder(folder);
    }
    world.write("tree/.git", &format!("gitdir: {}\n", world.path("main/.git/worktrees/tree").display()));
    world.write("b/.git", "gitdir: ../a/.git\n");
    world.write("a/x/.git", "nonsense");
    let dirs_of = |names: &[&str]| {
        let paths: Vec<FilePath> = names.iter().map(|name| FilePath::new(world.path(name))).collect();
        git_dirs_of(&paths)
    };
    let dir = |name: &str| FilePath::new(world.path(name));
    assert_eq!(dirs_of(&["a/x/y/file", "a/z", "a", "a/sub/q"]), [dir("a/.git"), dir("a/sub/.git")]);
    assert_eq!(dirs_of(&["tree/src", "b/not/there"]), [dir("a/.git"), dir("main/.git/worktrees/tree")]);
    assert_eq!(dirs_of(&["elsewhere"]), []);
}
