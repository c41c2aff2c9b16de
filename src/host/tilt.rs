//! A program `tilt` for commands of a Tiltfile: a link to orch in a folder of the project's own, first in their `PATH`.

use crate::model::{FilePath, Mode};
use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::symlink,
    path::Path,
};

/// Tells the stand-in whose commands call it.
pub const FILE_VARIABLE: &str = "ORCH_TILT_FILE";

/// Makes the link below `state`, where the project is a Tiltfile's. Gives what commands find in their environment.
///
/// # Errors
/// When the link cannot be made.
pub fn stand_in(file: &FilePath, state: &Path) -> io::Result<BTreeMap<OsString, OsString>> {
    if Mode::of_file(file.as_path()) != Mode::Tiltfile {
        return Ok(BTreeMap::new());
    }
    let folder = state.join("bin");
    fs::create_dir_all(&folder)?;
    let link = folder.join("tilt");
    let orch = env::current_exe()?;
    if fs::read_link(&link).ok().as_deref() != Some(&orch) {
        let new = folder.join(format!(".tilt.{}", std::process::id()));
        symlink(&orch, &new)?;
        fs::rename(new, &link)?;
    }
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
    let folders = std::iter::once(folder).chain(env::split_paths(&path));
    let path = env::join_paths(folders).map_err(io::Error::other)?;
    let mut found = BTreeMap::from([
        (OsStr::new("PATH").to_owned(), path),
        (FILE_VARIABLE.into(), file.as_path().into()),
        ("TILT_DISABLE_ANALYTICS".into(), "1".into()),
    ]);
    // As of a session without a web page: what scripts hand on to `tilt --host … --port …`.
    for (name, value) in [("TILT_HOST", "localhost"), ("TILT_PORT", "0")] {
        found.insert(name.into(), env::var_os(name).unwrap_or_else(|| value.into()));
    }
    Ok(found)
}
