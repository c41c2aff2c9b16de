//! The environment as a file sees and changes it.

use crate::model::FilePath;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// orch's own environment with the overlay that `os.putenv` writes. Clones share the overlay: `os.environ` is one of the
/// names that all files see, and the interpreter wants those to be shareable between threads.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    own: Arc<BTreeMap<String, String>>,
    overlay: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

impl Environment {
    /// The environment with nothing changed.
    #[must_use]
    pub fn new(own: BTreeMap<String, String>) -> Self {
        Self { own: Arc::new(own), overlay: Arc::default() }
    }

    /// The value of a variable, as it is now.
    pub fn get(&self, name: &str) -> Option<String> {
        match self.changes().get(name) {
            Some(value) => value.clone(),
            None => self.own.get(name).cloned(),
        }
    }

    /// Sets or, with `None`, removes a variable.
    pub fn set(&self, name: &str, value: Option<String>) {
        self.changes().insert(name.to_owned(), value);
    }

    /// All variables, as they are now.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::clone(&self.own);
        for (name, value) in &*self.changes() {
            match value {
                Some(value) => all.insert(name.clone(), value.clone()),
                None => all.remove(name),
            };
        }
        all
    }

    /// What was set and (`None`) removed.
    pub fn overlay(&self) -> BTreeMap<String, Option<String>> {
        self.changes().clone()
    }

    fn changes(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.overlay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What names such as `config.main_path` and `os.environ` say in one evaluation.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The entry file.
    pub file: FilePath,
    /// As in [`super::LoadRequest::subcommand`].
    pub subcommand: String,
    /// As in [`super::LoadRequest::args`].
    pub args: Vec<String>,
    /// The environment.
    pub environment: Environment,
}

impl Default for Surroundings {
    /// Those of nowhere, for documentation.
    fn default() -> Self {
        let (subcommand, args, environment) = (String::new(), Vec::new(), Environment::default());
        Self { file: FilePath::new("/Orchfile"), subcommand, args, environment }
    }
}
