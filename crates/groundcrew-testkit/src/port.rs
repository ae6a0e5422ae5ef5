//! A port that stays free for the server of a test.
//!
//! Whoever binds port 0, lets go of it and gives its number to a server shares it with everybody: until the server
//! listens, and again while it is down between two starts, any outgoing connection of the machine may be given that
//! port as its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Below those that Linux, macOS and Windows take for outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A TCP port of 127.0.0.1 that no outgoing connection and no other `Port` has while this is held, whether a server
/// listens on it or not.
///
/// Other programs may still listen on it on purpose. On Linux, the range of outgoing connections must be as usual
/// (`net.ipv4.ip_local_port_range`, from 32768).
///
/// ```
/// use groundcrew_testkit::port::Port;
/// use std::net::TcpListener;
///
/// let port = Port::free()?;
/// for _start in 0..2 {
///     let server = TcpListener::bind(port.address())?;
///     assert_eq!(server.local_addr()?.port(), port.number());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Port {
    // Servers of tests listen on TCP: the same number of UDP is a lock that all processes see, and that ends with them.
    _lock: UdpSocket,
    number: u16,
}

// === impl Port ===

impl Port {
    /// One that nobody has.
    ///
    /// # Errors
    /// When all are taken.
    pub fn free() -> io::Result<Self> {
        // Anywhere, so that processes that start together do not all knock at the same doors.
        let anywhere = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
        let ports = (FIRST..FIRST + COUNT).cycle().skip(usize::try_from(anywhere).unwrap_or(0));
        let free = ports.take(usize::from(COUNT)).find_map(|number| Self::hold(number).ok());
        free.ok_or_else(|| {
            let words = format!("no port from {FIRST} to {} is free", FIRST + COUNT - 1);
            io::Error::new(io::ErrorKind::AddrInUse, words)
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Where a server on it is found.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }

    fn hold(number: u16) -> io::Result<Self> {
        let lock = UdpSocket::bind((Ipv4Addr::LOCALHOST, number))?;
        // A server that was not started by us.
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, number))?;
        Ok(Self { _lock: lock, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn nobody_else_is_given_it_while_it_is_held() {
        let port = Port::free().expect("one is free");
        Port::hold(port.number()).expect_err("it is taken");
        let number = port.number();
        drop(port);
        Port::hold(number).expect("it is free again");
    }

    #[test]
    fn where_somebody_listens_is_no_free_port() {
        let held = Port::free().expect("one is free");
        let number = held.number();
        let _server = TcpListener::bind(held.address()).expect("nobody listens there");
        drop(held);
        Port::hold(number).expect_err("somebody listens there");
    }

    #[test]
    fn no_outgoing_connection_has_a_port_of_the_range() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a server");
        let address = server.local_addr().expect("its address");
        let clients: Vec<TcpStream> =
            (0..100).map(|_| TcpStream::connect(address).expect("connected")).collect();
        for client in clients {
            let own = client.local_addr().expect("its own").port();
            assert!(!(FIRST..FIRST + COUNT).contains(&own), "{own}: see net.ipv4.ip_local_port_range");
        }
    }
}
