//! What goes wrong between orch and a cluster, in the user's words.

use super::connection::Address;
use crate::model::Failure;
use kube_client::{Error, core::Status};
use std::{error, io};

/// What the server said no with, if it answered.
#[must_use]
pub fn status(error: &Error) -> Option<&Status> {
    match error {
        Error::Api(status) => Some(status),
        _ => None,
    }
}

/// Whether the server says that there is no such thing.
#[must_use]
pub fn is_missing(error: &Error) -> bool {
    status(error).is_some_and(|status| status.code == 404)
}

/// Whether the server says that we may not.
#[must_use]
pub fn is_forbidden(error: &Error) -> bool {
    status(error).is_some_and(|status| status.code == 403)
}

/// Whether nobody answered or nobody let us in, as opposed to an answer that says no.
#[must_use]
pub fn is_lost(error: &Error) -> bool {
    match error {
        Error::Api(status) => matches!(status.code, 401 | 502 | 503 | 504) && !is_of_a_webhook(&status.message),
        Error::HyperError(_) | Error::Service(_) | Error::ReadEvents(_) | Error::Auth(_) => true,
        _ => false,
    }
}

/// The server speaks of a program that it asks for its opinion, and not of itself.
fn is_of_a_webhook(message: &str) -> bool {
    message.contains("webhook")
}

/// What went wrong while orch did something: `doing` reads as in "`Deployment web` cannot be applied".
#[must_use]
pub fn explain(address: &Address, doing: &str, error: &Error) -> Failure {
    match error {
        Error::Auth(why) => no_credentials(address, &why.to_string()),
        Error::Api(status) if status.code == 401 => refused(address),
        error if is_lost(error) => unreachable(address, error),
        Error::Api(status) if status.code == 403 => Failure {
            message: format!("{doing}: {}", said(status)),
            help: Some(format!(
                "whoever runs the cluster can give you that right; the context is `{}`",
                address.context
            )),
        },
        Error::Api(status) => Failure { message: format!("{doing}: {}", said(status)), help: remedy(status) },
        error => Failure { message: format!("{doing}: {}", innermost(error)), help: None },
    }
}

/// What to do about what the server said, where that is known.
fn remedy(status: &Status) -> Option<String> {
    let namespace = status.message.strip_prefix("namespaces \"")?.strip_suffix("\" not found")?;
    Some(format!(
        "`kubectl create namespace {namespace}` makes it; so does `namespace_create(\"{namespace}\")` of `ext://namespace` in the \
         Orchfile"
    ))
}

/// What the server said, on one line.
#[must_use]
pub fn said(status: &Status) -> String {
    let text = if status.message.is_empty() { &status.reason } else { &status.message };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end_matches('.').to_owned()
}

fn refused(address: &Address) -> Failure {
    Failure {
        message: format!(
            "the cluster at `{}` does not accept the credentials of the context `{}`",
            address.server, address.context
        ),
        help: Some("they may have expired: log in again, or choose another context (`--context`)".to_owned()),
    }
}

/// Why the credentials for a context cannot be had.
fn no_credentials(address: &Address, why: &str) -> Failure {
    Failure {
        message: format!(
            "the credentials of the context `{}` for `{}` cannot be had: {}",
            address.context,
            address.server,
            one_line(why)
        ),
        help: Some("look at the context's user in the kubeconfig, and log in again".to_owned()),
    }
}

/// Why nobody answers at an address.
fn unreachable(address: &Address, error: &Error) -> Failure {
    let Address { server, context, .. } = address;
    let failure = |message: String, help: &str| Failure { message, help: Some(help.to_owned()) };
    let which = "start the cluster, or choose another one (`--context`, `kubectl config use-context`)";
    if let Some(tls) = below::<rustls::Error>(error) {
        return failure(
            format!("no encrypted connection to the cluster of the context `{context}` at `{server}`: {tls}"),
            "look at `certificate-authority` of the cluster, and at the client certificate of the user, in the kubeconfig",
        );
    }
    match (error, below::<io::Error>(error).map(io::Error::kind)) {
        (_, Some(io::ErrorKind::ConnectionRefused)) => failure(
            format!("nobody listens at `{server}`, where the cluster of the context `{context}` should be"),
            which,
        ),
        (_, Some(io::ErrorKind::TimedOut)) => {
            failure(format!("the cluster of the context `{context}` at `{server}` does not answer"), which)
        }
        (Error::Api(status), _) => failure(
            format!("the cluster of the context `{context}` at `{server}` is not ready: {}", said(status)),
            "look whether its API server is well",
        ),
        _ => failure(
            format!(
                "the connection to the cluster of the context `{context}` at `{server}` broke: {}",
                innermost(error)
            ),
            which,
        ),
    }
}

/// Nobody answered in time.
#[must_use]
pub fn silent(address: &Address) -> Failure {
    let Address { server, context, .. } = address;
    Failure {
        message: format!("the cluster of the context `{context}` at `{server}` does not answer"),
        help: Some("start the cluster, or choose another one (`--context`, `kubectl config use-context`)".to_owned()),
    }
}

/// The last error of that kind in the chain.
fn below<'a, Kind: error::Error + 'static>(error: &'a (dyn error::Error + 'static)) -> Option<&'a Kind> {
    chain(error).filter_map(|error| error.downcast_ref::<Kind>()).last()
}

/// An error and what caused it. What an [`io::Error`] wraps is no source of it.
fn chain<'a>(error: &'a (dyn error::Error + 'static)) -> impl Iterator<Item = &'a (dyn error::Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| -> &(dyn error::Error + 'static) { inner }).or_else(|| error.source())
    })
}

/// The innermost text, which says most.
fn innermost(error: &Error) -> String {
    one_line(&chain(error).last().map_or_else(|| error.to_string(), ToString::to_string))
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_missing_can_be_made() {
        let said = |message: &str| Status { message: message.to_owned(), code: 404, ..Status::default() };
        let help = remedy(&said("namespaces \"shop\" not found")).unwrap();
        assert!(help.contains("kubectl create namespace shop"), "{help}");
        assert_eq!(remedy(&said("deployments.apps \"shop\" not found")), None);
    }
}
