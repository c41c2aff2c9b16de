//! Bytes to and from an engine: one connection to its address, of whatever sort that is. Knows nothing of HTTP.

use super::{address::Address, ssh, tls};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How long a machine may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to an engine.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens a connection.
///
/// # Errors
/// Of the sort that the system gives; `Connection::failure` says them in the user's words.
pub async fn connect(address: &Address) -> io::Result<Box<dyn Transport>> {
    let opened = timeout(CONNECT_TIMEOUT, open(address)).await;
    opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn open(address: &Address) -> io::Result<Box<dyn Transport>> {
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Address::Tcp { host, port, tls } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            match tls {
                Some(tls) => Ok(Box::new(tls::encrypt(tls, host, stream).await?)),
                None => Ok(Box::new(stream)),
            }
        }
        Address::Ssh { user, host, port, socket } => {
            Ok(Box::new(ssh::dial(user.as_deref(), host, *port, socket.as_deref())?))
        }
    }
}
