//! Version constraints in the grammar of `blang/semver`, which `version_settings` takes: `>=0.22.2 <1.0.0 || 2.x`. Each
//! version needs all three numbers unless the last ones are an `x`.

use semver::Version;

/// The version of Tilt whose Tiltfile language orch speaks; constraints are about it.
pub(crate) const SPOKEN: Version = Version::new(0, 37, 6);

/// Whether `version` meets `constraint`.
///
/// # Errors
/// Says which part is no constraint.
pub(crate) fn meets(version: &Version, constraint: &str) -> Result<bool, String> {
    let mut met = false;
    for alternative in constraint.split("||") {
        met |= meets_all(version, alternative)?;
    }
    Ok(met)
}

fn meets_all(version: &Version, conditions: &str) -> Result<bool, String> {
    let spaced = conditions.replace(',', " , ");
    let mut met = true;
    let mut operator = String::new();
    let mut any = false;
    for word in spaced.split_whitespace() {
        // An operator may stand apart from its version.
        if word.chars().all(|c| "<>=!".contains(c)) {
            operator.push_str(word);
            continue;
        }
        met &= meets_one(version, &format!("{operator}{word}"))?;
        operator.clear();
        any = true;
    }
    if any && operator.is_empty() { Ok(met) } else { Err(format!("`{}` names no version", conditions.trim())) }
}

fn meets_one(version: &Version, condition: &str) -> Result<bool, String> {
    let number = condition.trim_start_matches(['<', '>', '=', '!']);
    let operator = &condition[..condition.len() - number.len()];
    if number.contains(['x', 'X', '*']) && !number.contains(['-', '+']) {
        return meets_wildcard(version, operator, number);
    }
    let bound = Version::parse(number)
        .map_err(|_| format!("`{number}` is no version: it needs all three numbers, as in `0.30.0`"))?;
    compare(version, operator, &bound)
}

fn compare(version: &Version, operator: &str, bound: &Version) -> Result<bool, String> {
    let order = version.cmp_precedence(bound);
    Ok(match operator {
        "" | "=" | "==" => order.is_eq(),
        "!" | "!=" => order.is_ne(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        _ => return Err(format!("`{operator}` is no comparison")),
    })
}

/// `1.x` is all from 1.0.0 to before 2.0.0.
fn meets_wildcard(version: &Version, operator: &str, number: &str) -> Result<bool, String> {
    let invalid = || format!("`{number}` is no version");
    let mut fixed = Vec::new();
    for part in number.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")) {
        fixed.push(part.parse::<u64>().map_err(|_| invalid())?);
    }
    let (low, high) = match fixed.as_slice() {
        [major] => (Version::new(*major, 0, 0), Version::new(major.saturating_add(1), 0, 0)),
        [major, minor] => (Version::new(*major, *minor, 0), Version::new(*major, minor.saturating_add(1), 0)),
        _ => return Err(invalid()),
    };
    let (at_least, below) = (compare(version, ">=", &low)?, compare(version, "<", &high)?);
    Ok(match operator {
        "" | "=" | "==" => at_least && below,
        "!" | "!=" => !(at_least && below),
        ">" => !below,
        ">=" => at_least,
        "<" => !at_least,
        "<=" => below,
        _ => return Err(format!("`{operator}` is no comparison")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_ands_and_ors_of_comparisons() {
        for (constraint, met) in [
            (">=0.22.2 <1.0.0", true),
            (">=0.30.8", true),
            ("<0.10.0", false),
            ("<0.10.0 || >0.37.0", true),
            (">= 0.37.6", true),
            ("!0.37.6", false),
            ("0.37.x", true),
            (">0.37.x", false),
            ("0.37.6", true),
        ] {
            assert_eq!(meets(&SPOKEN, constraint), Ok(met), "{constraint}");
        }
        for constraint in [">0.5", "", "abc", ">=", "~0.3.0", "x", "1.0.0 ||"] {
            assert!(meets(&SPOKEN, constraint).is_err(), "{constraint}");
        }
    }
}
