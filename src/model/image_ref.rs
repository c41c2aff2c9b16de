//! References of images, as Docker reads them: `foo` is `docker.io/library/foo`.

use super::ImageKey;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The registry of references that name none.
const DEFAULT_DOMAIN: &str = "docker.io";
/// Where the default registry keeps repositories that have no folder.
const DEFAULT_FOLDER: &str = "library/";
/// A longer path of a repository is refused.
const PATH_MAX: usize = 255;
/// A longer tag is refused.
const TAG_MAX: usize = 128;

/// A reference in its full form: registry, path, and what else is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ImageRef {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidRef {
    /// There is nothing.
    Empty,
    /// A capital letter in the path.
    Capitals(String),
    /// The path cannot be one: what is wrong in it.
    Path(String),
    /// The registry cannot be one.
    Domain(String),
    /// The tag cannot be one.
    Tag(String),
    /// The digest cannot be one.
    Digest(String),
    /// It looks like the id of an image.
    Id,
    /// The path is too long.
    TooLong,
}

impl ImageRef {
    /// Reads a reference by the grammar of Docker's references.
    ///
    /// # Errors
    /// What of it cannot be, in the words of a message.
    pub fn parse(text: &str) -> Result<Self, InvalidRef> {
        if text.is_empty() {
            return Err(InvalidRef::Empty);
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidRef::Id);
        }
        let (text, digest) = text.split_once('@').map_or((text, None), |(text, digest)| (text, Some(digest)));
        let (domain, rest) = split_domain(text);
        let (path, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
        check_path(path)?;
        if !is_domain(domain) {
            return Err(InvalidRef::Domain(domain.to_owned()));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(InvalidRef::Tag(tag.to_owned()));
        }
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Err(InvalidRef::Digest(digest.to_owned()));
        }
        let folder = if domain == DEFAULT_DOMAIN && !path.contains('/') { DEFAULT_FOLDER } else { "" };
        let path = format!("{folder}{path}");
        if path.len() > PATH_MAX {
            return Err(InvalidRef::TooLong);
        }
        let (tag, digest) = (tag.map(str::to_owned), digest.map(str::to_owned));
        Ok(Self { domain: domain.to_owned(), path, tag, digest })
    }

    /// The registry.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The path in the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, where one is given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Whether it means one very image: it has a tag or a digest.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.tag.is_some() || self.digest.is_some()
    }

    /// Registry and path in full, without tag and digest.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Registry and path as people write them, without tag and digest.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.name();
        }
        let short = self.path.strip_prefix(DEFAULT_FOLDER).filter(|rest| !rest.contains('/'));
        // A name that would read as a registry keeps its folder.
        short.filter(|short| *short != "localhost").unwrap_or(&self.path).to_owned()
    }

    /// What the image is known by: the short form, with tag and digest where they are given.
    #[must_use]
    pub fn key(&self) -> ImageKey {
        ImageKey(format!("{}{}", self.familiar_name(), self.suffix()).into())
    }

    /// Whether this reference, where somebody declares an image, stands for that one, where somebody uses one: without a tag
    /// for any tag of the name, with a tag for just that.
    #[must_use]
    pub fn selects(&self, used: &Self) -> bool {
        let same_name = self.domain == used.domain && self.path == used.path;
        same_name && (!self.is_exact() || (self.tag == used.tag && self.digest == used.digest))
    }

    fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        tag.into_iter().chain(digest).collect()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.domain, self.path, self.suffix())
    }
}

impl fmt::Display for InvalidRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Capitals(path) => write!(f, "`{path}` has capital letters"),
            Self::Path(path) if path.is_empty() => f.write_str("it names no repository"),
            Self::Path(path) => write!(f, "`{path}` cannot be the name of a repository"),
            Self::Domain(domain) => write!(f, "`{domain}` cannot be a registry"),
            Self::Tag(tag) => write!(f, "`{tag}` cannot be a tag"),
            Self::Digest(digest) => write!(f, "`{digest}` cannot be a digest"),
            Self::Id => f.write_str("it is an id"),
            Self::TooLong => write!(f, "the name is longer than {PATH_MAX} characters"),
        }
    }
}

