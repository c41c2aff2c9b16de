//! Files with their digests, packed: a hundred thousand of them are written after one build.

use crate::model::{Digest, FilePath};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

/// What the bytes begin with.
const FORM: u8 = 1;
const GONE: u8 = 0;
const THERE: u8 = 1;

/// Packs files in their order: of each path only what differs from the one before it.
pub(super) fn pack<'a>(files: impl Iterator<Item = (&'a FilePath, Option<Digest>)>) -> Vec<u8> {
    let mut packed = vec![FORM];
    let mut before: &[u8] = &[];
    for (path, digest) in files {
        let bytes = path.as_bytes();
        let shared = before.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        put_number(&mut packed, shared);
        put_number(&mut packed, bytes.len() - shared);
        packed.extend_from_slice(&bytes[shared..]);
        match digest {
            Some(digest) => {
                packed.push(THERE);
                packed.extend_from_slice(&digest.0);
            }
            None => packed.push(GONE),
        }
        before = bytes;
    }
    packed
}

/// What was packed; `None` if the bytes are not what [`pack`] makes.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<(FilePath, Option<Digest>)>> {
    let mut rest = packed.strip_prefix(&[FORM])?;
    let mut files = Vec::new();
    let mut path = Vec::new();
    while !rest.is_empty() {
        let shared = take_number(&mut rest)?;
        let length = take_number(&mut rest)?;
        path.get(..shared)?;
        path.truncate(shared);
        path.extend_from_slice(rest.split_off(..length)?);
        let digest = match *rest.split_off_first()? {
            GONE => None,
            THERE => Some(Digest(rest.split_off(..16)?.try_into().ok()?)),
            _ => return None,
        };
        files.push((FilePath::new(OsStr::from_bytes(&path)), digest));
    }
    Some(files)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(packed: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        packed.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    packed.push(number.to_le_bytes()[0]);
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(FilePath, Option<Digest>)> {
        let long = format!("/p/{}", "x".repeat(300));
        let odd = FilePath::new(OsStr::from_bytes(b"/odd/\xff\n"));
        [FilePath::new("/"), FilePath::new("/p/a.rs"), FilePath::new("/p/a.rs.bak"), FilePath::new(long), odd]
            .into_iter()
            .enumerate()
            .map(|(number, path)| (path, (number != 2).then(|| Digest::of(&number.to_le_bytes()))))
            .collect()
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let pack = |files: &[(FilePath, Option<Digest>)]| pack(files.iter().map(|(path, digest)| (path, *digest)));
        assert_eq!(unpack(&pack(&files())), Some(files()));
        assert_eq!(unpack(&pack(&[])), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_are_cut_off_or_foreign_are_refused() {
        let whole = pack(files().iter().map(|(path, digest)| (path, *digest)));
        let read = |length: usize| unpack(&whole[..length]);
        let ends: Vec<usize> = (1..whole.len()).filter(|length| read(*length).is_some()).collect();
        assert_eq!(ends.len(), files().len(), "a cut is seen everywhere but between two files: {ends:?}");
        assert_eq!((unpack(b""), unpack(b"[]"), unpack(&[FORM, 9, 1])), (None, None, None));
    }
}
