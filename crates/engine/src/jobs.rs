//! Runs requests whose actions leave the process: calls and scripts, one after the other, then one transaction for all that
//! they lead to.
//!
//! A job is leased as a delivery is, and run at least once: a call carries an idempotency key that is always the same. What
//! failed for a passing reason is run again by the default schedule; what was done is not done again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::incoming::WebhookStatus;
use domain::log::{ActionLog, Duplicate};
use domain::{Action, WebhookId};
use outbound::Client;
use parking_lot::Mutex;
use store::StoreError;
use store::commit::RequestRow;
use store::jobs::{ClaimJobs, DropJobs, DueJobs, GiveBackJobs, JobRow};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::actions::compile::Work;
use crate::actions::context::Facts;
use crate::actions::plan::{self, Leave, Rest};
use crate::actions::script::{Busy, Ran};
use crate::actions::{call, script};
use crate::command::Command;
use crate::core::Core;
use crate::error::chain;
use crate::item::Item;
use crate::receive::{Accepted, Content};
use crate::records::{self, Record};
use crate::rerun::{JobRun, Rerun};

/// How often the table is asked for what is due. Retries are planned in minutes; what is new wakes us.
const SWEEP: Duration = Duration::from_secs(1);
/// Jobs of one webhook at a time: another system that is slow holds up no other webhook's.
const PER_WEBHOOK: usize = 8;
/// Jobs at a time: as many as may wait for the sandbox if all of them are scripts, with room for what senders wait for.
const AT_ONCE: usize = 48;
/// After so long a job records what it has done, and goes on in another run: what it would do again after a crash stays little.
const SLICE_MS: i64 = 60_000;
/// The most bytes of all answers that one request keeps for the actions behind them.
const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// When a job is looked at again that could not be run, in milliseconds.
const AGAIN_MS: i64 = 2_000;

/// The jobs of this node.
pub(crate) struct Jobs {
    core: Arc<Core>,
    client: Client,
    running: Mutex<HashMap<WebhookId, usize>>,
    ended: Notify,
}

impl Jobs {
    pub(crate) fn start(core: &Arc<Core>, client: Client) -> Arc<Self> {
        let (running, ended) = (Mutex::default(), Notify::new());
        let jobs = Arc::new(Self { core: core.clone(), client, running, ended });
        tokio::spawn(jobs.clone().run());
        jobs
    }

