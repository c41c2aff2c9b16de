//! Buttons: commands of a user's that run when asked for, beside a resource or for the whole session.

use super::{Command, ResourceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something to press: in the dashboard, or by `orch click`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Its name, the only one among buttons.
    pub name: ResourceName,
    /// What it says.
    pub text: String,
    /// The resource it belongs to; `None` is the session.
    pub resource: Option<ResourceName>,
    /// The name of its icon, in the Material set; may be empty.
    pub icon: String,
    /// It is shown, and cannot be pressed.
    pub disabled: bool,
    /// It asks once more before it does what it does.
    pub confirm: bool,
    /// What the user may choose first.
    pub inputs: Vec<ButtonInput>,
    /// What it does, in this order.
    pub actions: Vec<ButtonAction>,
}

/// What a press does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonAction {
    /// Runs a command to its end. While it runs, a second press ends it and starts it anew.
    Run {
        /// Tells the commands of a button apart.
        name: String,
        /// Whose log it writes: the resource's, or one of the button's own name.
        log: ResourceName,
        /// What is run, with the inputs in its environment.
        command: Command,
    },
    /// Runs a resource of the project anew.
    Trigger(ResourceName),
}

/// Something to choose before a press; the command finds it in an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonInput {
    /// The variable.
    pub name: String,
    /// What people see; where empty, the name.
    pub label: String,
    /// What it takes.
    pub kind: InputKind,
}

/// What an input takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Any text.
    Text {
        /// What it is where nobody says.
        default: String,
        /// What an empty field shows.
        placeholder: String,
    },
    /// Yes or no.
    Bool {
        /// What it is where nobody says.
        default: bool,
        /// What the variable holds when it is on; `None` is `true`.
        on: Option<String>,
        /// What the variable holds when it is off; `None` is `false`.
        off: Option<String>,
    },
    /// One of these; the first where nobody says.
    Choice {
        /// In the order in which they are shown.
        choices: Vec<String>,
    },
    /// Nothing to choose: always this.
    Hidden {
        /// What the variable holds.
        value: String,
    },
}

/// Why a press was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInput {
    /// There is no such input.
    #[error("the button `{button}` has no input `{input}`")]
    Unknown {
        /// The button.
        button: ResourceName,
        /// What was given.
        input: String,
        /// What it has.
        known: Vec<String>,
    },
    /// The value is none of those that can be chosen.
    #[error("`{input}` of the button `{button}` is one of {choices}, not `{given}`")]
    NotAChoice {
        /// The button.
        button: ResourceName,
        /// The input.
        input: String,
        /// What can be chosen, for people.
        choices: String,
        /// What was.
        given: String,
    },
}

impl Button {
    /// The environment of a press with these inputs: what was not given is what the button says.
    ///
    /// # Errors
    /// An input that the button has not, or a value that it does not take.
    pub fn environment(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, InvalidInput> {
        if let Some(input) = given.keys().find(|name| !self.inputs.iter().any(|input| input.name == **name)) {
            let known = self.inputs.iter().map(|input| input.name.clone()).collect();
            return Err(InvalidInput::Unknown { button: self.name.clone(), input: input.clone(), known });
        }
        self.inputs.iter().map(|input| Ok((input.name.clone(), self.value(input, given.get(&input.name))?))).collect()
    }

    fn value(&self, input: &ButtonInput, given: Option<&String>) -> Result<String, InvalidInput> {
        match &input.kind {
            InputKind::Text { default, .. } => Ok(given.unwrap_or(default).clone()),
            InputKind::Hidden { value } => Ok(value.clone()),
            InputKind::Bool { default, on, off } => {
                let on_text = on.as_deref().unwrap_or("true");
                let off_text = off.as_deref().unwrap_or("false");
                let is_on = match given.map(String::as_str) {
                    None => *default,
                    Some("true") => true,
                    Some("false") => false,
                    Some(text) if text == on_text => true,
                    Some(text) if text == off_text => false,
                    Some(text) => return Err(self.not_a_choice(input, &["true", "false"], text)),
                };
                Ok(if is_on { on_text } else { off_text }.to_owned())
            }
            InputKind::Choice { choices } => match given {
                Some(text) if !choices.contains(text) => Err(self.not_a_choice(input, choices, text)),
                Some(text) => Ok(text.clone()),
                None => Ok(choices.first().cloned().unwrap_or_default()),
            },
        }
    }

    fn not_a_choice(&self, input: &ButtonInput, choices: &[impl AsRef<str>], given: &str) -> InvalidInput {
        let choices: Vec<_> = choices.iter().map(|choice| format!("`{}`", choice.as_ref())).collect();
        InvalidInput::NotAChoice {
            button: self.name.clone(),
            input: input.name.clone(),
            choices: choices.join(", "),
            given: given.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ResourceName {
        ResourceName::parse(text).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn button() -> Button {
        let input = |name: &str, kind| ButtonInput { name: name.to_owned(), label: String::new(), kind };
        let text = |text: &str| text.to_owned();
        Button {
            name: name("seed"),
            text: text("Seed"),
            resource: None,
            icon: String::new(),
            disabled: false,
            confirm: false,
            inputs: vec![
                input("COUNT", InputKind::Text { default: text("10"), placeholder: String::new() }),
                input("FORCE", InputKind::Bool { default: true, on: Some(text("--force")), off: Some(String::new()) }),
                input("KIND", InputKind::Choice { choices: vec![text("a"), text("b")] }),
                input("WHO", InputKind::Hidden { value: text("me") }),
            ],
            actions: Vec::new(),
        }
    }

    fn pressed(given: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = button().environment(&given).map_err(|error| error.to_string())?;
        Ok(environment.into_values().collect())
    }

    #[test]
    fn what_was_not_given_is_what_the_button_says() {
        assert_eq!(pressed(&[]), Ok(["10", "--force", "a", "me"].map(str::to_owned).to_vec()));
        let given = [("COUNT", "3"), ("FORCE", "false"), ("KIND", "b"), ("WHO", "you")];
        assert_eq!(pressed(&given), Ok(["3", "", "b", "me"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_the_button_does_not_take_is_refused() {
        assert_eq!(pressed(&[("COUMT", "3")]), Err("the button `seed` has no input `COUMT`".to_owned()));
        assert_eq!(
            pressed(&[("KIND", "c")]),
            Err("`KIND` of the button `seed` is one of `a`, `b`, not `c`".to_owned())
        );
        assert!(pressed(&[("FORCE", "maybe")]).is_err());
    }
}
