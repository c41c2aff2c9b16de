//! Logins for the registries that a build pulls from. The engine itself changes them into tokens.

use super::Log;
use crate::host::docker::credentials::Credentials;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse, auth_server::Auth,
};
use tonic::{Request, Response, Status};

pub(super) struct Service {
    pub(super) credentials: Credentials,
    pub(super) log: Log,
}

#[tonic::async_trait]
impl Auth for Service {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let login = self.credentials.login(&request.get_ref().host).await.unwrap_or_else(|failure| {
            // Most images can be had by anybody.
            self.log.line(&failure.message);
            None
        });
        let answer = login.map_or_else(CredentialsResponse::default, |login| match login.identity_token {
            Some(token) => CredentialsResponse { username: String::new(), secret: token },
            None => CredentialsResponse { username: login.username, secret: login.password },
        });
        Ok(Response::new(answer))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("the engine fetches tokens"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("the engine fetches tokens"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("the engine fetches tokens"))
    }
}
