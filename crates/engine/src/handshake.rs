//! What senders ask before they send: the answer, what has to be done for it, and its entry in the log.
//!
//! The questions and answers are data (`presets::handshake`), and [`access::handshake`] sees to it that only who may come
//! in is answered. Two of them leave something behind: a secret that the sender hands over is sealed and kept, and a
//! subscription of Amazon SNS is confirmed and its topic pinned.

use std::sync::Arc;

use domain::audit::{Act, Actor, ActorKind, TargetKind, Verb};
use domain::log::{ActionLog, ActionStatus, Outcome, Place};
use domain::{IncomingWebhook, Timestamp, WebhookId};
use presets::{Answer, Confirm};
use signature::{Secret, sns};
use store::StoreError;
use store::commit::RequestRow;
use store::webhooks::UpdateIncoming;

use crate::access::{self, Known};
use crate::engine::Engine;
use crate::error::chain;
use crate::headers;
use crate::kept;
use crate::names::Names;
use crate::receive::{Accepted, Content, Received, Reply, header_text};
use crate::rotating::Rotating;
use crate::snapshot::Incoming;
use crate::vault::IncomingSecrets;

/// What the log calls it, among the actions of a request.
const ACTION: &str = "handshake";
/// How often a change is decided again because another one came between.
const STALE_TRIES: usize = 5;

/// What a sender is told.
#[derive(Debug)]
pub enum Answered {
    /// What became of its request.
    Reply(Reply),
    /// What it asked for before it sends.
    Handshake(Answer),
}

impl Engine {
    /// Answers what a sender asks before it sends, and does what has to be done for it; `None` if it asks nothing.
    pub(crate) async fn shake_hands(&self, known: &Arc<Incoming>, request: &Received) -> Option<Answered> {
        let now = self.now();
        let known = access::handshake(known, request, now)?;
        // Boxed, as whatever is rare: each request would have room for it.
        let answer = Box::pin(self.answer(known, request, now)).await;
        Some(answer.map_or_else(Answered::Reply, Answered::Handshake))
    }

    async fn answer(&self, known: Known, request: &Received, now: Timestamp) -> Result<Answer, Reply> {
        let Known { incoming, answer } = known;
        let id = &incoming.webhook.id;
        if let Some(secret) = &answer.learned_secret {
            self.learn(id, secret, now).await?;
        }
        if answer.confirm == Some(Confirm::Sns) {
            self.confirm(&incoming, &request.body, now).await?;
        }
        metrics::counter!("ccsp_handshakes_total").increment(1);
        tracing::info!(webhook.id = %id, method = request.method, "a sender's handshake was answered");
        let accepted = logged(incoming, request, &answer, now);
        if self.within_limits(&accepted, request.sender_ip, now).is_err() {
            return Ok(answer);
        }
        let reply = self.ingest.submit(Box::new(accepted)).await;
        if reply.status == answer.status { Ok(answer) } else { Err(reply) }
    }

    /// Keeps the secret that the sender will sign with. Of two at once the first wins.
    async fn learn(&self, id: &WebhookId, secret: &Secret, now: Timestamp) -> Result<(), Reply> {
        let change = |incoming: &Incoming| {
            let signing = incoming.secrets.signing.clone();
            let learned = incoming.secrets.learns.then(|| IncomingSecrets {
                // What was there is nobody's; what was there before that still has its time of grace.
                signing: Rotating { current: secret.clone(), ..signing },
                learns: false,
                ..incoming.secrets.clone()
            });
            Some((IncomingWebhook { updated_at: now, ..incoming.webhook.clone() }, learned?))
        };
        self.change_incoming(id, Verb::SecretReplaced, change).await
    }

    /// Confirms a subscription of Amazon SNS, and takes messages of its topic only from then on.
    async fn confirm(&self, incoming: &Incoming, body: &[u8], now: Timestamp) -> Result<(), Reply> {
        let (Some(url), Some(topic)) = (sns::subscribe_url(body), sns::topic(body)) else {
            return Err(Reply::refusal(400, "SubscribeURL is not an address of Amazon SNS"));
        };
        self.certificates.get(url).await.ok_or_else(Reply::unavailable)?;
        let change = |incoming: &Incoming| {
            let mut webhook = IncomingWebhook { updated_at: now, ..incoming.webhook.clone() };
            let pinned = webhook.settings.signature.topic_arn.get_or_insert_with(|| topic.clone());
            let is_pinned = *pinned == topic;
            is_pinned.then(|| (webhook, incoming.secrets.clone()))
        };
        self.change_incoming(&incoming.webhook.id, Verb::Updated, change).await
    }

    /// Changes an incoming webhook as `change` says, unless it says no or the webhook is gone.
    async fn change_incoming(
        &self,
        id: &WebhookId,
        verb: Verb,
        change: impl Fn(&Incoming) -> Option<(IncomingWebhook, IncomingSecrets)>,
    ) -> Result<(), Reply> {
        for _ in 0..STALE_TRIES {
            let snapshot = self.snapshot();
            let changed = snapshot.incoming.get(id).and_then(|incoming| change(incoming));
            let Some((webhook, secrets)) = changed else {
                return Err(Reply::refusal(409, "Another handshake came before this one"));
            };
            let secrets = self.vault().seal_incoming(id, &secrets);
            let act = Act::new(TargetKind::IncomingWebhook, verb).on(id).named(&webhook.settings.name);
            let before = snapshot.incoming.get(id).map(|incoming| &incoming.webhook.settings);
            let act = act.changing(&before, &webhook.settings);
            let work = UpdateIncoming { version: snapshot.version, webhook, secrets };
            let program = Actor::here(ActorKind::Program);
            match self.write(self.noted(&program, work, act.if_done())).await {
                Ok(_) => return Ok(()),
                Err(StoreError::StaleConfig) => self.refresh().await.map_err(|_| Reply::unavailable())?,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "what a handshake changes could not be stored");
                    return Err(Reply::unavailable());
                }
            }
        }
        Err(Reply::unavailable())
    }
}

/// The entry of the log. Nothing lets it in again: what was answered is answered.
fn logged(incoming: Arc<Incoming>, request: &Received, answer: &Answer, now: Timestamp) -> Accepted {
    Accepted {
        request: None,
        stored: None,
        received_at: now,
        event_type: incoming.webhook.settings.event_type.to_string(),
        sender_ip: request.sender_ip.to_string(),
        method: request.method.to_owned(),
        content_type: header_text(&request.headers, "content-type").unwrap_or_default(),
        headers: headers::to_json_without(&request.headers, &incoming.secret_headers),
        text: kept::of_question(&incoming, &request.body),
        names: Names::default(),
        resent_from: None,
        original: None,
        masked: None,
        is_partial: false,
        sealed: None,
        transformed: None,
        content: Content::Handshake(Reply {
            status: answer.status,
            body: answer.body.clone(),
            retry_after: None,
        }),
        incoming,
    }
}

/// What the log says that was done.
pub(crate) fn action() -> ActionLog {
    ActionLog {
        action: ACTION.to_owned(),
        place: Place::default(),
        status: ActionStatus::Done,
        detail: "handshake answered".to_owned(),
        duration_ms: 0,
        output: None,
        passing: false,
    }
}

/// Whether an entry of the log is a handshake: there is nothing in it to act upon.
pub fn is_handshake(row: &RequestRow) -> bool {
    let outcome = serde_json::from_str::<Outcome>(&row.outcome).unwrap_or_default();
    outcome.actions.first().is_some_and(|action| action.action == ACTION)
}
