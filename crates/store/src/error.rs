//! What can go wrong with the store.

/// Why a transaction did not happen. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else changed the same rows at the same time; the store runs the transaction again by itself, so a caller sees
    /// it only after many tries.
    #[error("the transaction met another one on the same rows")]
    Conflict,
    /// The configuration is newer than the one that the transaction was decided by: load it and decide again.
    #[error("the configuration has changed")]
    StaleConfig,
    /// The database cannot be reached, or is shutting down.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not what the program stores there.
    #[error("column {position} does not hold {expected}")]
    Column {
        /// Counted from 1.
        position: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A stored text is not the JSON that the program stores there.
    #[error("column {position} does not hold the JSON that belongs there")]
    Json {
        /// Counted from 1.
        position: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The program awaited something else than the database inside a transaction on SQLite.
    #[error("a transaction waited for something else than the database")]
    Suspended,
    /// A defect of the program: what it did is rolled back, and the store goes on.
    #[error("the transaction failed by a defect of the program")]
    Defect,
    /// The tables are those of a newer version of the program.
    #[error(
        "the database has migration {found}, this version of the program knows {known}: install the newer version"
    )]
    TooNew {
        /// What the database has.
        found: i64,
        /// What the program has.
        known: i64,
    },
    /// The database's address is of no known form.
    #[error("the address of the database is not valid")]
    Address(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same may go through later without any change: for an HTTP answer, 503 instead of 500.
    pub fn is_passing(&self) -> bool {
        matches!(self, StoreError::Conflict | StoreError::StaleConfig | StoreError::Unavailable(_))
    }
}
