//! A way to an engine over TCP, encrypted or not, which can be cut in the middle.

use super::Engine;
use crate::sandbox::Sandbox;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    runtime::Runtime,
    task::AbortHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

/// Carries bytes between a port of this machine and an engine's socket, until it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    carried: Arc<Mutex<Vec<AbortHandle>>>,
    _runtime: Runtime,
}

impl Relay {
    /// One that carries the bytes as they are.
    pub(crate) fn to(engine: &Engine) -> Self {
        Self::start(engine, None)
    }

    /// One that encrypts them, and lets in only who has a certificate of those.
    pub(crate) fn encrypted(engine: &Engine, papers: &Papers) -> Self {
        Self::start(engine, Some(TlsAcceptor::from(Arc::new(papers.server()))))
    }

    fn start(engine: &Engine, tls: Option<TlsAcceptor>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let socket = PathBuf::from(engine.address().strip_prefix("unix://").unwrap());
        let carried: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let handles = carried.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let carry = tokio::spawn(carry(stream, tls.clone(), socket.clone()));
                handles.lock().unwrap().push(carry.abort_handle());
            }
        });
        Self { address, carried, _runtime: runtime }
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub(crate) fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Breaks all connections that are open; new ones are taken as before.
    pub(crate) fn cut(&self) {
        self.carried.lock().unwrap().drain(..).for_each(|carry| carry.abort());
    }
}

async fn carry(stream: TcpStream, tls: Option<TlsAcceptor>, socket: PathBuf) {
    let Ok(engine) = UnixStream::connect(socket).await else { return };
    match tls {
        Some(tls) => {
            // Who is not let in hears it from the handshake.
            let Ok(stream) = tls.accept(stream).await else { return };
            join(stream, engine).await;
        }
        None => join(stream, engine).await,
    }
}

async fn join(mut one: impl AsyncRead + AsyncWrite + Unpin, mut other: UnixStream) {
    // Where it breaks, both ends see it.
    copy_bidirectional(&mut one, &mut other).await.ok();
}

/// The certificates of an engine and of its user, from one authority; as PEM.
pub(crate) struct Papers {
    ca: String,
    engine: (String, String),
    user: (String, String),
}

impl Papers {
    /// Those of an engine with that name.
    pub(crate) fn of(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let [engine, user] = [name, "user"].map(|name| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", key.serialized_der()))
        });
        Self { ca: pem("CERTIFICATE", ca.der()), engine, user }
    }

    /// Writes `ca.pem`, `cert.pem` and `key.pem` into a folder of the sandbox's project, as docker has them; gives the folder.
    pub(crate) fn write(&self, sandbox: &Sandbox, folder: &str) -> PathBuf {
        sandbox.write(&format!("{folder}/ca.pem"), &self.ca);
        sandbox.write(&format!("{folder}/cert.pem"), &self.user.0);
        sandbox.write(&format!("{folder}/key.pem"), &self.user.1);
        sandbox.path(folder)
    }

    fn server(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.ca)).unwrap();
        let users = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.engine.1.as_bytes()).unwrap();
        builder.with_client_cert_verifier(users).with_single_cert(vec![certificate(&self.engine.0)], key).unwrap()
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", STANDARD.encode(der))
}
