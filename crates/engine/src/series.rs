//! What `/metrics` shows of single webhooks: of those with the most attempts each of its own, of the others together.
//!
//! Invariants: never more series than a bound, whatever webhooks there are; a counter never falls while it is shown; what is
//! counted of all of them together is all that was counted while they were shown.

use std::collections::HashMap;
use std::fmt::Write;

use domain::WebhookId;
use domain::log::DeliveryStatus;
use parking_lot::Mutex;

/// Webhooks with series of their own: as many as fit on a page of a dashboard; 8 series each.
const SHOWN: usize = 50;
/// Other webhooks whose attempts are counted, to see who is busier than those that are shown.
const WATCHED: usize = 4_096;
/// How often it is looked who are the busiest, in milliseconds. What was counted before counts half.
const TURN_MS: i64 = 60_000;
/// A webhook takes another one's place if it is so many times as busy: no two take turns.
const MUCH_BUSIER: u64 = 2;
/// A webhook without attempts for so long is not shown any more, in milliseconds.
const IDLE_MS: i64 = 3_600_000;

/// By how the delivery stands after an attempt.
const STATUSES: [DeliveryStatus; 4] =
    [DeliveryStatus::Delivered, DeliveryStatus::Retrying, DeliveryStatus::Failed, DeliveryStatus::Cancelled];

/// Counts of attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    by_status: [u64; STATUSES.len()],
    duration_ms: u64,
}

impl Counts {
    fn add(&mut self, status: DeliveryStatus, duration_ms: i64) {
        if let Some(place) = STATUSES.iter().position(|known| *known == status) {
            self.by_status[place] += 1;
            self.duration_ms += u64::try_from(duration_ms).unwrap_or(0);
        }
    }

    fn attempts(&self) -> u64 {
        self.by_status.iter().sum()
    }
}

/// How busy a webhook was of late.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    attempts: u64,
    last_at: i64,
}

#[derive(Debug, Default)]
struct State {
    shown: HashMap<WebhookId, (Counts, Busy)>,
    watched: HashMap<WebhookId, Busy>,
    other: Counts,
    turned_at: i64,
}

/// The counts of a node's attempts.
#[derive(Debug, Default)]
pub(crate) struct Series(Mutex<State>);

impl Series {
    /// Counts an attempt.
    pub(crate) fn count(&self, webhook_id: &WebhookId, status: DeliveryStatus, duration_ms: i64, now: i64) {
        let mut state = self.0.lock();
        if now.saturating_sub(state.turned_at) >= TURN_MS {
            state.turn(now);
        }
        if state.shown.len() < SHOWN && !state.shown.contains_key(webhook_id) {
            state.show(webhook_id.clone(), now);
        }
        if let Some((counts, busy)) = state.shown.get_mut(webhook_id) {
            counts.add(status, duration_ms);
            (busy.attempts, busy.last_at) = (busy.attempts + 1, now);
            return;
        }
        state.other.add(status, duration_ms);
        if state.watched.len() < WATCHED || state.watched.contains_key(webhook_id) {
            let busy = state.watched.entry(webhook_id.clone()).or_default();
            (busy.attempts, busy.last_at) = (busy.attempts + 1, now);
        }
    }

    /// The webhooks with series of their own.
    pub(crate) fn shown(&self) -> Vec<WebhookId> {
        let mut shown: Vec<WebhookId> = self.0.lock().shown.keys().cloned().collect();
        shown.sort_unstable();
        shown
    }

    /// All of it in Prometheus' text format, with what is known of single webhooks besides: how many deliveries wait, and
    /// whether its circuit is open.
    pub(crate) fn render(
        &self,
        pending: &HashMap<WebhookId, i64>,
        is_open: impl Fn(&WebhookId) -> bool,
    ) -> String {
        let shown = self.shown();
        let state = self.0.lock();
        let mut text = String::new();
        let own = shown.iter().filter_map(|id| Some((id.as_str(), &state.shown.get(id)?.0)));
        let all: Vec<(&str, &Counts)> = own.chain([("other", &state.other)]).collect();
        text.push_str("# TYPE ccsp_webhook_attempts_total counter\n");
        for (name, counts) in &all {
            for (status, count) in STATUSES.iter().zip(counts.by_status) {
                let status = status.as_str();
                line(
                    &mut text,
                    &format!("ccsp_webhook_attempts_total{{webhook=\"{name}\",status=\"{status}\"}} {count}"),
                );
            }
        }
        text.push_str("# TYPE ccsp_webhook_attempt_seconds summary\n");
        for (name, counts) in &all {
            let seconds = counts.duration_ms as f64 / 1_000.0;
            line(&mut text, &format!("ccsp_webhook_attempt_seconds_sum{{webhook=\"{name}\"}} {seconds}"));
            line(
                &mut text,
                &format!("ccsp_webhook_attempt_seconds_count{{webhook=\"{name}\"}} {}", counts.attempts()),
            );
        }
        text.push_str("# TYPE ccsp_webhook_deliveries_pending gauge\n");
        for id in &shown {
            let count = pending.get(id).copied().unwrap_or(0);
            line(&mut text, &format!("ccsp_webhook_deliveries_pending{{webhook=\"{id}\"}} {count}"));
        }
        text.push_str("# TYPE ccsp_webhook_circuit_open gauge\n");
        for id in &shown {
            line(
                &mut text,
                &format!("ccsp_webhook_circuit_open{{webhook=\"{id}\"}} {}", u8::from(is_open(id))),
            );
        }
        text
    }
}

