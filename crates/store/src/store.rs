//! The store as its users see it: one handle, whichever database is behind it.

use std::path::PathBuf;

use domain::Timestamp;

use crate::dialect;
use crate::error::StoreError;
use crate::migrate::Migrate;
use crate::partitions;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::tx::{Tx, Work};

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite database in this file.
    File(PathBuf),
    /// A PostgreSQL database at this `postgres://` address.
    Server(String),
}

/// A database, open.
#[derive(Clone)]
pub struct Store {
    driver: Driver,
}

#[derive(Clone)]
enum Driver {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database. The schema is as it was: see [`Store::migrate`].
    ///
    /// # Errors
    /// If there is no database at that place. A PostgreSQL server is asked only when the first transaction runs.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let driver = match location {
            Location::File(file) => Driver::Sqlite(Sqlite::open(file)?),
            Location::Server(url) => Driver::Postgres(Postgres::open(url)?),
        };
        Ok(Self { driver })
    }

    /// Whether several processes may serve from this database.
    pub fn is_shared(&self) -> bool {
        matches!(self.driver, Driver::Postgres(_))
    }

    /// Brings the schema up to date and tells how many steps that took. Safe to call from several processes at once.
    ///
    /// # Errors
    /// If the database is that of a newer program, or can't be reached.
    pub async fn migrate(&self, now: Timestamp) -> Result<usize, StoreError> {
        let dialect = match self.driver {
            Driver::Sqlite(_) => dialect::sqlite,
            Driver::Postgres(_) => dialect::postgres,
        };
        let steps = self.write(Migrate { now, dialect }).await?;
        self.prepare_days(now).await?;
        Ok(steps)
    }

    /// Makes the partitions of the log tables for the coming days, where the database has partitions. To be called well
    /// within each day.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn prepare_days(&self, now: Timestamp) -> Result<(), StoreError> {
        match &self.driver {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(postgres) => partitions::prepare(postgres, now).await,
        }
    }

    /// Drops whole days of the logs before that of `before`, where the database has partitions. What still has to be done
    /// keeps its day; [`crate::retention::Retain`] deletes the rest of it.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn drop_days(&self, before: Timestamp) -> Result<(), StoreError> {
        match &self.driver {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(postgres) => partitions::drop_before(postgres, before).await,
        }
    }

    /// Runs a transaction that writes. When it returns, it is on disk.
    ///
    /// # Errors
    /// Those of the transaction, or of the database; nothing is stored then.
    pub async fn write<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.write(work).await,
            Driver::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Runs a transaction that only reads, from one state of the database.
    ///
    /// # Errors
    /// Those of the transaction, or of the database.
    pub async fn read<W: Work>(&self, work: W) -> Result<W::Output, StoreError> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.read(work).await,
            Driver::Postgres(postgres) => postgres.read(work).await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(Ping).await
    }
}

struct Ping;

impl Work for Ping {
    type Output = ();

    async fn run<T: Tx>(&self, tx: &T) -> Result<(), StoreError> {
        tx.query("SELECT value FROM meta WHERE name = 'config_version'", vec![]).await.map(|_| ())
    }
}
