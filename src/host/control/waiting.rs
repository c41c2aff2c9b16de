//! `GET /v1/wait`: answers once a state is reached. It looks at each snapshot that is published; nothing is asked again and
//! again.

use super::{Control, Refusal, protocol::refuse};
use crate::{
    diag::suggest,
    engine::Request,
    model::{InvalidInput, ResourceName},
    snapshot::{Row, Snapshot},
};
use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The query of `GET /v1/wait`, which answers with a snapshot in which it is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitQuery {
    /// What is waited for.
    #[serde(rename = "for")]
    pub state: Wanted,
    /// Resources, separated by `/`; all that the session is to bring up where empty.
    #[serde(default)]
    pub names: String,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// They are ready: what they run went well, and what they serve is ready.
    Ready,
    /// They are up to date: what they run went well, and nothing changed since.
    UpToDate,
    /// No evaluation of the Orchfile goes on.
    Loaded,
    /// Nothing goes on.
    AtRest,
}

impl Wanted {
    /// The state, as in "it is not …".
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::UpToDate => "up to date",
            Self::Loaded => "loaded",
            Self::AtRest => "at rest",
        }
    }

    /// Whether it is so for these; without names, for all that the session is to bring up.
    pub fn is_met(self, snapshot: &Snapshot, names: &[ResourceName]) -> bool {
        let is_loaded = !snapshot.orchfile.loading && snapshot.mode.is_some();
        match self {
            Self::Ready | Self::UpToDate => is_loaded && snapshot.meant(names).all(|row| self.is_of(row)),
            Self::Loaded => !snapshot.orchfile.loading,
            Self::AtRest => snapshot.at_rest,
        }
    }

    /// Whether it is so for this resource, as far as it depends on one.
    pub fn is_of(self, row: &Row) -> bool {
        match self {
            Self::Ready => row.is_ready(),
            Self::UpToDate => row.is_up_to_date(),
            Self::Loaded | Self::AtRest => true,
        }
    }
}

/// Answers with the first snapshot in which it is so.
pub(super) async fn wait(State(control): State<Control>, Query(query): Query<WaitQuery>) -> Response {
    let names = match super::names_in(&query.names) {
        Ok(names) => names,
        Err(refusal) => return *refusal,
    };
    let mut snapshots = control.snapshots.clone();
    // What was asked for a moment ago counts.
    let mut snapshot = control.snapshot().await;
    loop {
        if let Some(refusal) = unknown(&snapshot, &names) {
            return (StatusCode::NOT_FOUND, Json(refusal)).into_response();
        }
        if query.state.is_met(&snapshot, &names) {
            return Json(Snapshot::clone(&snapshot)).into_response();
        }
        if snapshot.shutting_down || snapshots.changed().await.is_err() {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "the session ended before that".to_owned(), "");
        }
        snapshot = snapshots.borrow_and_update().clone();
    }
}

/// What is said of a name that the project, once there is one, does not have.
pub(super) fn unknown(snapshot: &Arc<Snapshot>, names: &[ResourceName]) -> Option<Refusal> {
    snapshot.mode?;
    let name = names.iter().find(|name| snapshot.rows.named(name).is_none())?;
    let known: Vec<&str> = snapshot.rows.iter().map(|row| row.name.as_str()).collect();
    Some(Refusal {
        error: format!("there is no resource `{name}`"),
        help: suggest::did_you_mean(name.as_str(), known.iter().copied()),
    })
}

/// Why nothing is done about a resource: it is no part of the session now.
pub(super) fn refused_disabled(snapshot: &Arc<Snapshot>, request: &Request) -> Option<Refusal> {
    let (Request::Trigger(names) | Request::Restart(names) | Request::Stop(names) | Request::Start(names)) = request
    else {
        return None;
    };
    let is_disabled = |name: &&ResourceName| snapshot.rows.named(name).is_some_and(|row| !row.spec.enabled);
    let name = names.iter().find(is_disabled)?;
    Some(Refusal {
        error: format!("`{name}` is disabled, and no part of this session"),
        help: Some(format!("`orch enable {name}` makes it one")),
    })
}

/// Why a press is refused: there is no such button, or it does not take that.
pub(super) fn refused_click(snapshot: &Snapshot, request: &Request) -> Option<Refusal> {
    let Request::Click { button: name, inputs } = request else { return None };
    snapshot.mode?;
    let Some(row) = snapshot.buttons.iter().find(|row| row.button.name == *name) else {
        let known: Vec<&str> = snapshot.buttons.iter().map(|row| row.button.name.as_str()).collect();
        let help = suggest::did_you_mean(name.as_str(), known.iter().copied());
        let list = || Some("`orch click` lists them".to_owned()).filter(|_| !known.is_empty());
        return Some(Refusal { error: format!("there is no button `{name}`"), help: help.or_else(list) });
    };
    if row.button.disabled {
        return Some(Refusal { error: format!("the button `{name}` is disabled"), help: None });
    }
    let invalid = row.button.environment(inputs).err()?;
    let help = match &invalid {
        InvalidInput::Unknown { input, known, .. } => suggest::did_you_mean(input, known.iter().map(String::as_str)),
        InvalidInput::NotAChoice { .. } => None,
    };
    Some(Refusal { error: invalid.to_string(), help })
}
