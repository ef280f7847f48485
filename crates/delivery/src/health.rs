//! How a destination does, by its attempts: whether it gets the full stream, and what people are told of it.
//!
//! Two things are kept apart. The **circuit** asks whether the destination works at all: one that is [`Down`](Sign::Down)
//! steadily gets a probe instead of the full stream, one at a time, until one gets through. The **record of failure** asks
//! whether anything arrives: nothing but failure for long enough is told of, and in the end deactivates the webhook. An answer
//! that refuses one payload says that the destination works, and still is a failure.
//!
//! Invariants, each with a property test: a circuit that is open closes by an attempt that gets through, and by nothing else;
//! probes come at growing distances; what is told comes in the order failing, disabled or recovered.

/// A circuit opens after so many attempts in a row that found the destination down: more than one delivery's retries of the
/// default schedule, so that a webhook with little to send keeps to its schedule exactly.
pub const OPEN_AFTER_FAILURES: u32 = 10;
/// And not before that has lasted so long: a restart of the destination is no outage, and many at once fail at once.
pub const OPEN_AFTER_MS: i64 = 30_000;
/// The distance from a circuit's opening to the first probe; it doubles with each probe that fails.
pub const FIRST_PROBE_MS: i64 = 10_000;
/// The longest distance between two probes: how late a destination that is well again is noticed at most.
pub const MAX_PROBE_MS: i64 = 300_000;
/// The longest time for which a destination can ask for no probe: one that says a year by mistake is still noticed to be well.
pub const MAX_ASKED_MS: i64 = 3_600_000;
/// How long a probe may take until another one is made: longer than an attempt with its token and its script takes.
pub const PROBE_LEASE_MS: i64 = 120_000;
/// Failing is told of when nothing but failure has lasted so long, by [`OPEN_AFTER_FAILURES`] attempts or more.
pub const WARN_AFTER_MS: i64 = 300_000;
/// And, however few the attempts were, after so long.
pub const WARN_AFTER_FEW_MS: i64 = 12 * 3_600_000;

/// Jitter is at most this part of a distance: a tenth, as with retries.
const JITTER_PARTS: i64 = 10;

/// What an attempt says of its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It takes deliveries.
    Works,
    /// It works, and does not want this payload.
    Refuses,
    /// Nothing: what was to be sent could not be made.
    Nothing,
    /// It can't be reached, or can't do its work.
    Down,
    /// It wants no deliveries any more.
    Gone,
}

impl Sign {
    /// What an answer of this status says that is no success.
    ///
    /// What a receiver says of one payload is [`Refuses`](Self::Refuses). Everything else counts as down: errors of the server,
    /// 429, a login or an address that is not right (401, 403, 404, 405), a redirect, and a 2xx that is not what was asked for,
    /// for those meet every delivery alike.
    pub fn of_failure(status: u16) -> Self {
        match status {
            410 => Self::Gone,
            400 | 409 | 413 | 414 | 415 | 422 | 431 => Self::Refuses,
            _ => Self::Down,
        }
    }
}

/// An attempt, as far as it matters here. Moments are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: i64,
    /// What it says.
    pub sign: Sign,
    /// Until when the destination asks not to be tried again (`Retry-After`), if it does.
    pub not_before: Option<i64>,
    /// Any number, random: it spreads probes.
    pub draw: u32,
}

/// How a destination does. The default is that of one that does well. Moments are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// When the first of the attempts began that failed in a row, if the last one did.
    pub failing_since: Option<i64>,
    /// How many those are.
    pub failures: u32,
    /// When the last of them ended.
    pub last_failure_at: Option<i64>,
    /// When the first of the attempts began that found it down in a row.
    pub down_since: Option<i64>,
    /// How many those are.
    pub down: u32,
    /// When the circuit was opened, if it is open.
    pub opened_at: Option<i64>,
    /// Probes that failed since then.
    pub probes: u32,
    /// When the next probe is due; while one is under way, when it is given up for lost.
    pub probe_at: Option<i64>,
    /// When the probe under way was begun.
    pub probing_since: Option<i64>,
    /// When it was told that it fails.
    pub warned_at: Option<i64>,
    /// When it recovered, if that is still to be told.
    pub recovered_at: Option<i64>,
    /// Whether it said that it wants no deliveries any more.
    pub is_gone: bool,
}

/// Whether deliveries go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// They do.
    Closed,
    /// They wait, but for a probe that is to come.
    Open,
    /// They wait for the outcome of a probe.
    HalfOpen,
}

/// What is to be told of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It fails steadily.
    Failing,
    /// It takes deliveries again.
    Recovered,
    /// Its webhook is to be deactivated: nothing but failure for too long.
    Exhausted,
    /// Its webhook is to be deactivated: it said so.
    Gone,
}

impl Health {
    /// Whether there is anything to remember.
    pub fn is_well(&self) -> bool {
        *self == Self::default()
    }

    /// Whether deliveries go through.
    pub fn circuit(&self) -> Circuit {
        match (self.opened_at, self.probing_since) {
            (None, _) => Circuit::Closed,
            (Some(_), None) => Circuit::Open,
            (Some(_), Some(_)) => Circuit::HalfOpen,
        }
    }

    /// Whether deliveries wait.
    pub fn is_open(&self) -> bool {
        self.circuit() != Circuit::Closed
    }

