//! Digests of contents and of sets of contents.

use super::FilePath;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// The first 16 bytes of a SHA-256: of a file's content, of a definition, of a fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Stands for a content that nobody knows; no content has it.
    pub const UNKNOWN: Self = Self([0; 16]);

    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    /// The digest of several texts, each told from its neighbours by its length.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self::finish(hasher)
    }

    /// Ends a SHA-256 that the caller fed, for contents that are too big to hold.
    #[must_use]
    pub fn finish(hasher: Sha256) -> Self {
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize()[..16]);
        Self(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 32 hexadecimal digits")]
pub struct InvalidDigest(String);

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest(text.to_owned());
        if text.len() != 32 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut digest = [0; 16];
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Self(digest))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The digest of a set of files with their contents, kept up to date file by file: adding and removing cost the same
/// whatever the size of the set, and the order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct SetDigest {
    sum: [u64; 4],
    files: u64,
}

impl SetDigest {
    /// The digest of these files.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a FilePath, Digest)>) -> Self {
        let mut set = Self::default();
        files.into_iter().for_each(|(path, content)| set.add(path, content));
        set
    }

    /// Adds a file that is not in the set.
    pub fn add(&mut self, path: &FilePath, content: Digest) {
        self.combine(path, content, u64::wrapping_add);
        self.files += 1;
    }

    /// Takes out a file that is in the set with that content.
    pub fn remove(&mut self, path: &FilePath, content: Digest) {
        self.combine(path, content, u64::wrapping_sub);
        self.files = self.files.saturating_sub(1);
    }

    /// How many files are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.files
    }

    /// Whether no file is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// The digest as bytes, to be part of another.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let words = self.sum.map(u64::to_le_bytes).concat();
        Digest::of_parts([words.as_slice(), self.files.to_le_bytes().as_slice()])
    }

    fn combine(&mut self, path: &FilePath, content: Digest, op: fn(u64, u64) -> u64) {
        let mut hasher = Sha256::new();
        hasher.update(path.as_bytes());
        hasher.update([0]);
        hasher.update(content.0);
        let hash = hasher.finalize();
        for (word, bytes) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            *word = op(*word, u64::from_le_bytes(eight));
        }
    }
}
