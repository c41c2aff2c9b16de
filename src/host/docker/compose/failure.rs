//! Why the compose tool could not do it, in the user's words.

use super::tool::Fault;
use crate::{
    host::docker::{
        Connection,
        taken::{self, Refused},
    },
    model::{Failure, ResourceName},
};
use regex::Regex;
use std::sync::LazyLock;

/// So many lines of what the tool said are told.
const LINES_MAX: usize = 6;

/// `The container name "/db" is already in use by container "0123…"`.
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"container name "/?([^"]+)" is already in use by container "?([0-9a-f]+)"#).ok());

/// Why a service was not raised.
pub(super) async fn of_up(fault: Fault, service: &str, connection: &Connection, resource: &ResourceName) -> Refused {
    match fault {
        Fault::NotRun(failure) => failure.into(),
        Fault::Said(code, said) => {
            let reason = reason(&said).unwrap_or_else(|| format!("it ended with exit code {code}"));
            let message = format!("docker compose could not start the service `{service}`: {reason}");
            explained(Failure { message, help: None }, connection, resource).await
        }
    }
}

/// Why an image was not made. What the steps printed is in the log.
pub(super) fn of_build(fault: Fault, service: &str) -> Failure {
    match fault {
        Fault::NotRun(failure) => failure,
        Fault::Said(code, said) => {
            let reason = reason(&said).unwrap_or_else(|| format!("it ended with exit code {code}"));
            let message = format!("docker compose could not build the image of the service `{service}`: {reason}");
            Failure { message, help: None }
        }
    }
}

/// The lines in which the tool says what went wrong: the last, without its progress.
fn reason(said: &str) -> Option<String> {
    let is_progress = |line: &str| {
        let mut words = line.split_whitespace();
        let kind = words.next().is_some_and(|word| matches!(word, "Container" | "Network" | "Volume" | "Image"));
        line.starts_with(' ') && kind || line.starts_with("time=") || line.starts_with('#')
    };
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty() && !is_progress(line)).collect();
    let from = lines.len().saturating_sub(LINES_MAX);
    let clean = |line: &&str| line.trim().trim_start_matches("Error response from daemon: ").to_owned();
    let lines: Vec<_> = lines[from..].iter().map(clean).collect();
    Some(lines.join("\n").trim_end_matches('.').to_owned()).filter(|text| !text.is_empty())
}

/// The failure with who is in the way and what to do, where that can be told.
pub(super) async fn explained(failure: Failure, connection: &Connection, resource: &ResourceName) -> Refused {
    let text = failure.message.as_str();
    if let Some(port) = taken::port_in(text) {
        return taken::refused(port, connection, resource).await;
    }
    if let Some(taken) = NAME.as_ref().and_then(|name| name.captures(text)) {
        let message = format!("the container name `{}` is taken by another container ({:.12})", &taken[1], &taken[2]);
        let help = format!("remove that one (`docker rm -f {}`), or change `container_name`", &taken[1]);
        return Failure { message, help: Some(help) }.into();
    }
    let help = help_of(text).map(str::to_owned);
    Failure { help: failure.help.or(help), ..failure }.into()
}

fn help_of(text: &str) -> Option<&'static str> {
    let any = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if any(&["No such image", "pull access denied", "manifest unknown", "repository does not exist"]) {
        Some("check the name of the image, log in to its registry, or give the service a `build:`")
    } else if any(&["is unhealthy"]) {
        Some("look at its log and at what its health check prints: `docker inspect` shows both")
    } else if any(&["no space left on device"]) {
        Some("free some space: `docker system df` shows what Docker takes")
    } else if any(&["could not be found", "declared as external"]) {
        Some("create it, or take `external: true` away")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_no_reason() {
        let said = " Container shop-web-1  Creating\n Container shop-web-1  Created\nError response from daemon: no such thing.\n";
        assert_eq!(reason(said).as_deref(), Some("no such thing"));
        assert_eq!(reason(" Network shop_default  Created\n"), None);
    }
}
