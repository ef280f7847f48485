//! The command `listen`: events as they happen, on the machine of a developer, sent on to the program that is being written.
//!
//! The server renders and signs each request; this command sends it as it is, one after the other, and tells the server what
//! came back. Neighbour: `stream` reads what the server sends.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use outbound::{Response, SendError};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use signature::{Secret, token};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use url::Url;

use super::stream::{Event, Events};
use super::table::{self, text};
use super::{Client, ClientOptions, Unreachable};
use crate::data_dir;

/// How long a program that is being written may take to answer: as long as a destination, at most.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long after its end the stream is opened again. What happens between is not sent on, so it is short.
const AGAIN: Duration = Duration::from_millis(500);
/// How much of an answer's body is told to the server, in characters: as many as the log keeps bytes.
const MAX_TOLD: usize = 16 * 1_024;
/// The most headers of an answer that are told: as many as the server takes.
const MAX_HEADERS: usize = 100;

/// Options of `listen`.
#[derive(Debug, Args)]
pub struct ListenOptions {
    /// Where to send each event on to, signed, such as `http://localhost:3000/hook`; without it they are only shown
    #[arg(long, env = "CCSP_FORWARD_TO", value_name = "URL", value_parser = target)]
    forward_to: Option<Url>,
    /// Only these kinds of events: subscriber_added,email_*
    #[arg(long, env = "CCSP_EVENTS", value_name = "EVENTS", value_delimiter = ',')]
    events: Vec<String>,
    /// Sign with this secret; without it, with a new one that is printed
    #[arg(long, env = "CCSP_SECRET", value_name = "SECRET", hide_env_values = true)]
    secret: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

fn target(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL such as http://localhost:3000/hook".to_owned())?;
    let is_usable =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if is_usable { Ok(url) } else { Err("must begin with http:// or https://, without a user".to_owned()) }
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// What the server says against it, or that it is not there; one that goes away later is waited for.
pub async fn run(options: ListenOptions) -> anyhow::Result<()> {
    let client = Client::new(&options.client)?;
    let secret = match &options.secret {
        Some(given) => Secret::new(given.trim()),
        None => token::generate_signing_secret(&mut StdRng::from_seed(data_dir::seed()?)),
    };
    let mut interrupts = signal(SignalKind::interrupt())?;
    let listening = Listening { client, secret, options };
    tokio::select! {
        outcome = listening.run() => outcome,
        _ = interrupts.recv() => Ok(()),
    }
}

struct Listening {
    client: Client,
    secret: Secret,
    options: ListenOptions,
}

impl Listening {
    /// Listens, again and again.
    async fn run(&self) -> anyhow::Result<()> {
        let asked = json!({"secret": self.secret.expose(), "events": self.options.events});
        let mut events = Events::of(self.client.open("/listen", &asked).await?);
        self.begin()?;
        loop {
            self.until_it_ends(events).await?;
            events = Events::of(self.open_again(&asked).await?);
        }
    }

    /// Waits for a server that is away.
    async fn open_again(&self, asked: &Value) -> anyhow::Result<outbound::Opened> {
        let mut is_away = false;
        loop {
            tokio::time::sleep(AGAIN).await;
            match self.client.open("/listen", asked).await {
                Err(error) if error.is::<Unreachable>() => {
                    if !is_away {
                        eprintln!("ccsp-mailer: the server does not answer: waiting for it");
                    }
                    is_away = true;
                }
                opened => {
                    if is_away && opened.is_ok() {
                        eprintln!("ccsp-mailer: the server answers again");
                    }
                    return opened;
                }
            }
        }
    }

    /// Says what is going to happen.
    fn begin(&self) -> std::io::Result<()> {
        if self.options.client.json {
            return table::line(&json!({"secret": self.secret.expose()}).to_string());
        }
        let events = match self.options.events.as_slice() {
            [] => "all events".to_owned(),
            some => some.join(", "),
        };
        match &self.options.forward_to {
            Some(url) => {
                table::line(&format!("signing secret: {}", self.secret.expose()))?;
                table::line(&format!("listening for {events}, sent on to {url}"))
            }
            None => table::line(&format!("listening for {events}")),
        }
    }

    async fn until_it_ends(&self, mut events: Events) -> anyhow::Result<()> {
        while let Some(Event { name, data }) = events.next().await? {
            match name.as_str() {
                "request" => self.take(data).await?,
                "skipped" => self.show(&data, &format!("skipped: {}", text(&data["reason"])))?,
                "lagged" => eprintln!(
                    "ccsp-mailer: your program is too slow: up to {} events were not sent on; they are in the log",
                    text(&data["missed"])
                ),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends a request on, shows what came back, and tells the server.
    async fn take(&self, mut request: Value) -> anyhow::Result<()> {
        let Some(url) = &self.options.forward_to else {
            return Ok(self.show(&request, &text(&request["body"]))?);
        };
        let began = Instant::now();
        let answer = self.client.forward(forwarded(&request, url)?).await;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answered = answered(&request, &answer, millis);
        request["answer"] = answered.clone();
        self.show(&request, &outcome(&answer, url, millis))?;
        // What can't be told is shown all the same: the server may be about to start again.
        if let Err(error) = self.client.post("/listen/answers", &answered).await {
            eprintln!("ccsp-mailer: this answer is not in the log: {error:#}");
        }
        Ok(())
    }

    fn show(&self, request: &Value, outcome: &str) -> std::io::Result<()> {
        if self.options.client.json {
            return table::line(&request.to_string());
        }
        let (id, kind) = (text(&request["event_id"]), text(&request["event_type"]));
        table::line(&format!("{id}  {kind:<24}  {outcome}"))
    }
}

/// The request as the server made it, byte for byte.
fn forwarded(request: &Value, url: &Url) -> anyhow::Result<outbound::Request> {
    let mut headers = HeaderMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        headers.insert(HeaderName::try_from(name.as_str())?, HeaderValue::try_from(value)?);
    }
    Ok(outbound::Request {
        method: Method::POST,
        url: url.clone(),
        headers,
        body: request["body"].as_str().unwrap_or_default().to_owned().into(),
        timeout: TIMEOUT,
        connect_timeout: None,
    })
}

/// What came back, for people.
fn outcome(answer: &Result<Response, SendError>, url: &Url, millis: u64) -> String {
    match answer {
        Ok(Response { status, .. }) => {
            let mark = if (200..300).contains(status) { '✓' } else { '✗' };
            format!("{mark} {status}  {millis} ms")
        }
        Err(SendError::ConnectionRefused) => format!("✗ nothing listens at {url}: start your program there"),
        Err(error) => format!("✗ {error}  {millis} ms"),
    }
}

/// What came back, for the log.
fn answered(request: &Value, answer: &Result<Response, SendError>, millis: u64) -> Value {
    let mut answered = json!({
        "event_id": request["event_id"], "request_headers": request["headers"], "duration_ms": millis,
    });
    match answer {
        Ok(Response { status, headers, body, .. }) => {
            let readable =
                headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
            let headers: BTreeMap<&str, &str> = readable.take(MAX_HEADERS).collect();
            answered["status"] = json!(status);
            answered["response_headers"] = json!(headers);
            answered["response_body"] = json!(beginning(&String::from_utf8_lossy(body), MAX_TOLD));
        }
        Err(error) => {
            answered["error_code"] = json!(code(error));
            answered["error"] = json!(beginning(&error.to_string(), 500));
        }
    }
    answered
}

fn beginning(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// The codes that the server knows of listeners; whatever else there is, there was no connection.
fn code(error: &SendError) -> &'static str {
    match error {
        SendError::ConnectionRefused
        | SendError::ConnectionClosed(_)
        | SendError::ConnectTimeout
        | SendError::Timeout
        | SendError::Dns { .. }
        | SendError::InvalidResponse(_) => error.code(),
        SendError::Tls(_) => "tls",
        SendError::Interrupted { error, .. } => code(error),
        _ => "connect_failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_url_of_the_web() {
        assert!(target("http://localhost:3000/hook").is_ok());
        for wrong in ["localhost:3000", "ftp://localhost", "http://user:pass@localhost", "http://:1"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_an_answer_the_beginning_is_told() {
        let response = Response {
            status: 500,
            headers: HeaderMap::from_iter([(http::header::SERVER, HeaderValue::from_static("dev"))]),
            body: "é".repeat(20_000).into(),
            truncated: false,
        };
        let answered = answered(&json!({"event_id": "e", "headers": {}}), &Ok(response), 12);
        assert_eq!(
            (&answered["status"], &answered["response_headers"]["server"]),
            (&json!(500), &json!("dev"))
        );
        assert_eq!(answered["response_body"].as_str().unwrap().chars().count(), MAX_TOLD);
    }
}
