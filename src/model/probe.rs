//! Readiness probes.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A check that is repeated while a server lives. Numbers are as the file gives them; the methods know the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is done at each check.
    pub action: ProbeAction,
    /// Seconds before the first check.
    pub initial_delay_secs: Option<u32>,
    /// Seconds that one check may take.
    pub timeout_secs: Option<u32>,
    /// Seconds between checks once the server is ready.
    pub period_secs: Option<u32>,
    /// Checks in a row that must pass before the server is ready.
    pub success_threshold: Option<u32>,
    /// Checks in a row that must fail before a ready server is unready.
    pub failure_threshold: Option<u32>,
}

/// What a probe does. Passing is exit code 0, an HTTP status of 200 to 399, an accepted connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAction {
    /// Runs a command in the server's folder and environment.
    Exec {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Asks a web server.
    HttpGet {
        /// `None` is `localhost`.
        host: Option<String>,
        /// 1 to 65535.
        port: u16,
        /// `None` is `http`. As given, upper-cased; anything but HTTP and HTTPS fails at each check.
        scheme: Option<String>,
        /// `None` is `/`.
        path: Option<String>,
        /// What the request says besides, each by its name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
    },
    /// Opens a connection.
    TcpSocket {
        /// `None` is `localhost`.
        host: Option<String>,
        /// 1 to 65535.
        port: u16,
    },
}

impl Probe {
    /// The delay before the first check; 0 s where not given.
    #[must_use]
    pub fn initial_delay(&self) -> Duration {
        Duration::from_secs(self.initial_delay_secs.unwrap_or(0).into())
    }

    /// How long one check may take; 1 s where not given.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(given(self.timeout_secs, 1).into())
    }

    /// The time between checks; 10 s where not given.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_secs(given(self.period_secs, 10).into())
    }

    /// How many checks in a row must pass; 1 where not given.
    #[must_use]
    pub fn successes_needed(&self) -> u32 {
        given(self.success_threshold, 1)
    }

    /// How many checks in a row must fail; 3 where not given.
    #[must_use]
    pub fn failures_needed(&self) -> u32 {
        given(self.failure_threshold, 3)
    }

    /// The port on this machine that the probe asks, if it asks one.
    #[must_use]
    pub fn loopback_port(&self) -> Option<u16> {
        let (host, port) = match &self.action {
            ProbeAction::Exec { .. } => return None,
            ProbeAction::HttpGet { host, port, .. } | ProbeAction::TcpSocket { host, port } => (host, *port),
        };
        let host = host.as_deref().unwrap_or("localhost");
        matches!(host, "" | "localhost" | "127.0.0.1" | "::1" | "0.0.0.0").then_some(port)
    }
}

/// Zero means the default, as in Tilt.
fn given(value: Option<u32>, default: u32) -> u32 {
    value.filter(|value| *value > 0).unwrap_or(default)
}
