//! Digests of real files.

use orch::{
    host::files::Files,
    model::{Digest, FilePath, FileSet, IgnoreRule, KnownFile},
};
use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

/// No test takes this long unless what it waits for does not come.
const DEADLINE: Duration = Duration::from_secs(30);

struct World {
    folder: TempDir,
    files: Files,
}

impl World {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), files: Files::new(std::iter::empty()) }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: impl AsRef<Path>) -> FilePath {
        FilePath::new(self.path(name))
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) -> FilePath {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        FilePath::new(path)
    }

    fn digest(&self, name: &str) -> Option<Digest> {
        let path = self.file(name);
        let digests = self.files.take_digests(vec![path.clone()]);
        let [(told, digest)] = digests.as_slice() else { panic!("{digests:?}") };
        assert_eq!(*told, path);
        *digest
    }

    fn set(&self, roots: &[&str]) -> FileSet {
        FileSet::of(roots.iter().map(|root| self.file(root)).collect())
    }

    /// The files of a set by their names, in the order told.
    fn names(&self, set: &FileSet) -> Vec<String> {
        let taken = self.files.take_set(set, None);
        let name = |path: &FilePath| path.display_from(&FilePath::new(self.folder.path()));
        taken.iter().map(|file| name(&file.path)).collect()
    }

    /// Takes digests until the one of `name` is kept, which it is once the file is older than a tick of the clock.
    fn keep(&self, name: &str) -> KnownFile {
        let deadline = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < deadline, "it is never kept");
            self.digest(name);
            let learnt = self.files.drain_changed().learnt;
            if let Some(known) = learnt.into_iter().find(|known| known.path == self.file(name)) {
                return known;
            }
        }
    }
}

#[test]
fn a_file_has_the_digest_of_its_content() {
    let world = World::new();
    world.write("a", "content");
    let big = "x".repeat(1_000_000);
    world.write("big", &big);
    assert_eq!(world.digest("a"), Some(Digest::of(b"content")));
    assert_eq!(world.digest("big"), Some(Digest::of(big.as_bytes())));
    assert_eq!(world.digest("none"), None);
    assert_eq!(world.digest("a/below-a-file"), None);
}

#[test]
fn answers_are_in_the_order_of_the_question() {
    let world = World::new();
    let paths: Vec<FilePath> = (0..500).rev().map(|n| world.write(format!("{}/{n}", n % 7), &n.to_string())).collect();
    for _ in 0..2 {
        let digests = world.files.take_digests(paths.clone());
        let expected = (0..500).rev().map(|n: i32| Some(Digest::of(n.to_string().as_bytes())));
        assert!(digests.iter().map(|(_, digest)| *digest).eq(expected));
        assert!(digests.iter().map(|(path, _)| path).eq(&paths));
    }
}

#[test]
fn links_count_by_what_is_behind_them_or_by_their_text() {
    let world = World::new();
    world.write("file", "content");
    fs::create_dir(world.path("folder")).unwrap();
    for (target, name) in
        [("file", "to-file"), ("to-file", "to-link"), ("folder", "to-folder"), ("nowhere", "dangling")]
    {
        symlink(target, world.path(name)).unwrap();
    }
    symlink("loop", world.path("loop")).unwrap();
    assert_eq!(world.digest("to-file"), Some(Digest::of(b"content")));
    assert_eq!(world.digest("to-link"), Some(Digest::of(b"content")));
    let (to_folder, dangling) = (world.digest("to-folder").unwrap(), world.digest("dangling").unwrap());
    assert_ne!(to_folder, dangling);
    assert!(world.digest("loop").is_some());
    fs::remove_file(world.path("dangling")).unwrap();
    symlink("elsewhere", world.path("dangling")).unwrap();
    assert_ne!(world.digest("dangling"), Some(dangling));
    world.write("file", "other");
    assert_eq!(world.digest("to-link"), Some(Digest::of(b"other")));
}

