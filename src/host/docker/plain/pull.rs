//! Pulling an image that the engine has not.

use super::Raising;
use crate::model::{Failure, ImageRef};
use bollard::{errors::Error, models::CreateImageInfo, query_parameters::CreateImageOptionsBuilder};
use futures_util::StreamExt as _;
use std::time::Duration;

/// How long a registry may take until the engine has something to say.
const REGISTRY_TIMEOUT: Duration = Duration::from_mins(10);

/// Pulls an image; says how it comes on.
pub(super) async fn pull(raising: &Raising<'_>, name: &str, platform: &str) -> Result<(), Failure> {
    let reference = ImageRef::parse(name)
        .map_err(|error| Failure { message: format!("`{name}` is no name of an image: {error}"), help: None })?;
    raising.log.line(&format!("pulling {name}"));
    let login = raising.credentials.for_engine(reference.domain()).await.unwrap_or_else(|failure| {
        raising.log.line(&failure.message);
        None
    });
    // Without a tag the engine would pull all of them.
    let whole = if reference.is_exact() { name.to_owned() } else { format!("{name}:latest") };
    let options = CreateImageOptionsBuilder::default().from_image(&whole).platform(platform).build();
    let api = raising.connection.slow_api(REGISTRY_TIMEOUT);
    let mut told = Box::pin(api.create_image(Some(options), None, login));
    while let Some(message) = told.next().await {
        match message {
            Ok(message) => said(raising, message, name)?,
            Err(error) => return Err(failure(raising, name, &error)),
        }
    }
    raising.log.line(&format!("pulled {name}"));
    Ok(())
}

/// Says what a message tells; how the bytes of a layer come would fill the log.
fn said(raising: &Raising<'_>, message: CreateImageInfo, name: &str) -> Result<(), Failure> {
    if let Some(error) = message.error_detail.and_then(|detail| detail.message) {
        return Err(explained(name, &error));
    }
    if let (Some(layer), Some(status @ ("Pull complete" | "Already exists"))) = (&message.id, message.status.as_deref())
    {
        raising.log.line(&format!("layer {layer}: {}", status.to_lowercase()));
    }
    Ok(())
}

fn failure(raising: &Raising<'_>, name: &str, error: &Error) -> Failure {
    match error {
        Error::DockerResponseServerError { message, .. } => explained(name, message),
        Error::DockerStreamError { error } => explained(name, error),
        error => raising.connection.failure(&format!("the image `{name}` cannot be pulled"), error),
    }
}

fn explained(name: &str, said: &str) -> Failure {
    let has = |signs: &[&str]| signs.iter().any(|sign| said.contains(sign));
    let help = if has(&["denied", "unauthorized", "authentication required", "no basic auth"]) {
        "check its name, or log in (`docker login`)"
    } else if has(&["manifest unknown", "not found", "does not exist"]) {
        "check its name and its tag"
    } else if has(&["no such host", "connection refused", "timeout", "deadline exceeded"]) {
        "look whether its registry can be reached"
    } else if has(&["no space left on device"]) {
        "free some space: `docker system df` shows what Docker takes"
    } else {
        "`docker pull` shows more"
    };
    let said = said.trim().trim_start_matches("Error response from daemon: ").trim_end_matches('.');
    Failure {
        message: format!("the image `{name}` is not here and cannot be pulled: {said}"),
        help: Some(help.to_owned()),
    }
}
