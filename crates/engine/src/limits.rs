//! How often senders may post, and how much of what was not let in is kept.
//!
//! Each node counts for itself, without asking another: of the limits of a webhook it takes the share that falls to it by the
//! number of nodes, which it knows from the heartbeats. So all together hold a limit to within one burst, for the seconds
//! until everyone knows of a node that came; a sender that always meets the same node has that node's share.

use std::net::IpAddr;

use delivery::{Buckets, Rate};
use domain::incoming::RateLimit;
use domain::network::network_of;
use domain::{Timestamp, WebhookId};
use parking_lot::Mutex;

use crate::receive::{Accepted, Content, Reply};
use crate::unlogged::{Refused, Unlogged};

/// Rejected requests of one webhook that are logged, and handshakes: enough to see what is wrong, and no way to fill the
/// disk.
const LOGGED_PER_MINUTE: Rate = Rate { count: 100, seconds: 60 };
/// Senders that are remembered: a few MiB. Those that have not posted for a while are forgotten first.
const MAX_SENDERS: usize = 65_536;

/// What has been used up.
pub(crate) struct Limits {
    webhooks: Mutex<Buckets<WebhookId>>,
    rejections: Mutex<Buckets<WebhookId>>,
    handshakes: Mutex<Buckets<WebhookId>>,
    senders: Mutex<Buckets<(WebhookId, IpAddr)>>,
    /// What was refused without an entry in the log.
    pub(crate) unlogged: Unlogged,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            webhooks: Mutex::new(Buckets::new(MAX_SENDERS)),
            rejections: Mutex::new(Buckets::new(MAX_SENDERS)),
            handshakes: Mutex::new(Buckets::new(MAX_SENDERS)),
            senders: Mutex::new(Buckets::new(MAX_SENDERS)),
            unlogged: Unlogged::default(),
        }
    }
}

impl Limits {
    /// Counts a request on one of so many nodes, and says whether it may go on.
    ///
    /// # Errors
    /// What its sender is told instead.
    pub(crate) fn check(
        &self,
        accepted: &Accepted,
        sender: IpAddr,
        nodes: u32,
        now: Timestamp,
    ) -> Result<(), Reply> {
        let checked = self.take_all(accepted, sender, nodes, now);
        if let (Err(reply), Some(reason)) = (&checked, reason(accepted)) {
            let (webhook_id, event_type) = (accepted.webhook_id(), accepted.event_type.as_str());
            let method = accepted.method.as_str();
            self.unlogged.count(&Refused { webhook_id, event_type, sender, method, reason, reply }, now);
        }
        checked
    }

    fn take_all(&self, accepted: &Accepted, sender: IpAddr, nodes: u32, now: Timestamp) -> Result<(), Reply> {
        let (id, settings) = (accepted.webhook_id(), &accepted.incoming.webhook.settings);
        if let Some(limit) = settings.sender_rate_limit {
            let key = (id.clone(), network_of(sender));
            self.senders
                .lock()
                .take_share(key, rate(limit), nodes, now.millis())
                .map_err(|wait| too_many(wait, "this address"))?;
        }
        match &accepted.content {
            // The answer is the same; only the log has had enough of them.
            Content::Rejected { reply, .. } => {
                let kept = self.rejections.lock().take_share(id.clone(), LOGGED_PER_MINUTE, 1, now.millis());
                kept.map_err(|_| reply.clone())
            }
            Content::Handshake(reply) => {
                let kept = self.handshakes.lock().take_share(id.clone(), LOGGED_PER_MINUTE, 1, now.millis());
                kept.map_err(|_| reply.clone())
            }
            Content::Records(_) | Content::Raw(_) | Content::Unusable(_) => {
                let Some(limit) = settings.rate_limit else { return Ok(()) };
                let taken = self.webhooks.lock().take_share(id.clone(), rate(limit), nodes, now.millis());
                taken.map_err(|wait| too_many(wait, "this webhook"))
            }
        }
    }
}