    /// Waits until no job runs any more.
    pub(crate) async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.running.lock().is_empty() {
                return;
            }
            ended.await;
        }
    }

    async fn run(self: Arc<Self>) {
        let mut timer = tokio::time::interval(SWEEP);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = 0_usize;
        while !self.core.is_stopping() {
            tokio::select! {
                _ = timer.tick() => {}
                () = self.core.jobs_due.notified() => {}
            }
            turn = turn.wrapping_add(1);
            if let Err(error) = self.look(turn).await {
                tracing::warn!(error = %chain(&error), "requests whose actions wait could not be claimed and will be tried again");
            }
        }
    }

    /// Starts what is due, as far as there is room.
    async fn look(self: &Arc<Self>, turn: usize) -> Result<(), StoreError> {
        let mut webhooks = self.core.store.read(DueJobs { now: self.core.now() }).await?;
        if let Some(first) = turn.checked_rem(webhooks.len()) {
            // Another one is the first each time, so that each gets its share when there is not room for all.
            webhooks.rotate_left(first);
        }
        for webhook_id in webhooks {
            let snapshot = self.core.snapshot();
            let incoming = snapshot.incoming.get(&webhook_id);
            if incoming.is_some_and(|incoming| incoming.webhook.settings.status == WebhookStatus::Paused) {
                continue;
            }
            let limit = self.room_for(&webhook_id);
            if limit > 0 {
                self.claim(webhook_id, limit).await?;
            }
        }
        Ok(())
    }

    fn room_for(&self, webhook_id: &WebhookId) -> usize {
        let running = self.running.lock();
        let all: usize = running.values().sum();
        let its = running.get(webhook_id).copied().unwrap_or(0);
        PER_WEBHOOK.saturating_sub(its).min(AT_ONCE.saturating_sub(all))
    }

    async fn claim(self: &Arc<Self>, webhook_id: WebhookId, limit: usize) -> Result<(), StoreError> {
        let (node, now) = (self.core.node.clone(), self.core.now());
        let claim = ClaimJobs { webhook_id: webhook_id.clone(), node, now, limit };
        let (mut gone, mut claimed) = (Vec::new(), 0);
        for (job, request) in self.core.store.write(claim).await? {
            let Some(request) = request else {
                gone.push(job.request_id);
                continue;
            };
            claimed += 1;
            *self.running.lock().entry(webhook_id.clone()).or_default() += 1;
            let jobs = self.clone();
            tokio::spawn(async move {
                jobs.run_one(&job, request).await;
                jobs.ended(&job.webhook_id);
            });
        }
        if claimed == limit {
            // There may be more by the time that one of them ends.
            self.core.jobs_due.notify_one();
        }
        if gone.is_empty() { Ok(()) } else { self.core.store.write(DropJobs { ids: gone }).await }
    }

    fn ended(&self, webhook_id: &WebhookId) {
        let mut running = self.running.lock();
        if let Some(count) = running.get_mut(webhook_id) {
            *count -= 1;
            if *count == 0 {
                running.remove(webhook_id);
            }
        }
        drop(running);
        self.ended.notify_waiters();
        self.core.jobs_due.notify_one();
    }

    /// One run of a job: it ends, or waits for the next one.
    async fn run_one(&self, job: &JobRow, request: RequestRow) {
        if let Err(error) = self.try_one(job, request).await {
            tracing::warn!(error = %error, request = %job.request_id, "a request's actions could not be run and will be tried again");
            let due_at = self.core.now().plus_millis(AGAIN_MS);
            let give_back = GiveBackJobs { node: self.core.node.clone(), ids: vec![job.request_id], due_at };
            if let Err(error) = self.core.store.write(give_back).await {
                tracing::warn!(error = %chain(&error), "a job could not be given back: it waits as long as this process lives");
            }
        }
    }

    async fn try_one(&self, job: &JobRow, request: RequestRow) -> Result<(), String> {
        let started = self.core.now();
        let rerun = Rerun::job(
            request,
            JobRun {
                failures: job.failures,
                first_attempt_at: job.first_attempt_at.unwrap_or(started),
                wait: 0,
                not_before: None,
            },
        );
        let mut rerun = self.core.prepared(rerun).await.map_err(|error| chain(&error))?;
        if let Some(accepted) = rerun.admit(&self.core.snapshot()) {
            self.leave_all(&accepted, &mut rerun, started.plus_millis(SLICE_MS).millis()).await;
        }
        let rerun = Item::Command(Box::new(Command::Rerun(Box::new(rerun))));
        self.core.commit(vec![rerun].into()).await.map(drop).map_err(|error| chain(&error))
    }

    /// Does all that leaves the process, one action after the other, as long as there is time.
    async fn leave_all(&self, accepted: &Accepted, rerun: &mut Rerun, until_ms: i64) {
        let Content::Records(records) = &accepted.content else { return };
        let mut output_bytes = 0;
        for (position, record) in (0..).zip(&records.list) {
            let Record::Mapped(record) = record else { continue };
            if Duplicate::is_among(&rerun.duplicates, position) {
                continue;
            }
            while let Rest::Leave(leave) = self.rest(accepted, record, position, rerun) {
                if self.core.is_stopping() || self.core.now().millis() >= until_ms {
                    return;
                }
                let Ok((mut log, wait)) = self.leave(accepted, *leave).await else {
                    if let Some(run) = &mut rerun.job {
                        run.not_before = Some(self.core.now().plus_millis(AGAIN_MS));
                    }
                    return;
                };
                output_bytes += log.output.as_ref().map_or(0, |output| output.to_string().len());
                if output_bytes > MAX_OUTPUT_BYTES {
                    log.output = None;
                    log.detail.push_str(" (the answers to this request have become too long to keep)");
                }
                rerun.came_back(log, wait);
            }
        }
    }

    fn rest(&self, accepted: &Accepted, record: &plan::Prepared, position: u32, rerun: &Rerun) -> Rest {
        let ended = rerun.ended();
        let facts = Facts { request_id: rerun.id(), received_at: accepted.received_at };
        let remap = |record: &serde_json::Value| records::map(&accepted.incoming, record);
        let snapshot = self.core.snapshot();
        plan::plan(&accepted.incoming.actions, &snapshot, record, (position, facts), &ended, &remap).rest
    }

    /// Does one action that leaves the process: how it ended, and for how many seconds the other side asked to be left alone.
    ///
    /// # Errors
    /// If there is no place for a script now.
    async fn leave(&self, accepted: &Accepted, leave: Leave) -> Result<(ActionLog, u32), Busy> {
        let Leave { place, context } = leave;
        let started = self.core.now();
        let compiled = accepted.incoming.actions.get(place.step);
        let work = compiled
            .map(|compiled| (&compiled.step.action, compiled.ready.as_ref().map(|ready| &ready.work)));
        let ran = match work {
            Some((action, Ok(Work::Call(ready)))) => {
                let key = call::idempotency_key(context.request_id(), place);
                match call::request(action, ready, &context, &key) {
                    Ok(request) => call::judge(self.client.send(request).await, self.core.now()),
                    Err(fault) => Ran::failed(fault),
                }
            }
            Some((Action::CustomCode { code }, Ok(Work::Script))) => {
                script::run(&self.core.sandbox, code, &context, started).await?
            }
            _ => Ran::failed("is not ready"),
        };
        let name = work.map_or("", |(action, _)| action.name());
        metrics::counter!("ccsp_actions_total", "type" => name, "status" => ran.status.as_str()).increment(1);
        let duration_ms = self.core.now().millis().saturating_sub(started.millis()).max(0);
        let Ran { status, detail, output, passing } = ran;
        let log = ActionLog {
            action: name.to_owned(),
            place,
            status,
            detail,
            duration_ms,
            output,
            passing: passing.is_some(),
        };
        Ok((log, passing.unwrap_or(0)))
    }
}
