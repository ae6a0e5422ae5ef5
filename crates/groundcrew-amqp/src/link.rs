use std::io;
use std::sync::Arc;
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, TLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties};
use parking_lot::Mutex;
use socket2::{SockRef, Socket, TcpKeepalive};

use crate::target::Target;

/// One connection, and the power to end it.
///
/// lapin runs each connection on a thread of its own, which waits on the socket for as long as that lives: an attempt
/// that is given up while the other side is silent would leave the thread and the socket behind. So the socket is
/// shut down here, always.
pub(crate) struct Link {
    connection: Connection,
    socket: SocketEnd,
    patience: Duration,
}

/// The socket of a connection, or what is to become of it once there is one.
#[derive(Clone, Default)]
struct SocketEnd(Arc<Mutex<SocketState>>);

#[derive(Default)]
enum SocketState {
    #[default]
    Dialling,
    Open(Socket),
    Ended,
}

/// Ends the socket of an attempt that is given up, also by dropping its future.
struct Attempt(Option<SocketEnd>);

// === impl Link ===

impl Link {
    /// Connects within `patience`, all steps together.
    pub(crate) async fn connect(
        target: &Target,
        name: &str,
        patience: Duration,
    ) -> Result<Self, lapin::Error> {
        let socket = SocketEnd::default();
        let mut attempt = Attempt(Some(socket.clone()));
        let dialled = dial(target, name, patience, socket.clone());
        let connection =
            tokio::time::timeout(patience, dialled).await.unwrap_or_else(|_| Err(timed_out(patience)))?;
        attempt.0 = None;
        Ok(Self { connection, socket, patience })
    }

    /// Opens a channel; a connection that cannot do that in time is ended.
    pub(crate) async fn channel(&self) -> Result<Channel, lapin::Error> {
        let opened = self.bounded(self.connection.create_channel()).await;
        if opened.is_err() {
            self.kill();
        }
        opened
    }

    /// The future's result, or an error once it takes longer than connecting may.
    pub(crate) async fn bounded<T>(
        &self,
        future: impl Future<Output = Result<T, lapin::Error>>,
    ) -> Result<T, lapin::Error> {
        tokio::time::timeout(self.patience, future).await.unwrap_or_else(|_| Err(timed_out(self.patience)))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Says good-bye, for at most `patience`.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let closed = self.connection.close(200, "good-bye".into());
        let closed = matches!(tokio::time::timeout(patience, closed).await, Ok(Ok(())));
        self.kill();
        closed
    }

    /// Ends the connection at once; whoever uses it sees an error.
    pub(crate) fn kill(&self) {
        self.socket.end();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.kill();
    }
}

// === impl SocketEnd ===

impl SocketEnd {
    fn opened(&self, socket: Socket) {
        let mut state = self.0.lock();
        if matches!(*state, SocketState::Ended) {
            // Nobody waits for this connection any more.
            let _gone = socket.shutdown(std::net::Shutdown::Both);
        } else {
            *state = SocketState::Open(socket);
        }
    }

    fn end(&self) {
        if let SocketState::Open(socket) = std::mem::replace(&mut *self.0.lock(), SocketState::Ended) {
            // It may be gone already.
            let _gone = socket.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.end();
        }
    }
}

async fn dial(
    target: &Target,
    name: &str,
    patience: Duration,
    end: SocketEnd,
) -> Result<Connection, lapin::Error> {
    let tls = target.tls.clone();
    let runtime = lapin::runtime::default_runtime()?;
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    // The closure runs on the connection's own thread, so it needs a bound of its own.
    Connection::connector(
        target.uri.clone(),
        runtime,
        async move |uri, runtime| {
            let dialled = async {
                let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
                let stream = plain.connect_with_config_async(TLSConfig::default(), &runtime).await?;
                if let AsyncTcpStream::Plain(tcp) = &stream {
                    let socket = SockRef::from(tcp.get_ref());
                    watch(&socket)?;
                    end.opened(socket.try_clone()?);
                }
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, tls.as_ref()).await,
                }
            };
            let dialled = tokio::time::timeout(patience, dialled).await;
            Ok(dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
        },
        properties,
    )
    .await
}

/// Lets TCP itself find out that the other side is gone, beside the heartbeat.
fn watch(socket: &SockRef<'_>) -> io::Result<()> {
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(15)))?;
    Ok(())
}

fn timed_out(patience: Duration) -> lapin::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {patience:?} (`connect_timeout`)"))
        .into()
}
