//! Clients, requests and name servers for the tests.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use outbound::{Client, Lookup, Options, Request, Resolve, ResolveError};

/// Long enough never to pass in a test that isn't about it.
pub const PATIENT: Duration = Duration::from_secs(20);

/// Short enough to wait for in a test that is about it.
pub const IMPATIENT: Duration = Duration::from_millis(100);

/// Options of a client that may reach 127.0.0.0/8 and knows no name.
pub fn local_options() -> Options {
    Options {
        allow_private: vec!["127.0.0.0/8".parse().unwrap()],
        resolver: Some(Names::new([])),
        ..Options::default()
    }
}

/// A client that may reach 127.0.0.0/8 and knows no name.
pub fn local_client() -> Client {
    Client::new(local_options()).unwrap()
}

/// A client that may reach nothing but the public Internet.
pub fn strict_client(names: Arc<Names>) -> Client {
    Client::new(Options { resolver: Some(names), ..Options::default() }).unwrap()
}

pub fn get(url: impl AsRef<str>) -> Request {
    Request {
        method: Method::GET,
        url: url.as_ref().parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: PATIENT,
        connect_timeout: None,
    }
}

pub fn post(url: impl AsRef<str>, body: &'static str) -> Request {
    Request { method: Method::POST, body: body.into(), ..get(url) }
}

/// A name server that gives its answers one after the other, whatever the name, the last one for
/// ever. Without answers no name exists.
pub struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    pub fn new<const N: usize>(answers: [&[&str]; N]) -> Arc<Self> {
        let answers = answers.map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Arc::new(Self { answers: Mutex::new(answers.into()), asked: AtomicUsize::new(0) })
    }

    /// How often a name was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            0 => Err(ResolveError::NoAddress),
            1 => Ok(answers[0].clone()),
            _ => Ok(answers.pop_front().unwrap()),
        };
        Box::pin(async move { answer })
    }
}
