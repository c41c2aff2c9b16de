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
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream, tcp::WriteHalf, unix::ReadHalf},
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
        Self::start(engine, Way::Plain)
    }

    /// One that encrypts them, and lets in only who has a certificate of those.
    pub(crate) fn encrypted(engine: &Engine, papers: &Papers) -> Self {
        Self::start(engine, Way::Encrypted(TlsAcceptor::from(Arc::new(papers.server()))))
    }

    /// One through which the engine seems to have another clock: that is the `Date` of its answers.
    pub(crate) fn at_another_time(engine: &Engine, date: &'static str) -> Self {
        Self::start(engine, Way::Dated(date))
    }

    fn start(engine: &Engine, way: Way) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let socket = PathBuf::from(engine.address().strip_prefix("unix://").unwrap());
        let carried: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let handles = carried.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let carry = tokio::spawn(carry(stream, way.clone(), socket.clone()));
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

/// What is done with the bytes on the way.
#[derive(Clone)]
enum Way {
    Plain,
    Encrypted(TlsAcceptor),
    Dated(&'static str),
}

async fn carry(mut stream: TcpStream, way: Way, socket: PathBuf) {
    let Ok(mut engine) = UnixStream::connect(socket).await else { return };
    // Where it breaks, both ends see it.
    match way {
        Way::Plain => drop(copy_bidirectional(&mut stream, &mut engine).await),
        Way::Encrypted(tls) => {
            // Who is not let in hears it from the handshake.
            let Ok(mut stream) = tls.accept(stream).await else { return };
            drop(copy_bidirectional(&mut stream, &mut engine).await);
        }
        Way::Dated(date) => {
            let ((mut from, mut to), (mut answers, mut asked)) = (stream.split(), engine.split());
            drop(tokio::join!(copy(&mut from, &mut asked), dated(&mut answers, &mut to, date)));
        }
    }
}

/// Carries answers, whose heads come whole.
async fn dated(answers: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>, date: &str) -> std::io::Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let count = answers.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        let sign = b"\r\nDate: ";
        if let Some(at) = bytes[..count].windows(sign.len()).position(|window| window == sign) {
            bytes[at + sign.len()..][..date.len()].copy_from_slice(date.as_bytes());
        }
        to.write_all(&bytes[..count]).await?;
    }
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
