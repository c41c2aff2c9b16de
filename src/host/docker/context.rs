//! Docker's contexts: named engines, kept in files below docker's configuration folder. Reads them, never writes.

#![expect(clippy::disallowed_methods, reason = "docker's configuration is read here")]

use super::address::{Address, Surroundings, Tls, not_understood};
use crate::model::Failure;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{fs, io, path::Path};

/// The context that stands for no context at all.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    #[serde(default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// The context that the user chose: by `DOCKER_CONTEXT`, else by `docker context use`.
pub(super) fn chosen(surroundings: &Surroundings) -> Result<Option<String>, Failure> {
    let name = match (&surroundings.context, &surroundings.config_dir) {
        (Some(name), _) => name.clone(),
        (None, Some(dir)) => current(&dir.join("config.json"))?,
        (None, None) => String::new(),
    };
    Ok(Some(name).filter(|name| !name.is_empty() && name != DEFAULT))
}

fn current(file: &Path) -> Result<String, Failure> {
    match fs::read(file) {
        Ok(text) => match serde_json::from_slice::<Config>(&text) {
            Ok(config) => Ok(config.current_context),
            Err(error) => Err(unreadable(file, &error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// Where the engine of a context is.
pub(super) fn address(surroundings: &Surroundings, name: &str) -> Result<Address, Failure> {
    let missing = || Failure {
        message: format!("there is no docker context `{name}`"),
        help: Some("`docker context ls` lists them; `docker context use` chooses one".to_owned()),
    };
    let contexts = surroundings.config_dir.as_ref().ok_or_else(missing)?.join("contexts");
    let folder: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = contexts.join("meta").join(&folder).join("meta.json");
    let text = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
        text => text.map_err(|error| unreadable(&file, &error))?,
    };
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| unreadable(&file, &error))?;
    let endpoint = meta.endpoints.docker.ok_or_else(|| Failure {
        message: format!("the docker context `{name}` has no Docker Engine"),
        help: Some("choose another with `docker context use`".to_owned()),
    })?;
    let files = contexts.join("tls").join(&folder).join("docker");
    let tls = (files.exists() || endpoint.skip_tls_verify).then(|| Tls::in_folder(&files, !endpoint.skip_tls_verify));
    Address::parse(&endpoint.host, tls)
        .map_err(|why| not_understood(&format!("the docker context `{name}`"), &endpoint.host, &why))
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure {
        message: format!("`{}` cannot be read: {error}", file.display()),
        help: Some("mend it, or set `DOCKER_HOST`".to_owned()),
    }
}