    /// Whether it fails steadily: so it was told, or so many attempts failed in a row.
    pub fn is_failing(&self) -> bool {
        self.recovered_at.is_none() && (self.warned_at.is_some() || self.failures >= OPEN_AFTER_FAILURES)
    }

    /// Whether a probe is due.
    pub fn wants_probe(&self, now: i64) -> bool {
        self.is_open() && self.probe_at.is_none_or(|at| at <= now)
    }

    /// As it is while a probe is under way that begins now.
    #[must_use]
    pub fn probing(&self, now: i64) -> Self {
        let probe_at = Some(now.saturating_add(PROBE_LEASE_MS));
        Self { probing_since: Some(now), probe_at, ..self.clone() }
    }

    /// As it is after an attempt.
    #[must_use]
    pub fn after(&self, tried: Tried) -> Self {
        match tried.sign {
            Sign::Works => self.recovered(tried),
            _ => self.failed(tried),
        }
    }

    fn recovered(&self, tried: Tried) -> Self {
        if self.warned_at.is_none() {
            return Self { is_gone: self.is_gone, ..Self::default() };
        }
        // What was told to be failing is told to be well.
        let recovered_at = Some(self.recovered_at.unwrap_or(tried.ended));
        Self { recovered_at, ..self.closed() }
    }

    fn failed(&self, tried: Tried) -> Self {
        let mut next = self.clone();
        if next.recovered_at.take().is_some() {
            // It was well for too short a time to be told.
            (next.failing_since, next.failures, next.last_failure_at) = (None, 0, None);
        }
        next.failing_since.get_or_insert(tried.started);
        next.failures = next.failures.saturating_add(1);
        next.last_failure_at = next.last_failure_at.max(Some(tried.ended));
        match tried.sign {
            Sign::Works | Sign::Refuses => next.closed(),
            Sign::Nothing => next.unprobed(tried.started, tried.ended),
            Sign::Gone => Self { is_gone: true, ..next },
            Sign::Down if next.is_open() => next.probed(tried),
            Sign::Down => {
                next.down = next.down.saturating_add(1);
                let since = *next.down_since.get_or_insert(tried.started);
                if next.down >= OPEN_AFTER_FAILURES && tried.ended.saturating_sub(since) >= OPEN_AFTER_MS {
                    next.opened_at = Some(tried.ended);
                    next.probe_at = Some(next_probe(0, tried));
                }
                next
            }
        }
    }

    /// With its circuit closed.
    fn closed(&self) -> Self {
        Self {
            down_since: None,
            down: 0,
            opened_at: None,
            probes: 0,
            probe_at: None,
            probing_since: None,
            ..self.clone()
        }
    }

    /// After an attempt with an open circuit that failed. What began before the probe says nothing new.
    fn probed(self, tried: Tried) -> Self {
        if self.probing_since.is_none_or(|since| tried.started < since) {
            return self;
        }
        let probes = self.probes.saturating_add(1);
        Self { probes, probing_since: None, probe_at: Some(next_probe(probes, tried)), ..self }
    }

    /// After an attempt that says nothing of the destination: if it was the probe, another one is made at once.
    #[must_use]
    pub fn unprobed(self, started: i64, ended: i64) -> Self {
        if self.probing_since.is_none_or(|since| started < since) {
            return self;
        }
        Self { probing_since: None, probe_at: Some(ended), ..self }
    }

    /// What is to be told of it, or done about it, now; one thing after the other. `disable_after` is after how long nothing
    /// but failure deactivates its webhook, from the first attempt that failed to the last one: time in which nothing is
    /// sent does not bring that about. Failing is always told of before.
    pub fn notice(&self, disable_after: Option<i64>) -> Option<Notice> {
        if self.is_gone {
            return Some(Notice::Gone);
        }
        if self.recovered_at.is_some() {
            return Some(Notice::Recovered);
        }
        let lasted = self.last_failure_at?.saturating_sub(self.failing_since?);
        let half = disable_after.map_or(i64::MAX, |after| after / 2);
        if self.warned_at.is_some() {
            return disable_after.is_some_and(|after| lasted >= after).then_some(Notice::Exhausted);
        }
        let is_steady = self.failures >= OPEN_AFTER_FAILURES && lasted >= WARN_AFTER_MS;
        (is_steady || lasted >= half.min(WARN_AFTER_FEW_MS)).then_some(Notice::Failing)
    }

    /// As it is after this was told. Who is deactivated begins anew, if ever.
    #[must_use]
    pub fn told(&self, notice: Notice, now: i64) -> Self {
        match notice {
            Notice::Failing => Self { warned_at: Some(now), ..self.clone() },
            Notice::Recovered | Notice::Exhausted | Notice::Gone => Self::default(),
        }
    }
}

fn next_probe(failed: u32, tried: Tried) -> i64 {
    let distance = FIRST_PROBE_MS.saturating_mul(1 << failed.min(16)).min(MAX_PROBE_MS);
    let jitter = distance / JITTER_PARTS * i64::from(tried.draw) / i64::from(u32::MAX);
    let probe_at = tried.ended.saturating_add(distance).saturating_add(jitter);
    let asked = tried.not_before.map(|at| at.min(tried.ended.saturating_add(MAX_ASKED_MS)));
    probe_at.max(asked.unwrap_or(probe_at))
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
