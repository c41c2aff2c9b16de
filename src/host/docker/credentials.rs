//! Who a user is at a registry: what `docker login` left in docker's own configuration, and what its helpers know. Reads, never
//! writes; nothing of it is ever logged, kept or shown.
#![expect(clippy::disallowed_methods, reason = "docker's configuration is read here")]

use super::Connection;
use crate::{
    engine::CommandSpec,
    host::process::{Capture, Kind, Processes, Spawn, Stream},
    model::{Exit, Failure, FilePath},
};
use base64::{Engine as _, engine::general_purpose};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// What Docker Hub is called in docker's configuration.
const HUB: &str = "https://index.docker.io/v1/";
/// What a helper calls a token that stands for a name and a password.
const TOKEN_USER: &str = "<token>";
/// How long a helper may take: it may ask the user something in a window.
const HELPER_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a helper may take to end.
const HELPER_GRACE: Duration = Duration::from_secs(2);

/// Where logins are looked up. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    config_dir: Option<PathBuf>,
    processes: Arc<Processes>,
    /// What helpers get on top of orch's own environment.
    environment: BTreeMap<String, Option<String>>,
}

/// Who the user is at one registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Empty with an identity token.
    pub username: String,
    /// The password.
    pub password: String,
    /// Stands for both.
    pub identity_token: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// The file `config.json`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
    proxies: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    /// Name and password in one.
    #[serde(rename = "auth")]
    both: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// What a helper prints.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Secret {
    username: String,
    secret: String,
}

impl Credentials {
    /// Logins of the configuration in this folder: `DOCKER_CONFIG`, else `.docker` in the user's home.
    #[must_use]
    pub fn new(config_dir: Option<PathBuf>, processes: Arc<Processes>) -> Self {
        Self { config_dir, processes, environment: BTreeMap::new() }
    }

    /// The same, with helpers that get this on top of orch's own environment.
    #[must_use]
    pub fn with_environment(&self, environment: &BTreeMap<String, Option<String>>) -> Self {
        Self { environment: environment.clone(), ..self.clone() }
    }

    /// The login for `registry`, a host with its port if it has one; `None` where the user has none.
    ///
    /// # Errors
    /// The configuration cannot be read, or a helper that it names fails.
    pub async fn login(&self, registry: &str) -> Result<Option<Login>, Failure> {
        let config = self.config()?;
        let key = Self::key_of(registry);
        let helper = config.cred_helpers.get(key).unwrap_or(&config.creds_store);
        if !helper.is_empty()
            && let Some(login) = self.ask(helper, key).await?
        {
            return Ok(Some(login));
        }
        let auth = config.auths.get(key).or_else(|| {
            let same_host = |(name, _): &(&String, &Auth)| host_of(name) == host_of(key);
            config.auths.iter().find(same_host).map(|(_, auth)| auth)
        });
        Ok(auth.and_then(Auth::login))
    }

    /// The same, as bollard wants it.
    pub async fn for_engine(&self, registry: &str) -> Result<Option<DockerCredentials>, Failure> {
        let login = self.login(registry).await?;
        Ok(login.map(|login| DockerCredentials {
            username: Some(login.username).filter(|name| !name.is_empty()),
            password: Some(login.password).filter(|password| !password.is_empty()),
            identitytoken: login.identity_token,
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        }))
    }

    /// The variables that the configuration sets for builds on this engine, by docker's names for them.
    pub(super) fn proxies(&self, connection: &Connection) -> BTreeMap<String, String> {
        let mut proxies = self.config().unwrap_or_default().proxies;
        let own = proxies.remove(&connection.address().to_string());
        own.or_else(|| proxies.remove("default")).unwrap_or_default()
    }

    fn config(&self) -> Result<Config, Failure> {
        let Some(file) = self.config_dir.as_ref().map(|dir| dir.join("config.json")) else {
            return Ok(Config::default());
        };
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unreadable(&file, &format!("it is no {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(unreadable(&file, &error.to_string())),
        }
    }

    /// What a registry is called in the configuration, and in what the engine is told.
    pub(super) fn key_of(registry: &str) -> &str {
        match registry {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => HUB,
            registry => registry,
        }
    }

    async fn ask(&self, helper: &str, key: &str) -> Result<Option<Login>, Failure> {
        let program = format!("docker-credential-{helper}");
        let argv = vec![program.clone(), "get".to_owned()];
        let command = CommandSpec { argv, dir: FilePath::new("/"), env: self.environment.clone() };
        let input = Some(format!("{key}\n").into_bytes());
        let output = Arc::new(Capture::default());
        let spawn = Spawn { input, ..Spawn::new(&command, Kind::Server, HELPER_GRACE) };
        let running = self.processes.spawn(spawn, output.clone());
        let Ok(ended) = timeout(HELPER_TIMEOUT, running.ended()).await else {
            return Err(no_help(&program, key, "it takes too long"));
        };
        let said = output.take(Stream::Out);
        match ended.exit {
            Exit::Code(0) => match serde_json::from_slice::<Secret>(&said) {
                Ok(secret) => Ok(secret.login()),
                Err(_) => Err(no_help(&program, key, "it printed no JSON")),
            },
            Exit::NotStarted(failure) => Err(no_help(&program, key, &failure.message)),
            // All helpers say it in these words.
            _ if String::from_utf8_lossy(&said).contains("credentials not found") => Ok(None),
            _ => {
                let said = [said, output.take(Stream::Err)].concat();
                let said = String::from_utf8_lossy(&said);
                Err(no_help(&program, key, said.trim().lines().next().unwrap_or("it failed and said nothing")))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("config_dir", &self.config_dir).finish_non_exhaustive()
    }
}

impl Auth {
    fn login(&self) -> Option<Login> {
        let decoded = general_purpose::STANDARD.decode(&self.both).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let (username, password) = decoded
            .as_deref()
            .and_then(|text| text.split_once(':'))
            .unwrap_or((self.username.as_str(), self.password.as_str()));
        let identity_token = Some(self.identitytoken.clone()).filter(|token| !token.is_empty());
        let login = Login {
            username: username.to_owned(),
            password: password.trim_end_matches('\0').to_owned(),
            identity_token,
        };
        (login.identity_token.is_some() || !login.username.is_empty()).then_some(login)
    }
}

impl Secret {
    fn login(self) -> Option<Login> {
        let Self { username, secret } = self;
        match username.as_str() {
            "" if secret.is_empty() => None,
            TOKEN_USER => {
                Some(Login { username: String::new(), password: String::new(), identity_token: Some(secret) })
            }
            _ => Some(Login { username, password: secret, identity_token: None }),
        }
    }
}

/// The host in a key, which may be an address with a path.
fn host_of(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

fn unreadable(file: &Path, why: &str) -> Failure {
    Failure {
        message: format!("docker's configuration `{}` cannot be read: {why}", file.display()),
        help: Some("mend it, or take it away and `docker login` again".to_owned()),
    }
}

fn no_help(program: &str, registry: &str, why: &str) -> Failure {
    Failure {
        message: format!("`{program}` does not tell who you are at `{registry}`: {why}"),
        help: Some("look at `credsStore` and `credHelpers` in docker's `config.json`".to_owned()),
    }
}
