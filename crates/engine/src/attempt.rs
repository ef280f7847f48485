//! One attempt of a delivery, from the event to the row to record: what is sent, a script that may change it, a token if
//! the destination wants one, the exchange, and what it means.

use std::sync::Arc;
use std::time::Duration;

use domain::{Auth, Event, Timestamp, WebhookId};
use outbound::{Client, Request, Response, SendError};
use sandbox::{Call, Limits, Sandbox, SandboxError};
use serde_json::json;
use store::queue::DueDelivery;
use store::record::AttemptRow;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::actions::script;
use crate::answer;
use crate::clock::Clock;
use crate::outgoing::Draft;
use crate::outgoing::draft::Fate;
use crate::outgoing::oauth::{TokenError, Tokens};
use crate::outgoing::redacted;
use crate::send::{self, Exchange, Then, Unsent};
use crate::snapshot::Outgoing;

/// New refresh tokens that wait to be stored. Servers give one an hour or so.
const REFRESHED: usize = 64;

/// A refresh token that takes the place of the one before.
pub(crate) struct Refreshed {
    pub(crate) webhook_id: WebhookId,
    pub(crate) token: String,
}

/// Makes attempts.
pub(crate) struct Sender {
    client: Client,
    sandbox: Arc<Sandbox>,
    tokens: Arc<Tokens>,
    refreshed: mpsc::Sender<Refreshed>,
    clock: Clock,
}

/// An attempt that was made.
pub(crate) struct Attempt {
    /// What to record.
    pub(crate) row: AttemptRow,
    /// What was sent, if anything was.
    pub(crate) sent: Option<Draft>,
    /// Whether it was this machine that lacked something: then it is none, and is to be made later.
    pub(crate) is_local: bool,
}

impl Sender {
    pub(crate) fn new(
        client: Client,
        sandbox: Arc<Sandbox>,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Refreshed>) {
        let (refreshed, to_store) = mpsc::channel(REFRESHED);
        let tokens = Arc::new(Tokens::new(clock.clone()));
        (Self { client, sandbox, tokens, refreshed, clock }, to_store)
    }

    /// Now, by the clock of attempts.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes one.
    pub(crate) async fn attempt(&self, outgoing: &Outgoing, delivery: &DueDelivery) -> Attempt {
        let started = self.clock.now();
        match self.send(outgoing, delivery, started).await {
            Ok((draft, exchange)) => {
                let is_local = exchange.result.as_ref().is_err_and(SendError::is_local);
                let row = send::judge(outgoing, delivery, &exchange);
                Attempt {
                    row: redacted::attempt(outgoing, &delivery.event, row),
                    sent: Some(draft),
                    is_local,
                }
            }
            Err(unsent) => {
                let times = (started, self.clock.now());
                let is_local = unsent.what == Then::Wait;
                let row = send::unsent(outgoing, delivery, times, unsent);
                Attempt { row: redacted::attempt(outgoing, &delivery.event, row), sent: None, is_local }
            }
        }
    }

    /// Forgets the tokens of all webhooks but these.
    pub(crate) fn retain_tokens(&self, is_used: impl Fn(&WebhookId) -> bool) {
        self.tokens.retain(is_used);
    }

    async fn send(
        &self,
        outgoing: &Outgoing,
        delivery: &DueDelivery,
        started: Timestamp,
    ) -> Result<(Draft, Exchange), Unsent> {
        let event = &delivery.event;
        // One for all of it: a script, tokens, and a second try with a new one.
        let deadline = Instant::now() + Duration::from_secs(outgoing.webhook.settings.timeout_seconds.into());
        let draft = self.prepared(outgoing, event).await?;
        let own_client = self.own_client(outgoing)?;
        let client = own_client.as_ref().unwrap_or(&self.client);
        let request_body = draft.is_own_body.then(|| draft.body.clone());
        let target = draft.is_own_target.then(|| draft.target());
        let mut token = self.token(client, outgoing, None, deadline).await?;
        let signed = |token: Option<&str>| {
            let request = send::sign(outgoing, event, draft.clone(), token, self.clock.now())?;
            let left = deadline.saturating_duration_since(Instant::now());
            Ok::<_, Unsent>(Request { timeout: left, ..request })
        };
        let (mut request_headers, mut result) = exchange(client, signed(token.as_deref())?).await;
        if token.is_some() && result.as_ref().is_ok_and(|response| response.status == 401) {
            // The token may have been withdrawn: once more with a new one.
            token = self.token(client, outgoing, token.as_deref(), deadline).await?;
            (request_headers, result) = Box::pin(exchange(client, signed(token.as_deref())?)).await;
        }
        let ended = self.clock.now();
        Ok((draft, Exchange { started, ended, target, request_headers, request_body, result }))
    }

