//! Which objects are meant: by regular expressions, and by the fragments of `k8s_resource(objects=)`.

use crate::model::{ImageLocator, KubeObject};
use regex::{Regex, RegexBuilder};

/// The namespace of objects that name none, as far as names of objects go.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Objects by regular expressions, which are found anywhere and in any case.
#[derive(Debug, Clone)]
pub(crate) struct ObjectSelector {
    kind: Regex,
    name: Regex,
    namespace: Regex,
    api_version: Regex,
}

/// A regular expression that is none.
pub(crate) struct InvalidPattern {
    /// The parameter it was given for.
    pub(crate) name: &'static str,
    /// What is wrong.
    pub(crate) reason: String,
}

impl ObjectSelector {
    /// The objects that a locator is about. An empty text is any.
    pub(crate) fn of(locator: &ImageLocator) -> Result<Self, InvalidPattern> {
        Ok(Self {
            kind: pattern("kind", &locator.kind)?,
            name: pattern("name", &locator.name)?,
            namespace: pattern("namespace", &locator.namespace)?,
            api_version: pattern("api_version", &locator.api_version)?,
        })
    }

    /// Whether it means that object.
    pub(crate) fn matches(&self, object: &KubeObject) -> bool {
        self.kind.is_match(&object.kind)
            && self.name.is_match(&object.name)
            && self.namespace.is_match(namespace(object))
            && self.api_version.is_match(&object.api_version)
    }
}

fn pattern(name: &'static str, text: &str) -> Result<Regex, InvalidPattern> {
    let invalid = |error: regex::Error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        InvalidPattern { name, reason }
    };
    RegexBuilder::new(text).case_insensitive(true).build().map_err(invalid)
}

/// The namespace that names of an object have.
pub(crate) fn namespace(object: &KubeObject) -> &str {
    object.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(DEFAULT_NAMESPACE)
}

/// The names of an object, the shortest first: `web`, `web:deployment`, `web:deployment:default`, and with the group.
pub(crate) fn names(object: &KubeObject) -> [String; 4] {
    let group = if object.group().is_empty() { "core" } else { object.group() };
    let mut name = object.name.to_lowercase();
    [object.kind.as_str(), namespace(object), group, ""].map(|next| {
        let before = name.clone();
        name = format!("{name}:{}", next.to_lowercase());
        before
    })
}

/// An object as messages about fragments name it.
pub(crate) fn full_name(object: &KubeObject) -> String {
    format!("{}:{}:{}", object.name.replace(':', "\\:"), object.kind, namespace(object))
}

/// `name[:kind[:namespace]]`, where a backslash before a `:` makes it part of a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    name: String,
    kind: Option<String>,
    namespace: Option<String>,
}

impl Fragment {
    /// Reads a fragment.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = vec![String::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => parts.last_mut().map_or((), |part| part.extend(letters.next())),
                ':' => parts.push(String::new()),
                letter => parts.last_mut().map_or((), |part| part.push(letter)),
            }
        }
        let count = parts.len();
        let mut parts = parts.into_iter();
        let name = parts.next().unwrap_or_default();
        if count > 3 {
            return Err(format!("`{text}` has {count} parts, and at most three are understood"));
        }
        if name.is_empty() {
            return Err(format!("`{text}` names no object"));
        }
        let given = |part: Option<String>| part.filter(|part| !part.is_empty());
        Ok(Self { name, kind: given(parts.next()), namespace: given(parts.next()) })
    }

    /// Whether it means that object. The case does not count.
    pub(crate) fn matches(&self, object: &KubeObject) -> bool {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        same(&self.name, &object.name)
            && self.kind.as_ref().is_none_or(|kind| same(kind, &object.kind))
            && self.namespace.as_ref().is_none_or(|wanted| same(wanted, namespace(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_a_colon_in_a_name() {
        let fragment = |text: &str| Fragment::parse(text).map(|it| (it.name, it.kind, it.namespace));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(fragment("system\\:reader:role"), Ok(("system:reader".to_owned(), some("role"), None)));
        assert_eq!(fragment("a:b:c"), Ok(("a".to_owned(), some("b"), some("c"))));
        assert!(fragment("a:b:c:d").is_err() && fragment("").is_err() && fragment(":secret").is_err());
    }
}
