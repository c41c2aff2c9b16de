//! Folders and names of one build alone.

use std::{
    env, fs,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// A folder that only the user may enter. Goes away with what is in it when it is dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    pub(super) fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("orch-{}", &unique_name()[..16]));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What cannot be removed now, the system removes some day.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// 32 hexadecimal digits that nobody else has: the standard library's hash keys are random.
pub(super) fn unique_name() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
