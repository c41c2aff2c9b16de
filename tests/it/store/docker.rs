//! What the store keeps of images and containers.

use super::{filled, known, name, open, success};
use orch::{
    model::{Built, ContainerId, Digest, FilePath, ImageId, ImageKey, ImageRecord, Overlay},
    store::{ReadMark, Store},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

fn at(secs: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

fn id(text: &str) -> ImageId {
    ImageId(format!("sha256:{text}").into())
}

fn record(content: &str, files: u64) -> Arc<ImageRecord> {
    let files = (0..files).map(|number| (known(number).path, Digest::of(&number.to_le_bytes()))).collect();
    Arc::new(ImageRecord {
        fingerprint: Digest::of(content.as_bytes()),
        built: Built { id: Some(id(content)), reference: format!("api:{content}") },
        files: Arc::new(files),
    })
}

fn key(text: &str) -> ImageKey {
    ImageKey(text.into())
}

fn overlay(container: &str, paths: &[&str]) -> Arc<Overlay> {
    let digest = |path: &str| (!path.ends_with("gone")).then(|| Digest::of(path.as_bytes()));
    let files = paths.iter().map(|path| (FilePath::new(path), digest(path))).collect();
    Arc::new(Overlay { containers: vec![ContainerId(container.into())], files })
}

#[test]
fn images_and_overlays_are_found_by_the_next_session() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let elsewhere =
        Arc::new(ImageRecord { built: Built { id: None, reference: "r/x:1".into() }, ..(*record("x", 0)).clone() });
    store.remember_image(&key("api"), &record("one", 3), at(1));
    store.remember_image(&key("api"), &record("two", 2), at(2));
    store.remember_image(&key("x"), &elsewhere, at(3));
    store.remember_overlay(&name("web"), &overlay("c1", &["/p/a", "/p/gone"])).unwrap();
    store.remember_overlay(&name("web"), &overlay("c2", &["/p/a"])).unwrap();
    store.remember_overlay(&name("api"), &overlay("c3", &["/p/gone"])).unwrap();
    store.remember_overlay(&name("db"), &overlay("c4", &["/p/b"])).unwrap();
    store.remember_overlay(&name("db"), &Arc::new(Overlay::default())).unwrap();
    store.close();

    let store = open(dir.path());
    assert_eq!(store.images(), BTreeMap::from([(key("api"), record("two", 2)), (key("x"), elsewhere)]));
    let expected = [(name("web"), overlay("c2", &["/p/a"])), (name("api"), overlay("c3", &["/p/gone"]))];
    assert_eq!(store.overlays(), BTreeMap::from(expected), "an overlay of no container is none");
    let made = |store: &Store| -> Vec<(ImageId, String, i64)> {
        let made = store.made_images().unwrap().into_iter();
        made.map(|image| (image.id, image.reference, image.made_at_secs)).collect()
    };
    let all = [(id("one"), "api:one".to_owned(), 1), (id("two"), "api:two".to_owned(), 2)];
    assert_eq!(made(&store), all, "also those that were made anew since; one that is elsewhere is nobody's to remove");
    store.remember_image(&key("api"), &record("one", 3), at(9));
    store.forget_images(vec![id("one")]);
    assert_eq!(made(&store), all[1..]);
    store.close();
    assert!(!open(dir.path()).images().contains_key(&key("api")), "what is gone is not known any more");
}

#[test]
fn a_record_of_many_files_is_written_only_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let size = || std::fs::metadata(dir.path().join("store.sqlite-wal")).unwrap().len();
    store.remember_image(&key("api"), &record("one", 100_000), at(1));
    store.flush().unwrap();
    let once = size();
    assert!(once < 5_000_000, "{once} bytes");
    for second in 2..6 {
        store.remember_image(&key("api"), &record("one", 100_000), at(second));
        store.flush().unwrap();
    }
    assert!(size() < once + 100_000, "{} bytes after {once}", size());
    store.close();
    assert_eq!(open(dir.path()).images()[&key("api")], record("one", 100_000));
}

#[test]
fn an_overlay_survives_the_death_of_orch() {
    let dir = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::docker::overlay_and_die", "--ignored"])
        .env("ORCH_TEST_DIR", dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    assert_eq!(open(dir.path()).overlays(), BTreeMap::from([(name("web"), overlay("c1", &["/p/a"]))]));
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn overlay_and_die() {
    let store = open(Path::new(&std::env::var_os("ORCH_TEST_DIR").unwrap()));
    store.remember_overlay(&name("web"), &overlay("c1", &["/p/a"])).unwrap();
    std::process::abort();
}

#[test]
fn a_store_of_an_older_orch_keeps_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let connection = rusqlite::Connection::open(dir.path().join("store.sqlite")).unwrap();
    let first =
        "DROP TABLE images; DROP TABLE made_images; DROP TABLE overlays; DROP TABLE read_logs; PRAGMA user_version = 1";
    connection.execute_batch(first).unwrap();
    drop(connection);
    let store = open(dir.path());
    assert_eq!(store.successes(), BTreeMap::from([(name("api"), success("api"))]));
    assert!(store.images().is_empty() && store.overlays().is_empty());
    store.remember_image(&key("api"), &record("one", 1), at(1));
    store.close();
    let store = open(dir.path());
    assert_eq!((store.images().len(), store.known_files().count()), (1, 2000));
}

#[test]
fn how_far_output_was_read_is_told_to_the_next_session_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (container, mark) = (ContainerId("c1".into()), ReadMark([(5, 1), (i64::MAX, 2)]));
    store.remember_read(&container, ReadMark::default());
    store.remember_read(&container, mark);
    store.close();
    let store = open(dir.path());
    assert_eq!(store.take_read().unwrap(), BTreeMap::from([(container, mark)]));
    store.close();
    assert!(open(dir.path()).take_read().unwrap().is_empty());
}

#[test]
fn a_record_that_cannot_be_read_is_as_good_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for image in ["api", "web", "db"] {
        store.remember_image(&key(image), &record("one", 3), at(1));
    }
    store.remember_overlay(&name("web"), &overlay("c1", &["/p/a"])).unwrap();
    store.close();
    let connection = rusqlite::Connection::open(dir.path().join("store.sqlite")).unwrap();
    let damage =
        "UPDATE images SET files = x'01FF' WHERE image = 'api'; UPDATE images SET record = '{}' WHERE image = 'web';
                  UPDATE overlays SET containers = 'c1'";
    connection.execute_batch(damage).unwrap();
    drop(connection);
    let store = open(dir.path());
    assert_eq!(store.images().into_keys().collect::<Vec<_>>(), [key("db")]);
    assert!(store.overlays().is_empty());
}
