//! The health check of a container.

use super::{Arg, amounts::Seconds};
use crate::{
    model::HealthCheck,
    orchfile::{
        Fault,
        builtins::unpack::{Flag, Integer, Kind, Maybe, OneOrList, Optional, Unfit, each, list_or_tuple},
    },
};
use starlark::{
    eval::Evaluator,
    values::{Heap, Value},
};

/// A check: a string for the container's shell, or program and arguments; None is the image's.
pub(super) enum Check {}

impl Kind for Check {
    type Out = Option<Vec<String>>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a command: a string, or a list of strings";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if value.is_none() {
            return Ok(None);
        }
        if let Some(text) = value.unpack_str() {
            return Ok((!text.trim().is_empty()).then(|| vec!["CMD-SHELL".to_owned(), text.to_owned()]));
        }
        let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
        let words = each(list_or_tuple(value).ok_or(Unfit::Type)?, "a string", text)?;
        if let Some(mark @ ("CMD" | "CMD-SHELL" | "NONE")) = words.first().map(String::as_str) {
            let help = "give program and arguments alone, or a string for the shell";
            return Err(Unfit::Content(format!("`{mark}` is no program"), Some(help.to_owned())));
        }
        Ok((!words.is_empty()).then(|| std::iter::once("CMD".to_owned()).chain(words).collect()))
    }
}

/// The arguments about it.
pub(super) struct HealthArguments<'v> {
    pub(super) command: Arg<'v, Check>,
    pub(super) interval: Arg<'v, Maybe<Seconds>>,
    pub(super) timeout: Arg<'v, Maybe<Seconds>>,
    pub(super) start_period: Arg<'v, Maybe<Seconds>>,
    pub(super) retries: Arg<'v, Maybe<Integer>>,
    pub(super) none: Arg<'v, Flag>,
}

impl<'v> HealthArguments<'v> {
    /// The check that they make together; `None` is the image's own, unchanged.
    pub(super) fn take(self, eval: &Evaluator<'v, '_, '_>) -> Result<Option<HealthCheck>, Fault> {
        let test = self.command.take_or_default("health_cmd", eval)?;
        let retries = self.retries.take_or_default("health_retries", eval)?;
        let check = HealthCheck {
            test: test.unwrap_or_default(),
            interval: self.interval.take_or_default("health_interval", eval)?,
            timeout: self.timeout.take_or_default("health_timeout", eval)?,
            start_period: self.start_period.take_or_default("health_start_period", eval)?,
            retries: retries.map(number_of_retries).transpose()?,
        };
        let says_nothing = HealthCheck { test: Vec::new(), ..NOTHING };
        match (self.none.take_or_default("no_healthcheck", eval)?, check == says_nothing) {
            (false, true) => Ok(None),
            (false, false) => Ok(Some(check)),
            (true, true) => Ok(Some(HealthCheck { test: vec!["NONE".to_owned()], ..NOTHING })),
            (true, false) => {
                Err(Fault::value("`no_healthcheck` and other arguments about the check exclude each other")
                    .help("remove `no_healthcheck`")
                    .at_keyword("no_healthcheck"))
            }
        }
    }
}

const NOTHING: HealthCheck =
    HealthCheck { test: Vec::new(), interval: None, timeout: None, start_period: None, retries: None };

fn number_of_retries(retries: i64) -> Result<u32, Fault> {
    let invalid = || {
        let message = format!("`health_retries` must be at least 1, and {retries} was given");
        Fault::value(message).at_argument("health_retries")
    };
    u32::try_from(retries).ok().filter(|retries| *retries > 0).ok_or_else(invalid)
}

/// Whether the file itself says that there is a check.
pub(super) fn is_made(health: Option<&HealthCheck>) -> bool {
    let is_real = |check: &HealthCheck| check.test.first().is_some_and(|first| first != "NONE");
    health.is_some_and(is_real)
}
