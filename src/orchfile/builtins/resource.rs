//! What every kind of resource can be told.

use super::{
    dependency::Dependencies,
    link::Links,
    trigger::Mode,
    unpack::{Flag, Given, Labels, Optional},
};
use crate::{
    model::{Kind, ResourceName},
    orchfile::{
        Fault,
        context::{context, site},
        draft::DraftResource,
    },
};
use starlark::eval::Evaluator;

/// The arguments that all of them have.
pub(crate) struct Options<'v> {
    pub(crate) trigger_mode: Option<Given<'v, Mode>>,
    pub(crate) resource_deps: Option<Given<'v, Dependencies>>,
    pub(crate) auto_init: Option<Given<'v, Flag>>,
    pub(crate) labels: Option<Given<'v, Labels>>,
    pub(crate) links: Option<Given<'v, Links>>,
}

impl<'v> Options<'v> {
    /// Adds a resource to the draft.
    ///
    /// # Errors
    /// An argument that is not accepted.
    pub(crate) fn declare(self, name: ResourceName, kind: Kind, eval: &Evaluator<'v, '_, '_>) -> Result<(), Fault> {
        let resource = DraftResource {
            name,
            site: site(eval),
            kind,
            dependencies: self.resource_deps.take_or_default("resource_deps", eval)?,
            trigger_mode: self.trigger_mode.take_given("trigger_mode", eval)?,
            auto_init: self.auto_init.take_given("auto_init", eval)?.unwrap_or(true),
            labels: self.labels.take_or_default("labels", eval)?,
            links: self.links.take_or_default("links", eval)?,
        };
        context(eval).draft.borrow_mut().resources.push(resource);
        Ok(())
    }
}
