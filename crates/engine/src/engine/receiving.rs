//! What senders post.

use std::net::IpAddr;
use std::sync::Arc;

use domain::Timestamp;

use super::Engine;
use crate::access;
use crate::error::chain;
use crate::handshake::Answered;
use crate::receive::{self, Accepted, Content, Received, Reply};
use crate::snapshot::Incoming;

/// The length of a webhook's id: what has another is not looked for in the database.
const WEBHOOK_ID_CHARS: usize = 12;

impl Engine {
    /// Takes in a request of a sender, and answers it when it is stored.
    pub async fn receive(&self, mut request: Received) -> Answered {
        let incoming = match self.known(&mut request).await {
            Ok(incoming) => incoming,
            Err(reply) => return Answered::Reply(refused(reply)),
        };
        let request = Arc::new(request);
        match self.shake_hands(&incoming, &request).await {
            Some(answered) => answered,
            None => Answered::Reply(self.take_in(incoming, request).await),
        }
    }

    /// The answer to what a sender asks before it sends; `None` if this is no such question.
    pub async fn handshake(&self, mut request: Received) -> Option<Answered> {
        match self.known(&mut request).await {
            Ok(incoming) => self.shake_hands(&incoming, &request).await,
            Err(reply) if reply.status == 404 => None,
            Err(reply) => Some(Answered::Reply(reply)),
        }
    }

    /// The webhook whose token a request has; the request gets what else is needed to judge it.
    async fn known(&self, request: &mut Received) -> Result<Arc<Incoming>, Reply> {
        let known = || access::authenticate(&self.snapshot(), request, self.now());
        let may_be = request.token.is_some() && request.webhook_id.len() == WEBHOOK_ID_CHARS;
        let incoming = match known() {
            // It may have been made, or its token replaced, a moment ago on another node.
            Err(_) if may_be => {
                Box::pin(self.core.look_again()).await.map_err(|_| Reply::unavailable())?;
                known()?
            }
            known => known?,
        };
        self.fetch_sender_key(&incoming, request).await?;
        Ok(incoming)
    }

    async fn take_in(&self, incoming: Arc<Incoming>, request: Arc<Received>) -> Reply {
        let now = self.now();
        let admitted = receive::let_in(incoming, &request, now).map(Box::new);
        if let Ok(Content::Rejected { reason, .. }) = admitted.as_ref().map(|accepted| &accepted.content) {
            count_rejection(&reason.field);
        }
        let within = |accepted: Box<Accepted>| {
            self.within_limits(&accepted, request.sender_ip, now).map(|()| accepted)
        };
        match admitted.and_then(within) {
            Ok(accepted) => match self.core.transformed(accepted).await {
                Ok(accepted) => self.ingest.submit(self.core.sealed(accepted)).await,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), webhook.id = %request.webhook_id, "a webhook's transform could not be run");
                    Reply::unavailable()
                }
            },
            Err(reply) => refused(reply),
        }
    }

    pub(crate) fn within_limits(
        &self,
        accepted: &Accepted,
        sender: IpAddr,
        now: Timestamp,
    ) -> Result<(), Reply> {
        self.limits.check(accepted, sender, self.nodes(), now)
    }
}

/// Counts a request of which nothing is stored.
fn refused(reply: Reply) -> Reply {
    if reply.status == 404 {
        count_rejection("unknown_webhook");
    }
    metrics::counter!("ccsp_requests_total", "http_status" => reply.status.to_string()).increment(1);
    reply
}

/// Counts who is not let in, by why: the reasons are few, whatever comes.
fn count_rejection(reason: &str) {
    metrics::counter!("ccsp_requests_rejected_total", "reason" => reason.to_owned()).increment(1);
}
