//! A TCP proxy in front of the database, which can fail in the two ways that a network does.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Fine,
    /// Connections are closed, new ones at once.
    Cut,
    /// Connections stay, and nothing passes.
    Frozen,
}

/// A running proxy.
pub struct Proxy {
    url: String,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of the server of this `postgres://` address.
    pub async fn start(database_url: &str) -> Proxy {
        // postgres://user@host:port/name
        let (scheme_and_user, place) = database_url.split_once('@').unwrap();
        let (server, name) = place.split_once('/').unwrap();
        let server: SocketAddr = server.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme_and_user}@{}/{name}", listener.local_addr().unwrap());
        let network = watch::Sender::new(Network::Fine);
        let accepting = tokio::spawn(accept(listener, server, network.clone()));
        Proxy { url, network, accepting }
    }

    /// The address of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        self.network.send_replace(Network::Cut);
    }

    /// Lets nothing pass any more, and says nothing of it.
    pub fn freeze(&self) {
        self.network.send_replace(Network::Frozen);
    }

    /// Takes new connections again. Those that were frozen are closed.
    pub fn restore(&self) {
        self.network.send_replace(Network::Fine);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, network: watch::Sender<Network>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass(client, server, network.subscribe()));
    }
}

/// Passes bytes until the network fails; a frozen connection is held until it is well again.
async fn pass(mut client: TcpStream, server: SocketAddr, mut network: watch::Receiver<Network>) {
    if *network.borrow_and_update() == Network::Fine {
        let Ok(mut upstream) = TcpStream::connect(server).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut upstream) => return,
            _ = network.changed() => {}
        }
    }
    if *network.borrow_and_update() == Network::Frozen {
        // The upstream is gone by now, so a transaction that was open there is rolled back.
        let _ = network.changed().await;
    }
}
