//! The audit log: written in the transactions of what it tells, and looked through. Nothing changes an entry, and only time
//! deletes one.

use domain::audit::{Act, ActionPattern, Actor, ActorKind, Entry, Target, TargetKind, Verb};
use domain::{AuditId, Timestamp};

use crate::error::StoreError;
use crate::filter::Conditions;
use crate::look::Log;
use crate::params;
use crate::tx::{Row, Tx, Value, Work};
use crate::webhooks::json;

/// From what a transaction comes to, to the entry that tells it; `None` if it did nothing.
pub type Note<O> = Box<dyn Fn(&O) -> Option<Entry> + Send + Sync>;

/// A transaction that also writes what it did into the audit log.
pub struct Noted<W: Work> {
    /// What to run.
    pub work: W,
    /// What to tell of it.
    pub note: Note<W::Output>,
}

impl<W: Work> Work for Noted<W> {
    type Output = W::Output;

    async fn run<T: Tx>(&self, tx: &T) -> Result<W::Output, StoreError> {
        let output = self.work.run(tx).await?;
        let entry = (self.note)(&output);
        if let Some(entry) = entry {
            insert(tx, &entry).await?;
        }
        Ok(output)
    }

    fn time_limit(&self) -> std::time::Duration {
        self.work.time_limit()
    }
}

/// Nothing: for what changes nothing, and is noted all the same.
pub struct Nothing;

impl Work for Nothing {
    type Output = ();

    async fn run<T: Tx>(&self, _: &T) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Writes entries: few, if any.
pub(crate) async fn put<T: Tx>(tx: &T, entries: &[Entry]) -> Result<(), StoreError> {
    for entry in entries {
        insert(tx, entry).await?;
    }
    Ok(())
}

async fn insert<T: Tx>(tx: &T, entry: &Entry) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO audit_log (id, actor_kind, actor_id, actor_name, address, request_id, target_kind, target_id, \
                       target_name, verb, changes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let Entry { id, actor, act: Act { target, verb, changes } } = entry;
    let row = params![
        id.to_string(),
        actor.kind.as_str(),
        actor.id.as_deref(),
        actor.name.as_deref(),
        actor.address.as_deref(),
        actor.request_id.as_deref(),
        target.kind.as_str(),
        target.id.as_deref(),
        target.name.as_deref(),
        verb.as_str(),
        json(changes)?,
    ];
    tx.execute(SQL, row).await.map(|_| ())
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditLog {
    /// Those of who has this id or this name.
    pub actor: Option<String>,
    /// Those of these acts.
    pub action: Option<ActionPattern>,
    /// Those about what has this id or this name.
    pub target: Option<String>,
    /// Those made then or later.
    pub since: Option<Timestamp>,
    /// Those made before.
    pub until: Option<Timestamp>,
    /// Those that contain this text.
    pub contains: Option<String>,
}

impl Log for AuditLog {
    type Id = AuditId;
    const ID: &'static str = "a.id";
    const TABLE: &'static str = "audit_log a";
    const ALL: &'static str = "audit_log a";
    const SIZE: &'static str = "LENGTH(a.changes)";

    async fn ways<T: Tx>(&self, _: &T) -> Result<Vec<Conditions>, StoreError> {
        let lowest = |moment: Timestamp| AuditId::lowest_at(moment).to_string();
        let mut way = Conditions::default();
        way.on_some("a.id >= ?", self.since.map(lowest));
        way.on_some("a.id < ?", self.until.map(lowest));
        Ok(vec![way])
    }

    fn rest(&self, conditions: &mut Conditions) {
        conditions.on_some("(a.actor_id = ? OR a.actor_name = ?)", self.actor.clone());
        conditions.on_some("(a.target_id = ? OR a.target_name = ?)", self.target.clone());
        conditions.on_some("a.target_kind = ?", self.action.map(|action| action.kind.as_str()));
        conditions.on_some("a.verb = ?", self.action.and_then(|action| action.verb).map(Verb::as_str));
        let texts = [
            "a.actor_name",
            "a.actor_id",
            "a.address",
            "a.target_name",
            "a.target_id",
            "a.request_id",
            "a.changes",
        ];
        conditions.on_part(&texts, self.contains.as_deref());
    }
}

/// Those of these entries that there are, the newest first.
pub struct AuditById {
    /// The entries.
    pub ids: Vec<AuditId>,
}

impl Work for AuditById {
    type Output = Vec<Entry>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Vec<Entry>, StoreError> {
        const SQL: &str = "SELECT id, actor_kind, actor_id, actor_name, address, request_id, target_kind, target_id, target_name, \
                           verb, changes FROM audit_log WHERE id IN ?1 ORDER BY id DESC";
        let ids = self.ids.iter().map(ToString::to_string).collect();
        tx.query(SQL, vec![Value::Texts(ids)]).await?.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Result<Entry, StoreError> {
    let mut row = row.read();
    let id = row.parse("an id of the audit log")?;
    let actor = Actor {
        kind: row.named(ActorKind::from_name, "a kind of actor")?,
        id: row.opt_text()?,
        name: row.opt_text()?,
        address: row.opt_text()?,
        request_id: row.opt_text()?,
    };
    let target = Target {
        kind: row.named(TargetKind::from_name, "a kind of target")?,
        id: row.opt_text()?,
        name: row.opt_text()?,
    };
    let verb = row.named(Verb::from_name, "what was done")?;
    Ok(Entry { id, actor, act: Act { target, verb, changes: row.json()? } })
}

/// Deletes entries that are older than `before`. Returns how many; to be called until that is 0.
pub struct RetainAudit {
    /// What is as old as this, or newer, is kept.
    pub before: Timestamp,
    /// The most to delete in one transaction.
    pub limit: i64,
}

impl Work for RetainAudit {
    type Output = u64;

    async fn run<T: Tx>(&self, tx: &T) -> Result<u64, StoreError> {
        const SQL: &str =
            "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < ?1 ORDER BY id LIMIT ?2)";
        tx.execute(SQL, params![AuditId::lowest_at(self.before).to_string(), self.limit]).await
    }
}
