use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::handover;
use crate::stream::Stream;

/// Pending connections that the kernel keeps for us.
const BACKLOG: i32 = 4096;

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp {
        listener: TcpListener,
        handed_over: bool,
    },
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        path: PathBuf,
    },
}

/// A listener that could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is taken, forbidden or not ours.
    #[error(
        "cannot listen on {address} ({section}.host, {section}.port): {}{}",
        hint(source, address),
        if *section == "admin" { ", or set admin.enabled to false" } else { "" }
    )]
    Tcp {
        /// The configuration section.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's answer; it stands in the message.
        #[source]
        source: io::Error,
    },
    /// The socket's path cannot be used.
    #[error("cannot listen on the Unix socket {} ({section}.socket): {source}", path.display())]
    Unix {
        /// The configuration section.
        section: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's answer; it stands in the message.
        #[source]
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The CORS section would not do what it says.
    #[cfg(feature = "cors")]
    #[error(transparent)]
    Cors(#[from] crate::CorsError),
}

/// What to do about it, by the system's answer.
fn hint(error: &io::Error, address: &SocketAddr) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another process holds port {port}{}; stop it or choose another port",
            crate::port_holder::describe(port).map(|who| format!(" ({who})")).unwrap_or_default()
        ),
        io::ErrorKind::PermissionDenied => {
            format!("no permission for port {port}; ports below 1024 need CAP_NET_BIND_SERVICE")
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

// === impl Listener ===

impl Listener {
    /// A listener that was handed over under this name (systemd socket activation), or a new one.
    pub(crate) fn tcp(section: &'static str, address: SocketAddr) -> Result<Self, BindError> {
        let (listener, handed_over) = match handover::take(section) {
            Some(listener) => (Ok(listener), true),
            None => (bind(address), false),
        };
        let listener = listener
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)
            })
            .map_err(|source| BindError::Tcp { section, address, source })?;
        Ok(Listener::Tcp { listener, handed_over })
    }

    #[cfg(unix)]
    pub(crate) fn unix(section: &'static str, path: &Path) -> Result<Self, BindError> {
        remove_stale(path)
            .and_then(|()| UnixListener::bind(path))
            .map(|listener| Listener::Unix { listener, path: path.to_owned() })
            .map_err(|source| BindError::Unix { section, path: path.to_owned(), source })
    }

    /// Where it listens; `None` for a Unix socket.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp { listener, .. } => listener.local_addr().ok(),
            #[cfg(unix)]
            Listener::Unix { .. } => None,
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Listener::Tcp { listener, .. } => {
                let (stream, peer) = listener.accept().await?;
                tune(&stream);
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            #[cfg(unix)]
            Listener::Unix { listener, .. } => Ok((Stream::Unix(listener.accept().await?.0), None)),
        }
    }

    /// Whether the listening socket lives on after us in another process.
    pub(crate) fn is_handed_over(&self) -> bool {
        matches!(self, Listener::Tcp { handed_over: true, .. })
    }

    /// Lets no new connection into the backlog, so that it can be emptied for good: a handshake that has
    /// begun is completed, and whoever knocks now is not refused but tries again a second later and finds
    /// our successor. A Unix socket loses its path.
    pub(crate) fn shut_the_door(&mut self) {
        #[cfg(unix)]
        self.remove_path();
        #[cfg(target_os = "linux")]
        if let Listener::Tcp { listener, handed_over: false } = self
            && let Err(error) = SockRef::from(&*listener).attach_filter(&drop_handshakes())
        {
            tracing::debug!(%error, "the listener keeps its backlog open while it closes");
        }
    }
}

#[cfg(unix)]
impl Listener {
    /// Once: what stands at the path afterwards is our successor's.
    fn remove_path(&mut self) {
        if let Listener::Unix { path, .. } = self {
            let _gone_already = std::fs::remove_file(std::mem::take(path));
        }
    }
}

/// A classic packet filter over the TCP header: `if flags & SYN { drop } else { keep }`.
#[cfg(target_os = "linux")]
fn drop_handshakes() -> [socket2::SockFilter; 4] {
    use socket2::SockFilter;
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const FLAGS_OFFSET: u32 = 13;
    const SYN: u32 = 0x02;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_OFFSET),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        self.remove_path();
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    // A restart must not wait for the old connections' TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Small answers go out at once; peers that vanished are noticed within about two minutes.
fn tune(stream: &tokio::net::TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(std::time::Duration::from_secs(60))
        .with_interval(std::time::Duration::from_secs(15))
        .with_retries(4);
    let tuned = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "socket options are not set");
    }
}

/// A socket that nobody listens on is left over from a crash. Whatever else stands at the path is not ours to
/// remove: a file by its name could be a database.
#[cfg(unix)]
fn remove_stale(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let kind = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.file_type(),
    };
    let in_the_way = |why: String| Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    if !kind.is_socket() {
        return in_the_way("what is there is no socket and is left alone; name another path".to_owned());
    }
    match knock(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => in_the_way(format!(
            "the socket that is there may be in use ({error}); stop who uses it, remove it, or name another path"
        )),
        Ok(()) => in_the_way("another process listens on it; stop it or name another path".to_owned()),
    }
}

/// Connects without waiting: a backlog that is full is an answer, too.
#[cfg(unix)]
fn knock(path: &Path) -> io::Result<()> {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&socket2::SockAddr::unix(path)?)
}
