//! Making images: from Dockerfiles by the engine, or by a command of the user's; then tagging and pushing them.
//!
//! [`build`] does what one [`BuildOrder`] says. It decides nothing: what is built, and when, the engine of orch decided. Dropping
//! its future ends the build, at the Docker Engine too.
//!
//! With BuildKit the files of a context never leave this machine as a whole: the Docker Engine keeps what it got, and asks in a
//! `session` for what changed. The classic builder, where there is no other, gets an archive that is made while it is sent.

mod archive;
mod blame;
mod buildkit;
mod classic;
mod context;
mod custom;
mod environment;
mod follow;
mod http;
mod log;
mod place;
mod private;
mod progress;
pub mod prune;
mod recipe;
mod registry;
mod room;
mod said;
mod session;
mod tag;
mod turns;

pub use blame::BuildFailure;
pub use log::Log;
pub(super) use recipe::made_here;
pub use turns::Turns;

use super::{
    Connection,
    compose::{Building, Compose},
    credentials::Credentials,
};
use crate::{
    engine::BuildOrder,
    host::process::Processes,
    model::{Build, Built, ComposeBuild, Digest, DockerBuild, Failure, FilePath, ImageId},
};
use context::Context;
use environment::Environment;
use hyper::Request;
use recipe::Recipe;
use session::{Names, Offer, filesync, secrets, ssh};
use std::{os::unix::fs::MetadataExt, sync::Arc};

/// What a build needs of the world.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The engine.
    pub connection: Connection,
    /// Starts commands.
    pub processes: Arc<Processes>,
    /// Logins for registries.
    pub credentials: Credentials,
    /// The compose tool.
    pub compose: Compose,
    /// Lets the commands of one image run one after the other.
    pub turns: Turns,
    /// What the relative paths of secrets and ssh keys start from: the project's folder.
    pub dir: FilePath,
    /// Set for commands when orch itself prints in colour.
    pub defaults: &'static [(&'static str, &'static str)],
}

/// Makes an image, tags it and pushes it, as the order says. What happens is said in `log`.
///
/// # Errors
/// Why there is no image, and whom that is to blame on.
pub async fn build(tools: &Tools, order: &BuildOrder, log: &Log) -> Result<Built, BuildFailure> {
    let tools = &Tools { credentials: tools.credentials.with_environment(&order.environment), ..tools.clone() };
    match &order.image.build {
        Build::Docker(build) => from_dockerfile(tools, order, build, log).await,
        Build::Custom(build) => custom::build(tools, order, build, log).await,
        Build::Compose(build) => by_compose(tools, order, build, log).await,
    }
}

async fn by_compose(tools: &Tools, order: &BuildOrder, build: &ComposeBuild, log: &Log) -> Result<Built, BuildFailure> {
    let (connection, processes) = (&tools.connection, &tools.processes);
    let building = Building { connection, processes, order, build, sink: log.sink() };
    let id = tools.compose.build(&building).await;
    let id = id.map_err(|failure| blame::of_engine(&failure.message).unwrap_or(BuildFailure::Recipe(failure)))?;
    finish(tools, order, &[], id, log).await
}

async fn from_dockerfile(
    tools: &Tools,
    order: &BuildOrder,
    build: &DockerBuild,
    log: &Log,
) -> Result<Built, BuildFailure> {
    let environment = Environment::new(&order.environment);
    let recipe = Recipe::new(order, build, &environment);
    recipe.check().map_err(BuildFailure::Recipe)?;
    let id = match made(tools, order, &recipe, log).await {
        // An engine that is stopped kills what runs, and then it looks as if the Dockerfile were to blame.
        Err(BuildFailure::Recipe(failure)) => return Err(blamed(tools, failure).await),
        made => made?,
    };
    finish(tools, order, &build.extra_tags, id, log).await
}

