//! Commands that ask a running server, over its REST API: what they share.
//!
//! A command shows an API key; or, on the server's own machine, a pass made with the master key of the data folder. Such a
//! pass goes to a loopback address only: nobody else could tell it from a stranger's. Neighbours: `incoming`, `outgoing`,
//! `send` and `listen` are the commands, `table` and `logs` show what came back.

pub mod audit_log;
pub mod incoming;
pub mod listen;
pub mod logs;
pub mod outgoing;
mod progress;
pub mod sample;
pub mod send;
mod stream;
pub mod table;
pub mod webhooks;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use http::{HeaderMap, HeaderValue, Method, header};
use outbound::{Opened, Response, SendError};
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use signature::{MasterKey, Secret};
use url::{Host, Url};

use crate::config::ConfigError;
use crate::{data_dir, setup};

/// The path under which the API is.
const BASE: &str = "/wp-json/ccsp-mailer/v1";
/// The exit status if the server does not answer.
pub const EXIT_UNREACHABLE: u8 = 3;
/// The exit status if the server does not let the caller do it.
pub const EXIT_FORBIDDEN: u8 = 4;
/// How long an answer may take: a slow database has its say within 10 s, and a replay of a large log takes longer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer: one entry of a log with the largest body that `--max-body-bytes` allows, and room for
/// characters that are longer in JSON.
const MAX_ANSWER: usize = 128 * 1_024 * 1_024;
/// The most bytes of a problem: it names faults, and repeats nothing of what was sent.
const MAX_PROBLEM: usize = 64 * 1_024;

/// Options of every command that asks a running server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct ClientOptions {
    /// Where the server is
    #[arg(long, env = "CCSP_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8025", value_parser = server_url)]
    server: Url,
    /// The API key. Not needed on the server's own machine: there the master key of the data folder opens
    #[arg(long, env = "CCSP_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Where the server's data is, for its master key
    #[arg(long, env = "CCSP_DATA_DIR", value_name = "DIR", default_value = "./ccsp-data")]
    data_dir: PathBuf,
    /// Print JSON, for programs
    #[arg(long, env = "CCSP_JSON", help_heading = "Output")]
    pub json: bool,
    /// The configuration file; every option can stand there, without its dashes in front
    #[arg(long, env = "CCSP_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
}

fn server_url(text: &str) -> Result<Url, String> {
    let fault = || "must be a URL such as https://hooks.example.com".to_owned();
    let url = Url::parse(text.trim_end_matches('/')).map_err(|_| fault())?;
    let is_usable = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.query().is_none();
    if is_usable { Ok(url) } else { Err(fault()) }
}

/// The server does not answer.
#[derive(Debug)]
pub struct Unreachable {
    server: String,
    cause: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, cause } = self;
        write!(
            f,
            "{server} does not answer: {cause}. Start it with `ccsp-mailer serve`, or name another with --server"
        )
    }
}

impl std::error::Error for Unreachable {}

/// The server does not let the caller do it.
#[derive(Debug)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

/// How the caller shows who they are.
enum Credential {
    Key(Secret),
    Master { key: MasterKey, random: Box<Mutex<StdRng>>, folder: PathBuf },
}

/// A client of one server.
pub struct Client {
    http: outbound::Client,
    server: Url,
    credential: Credential,
}

