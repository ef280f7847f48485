//! What did not arrive, to be sent again.

use domain::log::DeliveryStatus;
use domain::{Timestamp, WebhookId};
use store::deliveries::DeliveriesOf;
use store::tasks::InsertTasks;
use store::{LogFilter, StoreError};

use super::Engine;
use crate::tasks::Job;

/// What did not arrive: of those that were cancelled, those whose webhook was deactivated.
pub const UNDELIVERED: [DeliveryStatus; 2] = [DeliveryStatus::Failed, DeliveryStatus::Cancelled];

/// The deliveries to a webhook, made in a time, that did not arrive. What was sent to try it is none of them.
pub fn undelivered(webhook_id: WebhookId, since: Option<Timestamp>, until: Timestamp) -> DeliveriesOf {
    DeliveriesOf {
        webhook_id,
        filter: LogFilter {
            statuses: UNDELIVERED.to_vec(),
            since,
            until: Some(until),
            ..LogFilter::default()
        },
        test: Some(false),
        http_statuses: Vec::new(),
        error_code: None,
        finished: Some(true),
        undelivered: true,
    }
}

impl Engine {
    /// The tasks that send again what did not arrive in a time: one for each webhook that gets deliveries and misses some.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recovery(
        &self,
        since: Timestamp,
        until: Timestamp,
        per_second: Option<u32>,
    ) -> Result<InsertTasks, StoreError> {
        self.refresh().await?;
        let mut recovery = InsertTasks { tasks: Vec::new(), alone_among: &[] };
        for outgoing in self.snapshot().outgoing.values().filter(|outgoing| outgoing.gets_deliveries()) {
            let log = undelivered(outgoing.webhook.id.clone(), Some(since), until);
            let total = self.count(&log).await?;
            if total > 0 {
                let job = Job::RetryDeliveries { log, per_second };
                recovery.alone_among = job.alone_among();
                recovery.tasks.push(self.task(&job, (total, 0)));
            }
        }
        Ok(recovery)
    }
}