/// Gives an image that was made, by whomever, its content-addressed name and the `extra` ones, and pushes it where the order says
/// so.
///
/// # Errors
/// The engine or the registry says no.
pub async fn finish(
    tools: &Tools,
    order: &BuildOrder,
    extra: &[String],
    id: ImageId,
    log: &Log,
) -> Result<Built, BuildFailure> {
    let built = tag::tag(tools, order, extra, id).await?;
    if order.image.push {
        registry::push(tools, &built, log).await?;
    }
    Ok(built)
}

/// Whom a failure is to blame on that looks like the Dockerfile's.
async fn blamed(tools: &Tools, failure: Failure) -> BuildFailure {
    match lost(tools).await {
        Some(lost) => lost,
        None => BuildFailure::Recipe(room::named(&tools.connection, failure).await),
    }
}

/// Whether the engine is no longer there.
async fn lost(tools: &Tools) -> Option<BuildFailure> {
    // On a connection of its own: an engine that ends answers on those that it has, and takes no new ones.
    let request = Request::builder().uri(http::path(&tools.connection, "/_ping", &[]));
    match http::ask(&tools.connection, request, http::empty()).await {
        Err(error @ http::Error::Lost(_)) => Some(BuildFailure::of_http(&tools.connection, "", error)),
        Ok(_) | Err(http::Error::Refused(_)) => None,
    }
}

/// Builds with BuildKit, unless the user wants the classic builder or the engine has no other.
async fn made(tools: &Tools, order: &BuildOrder, recipe: &Recipe<'_>, log: &Log) -> Result<ImageId, BuildFailure> {
    for reference in recipe.pulled_alone() {
        registry::pull(tools, reference, &recipe.platform(), log).await?;
    }
    let query = recipe.query(&tools.credentials.proxies(&tools.connection));
    if recipe.environment.get("DOCKER_BUILDKIT").as_deref() != Some("0") {
        let offer = offer(tools, recipe, log).await.map_err(BuildFailure::Recipe)?;
        match buildkit::build(&tools.connection, recipe, query.clone(), names(order, recipe), offer).await {
            buildkit::End::Built(id) => return Ok(id),
            buildkit::End::Failed(failure) => return Err(failure),
            buildkit::End::Unknown => {}
        }
    }
    classic::build(&tools.connection, recipe, query, &tools.credentials, log).await
}

/// What BuildKit may ask for.
async fn offer(tools: &Tools, recipe: &Recipe<'_>, log: &Log) -> Result<Offer, Failure> {
    let (build, variable) = (recipe.build, |name: &str| recipe.environment.get(name));
    let secrets = secrets::Store::new(&build.secrets, &tools.dir, variable)?;
    let agents = ssh::Agents::new(&build.ssh, &tools.dir, variable("SSH_AUTH_SOCK"), &tools.processes).await?;
    let context = Context { root: build.context.clone(), rules: build.ignore.clone() };
    let files = Arc::new(filesync::Files::new(context, recipe.files(), log.clone()));
    Ok(Offer { files, secrets, agents, credentials: tools.credentials.clone(), log: log.clone() })
}

fn names(order: &BuildOrder, recipe: &Recipe<'_>) -> Names {
    let context = &recipe.build.context;
    let name = context.as_path().file_name().map(|name| name.to_string_lossy().into_owned());
    // It becomes a header.
    let name = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic())).unwrap_or_default();
    Names { id: private::unique_name(), shared_key: shared_key(order, context), name }
}

/// What the engine keeps the files of this image's context under. Not the same for two images of one context, which copy other
/// parts of it; nor for another folder that came to lie at the same path, since the engine trusts times and sizes.
fn shared_key(order: &BuildOrder, context: &FilePath) -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let folder = context.as_path().metadata().ok();
    let folder = folder.map(|folder| format!("{}:{}:{:?}", folder.dev(), folder.ino(), folder.created().ok()));
    let folder = folder.unwrap_or_default();
    let key = order.image.key.as_str().as_bytes();
    Digest::of_parts([host.as_encoded_bytes(), context.as_bytes(), folder.as_bytes(), key]).to_string()
}
