#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `TRIGGER_MODE_AUTO`, `TRIGGER_MODE_MANUAL` and `trigger_mode`.

use super::unpack::{Given, Kind, Unfit};
use crate::{
    model::TriggerMode,
    orchfile::{
        Fault,
        context::{context, site},
        text::Site,
    },
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{
        Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, none::NoneType, starlark_value,
    },
};
use std::fmt;

/// What a change of an input does, as a value.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct TriggerModeValue(#[allocative(skip)] TriggerMode);

starlark_simple_value!(TriggerModeValue);

impl fmt::Display for TriggerModeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            TriggerMode::Auto => "TriggerModeAuto",
            TriggerMode::Manual => "TriggerModeManual",
        })
    }
}

#[starlark_value(type = "TriggerMode")]
impl<'v> StarlarkValue<'v> for TriggerModeValue {
    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<Self>() == Some(self))
    }
}

/// A trigger mode.
pub(crate) enum Mode {}

impl Kind for Mode {
    type Out = TriggerMode;
    type Shown = &'static TriggerModeValue;
    const TAKES: &'static str = "`TRIGGER_MODE_AUTO` or `TRIGGER_MODE_MANUAL`";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<TriggerMode, Unfit> {
        value.downcast_ref::<TriggerModeValue>().map(|mode| mode.0).ok_or(Unfit::Type)
    }
}

/// Adds the family.
pub(crate) fn register(globals: &mut GlobalsBuilder) {
    globals.set("TRIGGER_MODE_AUTO", TriggerModeValue(TriggerMode::Auto));
    globals.set("TRIGGER_MODE_MANUAL", TriggerModeValue(TriggerMode::Manual));
    functions(globals);
}

#[starlark_module]
fn functions(builder: &mut GlobalsBuilder) {
    /// Says what a change does to all resources that do not say it themselves. Once in a project.
    fn trigger_mode<'v>(mode: Given<'v, Mode>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let mode = mode.take("trigger_mode", eval)?;
        let draft = &mut context(eval).draft.borrow_mut();
        if let Some((_, before)) = &draft.trigger_mode {
            let place = before.as_ref().map(Site::location);
            let place = place.map(|at| format!(" at {}:{}:{}", at.file, at.line, at.column)).unwrap_or_default();
            return Err(Fault::value(format!("`trigger_mode` was already called{place}"))
                .help("call it once, for the whole project")
                .into());
        }
        draft.trigger_mode = Some((mode, site(eval)));
        Ok(NoneType)
    }
}
