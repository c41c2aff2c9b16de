//! Names of resources.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A resource's name: not empty, not `.` or `..`, without `/` and `%`. Tilt's rule (a Kubernetes path segment).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceName(Arc<str>);

/// Why a text is no resource name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing is there.
    #[error("a resource needs a name that is not empty")]
    Empty,
    /// `.` or `..`.
    #[error("`{0}` cannot be the name of a resource")]
    Dots(String),
    /// A character that a name may not hold.
    #[error("the name `{name}` holds `{found}`, which a resource's name may not")]
    Character {
        /// The whole text.
        name: String,
        /// The character.
        found: char,
    },
}

impl ResourceName {
    /// Checks `text`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text == "." || text == ".." {
            return Err(InvalidName::Dots(text.to_owned()));
        }
        match text.chars().find(|c| matches!(c, '/' | '%')) {
            Some(found) => Err(InvalidName::Character { name: text.to_owned(), found }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl TryFrom<String> for ResourceName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<ResourceName> for String {
    fn from(name: ResourceName) -> String {
        name.as_str().to_owned()
    }
}
