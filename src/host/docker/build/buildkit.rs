//! Building with BuildKit: a session that answers what the engine asks, and the request that starts it.

use super::{
    blame::{self, Blamed, BuildFailure},
    http::{self, Answer},
    progress::Progress,
    recipe::Recipe,
    session::{Names, NoSession, Offer, Session},
};
use crate::{host::docker::Connection, model::ImageId};
use base64::{Engine as _, engine::general_purpose};
use bollard_buildkit_proto::moby::buildkit::v1::StatusResponse;
use hyper::{Method, Request};
use prost::Message as _;
use serde::Deserialize;
use std::pin::pin;

/// One line of the engine's answer.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    id: String,
    aux: Option<serde_json::Value>,
    #[serde(default)]
    error: String,
}

/// How a build with BuildKit ended.
pub(super) enum End {
    Built(ImageId),
    Failed(BuildFailure),
    /// The engine has no BuildKit.
    Unknown,
}

/// Builds an image. Dropping the future ends the build at the engine.
pub(super) async fn build(
    connection: &Connection,
    recipe: &Recipe<'_>,
    query: Vec<(&'static str, String)>,
    names: Names,
    offer: Offer,
) -> End {
    let (log, files) = (offer.log.clone(), offer.files.clone());
    let session = match Session::open(connection, &names, offer).await {
        Ok(session) => session,
        Err(NoSession::Unknown) => return End::Unknown,
        Err(NoSession::Failed(error)) => return End::Failed(BuildFailure::of_http(connection, DOING, error)),
    };
    let mut query = query;
    query.extend([
        ("version", "2".to_owned()),
        ("remote", "client-session".to_owned()),
        ("session", names.id.clone()),
        ("buildid", names.id),
    ]);
    let request = Request::builder().method(Method::POST).uri(http::path(connection, "/build", &query));
    let mut progress = Progress::new(log.clone());
    let ended = while_serving(session, ask(connection, request, &mut progress)).await;
    match ended {
        Ok(Said::Built(id)) => End::Built(id),
        Ok(Said::Failed(said)) => {
            let (failure, excerpt) = blamed(recipe, &progress, &said, files.trouble());
            excerpt.iter().for_each(|line| log.line(line));
            End::Failed(failure)
        }
        Err(error) => End::Failed(BuildFailure::of_http(connection, DOING, error)),
    }
}

/// Answers the engine's questions until `asked` is done.
async fn while_serving<T>(session: Session, asked: impl Future<Output = T>) -> T {
    let (mut serving, mut asked) = (pin!(session.serve()), pin!(asked));
    tokio::select! {
        ended = &mut asked => return ended,
        // The engine closed it, and says in its answer why.
        () = &mut serving => {}
    }
    asked.await
}

const DOING: &str = "the image cannot be built";

/// What the engine said at last.
enum Said {
    Built(ImageId),
    Failed(String),
}

async fn ask(
    connection: &Connection,
    request: hyper::http::request::Builder,
    progress: &mut Progress,
) -> Result<Said, http::Error> {
    let mut answer = http::ask(connection, request, http::empty()).await?.accepted().await?;
    let said = read(&mut answer, progress).await;
    progress.finish();
    said
}

async fn read(answer: &mut Answer, progress: &mut Progress) -> Result<Said, http::Error> {
    let mut built = None;
    while let Some(line) = answer.line().await? {
        let Ok(message) = serde_json::from_slice::<Message>(&line) else { continue };
        if !message.error.is_empty() {
            return Ok(Said::Failed(message.error));
        }
        match (message.id.as_str(), message.aux) {
            ("moby.buildkit.trace", Some(serde_json::Value::String(status))) => {
                let status = general_purpose::STANDARD.decode(status).ok();
                if let Some(status) = status.and_then(|bytes| StatusResponse::decode(bytes.as_slice()).ok()) {
                    progress.on_status(status);
                }
            }
            ("moby.image.id", Some(aux)) => built = aux["ID"].as_str().map(|id| ImageId(id.into())),
            _ => {}
        }
    }
    // A connection that breaks may look like an answer that ends.
    built.map(Said::Built).ok_or_else(|| http::Error::Lost(std::io::ErrorKind::UnexpectedEof.into()))
}

/// Whom to blame.
fn blamed(recipe: &Recipe<'_>, progress: &Progress, said: &str, unsent: Option<String>) -> (BuildFailure, Vec<String>) {
    if let Some(trouble) = unsent {
        let failure =
            crate::model::Failure { message: format!("the build context cannot be sent: {trouble}"), help: None };
        return (BuildFailure::Recipe(failure), Vec::new());
    }
    match progress.failed() {
        Some(step) => {
            let (label, instruction) = (step.label(), step.instruction());
            let label = if label == step.name { "" } else { label };
            let instruction = if instruction.is_empty() { step.name.as_str() } else { instruction };
            let complaint = step.complaint.as_deref();
            blame::of_step(recipe, &Blamed { label, instruction, error: &step.error, tail: &step.tail, complaint })
        }
        None => blame::of_text(recipe, said),
    }
}
