//! Paths into objects in the language of `kubectl`: `{.spec.image}`, `{.spec.steps[*].image}`, `{..image}`,
//! `{.items[?(@.name=="web")].image}`.

use serde_json::Value;

/// A path that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonPath(Vec<Vec<Segment>>);

#[derive(Debug, Clone, PartialEq)]
enum Segment {
    /// `.name`, or several in brackets.
    Fields(Vec<String>),
    /// `.*` and `[*]`.
    All,
    /// `..`: the value and all below it.
    Below,
    /// `[2]`; from the end where negative.
    Item(i64),
    /// `[1:3]`.
    Slice(Option<i64>, Option<i64>),
    /// `[?(@.name=="web")]`.
    Where { path: Vec<Segment>, test: Option<(Test, Value)> },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    Equal,
    Unequal,
}

impl JsonPath {
    /// Reads a path. Several in braces stand for what each of them finds; one without braces is taken as one in braces.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if !text.contains('{') {
            return Ok(Self(vec![Reader::all(text)?]));
        }
        let (mut paths, mut rest) = (Vec::new(), text);
        while let Some((before, inner)) = rest.split_once('{') {
            if !before.trim().is_empty() {
                return Err(format!("`{}` stands outside of the braces", before.trim()));
            }
            let (path, after) = Reader::braced(inner)?;
            paths.push(path);
            rest = after;
        }
        if !rest.trim().is_empty() {
            return Err(format!("`{}` stands outside of the braces", rest.trim()));
        }
        Ok(Self(paths))
    }

    /// Pointers (RFC 6901) to all that it finds in a value, in order, each with what is there.
    pub(crate) fn find<'v>(&self, root: &'v Value) -> Vec<(String, &'v Value)> {
        let mut found: Vec<(String, &Value)> = Vec::new();
        for (pointer, value) in self.0.iter().flat_map(|path| follow(path, root)) {
            if !found.iter().any(|(known, _)| *known == pointer) {
                found.push((pointer, value));
            }
        }
        found
    }
}

fn follow<'v>(path: &[Segment], root: &'v Value) -> Vec<(String, &'v Value)> {
    path.iter().fold(vec![(String::new(), root)], |values, segment| {
        values.into_iter().flat_map(|(pointer, value)| segment.step(&pointer, value)).collect()
    })
}

