//! `default_registry`: where images are pushed.

use crate::{
    model::{ImageRef, Registry},
    orchfile::{
        Fault,
        builtins::unpack::{Given, Optional, Text},
        context::{context, site},
    },
};
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module, values::none::NoneType};

/// Whether images can be pushed to `prefix` with a `/` and a name behind it.
fn check(prefix: &str, name: &str, argument: &str) -> Result<(), Fault> {
    let (reason, help) = if prefix.contains("://") {
        ("it has a scheme".to_owned(), "leave out what stands before the host")
    } else {
        match ImageRef::parse(&format!("{prefix}/{name}")) {
            Ok(_) => return Ok(()),
            Err(invalid) => {
                (invalid.to_string(), "write a host, as `localhost:5000`, or a host and a path, as `gcr.io/acme`")
            }
        }
    };
    let shown = if argument == "single_name" { name } else { prefix };
    Err(Fault::value(format!("`{shown}` cannot be a place for images: {reason}")).help(help).at_argument(argument))
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// Where images are pushed after they were built. Once in a project.
    ///
    /// # Arguments
    /// * `host`: the registry, such as `localhost:5000` or `gcr.io/acme`; the name of an image becomes one name below it
    /// * `host_from_cluster`: what a cluster calls the registry, where it is not the same
    /// * `single_name`: the one name to which all images are pushed, with tags that tell them apart
    fn default_registry<'v>(
        host: Given<'v, Text>,
        host_from_cluster: Option<Given<'v, Text>>,
        single_name: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let host = host.take("host", eval)?;
        let host_from_cluster = host_from_cluster.take_or_default("host_from_cluster", eval)?;
        let single_name = single_name.take_or_default("single_name", eval)?;
        check(&host, "image", "host")?;
        if !host_from_cluster.is_empty() {
            check(&host_from_cluster, "image", "host_from_cluster")?;
        }
        if !single_name.is_empty() {
            check(&host, &single_name, "single_name")?;
        }
        let draft = &mut context(eval).draft.borrow_mut();
        if draft.settings.default_registry.is_some() {
            let message = "`default_registry` was already called";
            return Err(Fault::value(message).help("call it once, for the whole project").into());
        }
        draft.settings.default_registry = Some(Registry { host, host_from_cluster, single_name });
        draft.registry_at = site(eval);
        Ok(NoneType)
    }
}
