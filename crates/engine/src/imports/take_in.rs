//! Rows in the transaction: who is added, who changed, who refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::change::Draft;
use domain::{Roster, Timestamp};
use store::StoreError;
use store::imports::{ImportStep, Refusal};
use store::tasks::{DONE, TaskRow};

use super::Line;
use crate::command::{self, Executed, NewSubscriber, SubscriberChange};
use crate::snapshot::Snapshot;

/// Rows that are taken in together.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The rows.
    pub lines: Vec<Line>,
    /// Whether those who are known already are changed.
    pub update_existing: bool,
    /// The task as it was before, its node, and whether this is the last piece; without it nothing is told of the progress.
    pub progress: Option<(TaskRow, Arc<str>, bool)>,
}

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Subscribers that are new.
    pub added: i64,
    /// Subscribers that were changed.
    pub updated: i64,
    /// Subscribers of whom the file said nothing new.
    pub unchanged: i64,
    /// Lines that were refused.
    pub refusals: Vec<Refusal>,
}

impl Piece {
    /// How far the task has come with it.
    pub(crate) fn step(&self, imported: &Imported, now: Timestamp) -> Option<ImportStep> {
        let (task, node, is_last) = self.progress.clone()?;
        let count = |lines: usize| i64::try_from(lines).unwrap_or(i64::MAX);
        let done = task.done + count(self.lines.len());
        let state = if is_last { DONE.to_owned() } else { task.state.clone() };
        let failed = task.failed + count(imported.refusals.len());
        let task = TaskRow { done, failed, state, updated_at: now, ..task };
        let Imported { added, updated, refusals, .. } = imported.clone();
        Some(ImportStep { task, node, added, updated, refusals })
    }
}

/// What became of one row.
enum Became {
    Added,
    Updated,
    Unchanged,
}

/// Takes in a piece.
pub(crate) fn take_in(
    roster: &mut Roster,
    snapshot: &Snapshot,
    piece: &Piece,
    now: Timestamp,
) -> Result<(Imported, Vec<Draft>), StoreError> {
    let (mut imported, mut events) = (Imported::default(), Vec::new());
    for line in &piece.lines {
        let became = match &line.entry {
            Ok(new) => one(roster, snapshot, new, piece.update_existing, now, &mut events)?,
            Err(reason) => Err(reason.clone()),
        };
        match became {
            Ok(Became::Added) => imported.added += 1,
            Ok(Became::Updated) => imported.updated += 1,
            Ok(Became::Unchanged) => imported.unchanged += 1,
            Err(reason) => imported.refusals.push(Refusal { line: line.number, reason }),
        }
    }
    Ok((imported, events))
}

fn one(
    roster: &mut Roster,
    snapshot: &Snapshot,
    new: &NewSubscriber,
    update_existing: bool,
    now: Timestamp,
    events: &mut Vec<Draft>,
) -> Result<Result<Became, String>, StoreError> {
    let known = new.fields.email.as_ref().and_then(|email| roster.find(email)).cloned();
    let (executed, told) = match &known {
        None => command::create(roster, snapshot, new, now)?,
        Some(before) if update_existing => {
            // Who left a list, or wants no mail, is not brought back by a file.
            let lists: BTreeSet<_> = before.lists.keys().chain(&new.lists).copied().collect();
            let tags: BTreeSet<_> = before.tags.iter().chain(&new.tags).cloned().collect();
            let change = SubscriberChange {
                fields: new.fields.clone(),
                status: None,
                lists: Some(lists.into_iter().collect()),
                tags: Some(tags.into_iter().collect()),
                only_if: None,
            };
            command::update(roster, snapshot, before.id, &change, now)
        }
        Some(before) => return Ok(Err(format!("is the subscriber {} already", before.id))),
    };
    let outcome = match executed {
        Executed::Subscriber(after) => Ok(match &known {
            None => Became::Added,
            Some(before) if **before != after => Became::Updated,
            Some(_) => Became::Unchanged,
        }),
        Executed::UnfitFields(faults) => {
            let faults = faults.into_iter().map(|fault| format!("{} {}", fault.field, fault.message));
            Err(faults.collect::<Vec<_>>().join("; "))
        }
        Executed::UnknownLists(lists) => {
            let lists: Vec<String> = lists.iter().map(ToString::to_string).collect();
            Err(format!("there is no list {}", lists.join(", ")))
        }
        // Nothing else comes of making or changing one.
        _ => return Err(StoreError::Defect),
    };
    events.extend(told);
    Ok(outcome)
}
