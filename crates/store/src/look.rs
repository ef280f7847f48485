//! Looking through a log in pieces of bounded size: one transaction looks at so many entries, and the next goes on behind
//! them. So nobody holds a connection for long, however long the log is and however little of it is found.

use std::fmt::Display;
use std::future::Future;
use std::str::FromStr;

use crate::error::StoreError;
use crate::filter::{Conditions, PAGE_BYTES};
use crate::tx::{Row, Tx, Work};

/// A log, and what of it is wanted.
pub trait Log: Clone + Send + Sync + 'static {
    /// The id of an entry: by it they are in order.
    type Id: Copy + Ord + Display + FromStr + Send + Sync + 'static;
    /// The column of the id.
    const ID: &'static str;
    /// The table.
    const TABLE: &'static str;
    /// The table, and what else is asked of an entry.
    const ALL: &'static str;
    /// The bytes of an entry that a page loads.
    const SIZE: &'static str;

    /// The ways into the log, each by an index that is in the order of the ids. What is wanted stands on one of them.
    fn ways<T: Tx>(&self, tx: &T) -> impl Future<Output = Result<Vec<Conditions>, StoreError>> + Send;

    /// What is asked of each entry on the way.
    fn rest(&self, conditions: &mut Conditions);
}

/// In which order a log is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As it is shown.
    NewestFirst,
    /// As it is worked off.
    OldestFirst,
}

impl Order {
    fn sql(self, id: &str) -> String {
        match self {
            Order::NewestFirst => format!("{id} DESC"),
            Order::OldestFirst => id.to_owned(),
        }
    }

    fn behind(self) -> &'static str {
        match self {
            Order::NewestFirst => "<",
            Order::OldestFirst => ">",
        }
    }

    fn up_to(self) -> &'static str {
        match self {
            Order::NewestFirst => ">=",
            Order::OldestFirst => "<=",
        }
    }
}

/// A piece of a log.
#[derive(Clone, Copy, Debug)]
pub struct Piece<Id> {
    /// Behind which entry it begins; at the end of the log without one.
    pub from: Option<Id>,
    /// In which order.
    pub order: Order,
    /// The most entries to find.
    pub limit: usize,
    /// The most entries to look at, where not every one is wanted.
    pub rows: usize,
}

/// What was found in a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<Id> {
    /// The entries in order, each with its bytes.
    pub entries: Vec<(Id, i64)>,
    /// Behind which the next piece begins; `None` at the end of the log.
    pub next: Option<Id>,
}

/// Looks through a piece.
pub struct Look<L: Log> {
    /// What for.
    pub log: L,
    /// Where.
    pub piece: Piece<L::Id>,
}

impl<L: Log> Work for Look<L> {
    type Output = Found<L::Id>;

    async fn run<T: Tx>(&self, tx: &T) -> Result<Found<L::Id>, StoreError> {
        look(tx, &self.log, &self.piece, L::SIZE).await
    }
}

/// The same for the ids alone, which costs less.
pub(crate) async fn ids<L: Log, T: Tx>(
    tx: &T,
    log: &L,
    piece: &Piece<L::Id>,
) -> Result<(Vec<String>, Option<L::Id>), StoreError> {
    let found = look(tx, log, piece, "0").await?;
    Ok((found.entries.iter().map(|(id, _)| id.to_string()).collect(), found.next))
}

async fn look<L: Log, T: Tx>(
    tx: &T,
    log: &L,
    piece: &Piece<L::Id>,
    size: &str,
) -> Result<Found<L::Id>, StoreError> {
    let ways = ways(tx, log, piece).await?;
    let mut rest = Conditions::default();
    log.rest(&mut rest);
    // Without more to ask, what is looked at is what is found.
    let bound = if rest.is_empty() { None } else { bound::<L, T>(tx, &ways, piece).await? };
    let select = format!("SELECT {}, {size} FROM {}", L::ID, L::ALL);
    let mut entries = Vec::new();
    for way in ways {
        let way = bounded(log, way, bound, piece.order);
        let (sql, params) = way.query(&select, &piece.order.sql(L::ID), piece.limit.saturating_add(1));
        for row in tx.query(&sql, params).await? {
            let mut row = row.read();
            entries.push((row.parse("an id of the log")?, row.int()?));
        }
    }
    entries.sort_unstable_by_key(|(id, _): &(L::Id, i64)| *id);
    if piece.order == Order::NewestFirst {
        entries.reverse();
    }
    if entries.len() <= piece.limit {
        return Ok(Found { entries, next: bound });
    }
    entries.truncate(piece.limit);
    let next = entries.last().map(|(id, _)| *id);
    Ok(Found { entries, next })
}