#[test]
fn other_kinds_count_by_their_kind_and_are_never_opened() {
    let world = World::new();
    fs::create_dir(world.path("folder")).unwrap();
    nix::unistd::mkfifo(&world.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _listener = UnixListener::bind(world.path("socket")).unwrap();
    let kinds = ["folder", "fifo", "socket"].map(|name| world.digest(name).unwrap());
    assert!(kinds[0] != kinds[1] && kinds[1] != kinds[2] && kinds[0] != kinds[2]);
    assert_eq!(world.names(&world.set(&["."])), ["fifo", "socket"]);
}

#[test]
fn what_cannot_be_read_counts_as_something_stable() {
    let world = World::new();
    // Reading it fails for everybody, the superuser included.
    symlink("/proc/self/mem", world.path("unreadable")).unwrap();
    let digest = world.digest("unreadable");
    assert!(digest.is_some());
    assert_eq!(world.digest("unreadable"), digest);
}

#[test]
fn a_touch_leaves_the_digest_as_it_was_and_so_does_a_mode_without_execution() {
    let world = World::new();
    world.write("a", "content");
    let known = world.keep("a");
    File::options().write(true).open(world.path("a")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    fs::set_permissions(world.path("a"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.digest("a"), Some(known.digest));
    let again = world.keep("a");
    assert_eq!(again.digest, known.digest);
    assert_ne!(again, known);
}

#[test]
fn a_file_that_may_be_executed_is_another() {
    let world = World::new();
    world.write("a", "content");
    let plain = world.digest("a");
    fs::set_permissions(world.path("a"), Permissions::from_mode(0o755)).unwrap();
    assert_ne!(world.digest("a"), plain);
    fs::set_permissions(world.path("a"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(world.digest("a"), plain);
}

#[test]
fn a_write_of_the_same_size_right_after_a_look_is_seen() {
    let world = World::new();
    world.write("a", "");
    let file = File::options().write(true).open(world.path("a")).unwrap();
    for round in 0..2000 {
        let text = format!("{round:08}");
        file.write_all_at(text.as_bytes(), 0).unwrap();
        assert_eq!(world.digest("a"), Some(Digest::of(text.as_bytes())), "in round {round}");
    }
}

#[test]
fn a_digest_is_kept_only_of_a_file_that_is_clearly_older_than_the_look() {
    let world = World::new();
    for round in 0..200 {
        world.write(format!("{round}"), "1");
        world.digest(&format!("{round}"));
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        for known in world.files.drain_changed().learnt {
            let changed = Duration::from_nanos(known.ctime_ns.cast_unsigned());
            assert!(after.saturating_sub(changed) > Duration::from_millis(20), "written within a tick of the clock");
        }
    }
}

#[test]
fn a_known_file_is_not_read_again() {
    let world = World::new();
    world.write("d/a", "content");
    let known = world.keep("d/a");
    let wrong = KnownFile { digest: Digest::of(b"another"), ..known.clone() };
    let files = Files::new([wrong.clone()].into_iter());
    assert_eq!(files.take_digests(vec![known.path.clone()])[0].1, Some(wrong.digest));
    assert_eq!(files.take_set(&world.set(&["d"]), None)[0].digest, wrong.digest);
    for differs in [
        KnownFile { mtime_ns: wrong.mtime_ns + 1, ..wrong.clone() },
        KnownFile { ctime_ns: wrong.ctime_ns + 1, ..wrong.clone() },
        KnownFile { size: wrong.size + 1, ..wrong.clone() },
        KnownFile { inode: wrong.inode + 1, ..wrong.clone() },
    ] {
        let files = Files::new([differs].into_iter());
        assert_eq!(files.take_digests(vec![known.path.clone()])[0].1, Some(known.digest));
    }
}

#[test]
fn what_is_learnt_and_what_is_gone_is_handed_on_once() {
    let world = World::new();
    for name in ["d/a", "d/b", "e/c"] {
        world.write(name, name);
        world.keep(name);
    }
    assert_eq!(world.files.drain_changed(), orch::host::files::KnownChanges::default());
    fs::remove_file(world.path("d/a")).unwrap();
    fs::remove_dir_all(world.path("e")).unwrap();
    assert_eq!(world.digest("d/a"), None);
    assert_eq!(world.files.drain_changed().forgotten, [world.file("d/a")]);
    fs::remove_file(world.path("d/b")).unwrap();
    world.write("d/new", "new");
    assert_eq!(world.names(&world.set(&["."])), ["d/new"]);
    assert_eq!(world.files.drain_changed().forgotten, [world.file("d/b"), world.file("e/c")]);
    world.write("d/b", "again");
    let learnt = world.keep("d/b");
    assert_eq!(learnt.digest, Digest::of(b"again"));
}

#[test]
fn what_a_set_ignores_stays_known() {
    let world = World::new();
    world.write("d/a", "1");
    world.write("d/skip/b", "1");
    world.keep("d/skip/b");
    let ignore = vec![Arc::new(IgnoreRule::new(world.file("d"), vec!["skip".to_owned()]))];
    let set = FileSet { roots: vec![world.file("d")], ignore };
    assert_eq!(world.names(&set), ["d/a"]);
    assert!(world.files.drain_changed().forgotten.is_empty());
}

#[test]
fn a_set_is_sorted_by_path_and_holds_each_file_once() {
    let world = World::new();
    for name in ["a/b/c", "a/b.x", "a/b-x/d", "a/b0", "a.b/e", "a/.git/f", "a/.git/g/h", "a/x~", "solo", "a/z/y/x/w"] {
        world.write(name, name);
    }
    let sorted = |mut names: Vec<String>| {
        names.sort_by_key(|name| world.file(name));
        names
    };
    let names = world.names(&world.set(&["a", "a.b", "none"]));
    assert_eq!(names, sorted(names.clone()));
    assert_eq!(names.len(), 6, "{names:?}");
    let names = world.names(&world.set(&["solo", "a/b", "a", "a/.git/g", "a/b0", "a"]));
    assert_eq!(names, sorted(names.clone()));
    assert_eq!(names.len(), 7, "{names:?}");
    assert!(names.contains(&"a/.git/g/h".to_owned()) && !names.contains(&"a/.git/f".to_owned()));
}

#[test]
fn a_set_holds_what_it_contains() {
    let world = World::new();
    let mut all = Vec::new();
    for n in 0..3000 {
        let name = format!("src/{}/{}/{n}.{}", n % 40, n % 3, ["rs", "log", "md"][n % 7 % 3]);
        all.push(world.write(&name, &n.to_string()));
    }
    let patterns = ["**/*.log", "!7/**/*.log", "1?", "*/2"].map(str::to_owned).to_vec();
    let ignore = vec![Arc::new(IgnoreRule::new(world.file("src"), patterns))];
    let set = FileSet { roots: vec![world.file("src"), world.file("src/11/2")], ignore };
    let mut expected: Vec<FilePath> = all.into_iter().filter(|file| set.contains(file)).collect();
    expected.sort();
    for _ in 0..2 {
        let taken: Vec<FilePath> = world.files.take_set(&set, None).into_iter().map(|file| file.path).collect();
        assert_eq!(taken, expected);
    }
}

#[test]
fn links_to_folders_are_files_of_a_set_and_roots_are_followed() {
    let world = World::new();
    world.write("real/a", "1");
    fs::create_dir(world.path("src")).unwrap();
    symlink("../real", world.path("src/link")).unwrap();
    assert_eq!(world.names(&world.set(&["src"])), ["src/link"]);
    assert_eq!(world.names(&world.set(&["src/link"])), ["src/link/a"]);
}

#[test]
fn names_that_are_no_text_are_taken() {
    let world = World::new();
    let file = world.write(Path::new("d").join(OsStr::from_bytes(b"\xff\n")), "1");
    let taken = world.files.take_set(&world.set(&["d"]), None);
    assert_eq!(taken[0].path, file);
    assert_eq!(taken[0].digest, Digest::of(b"1"));
}

#[test]
fn a_file_is_unchanged_if_it_is_surely_older_than_the_moment() {
    let world = World::new();
    world.write("a", "1");
    let written = world.path("a").metadata().unwrap().modified().unwrap();
    let unchanged = |since: Option<SystemTime>| world.files.take_set(&world.set(&["a"]), since)[0].unchanged;
    assert!(unchanged(None));
    assert!(unchanged(Some(written + Duration::from_secs(1))));
    assert!(!unchanged(Some(written)));
    assert!(!unchanged(Some(written + Duration::from_millis(5))), "the clock of files is coarse");
    File::options().write(true).open(world.path("a")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert!(!unchanged(Some(written)), "an old mtime proves nothing");
}
