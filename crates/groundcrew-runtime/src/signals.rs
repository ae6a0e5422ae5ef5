use std::io;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::handlers::Handlers;
use crate::last_resort::{LastResort, Order, leave};

/// The signals that end a service, SIGTERM and SIGINT, listened to from the moment of [`install`](Signals::install).
///
/// As process 1 of a container, SIGTERM is ignored until a handler is there, so this comes before anything
/// slow. They are received on a thread of their own, so that they are heard while every worker of the service's
/// runtime is blocked. In the hands of [`supervise`](crate::supervise) that thread ends the process itself, with a line
/// on standard error and exit code 130, when it is still there 1 s after the third signal, or when its shutdown has not
/// come to an end 2 s after its time.
#[derive(Debug)]
pub struct Signals {
    received: UnboundedReceiver<&'static str>,
    /// How many were handed out.
    taken: u64,
    orders: UnboundedSender<Order>,
}

impl Signals {
    /// Installs the handlers, and starts the thread that listens.
    pub fn install() -> io::Result<Self> {
        let (passed, received) = mpsc::unbounded_channel();
        let (orders, told) = mpsc::unbounded_channel();
        let (installed, answer) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("signals".into());
        thread.spawn(move || listen(&installed, passed, told))?;
        answer.recv().map_err(io::Error::other)??;
        Ok(Self { received, taken: 0, orders })
    }

    /// The next signal, by its name.
    pub async fn recv(&mut self) -> &'static str {
        match self.received.recv().await {
            Some(signal) => {
                self.taken += 1;
                signal
            }
            None => std::future::pending().await,
        }
    }

    /// What comes from now on ends a service, whose shutdown takes so long at most.
    pub(crate) fn supervised(&self, shutdown: Duration) {
        self.order(Order::Supervised { taken: self.taken, shutdown });
    }

    /// The shutdown has begun, by a signal or not.
    pub(crate) fn shutdown_began(&self) {
        self.order(Order::Began);
    }

    /// The shutdown is over: what is left is up to `main`.
    pub(crate) fn landed(&self) {
        self.order(Order::Landed);
    }

    fn order(&self, order: Order) {
        // The thread is gone only after an order to go.
        let _gone = self.orders.send(order);
    }
}

/// The thread's life: until the signals are dropped, or until it has to end the process.
fn listen(
    installed: &SyncSender<io::Result<()>>,
    passed: UnboundedSender<&'static str>,
    orders: UnboundedReceiver<Order>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let watched = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let handlers = Handlers::install()?;
            let _waits = installed.send(Ok(()));
            Ok::<_, io::Error>(LastResort::default().watch(handlers, passed, orders).await)
        })
    });
    match watched {
        Ok(Some(cause)) => leave(cause),
        Ok(None) => {}
        Err(error) => {
            let _waits = installed.send(Err(error));
        }
    }
}