impl Client {
    /// A client by these options; connects to nothing yet.
    ///
    /// # Errors
    /// If there is no key.
    pub fn new(options: &ClientOptions) -> anyhow::Result<Self> {
        let everywhere = ["0.0.0.0/0".parse()?, "::/0".parse()?];
        let http = outbound::Client::new(outbound::Options {
            allow_private: everywhere.to_vec(),
            connect_timeout: CONNECT_TIMEOUT,
            max_response_body: MAX_ANSWER,
            ..outbound::Options::default()
        });
        let http = http.context("the HTTP client can't be made")?;
        Ok(Self { http, server: options.server.clone(), credential: credential(options)? })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
        self.send(Method::GET, path, query, HeaderMap::new(), Vec::new()).await
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, &[], json_headers(), body.to_string().into_bytes()).await
    }

    /// Sends a request to a path of the API, and gives the answer.
    ///
    /// # Errors
    /// [`Unreachable`], [`Forbidden`], or what else the server says against it, with what to do about it.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let request = self.request(method, path, query, headers, body)?;
        let answer = self.http.send(request).await.map_err(|error| self.unreachable(&error))?;
        self.read(&answer)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<outbound::Request> {
        headers.insert(header::AUTHORIZATION, self.authorization()?);
        let program = concat!("ccsp-mailer/", env!("CARGO_PKG_VERSION"));
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(program));
        let (url, body) = (self.url(path, query), body.into());
        Ok(outbound::Request { method, url, headers, body, timeout: TIMEOUT, connect_timeout: None })
    }

    /// Sends JSON, and gives an answer that goes on.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn open(&self, path: &str, body: &Value) -> anyhow::Result<Opened> {
        let body = body.to_string().into_bytes();
        let request = self.request(Method::POST, path, &[], json_headers(), body)?;
        let mut opened = self.http.open(request).await.map_err(|error| self.unreachable(&error))?;
        if opened.status == 200 {
            return Ok(opened);
        }
        let whole = tokio::time::timeout(TIMEOUT, opened.rest(MAX_PROBLEM)).await;
        let body = whole.map_err(|_| self.unreachable(&SendError::Timeout))?;
        let body = body.map_err(|error| self.unreachable(&error))?;
        let answer = Response { status: opened.status, headers: HeaderMap::new(), body, truncated: false };
        // What is no stream is no success.
        self.read(&answer).and_then(|_| bail!("{} answered {}: check --server", self.server, opened.status))
    }

    /// Sends a request that the server made on to a program of the caller's.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn forward(&self, request: outbound::Request) -> Result<Response, SendError> {
        self.http.send(request).await
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.server.clone();
        url.set_path(&format!("{}{BASE}{path}", self.server.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn authorization(&self) -> anyhow::Result<HeaderValue> {
        let shown = match &self.credential {
            Credential::Key(key) => key.clone(),
            Credential::Master { key, random, .. } => {
                key.issue_pass(setup::now().seconds(), &mut *random.lock())
            }
        };
        let mut value = HeaderValue::from_str(&format!("Bearer {}", shown.expose()))
            .map_err(|_| fault("--api-key is not one"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn unreachable(&self, error: &SendError) -> anyhow::Error {
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        let cause = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        Unreachable { server: self.server.to_string().trim_end_matches('/').to_owned(), cause }.into()
    }

    fn read(&self, answer: &Response) -> anyhow::Result<Value> {
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match (answer.status, body) {
            (200..300, Some(body)) if !answer.truncated => Ok(body),
            (401, Some(_)) => Err(self.not_let_in().into()),
            (403, Some(problem)) => Err(Forbidden(complaint(&problem)).into()),
            (503, Some(problem)) => {
                let server = self.server.to_string().trim_end_matches('/').to_owned();
                Err(Unreachable { server, cause: complaint(&problem) }.into())
            }
            (status, Some(problem)) if problem["title"].is_string() => {
                bail!("{} ({status})", complaint(&problem))
            }
            (status, _) => {
                bail!("{} answered {status}, and not as a ccsp-mailer does: check --server", self.server)
            }
        }
    }

    fn not_let_in(&self) -> Forbidden {
        Forbidden(match &self.credential {
            Credential::Key(_) => {
                "--api-key: the server does not know it. `ccsp-mailer api-key create --name NAME` on its machine makes one"
                    .to_owned()
            }
            Credential::Master { folder, .. } => format!(
                "--data-dir {}: the server uses another master key. Name the server's own data folder, or an --api-key",
                folder.display()
            ),
        })
    }
}

fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// What a problem (RFC 9457) says, on one line.
fn complaint(problem: &Value) -> String {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let faults: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", table::text(&error["field"]), table::text(&error["message"])))
        .collect();
    let title = table::text(&problem["title"]);
    if faults.is_empty() {
        format!("{title}: {}", table::text(&problem["detail"]))
    } else {
        format!("{title}: {}", faults.join("; "))
    }
}

fn credential(options: &ClientOptions) -> anyhow::Result<Credential> {
    if let Some(key) = &options.api_key {
        return Ok(Credential::Key(Secret::new(key.trim())));
    }
    if !is_loopback(&options.server) {
        return Err(fault(
            "--api-key: a server on another machine needs one. `ccsp-mailer api-key create --name NAME` there makes it",
        ));
    }
    let folder = options.data_dir.clone();
    let Some(key) = data_dir::existing_master_key(&folder)? else {
        let text = format!(
            "--api-key: none is given, and there is no master key in --data-dir {}. Name the server's data folder, or a key",
            folder.display()
        );
        return Err(ConfigError(text).into());
    };
    Ok(Credential::Master { key, random: Box::new(Mutex::new(StdRng::from_seed(data_dir::seed()?))), folder })
}

fn is_loopback(server: &Url) -> bool {
    match server.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn fault(text: &str) -> anyhow::Error {
    ConfigError(text.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pass_is_for_this_machine() {
        for (url, own) in [
            ("http://127.0.0.1:8025", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://localhost:8025/mail", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
            ("https://hooks.example.com", false),
        ] {
            assert_eq!(is_loopback(&server_url(url).unwrap()), own, "{url}");
        }
    }

    #[test]
    fn a_server_is_a_url_and_may_have_a_path() {
        for wrong in
            ["", "localhost:8025", "ftp://example.com", "http://user@example.com", "http://example.com/?a=b"]
        {
            assert!(server_url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(server_url("https://example.com/mail/").unwrap().path(), "/mail");
    }

    #[test]
    fn a_complaint_names_all_fields_on_one_line() {
        let problem = json!({"title": "The body is not valid", "detail": "2 faults, see errors", "errors": [
            {"field": "name", "message": "must not be empty"}, {"field": "actions.0", "message": "what\nis that"},
        ]});
        let expected = "The body is not valid: name: must not be empty; actions.0: what is that";
        assert_eq!(complaint(&problem), expected);
        let plain = json!({"title": "Not found", "detail": "There is no such thing"});
        assert_eq!(complaint(&plain), "Not found: There is no such thing");
    }
}