/// Counts a piece; returns behind which the next begins as well.
pub struct Count<L: Log> {
    /// What.
    pub log: L,
    /// Behind which entry the piece begins; newest first.
    pub from: Option<L::Id>,
    /// The most entries to look at.
    pub rows: usize,
}

impl<L: Log> Work for Count<L> {
    type Output = (i64, Option<L::Id>);

    async fn run<T: Tx>(&self, tx: &T) -> Result<(i64, Option<L::Id>), StoreError> {
        let piece = Piece { from: self.from, order: Order::NewestFirst, limit: 0, rows: self.rows };
        let ways = ways(tx, &self.log, &piece).await?;
        let bound = bound::<L, T>(tx, &ways, &piece).await?;
        let mut count = 0;
        for way in ways {
            let way = bounded(&self.log, way, bound, piece.order);
            let (sql, params) = way.all(&format!("SELECT COUNT(*) FROM {}", L::ALL));
            if let Some(row) = tx.query(&sql, params).await?.pop() {
                count += row.read().int()?;
            }
        }
        Ok((count, bound))
    }
}

/// PostgreSQL plans by statistics, and a day's partition has none at first: then it reads and sorts all of it, and a piece
/// takes seconds. What is asked here is in the order of an index, always.
const BY_INDEX: &str = "/*pg: SELECT set_config('enable_seqscan', 'off', true) || set_config('enable_bitmapscan', 'off', true) \
                        || set_config('enable_sort', 'off', true) || set_config('enable_hashjoin', 'off', true) \
                        || set_config('enable_mergejoin', 'off', true) */ /*sqlite: SELECT '' */";

/// The ways into the log, from where the piece begins.
async fn ways<L: Log, T: Tx>(tx: &T, log: &L, piece: &Piece<L::Id>) -> Result<Vec<Conditions>, StoreError> {
    tx.query(BY_INDEX, vec![]).await?;
    let mut ways = log.ways(tx).await?;
    if let Some(from) = piece.from {
        let condition = format!("{} {} ?", L::ID, piece.order.behind());
        ways.iter_mut().for_each(|way| way.on(&condition, from.to_string()));
    }
    Ok(ways)
}

/// Where the piece ends, if the log does not end before.
async fn bound<L: Log, T: Tx>(
    tx: &T,
    ways: &[Conditions],
    piece: &Piece<L::Id>,
) -> Result<Option<L::Id>, StoreError> {
    let select = format!("SELECT {} FROM {}", L::ID, L::TABLE);
    let mut bound: Option<L::Id> = None;
    for way in ways {
        let skipped = piece.rows.saturating_sub(1);
        let (sql, params) = way.clone().nth(&select, &piece.order.sql(L::ID), skipped);
        let last = tx.query(&sql, params).await?.pop();
        let last = last.map(|row: Row| row.read().parse("an id of the log")).transpose()?;
        // What lies before the end of one way may lie behind that of another.
        bound = match (bound, last, piece.order) {
            (Some(a), Some(b), Order::NewestFirst) => Some(a.max(b)),
            (Some(a), Some(b), Order::OldestFirst) => Some(a.min(b)),
            (bound, last, _) => bound.or(last),
        };
    }
    Ok(bound)
}

fn bounded<L: Log>(log: &L, mut way: Conditions, bound: Option<L::Id>, order: Order) -> Conditions {
    way.on_some(&format!("{} {} ?", L::ID, order.up_to()), bound.map(|bound| bound.to_string()));
    log.rest(&mut way);
    way
}

/// Of entries and their bytes, in order, as many as fit on a page; at least one if there is one. The second is whether
/// there were more.
pub fn fit<Id>(sized: Vec<(Id, i64)>, limit: usize) -> (Vec<Id>, bool) {
    let found = sized.len();
    let mut bytes = 0;
    let mut ids = Vec::with_capacity(found.min(limit));
    for (id, size) in sized.into_iter().take(limit) {
        bytes += size;
        if bytes > PAGE_BYTES && !ids.is_empty() {
            break;
        }
        ids.push(id);
    }
    let more = ids.len() < found;
    (ids, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded_in_entries_and_in_bytes() {
        let sized = |sizes: &[i64]| sizes.iter().map(|size| (*size, *size)).collect();
        assert_eq!(fit(sized(&[1, 2, 3]), 2), (vec![1, 2], true));
        assert_eq!(fit(sized(&[1, 2]), 2), (vec![1, 2], false));
        assert_eq!(fit(sized(&[PAGE_BYTES + 1, 2]), 2).0.len(), 1);
        assert_eq!(fit(sized(&[PAGE_BYTES, 1]), 2), (vec![PAGE_BYTES], true));
        assert_eq!(fit(Vec::<(i64, i64)>::new(), 2), (vec![], false));
    }
}
