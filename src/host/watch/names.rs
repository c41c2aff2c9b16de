//! The names of a folder's files, packed: there may be a hundred thousand in all, kept for the day on which a folder is
//! moved away and each of its files has to be told of.

use std::{
    collections::{BTreeSet, HashSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
};

/// A growing set of file names. Names never leave: a file that is gone is told of once more, which does no harm.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each name after a byte with its length.
    packed: Vec<u8>,
    count: usize,
    /// Names to be packed; those of `packed` may be among them.
    recent: BTreeSet<Box<[u8]>>,
}

impl Names {
    pub(super) fn add(&mut self, name: &OsStr) {
        if self.recent.insert(name.as_bytes().into()) && self.recent.len() > 16 + self.count / 2 {
            self.pack();
        }
    }

    /// Takes no more room than needed.
    pub(super) fn pack(&mut self) {
        let recent = std::mem::take(&mut self.recent);
        let packed = std::mem::take(&mut self.packed);
        let old: HashSet<&[u8]> = if recent.is_empty() { HashSet::new() } else { unpack(&packed).collect() };
        let mut all = packed.clone();
        for name in recent.iter().filter(|name| !old.contains(&***name)) {
            let Ok(length) = u8::try_from(name.len()) else { continue };
            all.push(length);
            all.extend_from_slice(name);
            self.count += 1;
        }
        all.shrink_to_fit();
        self.packed = all;
    }

    /// Each name, some twice.
    pub(super) fn iter(&self) -> impl Iterator<Item = &OsStr> {
        unpack(&self.packed).chain(self.recent.iter().map(|name| &**name)).map(OsStr::from_bytes)
    }
}

fn unpack(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        packed = rest;
        Some(name)
    })
}
