//! Commands that are run in all containers, which must stay alike.

use super::Stopped;
use crate::model::Failure;
use futures_util::future::join_all;

/// Runs a command in all targets; `run` runs it in one and gives its exit code. All that fail alike are still alike.
pub(in crate::host) async fn run_alike<'a, T, Running>(
    called: &str,
    targets: &'a [T],
    title: impl Fn(&T) -> String,
    run: impl Fn(&'a T) -> Running,
) -> Result<(), Stopped>
where
    Running: Future<Output = Result<i32, Failure>>,
{
    let codes = join_all(targets.iter().map(run)).await.into_iter().collect::<Result<Vec<i32>, Failure>>()?;
    let mut ended = codes.iter().zip(targets);
    let Some((first, one)) = ended.next() else { return Ok(()) };
    match ended.find(|(code, _)| *code != first) {
        Some((code, other)) => Err(Stopped::Failed(Failure {
            message: format!("`{called}` ended with {first} in {} and with {code} in {}", title(one), title(other)),
            help: None,
        })),
        None if *first != 0 => Err(Stopped::Step(*first, called.to_owned())),
        None => Ok(()),
    }
}

/// A command as people write it.
pub(in crate::host) fn shown(argv: &[String]) -> String {
    let word = |word: &String| {
        let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"\\$`".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    match argv {
        [shell, option, script] if shell == "sh" && option == "-c" => script.clone(),
        argv => argv.iter().map(word).collect::<Vec<_>>().join(" "),
    }
}