    /// What would be sent of an event, but for token and signatures.
    pub(crate) async fn prepared(&self, outgoing: &Outgoing, event: &Event) -> Result<Draft, Unsent> {
        let draft = send::draft(outgoing, event)?;
        match &outgoing.webhook.settings.transform {
            // Boxed, as whatever is rare: each delivery under way would have room for it.
            Some(code) => Box::pin(self.transformed(code, event, draft)).await,
            None => Ok(draft),
        }
    }

    /// The client that speaks TLS as the webhook says, if it says anything of it.
    fn own_client(&self, outgoing: &Outgoing) -> Result<Option<Client>, Unsent> {
        // Saving checks them, so only another version of the program can have stored others.
        outgoing.tls.as_ref().map(|options| self.client.with_tls(options)).transpose().map_err(|error| {
            Unsent {
                code: "tls_client_certificate",
                message: format!("the webhook's tls can't be used: {error}"),
                what: Then::Fail,
            }
        })
    }

    /// What the webhook's script makes of a request.
    async fn transformed(&self, code: &str, event: &Event, draft: Draft) -> Result<Draft, Unsent> {
        let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
        let told =
            json!({"id": event.id, "event": event.event_type, "timestamp": event.occurred_at, "data": data});
        let arguments = [told, draft.shown()];
        let call = Call {
            code,
            function: "transform",
            arguments: &arguments,
            // The same event makes the same request on every attempt.
            now: event.occurred_at.millis(),
            seed: u64::try_from(event.occurred_at.millis()).unwrap_or_default(),
            limits: Limits::TRANSFORM,
        };
        let failed = |message: String, what| Unsent { code: "transform", message, what };
        let returned = self.sandbox.call(call).await.map_err(|error: SandboxError| {
            let what = match error {
                SandboxError::Busy => Then::Wait,
                ref error if script::is_passing(error) => Then::Retry,
                _ => Then::Fail,
            };
            failed(format!("the webhook's transform failed: {error}"), what)
        })?;
        match draft.changed(returned) {
            Ok(Fate::Sent(draft)) => Ok(*draft),
            Ok(Fate::Cancelled(reason)) => Err(Unsent {
                code: "cancelled",
                message: format!("cancelled by the webhook's transform: {reason}"),
                what: Then::Cancel,
            }),
            Err(message) => Err(failed(message, Then::Fail)),
        }
    }

    /// The token that the destination wants, if it wants one.
    async fn token(
        &self,
        client: &Client,
        outgoing: &Outgoing,
        refused: Option<&str>,
        deadline: Instant,
    ) -> Result<Option<String>, Unsent> {
        if outgoing.secrets.auth.token_url().is_none() {
            return Ok(None);
        }
        let id = outgoing.webhook.id.clone();
        let (auth, refused) = (outgoing.secrets.auth.clone(), refused.map(str::to_owned));
        let (tokens, refreshed, client) = (self.tokens.clone(), self.refreshed.clone(), client.clone());
        let fetching = tokio::spawn(async move {
            let fetched = tokens.get(&client, &id, &auth, refused.as_deref()).await?;
            if let (Some(token), Auth::Oauth2RefreshToken { .. }) = (fetched.new_refresh, auth) {
                // If this can't be stored now, the token in memory goes on until the next one.
                let _ = refreshed.try_send(Refreshed { webhook_id: id, token });
            }
            Ok::<_, TokenError>(fetched.access)
        });
        let failed = |message: String, what| Unsent { code: "oauth_token", message, what };
        // Whoever gives up here leaves the fetching to its end: a refresh token may be good only once.
        match timeout_at(deadline, fetching).await {
            Ok(Ok(fetched)) => fetched.map(Some).map_err(|error| failed(error.to_string(), after(&error))),
            Ok(Err(defect)) => Err(failed(format!("the token could not be fetched: {defect}"), Then::Retry)),
            Err(_) => {
                let message = "the token URL did not answer within the webhook's timeout";
                Err(failed(message.to_owned(), Then::Retry))
            }
        }
    }
}

/// What follows when there is no token.
fn after(error: &TokenError) -> Then {
    match error {
        TokenError::Url => Then::Fail,
        TokenError::Send(error) if error.is_local() => Then::Wait,
        _ => Then::Retry,
    }
}

async fn exchange(client: &Client, request: Request) -> (http::HeaderMap, Result<Response, SendError>) {
    let headers = request.headers.clone();
    (headers, client.send(request).await.map(answer::decoded).map_err(answer::decoded_error))
}
