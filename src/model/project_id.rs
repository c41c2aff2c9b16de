//! What tells one project's containers from another's.

use super::{Digest, FilePath};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A project's id: the mark on all that it makes outside its folder, so that two checkouts never collide. Lower-case letters, digits,
/// `-`, `_` and `.`, beginning with a letter or digit: fit for names of containers and values of labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// A text that is no project id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a project's id: it takes up to 40 lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or \
     digit"
)]
pub struct InvalidProjectId(String);

impl ProjectId {
    /// Longer ones do not fit into names beside the resource's.
    const CHARS_MAX: usize = 40;
    /// How much of a folder's name is in its id, beside the digest of its path.
    const NAME_CHARS: usize = 24;

    /// Checks `text`.
    ///
    /// # Errors
    /// Says what an id may hold.
    pub fn parse(text: &str) -> Result<Self, InvalidProjectId> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
        if starts_well && text.len() <= Self::CHARS_MAX && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProjectId(text.to_owned()))
        }
    }

    /// The id of the project in that folder: the folder's name and a digest of its path.
    #[must_use]
    pub fn of_folder(root: &FilePath) -> Self {
        let name = root.as_path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name: String = name.chars().filter(|c| is_allowed(*c)).take(Self::NAME_CHARS).collect();
        let name = name.trim_start_matches(['-', '_', '.']);
        let digest = Digest::of(root.as_bytes()).to_string();
        let name = if name.is_empty() { "project" } else { name };
        Self(format!("{name}-{}", &digest[..8]))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for ProjectId {
    type Error = InvalidProjectId;
    fn try_from(text: String) -> Result<Self, InvalidProjectId> {
        Self::parse(&text)
    }
}

impl From<ProjectId> for String {
    fn from(id: ProjectId) -> String {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_have_different_ids() {
        let ids = ["/a/My Shop", "/b/My Shop"].map(|path| ProjectId::of_folder(&FilePath::new(path)));
        assert!(ids.iter().all(|id| id.as_str().starts_with("myshop-")), "{ids:?}");
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| ProjectId::parse(id.as_str()).is_ok()));
    }

    #[test]
    fn an_id_fits_into_names_and_labels() {
        assert!(ProjectId::parse("shop-1.test_2").is_ok());
        for bad in ["", "-shop", "Shop", "a/b", &"x".repeat(41)] {
            assert!(ProjectId::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(&ProjectId::of_folder(&FilePath::new("/")).as_str()[..8], "project-");
    }
}
