//! What the engine may ask of orch while it builds: files, secrets, logins, an ssh agent. BuildKit calls that a session. The
//! connection is one that the engine upgraded, and on it orch is the server of gRPC.

mod auth;
pub(super) mod filesync;
mod health;
pub(super) mod secrets;
pub(super) mod ssh;

use super::{http, log::Log};
use crate::host::docker::{Connection, credentials::Credentials};
use bollard_buildkit_proto::{
    health::health_server::HealthServer,
    moby::{
        buildkit::secrets::v1::secrets_server::SecretsServer,
        filesync::v1::{auth_server::AuthServer, file_sync_server::FileSyncServer},
        sshforward::v1::ssh_server::SshServer,
    },
};
use hyper::{Method, Request, StatusCode, header, server::conn::http2, upgrade};
use hyper_util::{rt::TokioExecutor, service::TowerToHyperService};
use std::sync::Arc;
use tonic::service::Routes;

/// What orch answers with.
pub(super) struct Offer {
    pub(super) files: Arc<filesync::Files>,
    pub(super) secrets: secrets::Store,
    pub(super) agents: ssh::Agents,
    pub(super) credentials: Credentials,
    pub(super) log: Log,
}

/// What a session is called.
pub(super) struct Names {
    /// Of this build alone.
    pub(super) id: String,
    /// What the engine keeps files under between builds.
    pub(super) shared_key: String,
    /// Shown nowhere.
    pub(super) name: String,
}

/// The calls that the engine may make.
const METHODS: [&str; 5] = [
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
];

/// An open session: it answers while it is awaited, and ends when it is dropped.
pub(super) struct Session {
    stream: upgrade::Upgraded,
    routes: Routes,
}

/// Why there is no session.
pub(super) enum NoSession {
    /// The engine has no BuildKit.
    Unknown,
    /// It cannot be asked.
    Failed(http::Error),
}

impl From<http::Error> for NoSession {
    fn from(error: http::Error) -> Self {
        Self::Failed(error)
    }
}

impl Session {
    /// Asks the engine to open one.
    pub(super) async fn open(connection: &Connection, names: &Names, offer: Offer) -> Result<Self, NoSession> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(http::path(connection, "/session", &[]))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "h2c")
            .header("X-Docker-Expose-Session-Uuid", &names.id)
            .header("X-Docker-Expose-Session-Name", &names.name)
            .header("X-Docker-Expose-Session-Sharedkey", &names.shared_key);
        for method in METHODS {
            request = request.header("X-Docker-Expose-Session-Grpc-Method", method);
        }
        let response = http::ask(connection, request, http::empty()).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {}
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                return Err(NoSession::Unknown);
            }
            _ => return Err(response.refusal().await.into()),
        }
        let stream = response.upgrade().await?;
        Ok(Self { stream, routes: routes(offer) })
    }

    /// Answers until the engine closes the connection.
    pub(super) async fn serve(self) {
        let service = TowerToHyperService::new(self.routes);
        let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(self.stream, service);
        // How it ends says nothing that the build's own answer does not say better.
        connection.await.ok();
    }
}

fn routes(offer: Offer) -> Routes {
    let auth = auth::Service { credentials: offer.credentials, log: offer.log };
    Routes::new(HealthServer::new(health::Service))
        .add_service(FileSyncServer::new(filesync::Service(offer.files)))
        .add_service(AuthServer::new(auth))
        .add_service(SecretsServer::new(secrets::Service(offer.secrets)))
        .add_service(SshServer::new(ssh::Service(Arc::new(offer.agents))))
        .prepare()
}
