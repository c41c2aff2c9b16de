//! Images to and from their registries, through the engine.

use super::{
    BuildFailure, Log, Tools, blame,
    http::{self, Answer},
    said,
};
use crate::model::{Built, Failure, ImageRef};
use base64::{Engine as _, engine::general_purpose};
use bollard::auth::DockerCredentials;
use hyper::{Method, Request};
use serde::Deserialize;

/// One line of the engine's answer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    id: String,
    status: String,
    error: String,
}

/// What is said of a layer once it is done; how it comes on would fill the log.
const DONE: [&str; 5] = ["Pushed", "Layer already exists", "Mounted from", "Pull complete", "Already exists"];

/// Pushes an image, unless its registry has it: its tag tells its content. Dropping the future ends the push.
pub(super) async fn push(tools: &Tools, built: &Built, log: &Log) -> Result<(), BuildFailure> {
    let reference = &built.reference;
    let Some((repository, tag)) = reference.rsplit_once(':') else { return Ok(()) };
    let registry = registry_of(reference);
    let login = login(tools, &registry, log).await;
    if tools.connection.api().inspect_registry_image(reference, Some(login.clone())).await.is_ok() {
        log.line(&format!("{reference} is in its registry already"));
        return Ok(());
    }
    log.line(&format!("pushing {reference}"));
    let path = format!("/images/{repository}/push");
    let said = ask(tools, &path, &[("tag", tag.to_owned())], &login, log).await;
    finished(tools, said, || format!("`{reference}` cannot be pushed"), &registry)?;
    log.line(&format!("pushed {reference}"));
    Ok(())
}

/// Gets the newest image of that name.
pub(super) async fn pull(tools: &Tools, reference: &str, platform: &str, log: &Log) -> Result<(), BuildFailure> {
    let Ok(parsed) = ImageRef::parse(reference) else { return Ok(()) };
    let registry = registry_of(reference);
    let login = login(tools, &registry, log).await;
    log.line(&format!("pulling {reference}"));
    let tag = if parsed.is_exact() { "" } else { ":latest" };
    let mut query = vec![("fromImage", format!("{reference}{tag}"))];
    if !platform.is_empty() {
        query.push(("platform", platform.to_owned()));
    }
    let said = ask(tools, "/images/create", &query, &login, log).await;
    finished(tools, said, || format!("the image `{reference}` cannot be had"), &registry)
}

fn registry_of(reference: &str) -> String {
    ImageRef::parse(reference).map_or_else(|_| String::new(), |name| name.domain().to_owned())
}

/// The user's login, or that nobody is meant: the engine wants that said too.
async fn login(tools: &Tools, registry: &str, log: &Log) -> DockerCredentials {
    let login = tools.credentials.for_engine(registry).await.unwrap_or_else(|failure| {
        log.line(&failure.message);
        None
    });
    login.unwrap_or_default()
}

/// Has the engine do it; gives what it says against it.
async fn ask(
    tools: &Tools,
    path: &str,
    query: &[(&str, String)],
    login: &DockerCredentials,
    log: &Log,
) -> Result<Option<String>, http::Error> {
    let login = general_purpose::URL_SAFE.encode(serde_json::to_vec(login).unwrap_or_default());
    let request = Request::builder().method(Method::POST).uri(http::path(&tools.connection, path, query));
    let request = request.header("X-Registry-Auth", login);
    read(&mut http::ask(&tools.connection, request, http::empty()).await?.accepted().await?, log).await
}

async fn read(answer: &mut Answer, log: &Log) -> Result<Option<String>, http::Error> {
    while let Some(line) = answer.line().await? {
        let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
        if !message.error.is_empty() {
            return Ok(Some(message.error));
        }
        if DONE.iter().any(|done| message.status.starts_with(done)) {
            log.line(&format!("layer {}: {}", message.id, message.status.to_lowercase()));
        }
    }
    Ok(None)
}

fn finished(
    tools: &Tools,
    said: Result<Option<String>, http::Error>,
    doing: impl Fn() -> String,
    registry: &str,
) -> Result<(), BuildFailure> {
    let said = match said {
        Ok(None) => return Ok(()),
        Ok(Some(said)) | Err(http::Error::Refused(said)) => said,
        Err(lost @ http::Error::Lost(_)) => return Err(BuildFailure::of_http(&tools.connection, "", lost)),
    };
    if let Some(failure) = blame::of_engine(&said) {
        return Err(failure);
    }
    let help = if said::is_denied(&said) {
        Some(format!("`docker login {registry}`, and look whether you may use it"))
    } else if said::is_away(&said) {
        Some(format!("look whether the registry `{registry}` is up"))
    } else {
        None
    };
    let message = format!("{}: {}", doing(), said.trim().trim_end_matches('.'));
    Err(BuildFailure::Engine(Failure { message, help }))
}
