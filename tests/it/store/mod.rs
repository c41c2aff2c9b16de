//! The store: what is recorded is found again, whatever happened to the file.

mod docker;

use orch::{
    model::{Digest, FilePath, InstanceId, KnownFile, ResourceName, RunId, SetDigest, Success},
    store::Store,
};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn success(text: &str) -> Success {
    let outputs = SetDigest::of([(&FilePath::new("/out"), Digest::of(text.as_bytes()))]);
    Success { fingerprint: Digest::of(text.as_bytes()), outputs, objects: Vec::new() }
}

fn known(number: u64) -> KnownFile {
    KnownFile {
        path: FilePath::new(format!("/project/src/module-{}/file-{number}.rs", number % 100)),
        mtime_ns: 1_800_000_000_000_000_000 + number.cast_signed(),
        ctime_ns: -1,
        size: number,
        inode: u64::MAX - number,
        digest: Digest::of(&number.to_le_bytes()),
    }
}

/// Opens a store that is expected to be in order.
fn open(dir: &Path) -> Store {
    let (store, notes) = Store::open(dir).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    store
}

fn all_known(store: &Store) -> BTreeMap<FilePath, KnownFile> {
    store.known_files().map(|file| (file.path.clone(), file)).collect()
}

fn files_in(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn what_is_recorded_is_found_by_the_next_session() {
    let dir = tempfile::tempdir().unwrap();
    let orch = dir.path().join("project/.orch");
    let store = open(&orch);
    assert!(store.successes().is_empty() && store.session().unwrap().is_none());
    store.remember(&name("api"), &success("one"));
    store.remember(&name("api"), &success("two"));
    store.remember(&name("web"), &success("web"));
    store.save_rows(vec![(name("api"), "{1}".into()), (name("web"), "{2}".into())], Vec::new());
    store.save_rows(vec![(name("api"), "{3}".into())], vec![name("web")]);
    store.save_session("first".into());
    store.save_session("second".into());
    (1..=25).for_each(|run| store.record_run(&name("api"), RunId(run), format!("run {run}")));
    store.record_run(&name("web"), RunId(26), "web".into());
    store.forget(&name("web")).unwrap();
    store.close();

    let store = open(&orch);
    assert_eq!(store.successes(), BTreeMap::from([(name("api"), success("two"))]));
    assert_eq!(store.rows().unwrap(), BTreeMap::from([(name("api"), "{3}".to_owned())]));
    assert_eq!(store.session().unwrap().as_deref(), Some("second"));
    let runs: Vec<String> = (6..=25).rev().map(|run| format!("run {run}")).collect();
    assert_eq!(store.runs(&name("api")).unwrap(), runs);
    assert_eq!(store.runs(&name("web")).unwrap(), ["web"]);
    assert_eq!(fs::read_to_string(orch.join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn known_files_come_back_byte_for_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let odd = KnownFile { path: FilePath::new(OsStr::from_bytes(b"/odd/\xff\n")), ..known(0) };
    let mut files: Vec<KnownFile> = (1..5000).map(known).collect();
    files.push(odd);
    store.save_known_files(files.clone(), Vec::new());
    let removed = files.pop().unwrap();
    files[7].digest = Digest::of(b"newer");
    store.save_known_files(vec![files[7].clone()], vec![removed.path]);
    store.flush().unwrap();
    let expected: BTreeMap<FilePath, KnownFile> = files.into_iter().map(|file| (file.path.clone(), file)).collect();
    assert_eq!(all_known(&store), expected);
    drop(store);
    assert_eq!(all_known(&open(dir.path())), expected);
}

#[test]
fn two_sessions_never_share_an_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut free = (RunId(1), InstanceId(1));
    for used in [0, 1, 10, 1000] {
        let store = open(dir.path());
        assert_eq!(store.next_ids(), free, "a session that ends well leaves no gap");
        for _ in 0..used {
            store.use_run(free.0).unwrap();
            store.use_instance(free.1).unwrap();
            free = (free.0.next(), free.1.next());
        }
    }
}

#[test]
fn what_was_acknowledged_survives_the_death_of_orch() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.remember(&name("api"), &success("old"));
    store.remember(&name("web"), &success("old"));
    drop(store);
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::forget_and_die", "--ignored"])
        .env("ORCH_TEST_DIR", dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    let store = open(dir.path());
    assert_eq!(store.successes(), BTreeMap::from([(name("web"), success("old"))]));
    let (run, instance) = store.next_ids();
    assert!(run > RunId(100) && instance > InstanceId(7), "{run:?} {instance:?}");
    assert!(run < RunId(300), "a kill costs few numbers: {run:?}");
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn forget_and_die() {
    let store = open(Path::new(&std::env::var_os("ORCH_TEST_DIR").unwrap()));
    (1..=100).for_each(|run| store.use_run(RunId(run)).unwrap());
    store.use_instance(InstanceId(7)).unwrap();
    store.forget(&name("api")).unwrap();
    std::process::abort();
}

/// A store with some content, closed, all of it in the one file.
fn filled(dir: &Path) {
    let store = open(dir);
    store.remember(&name("api"), &success("api"));
    store.save_known_files((0..2000).map(known).collect(), Vec::new());
    store.close();
    let connection = rusqlite::Connection::open(dir.join("store.sqlite")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_set_aside() {
    for (garbage, times) in [(&b"this is no database, and not a short text either"[..], 1), (&[0x00; 5000][..], 2)] {
        let dir = tempfile::tempdir().unwrap();
        for time in 1..=times {
            fs::write(dir.path().join("store.sqlite"), garbage).unwrap();
            fs::write(dir.path().join("store.sqlite-wal"), "left behind").unwrap();
            let (store, notes) = Store::open(dir.path()).unwrap();
            assert!(notes[0].contains("is damaged; it was set aside as `store.sqlite.corrupt-"), "{notes:?}");
            store.remember(&name("api"), &success("api"));
            store.flush().unwrap();
            let aside = dir.path().join(format!("store.sqlite.corrupt-{time}"));
            assert_eq!(fs::read(aside).unwrap(), garbage);
        }
        assert_eq!(open(dir.path()).successes().len(), 1);
    }
}

#[test]
fn a_store_that_was_cut_off_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("store.sqlite");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(5000).unwrap();
    let (store, notes) = Store::open(dir.path()).unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(store.successes().is_empty());
}

#[test]
fn damage_that_shows_later_sets_the_store_aside_too() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join("store.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    // The pages of the known files, which are by far the most; the first ones, which opening reads, stay.
    bytes[12 * 4096..length].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let (store, notes) = Store::open(dir.path()).unwrap();
    assert_eq!(notes, [""; 0], "opening does not look at all");
    assert!(store.known_files().count() < 2000);
    store.flush().unwrap();
    assert!(store.notes()[0].contains("is damaged"), "told later");
    store.remember(&name("api"), &success("new"));
    store.save_known_files(vec![known(1)], Vec::new());
    store.flush().unwrap();
    assert_eq!(all_known(&store).len(), 1);
    drop(store);
    assert_eq!(open(dir.path()).successes(), BTreeMap::from([(name("api"), success("new"))]));
}

#[test]
fn newer_and_foreign_files_are_set_aside_by_their_names() {
    for (statement, aside) in [
        ("PRAGMA user_version = 99", "store.sqlite.newer"),
        ("PRAGMA user_version = 0", "store.sqlite.old"),
        ("PRAGMA user_version = -1", "store.sqlite.corrupt-1"),
        ("DROP TABLE successes", "store.sqlite.corrupt-1"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let connection = rusqlite::Connection::open(dir.path().join("store.sqlite")).unwrap();
        connection.execute_batch(statement).unwrap();
        drop(connection);
        let (store, notes) = Store::open(dir.path()).unwrap();
        assert!(notes[0].contains(&format!("set aside as `{aside}")), "{statement}: {notes:?}");
        assert!(store.successes().is_empty());
        let name = files_in(dir.path()).into_iter().find(|name| name.starts_with(aside));
        let kept = rusqlite::Connection::open(dir.path().join(name.unwrap())).unwrap();
        assert_eq!(kept.query_row("SELECT count(*) FROM known_files", [], |row| row.get(0)), Ok(2000));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_in_the_users_words() {
    let dir = tempfile::tempdir().unwrap();
    // Root may write everywhere, but not where a file is in the way.
    fs::write(dir.path().join(".orch"), "").unwrap();
    let failure = Store::open(&dir.path().join(".orch")).map(|_| ()).unwrap_err();
    let expected = format!("the folder `{}` cannot be written: file exists", dir.path().join(".orch").display());
    assert_eq!(failure.message, expected);
    assert!(failure.help.is_some());
}

#[test]
fn verbs_read_while_a_session_writes() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Store::open_read_only(dir.path()).unwrap().is_none());
    let store = open(dir.path());
    let reader = Store::open_read_only(dir.path()).unwrap().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = store.clone();
            std::thread::spawn(move || {
                for run in 0..50 {
                    store.record_run(&name(&format!("r{thread}")), RunId(run), run.to_string());
                    store.forget(&name("api")).unwrap();
                }
            })
        })
        .collect();
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        assert!(reader.runs(&name("r0")).unwrap().len() <= 20);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    for thread in 0..4 {
        assert_eq!(reader.runs(&name(&format!("r{thread}"))).unwrap()[..2], ["49", "48"]);
    }
    assert_eq!(reader.session().unwrap(), None);
    assert!(reader.rows().unwrap().is_empty() && reader.successes().unwrap().is_empty());
}

#[test]
fn reading_says_what_is_wrong_with_a_store() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store.sqlite"), "this is no database, and not a short text either").unwrap();
    let failure = Store::open_read_only(dir.path()).map(|_| ()).unwrap_err();
    assert!(failure.message.ends_with("is damaged"), "{failure:?}");
    assert_eq!(files_in(dir.path()), ["store.sqlite"], "reading changes nothing");
}

#[test]
fn after_the_end_nothing_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.close();
    store.remember(&name("api"), &success("api"));
    assert!(store.forget(&name("api")).is_err() && store.runs(&name("api")).is_err());
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        store.flush().unwrap_or_default();
        drop(store);
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(20)).unwrap();
}
