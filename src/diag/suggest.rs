//! Did you mean: the known name nearest to one that is not known.

/// The one of `known` that `wrong` was most likely meant to be, if any is near enough: at most one edit in three letters, two
/// letters that changed places counting as one. Of equals, the first. Where none is near, one that is an abbreviation of it.
pub fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wrong.chars().count() / 3).max(1);
    let lower = wrong.to_lowercase();
    let distance = |name: &str| {
        if name.len().abs_diff(wrong.len()) > allowed * 4 {
            return usize::MAX;
        }
        strsim::damerau_levenshtein(&lower, &name.to_lowercase())
    };
    let known: Vec<&str> = known.into_iter().filter(|name| *name != wrong).collect();
    let near = known.iter().map(|name| (distance(name), *name)).filter(|(distance, _)| *distance <= allowed);
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
        .or_else(|| known.into_iter().filter(|name| abbreviates(name, &lower)).max_by_key(|name| name.len()))
}

/// Whether `name` is what is left of `long` when letters other than the first are taken away: `cmd` of `command`.
fn abbreviates(name: &str, long: &str) -> bool {
    const SHORTEST: usize = 3;
    let mut letters = long.chars();
    name.len() >= SHORTEST
        && name.chars().next() == long.chars().next()
        && name.chars().all(|letter| letters.any(|other| other == letter))
}

/// The remedy for a name that is not known: the nearest one, else all when they are few.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    const FEW: usize = 24;
    if let Some(name) = suggest(wrong, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<_> = known.into_iter().take(FEW + 1).map(|name| format!("`{name}`")).collect();
    match all.as_slice() {
        [] => None,
        [one] => Some(format!("there is only {one}")),
        all if all.len() > FEW => None,
        all => Some(format!("there are {}", all.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(suggest("local_resoruce", ["local", "local_resource", "test"]), Some("local_resource"));
        assert_eq!(suggest("dbb", ["api", "db"]), Some("db"));
        assert_eq!(suggest("true", ["print", "True"]), Some("True"));
        assert_eq!(suggest("zebra", ["api", "db"]), None);
        assert_eq!(suggest("ab", ["yz"]), None);
        assert_eq!(suggest("command", ["deps", "cmd", "cmd_bat"]), Some("cmd"));
        assert_eq!(suggest("mandatory", ["cmd", "dir"]), None);
    }

    #[test]
    fn few_names_are_listed_when_none_is_near() {
        assert_eq!(did_you_mean("zebra", ["api", "db"]), Some("there are `api`, `db`".to_owned()));
        assert_eq!(did_you_mean("zebra", []), None);
    }
}
