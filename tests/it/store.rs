//! The store: what is recorded is found again, whatever happened to the file.

use orch::{
    model::{Digest, FilePath, InstanceId, KnownFile, ResourceName, RunId, SetDigest, Success},
    store::Store,
};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn success(text: &str) -> Success {
    let outputs = SetDigest::of([(&FilePath::new("/out"), Digest::of(text.as_bytes()))]);
    Success { fingerprint: Digest::of(text.as_bytes()), outputs }
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

#[expect(dead_code)]
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
