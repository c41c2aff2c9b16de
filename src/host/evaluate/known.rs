//! What commands of evaluations printed, for those that would print the same again.

use crate::{
    model::Digest,
    orchfile::{SourceCommand, SourceOutput},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// So many are known; the oldest is forgotten first.
const KNOWN_MAX: usize = 16;

/// Outputs of commands that say what they read. A session keeps them from one evaluation to the next.
#[derive(Debug, Default)]
pub struct KnownOutputs(Mutex<VecDeque<(Digest, SourceOutput)>>);

impl KnownOutputs {
    /// What the command would print, if that is known.
    pub fn find(&self, command: &SourceCommand) -> Option<SourceOutput> {
        let key = key(command)?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(other, _)| *other == key).map(|(_, output)| output.clone())
    }

    /// Learns what a command printed, if that may be of use again.
    pub fn learn(&self, command: &SourceCommand, output: &SourceOutput) {
        let Some(key) = key(command).filter(|_| output.code == 0) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| *other != key);
        known.push_front((key, output.clone()));
        known.truncate(KNOWN_MAX);
    }
}

/// Of all that decides what the command prints.
fn key(command: &SourceCommand) -> Option<Digest> {
    command.inputs?;
    serde_json::to_vec(command).ok().map(|bytes| Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FilePath;
    use std::collections::BTreeMap;

    fn command(inputs: Option<&str>) -> SourceCommand {
        SourceCommand {
            argv: vec!["x".to_owned()],
            dir: FilePath::new("/"),
            env: BTreeMap::new(),
            stdin: None,
            quiet: true,
            echo: false,
            inputs: inputs.map(|text| Digest::of(text.as_bytes())),
        }
    }

    fn output(code: i32) -> SourceOutput {
        SourceOutput { code, stdout: b"out".to_vec(), stderr: Vec::new() }
    }

    #[test]
    fn only_a_success_whose_inputs_are_known_stands_for_another() {
        let known = KnownOutputs::default();
        known.learn(&command(None), &output(0));
        known.learn(&command(Some("failed")), &output(1));
        known.learn(&command(Some("a")), &output(0));
        assert_eq!(known.find(&command(None)), None);
        assert_eq!(known.find(&command(Some("failed"))), None);
        assert_eq!(known.find(&command(Some("b"))), None);
        assert_eq!(known.find(&command(Some("a"))), Some(output(0)));
        let other = SourceCommand { env: BTreeMap::from([("A".to_owned(), None)]), ..command(Some("a")) };
        assert_eq!(known.find(&other), None);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let known = KnownOutputs::default();
        for number in 0..=KNOWN_MAX {
            known.learn(&command(Some(&number.to_string())), &output(0));
        }
        assert_eq!(known.find(&command(Some("0"))), None);
        assert!(known.find(&command(Some("1"))).is_some());
    }
}
