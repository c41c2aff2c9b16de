//! Sending an image to its registry.

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

/// Pushes an image, unless its registry has it: its tag tells its content. Dropping the future ends the push.
pub(super) async fn push(tools: &Tools, built: &Built, log: &Log) -> Result<(), BuildFailure> {
    let reference = &built.reference;
    let Some((repository, tag)) = reference.rsplit_once(':') else { return Ok(()) };
    let registry = ImageRef::parse(reference).map_or_else(|_| String::new(), |name| name.domain().to_owned());
    let login = tools.credentials.for_engine(&registry).await.unwrap_or_else(|failure| {
        log.line(&failure.message);
        None
    });
    // The engine wants it said, also that nobody is meant.
    let login = login.unwrap_or_else(DockerCredentials::default);
    if tools.connection.api().inspect_registry_image(reference, Some(login.clone())).await.is_ok() {
        log.line(&format!("{reference} is in its registry already"));
        return Ok(());
    }
    log.line(&format!("pushing {reference}"));
    let path = format!("/images/{repository}/push");
    let request = Request::builder()
        .method(Method::POST)
        .uri(http::path(&tools.connection, &path, &[("tag", tag.to_owned())]))
        .header("X-Registry-Auth", general_purpose::URL_SAFE.encode(serde_json::to_vec(&login).unwrap_or_default()));
    let pushed = async {
        let mut answer = http::ask(&tools.connection, request, http::empty()).await?.accepted().await?;
        read(&mut answer, log).await
    };
    let refused = match pushed.await {
        Ok(None) => {
            log.line(&format!("pushed {reference}"));
            return Ok(());
        }
        Ok(Some(said)) | Err(http::Error::Refused(said)) => said,
        Err(error) => return Err(BuildFailure::of_http(&tools.connection, "the image cannot be pushed", error)),
    };
    Err(failure(reference, &registry, &refused))
}

/// Why the registry does not take it, if it does not.
async fn read(answer: &mut Answer, log: &Log) -> Result<Option<String>, http::Error> {
    while let Some(line) = answer.line().await? {
        let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
        if !message.error.is_empty() {
            return Ok(Some(message.error));
        }
        // How a layer comes on would fill the log.
        let status = message.status.as_str();
        if matches!(status, "Pushed" | "Layer already exists") || status.starts_with("Mounted from") {
            log.line(&format!("layer {}: {}", message.id, status.to_lowercase()));
        }
    }
    Ok(None)
}

fn failure(reference: &str, registry: &str, text: &str) -> BuildFailure {
    if let Some(failure) = blame::of_engine(text) {
        return failure;
    }
    let help = if said::is_denied(text) {
        Some(format!("`docker login {registry}`, and look whether you may push there"))
    } else if said::is_away(text) {
        Some(format!("look whether the registry `{registry}` is up"))
    } else {
        None
    };
    let message = format!("`{reference}` cannot be pushed: {}", text.trim().trim_end_matches('.'));
    BuildFailure::Engine(Failure { message, help })
}
