//! Paths as texts, by the rules of Go's `filepath`: no file system, and what is relative stays so.

/// The shortest text that means the same path; `.` for an empty one.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// The parts behind one another; an absolute later part is not taken for the whole, and none make an empty text.
pub(crate) fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<&str> = parts.into_iter().skip_while(|part| part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { clean(&parts.join("/")) }
}

/// The last part; `.` for an empty path, `/` for the root.
pub(crate) fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// All but the last part; `.` when there is none.
pub(crate) fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

/// The way from `base` to `target`, both absolute.
pub(crate) fn relative(base: &str, target: &str) -> String {
    let (base, target) = (clean(base), clean(target));
    let split = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (base, target) = (split(&base), split(&target));
    let common = base.iter().zip(&target).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", base.len() - common);
    let way: Vec<&str> = up.chain(target[common..].iter().map(String::as_str)).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_go() {
        assert_eq!([clean(""), clean("a//b/../c/"), clean("/../x"), clean("../../a")], [".", "a/c", "/x", "../../a"]);
        assert_eq!(
            [join([]), join(["", "a"]), join(["a", "/b"]), join(["a", "..", "..", "c"])],
            ["", "a", "a/b", "../c"]
        );
        assert_eq!([base("a/b/"), base(""), base("//"), base("f")], ["b", ".", "/", "f"]);
        assert_eq!([dir("f"), dir("a/b/"), dir("/f"), dir("")], [".", "a/b", "/", "."]);
        assert_eq!([relative("/a/b", "/a/c/d"), relative("/a", "/a"), relative("/", "/x")], ["../c/d", ".", "x"]);
    }
}
