//! What may go wrong in a run. Destinations fail as they like in all of them.

/// A kind of run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Processes over one database. Alone, a process takes over at once what the one before it held, as on SQLite;
    /// several wait for each other's heartbeat, as on PostgreSQL.
    pub nodes: usize,
    /// In percent of what a process does: it is killed instead.
    pub crashes: u32,
    /// In percent of what a process does: it stands still for a while, and knows nothing of it.
    pub pauses: u32,
    /// In percent of transactions: it is rolled back; and again as many: it is committed, and the
    /// process dies before it hears of it.
    pub database_faults: u32,
    /// In percent of requests and of answers between senders and us: it is lost.
    pub network_faults: u32,
    /// Destinations may answer 410.
    pub gone: bool,
    /// Queues are wide, so that every attempt begins at the very moment at which it is due.
    pub exact: bool,
}

/// Nothing but destinations that fail: times are exact to the millisecond.
pub const CALM: Scenario = Scenario {
    nodes: 1,
    crashes: 0,
    pauses: 0,
    database_faults: 0,
    network_faults: 0,
    gone: false,
    exact: true,
};

/// One process, killed again and again, with a database and a network that fail.
pub const CRASHES: Scenario = Scenario {
    nodes: 1,
    crashes: 1,
    pauses: 0,
    database_faults: 3,
    network_faults: 5,
    gone: false,
    exact: false,
};

/// Two processes over one database.
pub const TWO_NODES: Scenario = Scenario { nodes: 2, pauses: 1, ..CRASHES };

/// Destinations that want no more: their webhooks are deactivated, and what waits is cancelled.
pub const GONE: Scenario = Scenario { gone: true, ..TWO_NODES };

/// Destinations that are slow, with queues that spill, and nothing else.
pub const SPILLS: Scenario = Scenario { exact: false, ..CALM };