/// The pointer to a part of what `pointer` leads to.
pub(crate) fn below(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

impl Segment {
    fn step<'v>(&self, pointer: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
        let item = |place: usize, item: &'v Value| (below(pointer, &place.to_string()), item);
        match (self, value) {
            (Self::Fields(names), Value::Object(fields)) => {
                names.iter().filter_map(|name| Some((below(pointer, name), fields.get(name)?))).collect()
            }
            (Self::All, _) => children(pointer, value),
            (Self::Below, _) => {
                let mut found = vec![(pointer.to_owned(), value)];
                for (pointer, child) in children(pointer, value) {
                    found.extend(self.step(&pointer, child));
                }
                found
            }
            (Self::Item(place), Value::Array(items)) => {
                let place = position(*place, items.len());
                place.and_then(|place| Some(item(place, items.get(place)?))).into_iter().collect()
            }
            (Self::Slice(from, to), Value::Array(items)) => {
                let bound =
                    |bound: Option<i64>, default| bound.map_or(default, |at| position(at, items.len()).unwrap_or(0));
                let (from, to) = (bound(*from, 0), bound(*to, items.len()).min(items.len()));
                (from..to).filter_map(|place| Some(item(place, items.get(place)?))).collect()
            }
            (Self::Where { path, test }, Value::Array(items)) => {
                let fits = |(_, value): &(usize, &'v Value)| {
                    let found = follow(path, value);
                    match test {
                        None => !found.is_empty(),
                        Some((Test::Equal, wanted)) => found.iter().any(|(_, value)| *value == wanted),
                        Some((Test::Unequal, wanted)) => found.iter().any(|(_, value)| *value != wanted),
                    }
                };
                items.iter().enumerate().filter(fits).map(|(place, value)| item(place, value)).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn position(place: i64, count: usize) -> Option<usize> {
    match usize::try_from(place) {
        Ok(place) => Some(place),
        Err(_) => count.checked_sub(usize::try_from(place.unsigned_abs()).ok()?),
    }
}

fn children<'v>(pointer: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (below(pointer, name), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(place, item)| (below(pointer, &place.to_string()), item)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// A whole text.
    fn all(text: &str) -> Result<Vec<Segment>, String> {
        let mut reader = Reader { rest: text };
        let path = reader.path()?;
        if reader.rest.is_empty() { Ok(path) } else { Err(format!("`{}` is not understood", reader.rest)) }
    }

    /// What stands before the next brace, and what after it.
    fn braced(text: &'t str) -> Result<(Vec<Segment>, &'t str), String> {
        let mut reader = Reader { rest: text };
        let path = reader.path()?;
        match reader.rest.strip_prefix('}') {
            Some(rest) => Ok((path, rest)),
            None if reader.rest.is_empty() => Err("a `{` is not closed".to_owned()),
            None => Err(format!("`{}` is not understood", reader.rest.trim_end_matches('}'))),
        }
    }

    fn path(&mut self) -> Result<Vec<Segment>, String> {
        let mut path = Vec::new();
        self.take("$");
        loop {
            if self.take("..") {
                path.push(Segment::Below);
                if !self.rest.starts_with('[') {
                    path.push(self.name()?);
                }
            } else if self.take(".") {
                // `{.}` is the whole.
                if !self.rest.starts_with('}') && !self.rest.is_empty() && !self.rest.starts_with('[') {
                    path.push(self.name()?);
                }
            } else if self.take("[") {
                path.push(self.bracket()?);
            } else if path.is_empty() && self.rest.starts_with(|c: char| c.is_alphanumeric()) {
                path.push(self.name()?);
            } else {
                return Ok(path);
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A name, in which a backslash takes the meaning of the next character away.
    fn name(&mut self) -> Result<Segment, String> {
        let (mut name, mut end) = (String::new(), self.rest.len());
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' | ']' | '}' | '{' | ')' | '=' | '!' | '<' | '>' | ' ' | ',' => {
                    end = at;
                    break;
                }
                letter => name.push(letter),
            }
        }
        self.rest = &self.rest[end..];
        match name.as_str() {
            "" => Err("a name is missing behind a `.`".to_owned()),
            "*" => Ok(Segment::All),
            _ => Ok(Segment::Fields(vec![name])),
        }
    }

    /// What stands in brackets, behind the first one.
    fn bracket(&mut self) -> Result<Segment, String> {
        if self.take("?(") {
            return self.filter();
        }
        let end = closing(self.rest).ok_or("a `[` is not closed")?;
        let inner = self.rest[..end].trim();
        self.rest = &self.rest[end + 1..];
        if inner == "*" {
            return Ok(Segment::All);
        }
        if inner.starts_with(['\'', '"']) {
            return Ok(Segment::Fields(inner.split(',').map(|name| unquoted(name.trim()).to_owned()).collect()));
        }
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("`[{inner}]` is not understood"));
        if let Some((from, to)) = inner.split_once(':') {
            let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { number(text).map(Some) };
            return Ok(Segment::Slice(bound(from)?, bound(to)?));
        }
        number(inner).map(Segment::Item)
    }

    /// What stands in `[?(…)]`.
    fn filter(&mut self) -> Result<Segment, String> {
        self.rest = self.rest.trim_start();
        self.take("@");
        let path = self.path()?;
        self.rest = self.rest.trim_start();
        let test = match () {
            () if self.take("==") => Some(Test::Equal),
            () if self.take("!=") => Some(Test::Unequal),
            () => None,
        };
        let end = self.rest.find(")]").ok_or("a `[?(` is not closed by `)]`")?;
        let operand = self.rest[..end].trim();
        self.rest = &self.rest[end + 2..];
        if test.is_none() && !operand.is_empty() {
            return Err(format!("`{operand}` is not understood: a filter compares with `==` or `!=`"));
        }
        Ok(Segment::Where { path, test: test.map(|test| (test, literal(operand))) })
    }
}

/// The place of the bracket that closes, past quoted ones.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices()
        .find(|(_, letter)| {
            match quote {
                Some(open) if open == *letter => quote = None,
                Some(_) => {}
                None if matches!(letter, '\'' | '"') => quote = Some(*letter),
                None => return *letter == ']',
            }
            false
        })
        .map(|(at, _)| at)
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

fn literal(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if text.starts_with(['\'', '"']) => Value::from(unquoted(text)),
        _ => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(path: &str) -> Vec<String> {
        let value = json!({
            "spec": {"image": "a", "steps": [{"name": "x", "image": "b"}, {"name": "y", "image": "c"}], "x.y/z": {"image": "d"}},
        });
        JsonPath::parse(path).unwrap().find(&value).into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn paths_lead_where_kubectl_is_led() {
        for (path, expected) in [
            ("{.spec.image}", &["/spec/image"][..]),
            (".spec.image", &["/spec/image"]),
            ("{$.spec.steps[*].image}", &["/spec/steps/0/image", "/spec/steps/1/image"]),
            ("{.spec.steps[-1].image}", &["/spec/steps/1/image"]),
            ("{.spec.steps[0:1].image}", &["/spec/steps/0/image"]),
            ("{.spec.steps[?(@.name==\"y\")].image}", &["/spec/steps/1/image"]),
            ("{.spec['x.y/z'].image}", &["/spec/x.y~1z/image"]),
            ("{.spec.x\\.y/z.image}", &["/spec/x.y~1z/image"]),
            ("{.spec.image}{.spec.steps[0].image}", &["/spec/image", "/spec/steps/0/image"]),
            ("{.spec.nothing.image}", &[]),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        let mut all = found("{..image}");
        all.sort();
        assert_eq!(all, ["/spec/image", "/spec/steps/0/image", "/spec/steps/1/image", "/spec/x.y~1z/image"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for path in ["", "{.spec.image", "{.spec[0}", "{.spec[x]}", "{.a} and {.b}", "{.a[?(@.b>1)]}", "{..}"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