fn line(text: &mut String, line: &str) {
    // Writing into a text does not fail.
    let _ = writeln!(text, "{line}");
}

impl State {
    fn show(&mut self, webhook_id: WebhookId, now: i64) {
        self.watched.remove(&webhook_id);
        self.shown.insert(webhook_id, (Counts::default(), Busy { attempts: 0, last_at: now }));
    }

    /// Looks who are the busiest now.
    fn turn(&mut self, now: i64) {
        self.turned_at = now;
        let is_idle = |busy: &Busy| now.saturating_sub(busy.last_at) >= IDLE_MS;
        self.shown.retain(|_, (_, busy)| !is_idle(busy));
        self.watched.retain(|_, busy| busy.attempts > 0 && !is_idle(busy));
        let mut rising: Vec<(u64, WebhookId)> =
            self.watched.iter().map(|(id, busy)| (busy.attempts, id.clone())).collect();
        rising.sort_unstable();
        while let Some((attempts, id)) = rising.pop() {
            if self.shown.len() >= SHOWN {
                let least = self.shown.iter().map(|(id, (_, busy))| (busy.attempts, id)).min();
                let Some((fewest, least)) = least.map(|(attempts, id)| (attempts, id.clone())) else { break };
                if attempts <= fewest.saturating_mul(MUCH_BUSIER) {
                    break;
                }
                self.shown.remove(&least);
            }
            self.show(id.clone(), now);
            if let Some((_, busy)) = self.shown.get_mut(&id) {
                busy.attempts = attempts;
            }
        }
        for (_, busy) in self.shown.values_mut() {
            busy.attempts /= 2;
        }
        for busy in self.watched.values_mut() {
            busy.attempts /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_792_000_000_000;

    fn id(number: usize) -> WebhookId {
        format!("{number:012}").parse().unwrap()
    }

    fn many(series: &Series, number: usize, count: usize, now: i64) {
        for _ in 0..count {
            series.count(&id(number), DeliveryStatus::Delivered, 250, now);
        }
    }

    fn render(series: &Series) -> String {
        series.render(&HashMap::new(), |_| false)
    }

    fn total(text: &str) -> u64 {
        let counts = text.lines().filter(|line| line.starts_with("ccsp_webhook_attempts_total"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    #[test]
    fn webhooks_are_shown_with_all_that_is_known() {
        let series = Series::default();
        many(&series, 1, 2, NOW);
        series.count(&id(1), DeliveryStatus::Failed, 500, NOW);
        let text = series.render(&HashMap::from([(id(1), 7)]), |webhook| *webhook == id(1));
        for line in [
            "ccsp_webhook_attempts_total{webhook=\"000000000001\",status=\"delivered\"} 2",
            "ccsp_webhook_attempts_total{webhook=\"000000000001\",status=\"failed\"} 1",
            "ccsp_webhook_attempt_seconds_sum{webhook=\"000000000001\"} 1",
            "ccsp_webhook_attempt_seconds_count{webhook=\"000000000001\"} 3",
            "ccsp_webhook_deliveries_pending{webhook=\"000000000001\"} 7",
            "ccsp_webhook_circuit_open{webhook=\"000000000001\"} 1",
            "ccsp_webhook_attempts_total{webhook=\"other\",status=\"delivered\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn ten_thousand_webhooks_are_few_series() {
        let series = Series::default();
        for number in 0..10_000 {
            many(&series, number, 1, NOW);
        }
        let text = render(&series);
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), SHOWN * 8 + 6);
        assert_eq!(total(&text), 10_000, "the others are counted together");
        assert!(series.0.lock().watched.len() <= WATCHED);
    }

    #[test]
    fn the_busiest_are_shown_and_the_idle_are_not() {
        let series = Series::default();
        for number in 0..SHOWN {
            many(&series, number, 10, NOW);
        }
        many(&series, 900, 15, NOW);
        many(&series, 901, 100, NOW);
        // At the next turn.
        many(&series, 0, 1, NOW + TURN_MS);
        let shown = series.shown();
        assert!(shown.contains(&id(901)) && !shown.contains(&id(900)), "only who is much busier");
        assert_eq!(shown.len(), SHOWN);
        assert!(
            render(&series).contains("{webhook=\"000000000901\",status=\"delivered\"} 0"),
            "from nothing on"
        );
        many(&series, 7, 1, NOW + TURN_MS + IDLE_MS);
        assert_eq!(series.shown(), [id(7)]);
    }
}
