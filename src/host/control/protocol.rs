//! The version of what is said over the control socket, and what is said to those of another one. `docs/protocol.md` is its
//! description.

use super::Refusal;
use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Counts changes after which one who knows only the older form would misread something. What is merely added changes nothing.
pub const PROTOCOL: u32 = 1;

/// The header in which each side says its version. A request without it is taken as one of this version, so that a person with
/// `curl` can ask.
pub const HEADER: &str = "orch-protocol";

/// Refuses who speaks another version, and says the own one in each answer.
pub(super) async fn speak(request: Request, next: Next) -> Response {
    let spoken = request.headers().get(HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
    let mut response = match spoken.filter(|spoken| *spoken != PROTOCOL.to_string()) {
        Some(other) => refuse(StatusCode::BAD_REQUEST, mismatch(&other), REMEDY),
        None => in_words(next.run(request).await).await,
    };
    response.headers_mut().insert(HEADER, HeaderValue::from(PROTOCOL));
    response
}

/// What the framework refuses, such as a query that cannot be read, in the form of all refusals.
async fn in_words(response: Response) -> Response {
    const WORDS_MAX: usize = 4 << 10;
    let status = response.status();
    let is_ours = response.headers().get(CONTENT_TYPE).is_some_and(|form| form == "application/json");
    if !status.is_client_error() || is_ours {
        return response;
    }
    let said = to_bytes(response.into_body(), WORDS_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let text = if said.is_empty() { status.to_string() } else { said };
    refuse(status, text, "`docs/protocol.md` says what can be asked, and how")
}

const REMEDY: &str = "use the orch that started the session, or end it and start it anew";

fn mismatch(other: &str) -> String {
    format!("the session is of orch {} and speaks protocol {PROTOCOL}, not {other}", env!("CARGO_PKG_VERSION"))
}

/// Says that there is no such thing: a newer orch may know more.
pub(super) async fn unknown(uri: Uri) -> Response {
    let text = format!("the session is of orch {} and has no `{}`", env!("CARGO_PKG_VERSION"), uri.path());
    refuse(StatusCode::NOT_FOUND, text, REMEDY)
}

/// An answer that says no.
pub(super) fn refuse(status: StatusCode, error: String, help: &str) -> Response {
    let help = Some(help.to_owned()).filter(|help| !help.is_empty());
    (status, Json(Refusal { error, help })).into_response()
}