/// The registry and the rest. What stands before the first `/` is a registry when it cannot be the folder of a path.
fn split_domain(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some(("index.docker.io", rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || has_capitals(first) => {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    }
}

fn has_capitals(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

fn check_path(path: &str) -> Result<(), InvalidRef> {
    if path.split('/').all(is_component) {
        return Ok(());
    }
    let is_capitals_alone = has_capitals(path) && path.to_lowercase().split('/').all(is_component);
    Err(if is_capitals_alone { InvalidRef::Capitals(path.to_owned()) } else { InvalidRef::Path(path.to_owned()) })
}

/// Letters and digits, with single `.`, one or two `_`, or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let edges = text.starts_with(is_plain) && text.ends_with(is_plain);
    let separators = text.split(is_plain).filter(|separator| !separator.is_empty());
    let is_separator = |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    edges && separators.into_iter().all(is_separator)
}

/// Names with dots, or an address in brackets, and a port.
fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':').filter(|_| !text.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match inside {
        Some(address) => !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'),
        None => host.split('.').all(is_label),
    };
    is_host && port.is_none_or(is_port)
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= TAG_MAX && text.starts_with(is_word) && text.chars().all(|c| is_word(c) || c == '.' || c == '-')
}

/// An algorithm, `:`, and at least 32 hexadecimal digits.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['+', '.', '-', '_']).all(is_part)
        && digits.len() >= 32
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ImageRef {
        ImageRef::parse(text).unwrap_or_else(|invalid| panic!("{text}: {invalid}"))
    }

    #[test]
    fn names_are_completed_and_shortened() {
        for (text, full, key) in [
            ("foo", "docker.io/library/foo", "foo"),
            ("library/foo", "docker.io/library/foo", "foo"),
            ("docker.io/foo", "docker.io/library/foo", "foo"),
            ("index.docker.io/library/foo:1", "docker.io/library/foo:1", "foo:1"),
            ("acme/web", "docker.io/acme/web", "acme/web"),
            ("docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("gcr.io/proj/w", "gcr.io/proj/w", "gcr.io/proj/w"),
            ("localhost/w", "localhost/w", "localhost/w"),
            ("localhost:5000/w:v1", "localhost:5000/w:v1", "localhost:5000/w:v1"),
            ("Registry/w", "Registry/w", "Registry/w"),
            ("[::1]:5000/w", "[::1]:5000/w", "[::1]:5000/w"),
            ("a/b/c/d-e_f.g", "docker.io/a/b/c/d-e_f.g", "a/b/c/d-e_f.g"),
            ("docker.io/library/localhost", "docker.io/library/localhost", "library/localhost"),
        ] {
            let parsed = parse(text);
            assert_eq!((parsed.to_string().as_str(), parsed.key().as_str()), (full, key), "{text}");
            assert_eq!(parse(parsed.key().as_str()), parsed, "the short form of {text} means the same");
        }
    }

    #[test]
    fn tags_and_digests() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let parsed = parse(&format!("foo:v1@{digest}"));
        assert_eq!((parsed.tag(), parsed.is_exact()), (Some("v1"), true));
        assert_eq!(parsed.key().as_str(), format!("foo:v1@{digest}"));
        assert_eq!(parsed.familiar_name(), "foo");
        assert!(!parse("localhost:5000/foo").is_exact());
        assert!(parse(&format!("foo@{digest}")).is_exact());
        assert_eq!(parse("foo:_A.b-c").tag(), Some("_A.b-c"));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        use InvalidRef::{Capitals, Digest, Domain, Empty, Id, Path, Tag, TooLong};
        let own = str::to_owned;
        for (text, why) in [
            ("", Empty),
            ("Web", Capitals(own("Web"))),
            ("acme/Web", Capitals(own("acme/Web"))),
            ("Not A Ref", Path(own("Not A Ref"))),
            ("a b", Path(own("a b"))),
            ("http://localhost:5005/x", Path(own("/localhost"))),
            ("a//b", Path(own("a//b"))),
            ("/a", Path(own("/a"))),
            ("a/", Path(own("a/"))),
            ("-a", Path(own("-a"))),
            ("a___b", Path(own("a___b"))),
            ("a..b", Path(own("a..b"))),
            ("a._b", Path(own("a._b"))),
            ("a.", Path(own("a."))),
            ("gcr.io/", Path(String::new())),
            ("a:", Tag(String::new())),
            ("a:b:c", Tag(own("b:c"))),
            ("a:-x", Tag(own("-x"))),
            ("a:ü", Tag(own("ü"))),
            ("a@sha256:12", Digest(own("sha256:12"))),
            ("a@", Digest(String::new())),
            ("-x.y/a", Domain(own("-x.y"))),
            ("x.y:/a", Domain(own("x.y:"))),
        ] {
            assert_eq!(ImageRef::parse(text), Err(why), "{text}");
        }
        assert_eq!(ImageRef::parse(&"0123456789abcdef".repeat(4)), Err(Id));
        assert_eq!(ImageRef::parse(&"a".repeat(300)), Err(TooLong));
        let long_tag = format!("a:{}", "t".repeat(129));
        assert!(matches!(ImageRef::parse(&long_tag), Err(Tag(_))));
        assert!(ImageRef::parse("a--b/c__d").is_ok());
    }

    #[test]
    fn a_declared_reference_stands_for_those_that_use_it() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let plain = parse("plain");
        for used in ["plain", "plain:v7", "docker.io/library/plain:x", &format!("plain@{digest}")] {
            assert!(plain.selects(&parse(used)), "{used}");
        }
        assert!(!plain.selects(&parse("gcr.io/plain")) && !plain.selects(&parse("acme/plain")));
        let exact = parse("exact:v1");
        assert!(exact.selects(&parse("library/exact:v1")));
        for used in ["exact", "exact:v2", &format!("exact:v1@{digest}")] {
            assert!(!exact.selects(&parse(used)), "{used}");
        }
    }
}