/// Why a request was refused that has no entry in the log; `None` for a handshake, which was answered.
fn reason(accepted: &Accepted) -> Option<&str> {
    match &accepted.content {
        Content::Rejected { reason, .. } => Some(&reason.field),
        Content::Handshake(_) => None,
        Content::Records(_) | Content::Raw(_) | Content::Unusable(_) => Some("rate_limited"),
    }
}

fn rate(limit: RateLimit) -> Rate {
    Rate { count: limit.requests, seconds: limit.per_seconds }
}

fn too_many(wait_ms: i64, what: &str) -> Reply {
    metrics::counter!("ccsp_requests_rejected_total", "reason" => "rate_limited").increment(1);
    let seconds = u32::try_from(wait_ms.max(1).saturating_add(999) / 1_000).unwrap_or(u32::MAX);
    let message = format!("Too many requests for {what}: please come again in {seconds} s");
    Reply { retry_after: Some(seconds), ..Reply::refusal(429, &message) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::receive::admit;
    use crate::testing::{NOW, request, signup, snapshot};

    fn admitted(settings: &Value) -> Accepted {
        admit(&snapshot(settings.clone(), &[]), &Arc::new(request(signup("ada@example.com"))), NOW).unwrap()
    }

    fn statuses(limits: &Limits, settings: &Value, posts: &[(&str, i64)]) -> Vec<u16> {
        let accepted = admitted(settings);
        let outcome = |(address, after): &(&str, i64)| {
            let outcome = limits.check(&accepted, address.parse().unwrap(), 1, NOW.plus_millis(*after));
            outcome.err().map_or(200, |reply| reply.status)
        };
        posts.iter().map(outcome).collect()
    }

    #[test]
    fn a_webhook_takes_so_many_from_all_senders_together() {
        let settings = json!({"rate_limit": {"requests": 2, "per_seconds": 10}});
        let posts = [
            ("192.0.2.1", 0),
            ("192.0.2.2", 0),
            ("192.0.2.3", 0),
            ("192.0.2.3", 4_999),
            ("192.0.2.3", 5_000),
        ];
        let limits = Limits::default();
        assert_eq!(statuses(&limits, &settings, &posts), [200, 200, 429, 429, 200]);
        let sender = "192.0.2.1".parse().unwrap();
        let reply = limits.check(&admitted(&settings), sender, 1, NOW.plus_millis(5_001)).unwrap_err();
        assert_eq!(reply.retry_after, Some(5));
        assert_eq!(statuses(&Limits::default(), &json!({}), &posts), [200; 5], "without a limit");
    }

    #[test]
    fn each_sender_has_its_own_share() {
        let settings = json!({"sender_rate_limit": {"requests": 1, "per_seconds": 10}});
        let posts = [
            ("192.0.2.1", 0),
            ("192.0.2.1", 0),
            ("192.0.2.2", 0),
            ("::ffff:192.0.2.2", 0),
            ("2001:db8::1", 0),
            ("2001:db8::2", 0),
            ("2001:db8:0:1::1", 0),
        ];
        assert_eq!(statuses(&Limits::default(), &settings, &posts), [200, 429, 200, 429, 200, 429, 200]);
    }

    #[test]
    fn of_a_flood_of_rejections_few_are_logged() {
        let settings = json!({"require_api_key": true});
        let posts: Vec<(&str, i64)> = (0..10_000).map(|i| ("192.0.2.1", i)).collect();
        let limits = Limits::default();
        let outcomes = statuses(&limits, &settings, &posts);
        let logged = outcomes.iter().filter(|status| **status == 200).count();
        assert!((100..120).contains(&logged), "{logged}");
        assert!(outcomes.iter().all(|status| [200, 401].contains(status)), "the answer is the same");
    }

    #[test]
    fn senders_are_forgotten_before_there_are_too_many() {
        let settings = json!({"sender_rate_limit": {"requests": 1, "per_seconds": 1}});
        let limits = Limits::default();
        let accepted = admitted(&settings);
        for number in 0..=MAX_SENDERS {
            let sender = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            let outcome = limits.check(&accepted, sender, 1, NOW);
            assert_eq!(outcome.is_ok(), number < MAX_SENDERS, "{number}");
        }
        assert_eq!(statuses(&limits, &settings, &[("192.0.2.1", 1_001)]), [200]);
    }
}
