//! Where the Docker Engine is: what the environment, docker's contexts and the usual sockets say. Reads files, opens nothing.

use super::context;
use crate::model::Failure;
use std::{env, fmt, path::PathBuf};

/// Docker's own socket.
const SYSTEM_SOCKET: &str = "/var/run/docker.sock";

/// What decides where the engine is: some variables of the environment, as the docker tool reads them.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_TLS`: a TCP connection is encrypted.
    pub tls: bool,
    /// `DOCKER_TLS_VERIFY`: and the engine must prove who it is.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_CONFIG`, else `.docker` in the user's home.
    pub config_dir: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`: where a rootless engine has its socket.
    pub runtime_dir: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        // Docker takes a variable that is set and empty for one that is not set.
        let var = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name| var(name).map(PathBuf::from);
        Self {
            host: var("DOCKER_HOST"),
            context: var("DOCKER_CONTEXT"),
            tls: var("DOCKER_TLS").is_some(),
            tls_verify: var("DOCKER_TLS_VERIFY").is_some(),
            cert_path: path("DOCKER_CERT_PATH"),
            config_dir: path("DOCKER_CONFIG").or_else(|| path("HOME").map(|home| home.join(".docker"))),
            runtime_dir: path("XDG_RUNTIME_DIR"),
        }
    }
}

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket of this machine.
    Unix(PathBuf),
    /// A port, of this machine or another.
    Tcp {
        /// Name or address, an IPv6 address without brackets.
        host: String,
        /// 2375, or with TLS 2376, where nothing is said.
        port: u16,
        /// How the connection is encrypted, if it is.
        tls: Option<Tls>,
    },
    /// Another machine: `docker system dial-stdio` there leads to its engine.
    Ssh {
        /// `None` is what ssh's own configuration says.
        user: Option<String>,
        /// The machine.
        host: String,
        /// `None` is what ssh's own configuration says.
        port: Option<u16>,
        /// The engine's socket there; `None` is what docker takes there.
        socket: Option<String>,
    },
}

/// The files that an encrypted connection needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Who may vouch for the engine; `None` are those whom the system trusts.
    pub ca: Option<PathBuf>,
    /// The user's certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether the engine must prove who it is.
    pub verify: bool,
}

impl Tls {
    /// What a folder with docker's three files says.
    pub(super) fn in_folder(folder: &std::path::Path, verify: bool) -> Self {
        let file = |name| Some(folder.join(name)).filter(|path| path.exists());
        Self { ca: file("ca.pem"), identity: file("cert.pem").zip(file("key.pem")), verify }
    }
}

impl Address {
    /// Where the docker tool would look for the engine: `DOCKER_HOST`, else `DOCKER_CONTEXT`, else the context that was
    /// chosen with `docker context use`, else the system's socket or that of a rootless engine.
    pub fn find(surroundings: &Surroundings) -> Result<Self, Failure> {
        if let Some(host) = &surroundings.host {
            return Self::parse(host, tls_of(surroundings)).map_err(|why| not_understood("DOCKER_HOST", host, &why));
        }
        let chosen = context::chosen(surroundings)?;
        match chosen {
            Some(name) => context::address(surroundings, &name),
            None => Ok(usual_socket(surroundings)),
        }
    }

    /// Reads an address as docker writes it.
    pub(super) fn parse(text: &str, tls: Option<Tls>) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        match scheme {
            "unix" if rest.is_empty() => Ok(Self::Unix(SYSTEM_SOCKET.into())),
            "unix" => Ok(Self::Unix(rest.into())),
            "tcp" | "http" | "https" => {
                let tls = tls.or_else(|| (scheme == "https").then(|| Tls { verify: true, ..Tls::default() }));
                let (host, port) = host_and_port(rest.trim_end_matches('/'))?;
                let port = port.unwrap_or(if tls.is_some() { 2376 } else { 2375 });
                Ok(Self::Tcp { host: if host.is_empty() { "localhost".to_owned() } else { host }, port, tls })
            }
            "ssh" => parse_ssh(rest),
            _ => Err(format!("`{scheme}` is none of `unix`, `tcp` and `ssh`")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
            Self::Ssh { user, host, port, socket } => {
                let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "ssh://{user}{host}{port}{}", socket.as_deref().unwrap_or_default())
            }
        }
    }
}

fn tls_of(surroundings: &Surroundings) -> Option<Tls> {
    let folder = surroundings.cert_path.as_ref().or(surroundings.config_dir.as_ref())?;
    let wanted = surroundings.tls || surroundings.tls_verify;
    wanted.then(|| Tls::in_folder(folder, surroundings.tls_verify))
}

/// The system's socket, unless only a rootless engine is there.
fn usual_socket(surroundings: &Surroundings) -> Address {
    let system = PathBuf::from(SYSTEM_SOCKET);
    let rootless = surroundings.runtime_dir.as_ref().map(|dir| dir.join("docker.sock")).filter(|path| path.exists());
    Address::Unix(if system.exists() { system } else { rootless.unwrap_or(system) })
}

fn parse_ssh(rest: &str) -> Result<Address, String> {
    let (authority, socket) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(rest[slash..].to_owned()).filter(|path| path != "/")),
        None => (rest, None),
    };
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, authority),
    };
    if user.as_ref().is_some_and(|user| user.contains(':')) {
        return Err("it holds a password, which ssh does not take from there".to_owned());
    }
    let (host, port) = host_and_port(place)?;
    // Both become arguments of ssh.
    if host.is_empty() || host.starts_with('-') || user.as_ref().is_some_and(|user| user.starts_with('-')) {
        return Err("it names no machine".to_owned());
    }
    Ok(Address::Ssh { user, host, port, socket })
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.contains('/') || port.is_some_and(|port| port.contains('/')) {
        return Err("a path is not possible there".to_owned());
    }
    let port = port.map(|port| port.parse().map_err(|_| format!("`{port}` is no port"))).transpose()?;
    Ok((host.to_owned(), port))
}

/// Whoever names an engine in a way that is not understood.
pub(super) fn not_understood(where_: &str, text: &str, why: &str) -> Failure {
    Failure {
        message: format!("`{text}` in {where_} is no address of a Docker Engine: {why}"),
        help: Some("write `unix:///PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_docker_reads_them() {
        let shown = |text: &str| Address::parse(text, None).map(|address| address.to_string());
        for (text, address) in [
            ("unix:///run/d.sock", "unix:///run/d.sock"),
            ("unix://", "unix:///var/run/docker.sock"),
            ("tcp://10.0.0.1:1234", "tcp://10.0.0.1:1234"),
            ("tcp://box", "tcp://box:2375"),
            ("https://box/", "tcp://box:2376"),
            ("box:99", "tcp://box:99"),
            ("tcp://:99", "tcp://localhost:99"),
            ("tcp://[::1]:99", "tcp://[::1]:99"),
            ("ssh://me@box", "ssh://me@box"),
            ("ssh://box:22/run/d.sock", "ssh://box:22/run/d.sock"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(address), "{text}");
        }
        for text in
            ["npipe:////./pipe/docker", "tcp://box:http", "tcp://box:1/path", "ssh://", "ssh://-oProxyCommand=x"]
        {
            assert!(shown(text).is_err(), "{text}");
        }
        assert_eq!(shown("ssh://me:secret@box").unwrap_err().find("secret"), None);
    }
}
