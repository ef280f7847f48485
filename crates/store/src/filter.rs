//! What lists have in common: conditions put together, newest first, pages of bounded size.

use std::fmt::Write;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tx::Value;

/// The most bytes of payloads and answers loaded for one page: entries may have a mebibyte each, and a page 200 of them.
pub const PAGE_BYTES: i64 = 4 * 1_024 * 1_024;

/// A page of a list: fewer entries than asked for if those are large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The entries, newest first.
    pub entries: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// Which entries of a log are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter<Id, Status> {
    /// Those of one of these statuses; of any if there is none.
    pub statuses: Vec<Status>,
    /// Those of this kind of event.
    pub event_type: Option<String>,
    /// Those made then or later.
    pub since: Option<Timestamp>,
    /// Those made before.
    pub until: Option<Timestamp>,
    /// Those that contain this text. The case of letters does not matter; SQLite knows it of ASCII letters only.
    pub contains: Option<String>,
    /// These.
    pub ids: Option<Vec<Id>>,
}

impl<Id, Status> Default for LogFilter<Id, Status> {
    fn default() -> Self {
        Self { statuses: Vec::new(), event_type: None, since: None, until: None, contains: None, ids: None }
    }
}

impl<Id: ToString, Status: Copy + PartialEq> LogFilter<Id, Status> {
    /// Its statuses, each once.
    pub(crate) fn distinct(&self) -> Vec<Status> {
        let mut distinct = Vec::with_capacity(self.statuses.len());
        for status in &self.statuses {
            if !distinct.contains(status) {
                distinct.push(*status);
            }
        }
        distinct
    }

    /// A way into the log: by the moments in its ids, or the ids themselves.
    pub(crate) fn way(&self, column: &str, lowest_at: fn(Timestamp) -> Id) -> Conditions {
        let mut way = Conditions::default();
        way.on_some(&format!("{column} >= ?"), self.since.map(|moment| lowest_at(moment).to_string()));
        way.on_some(&format!("{column} < ?"), self.until.map(|moment| lowest_at(moment).to_string()));
        if let Some(ids) = &self.ids {
            way.on(&format!("{column} IN ?"), Value::Texts(ids.iter().map(ToString::to_string).collect()));
        }
        way
    }
}

/// The names of statuses, which are ours, as a list in SQL.
pub(crate) fn names<Status>(statuses: &[Status], name: fn(Status) -> &'static str) -> String
where
    Status: Copy,
{
    let names: Vec<String> = statuses.iter().map(|status| format!("'{}'", name(*status))).collect();
    names.join(", ")
}

/// Conditions of a query, each of which must hold, with their parameters.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    sql: String,
    params: Vec<Value<'static>>,
}

impl Conditions {
    /// Adds a condition that takes no parameter.
    pub(crate) fn fixed(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }

    /// Adds a condition; each `?` in it is the value.
    pub(crate) fn on(&mut self, condition: &str, value: impl Into<Value<'static>>) {
        let place = self.place(value);
        self.fixed(&condition.replace('?', &place));
    }

    /// Adds a condition on two values; each `?` in it is the first, each `??` the second.
    pub(crate) fn on_two(
        &mut self,
        condition: &str,
        first: impl Into<Value<'static>>,
        second: impl Into<Value<'static>>,
    ) {
        let (first, second) = (self.place(first), self.place(second));
        let parts: Vec<String> = condition.split("??").map(|part| part.replace('?', &first)).collect();
        self.fixed(&parts.join(&second));
    }

    /// Adds a condition if there is a value for it.
    pub(crate) fn on_some(&mut self, condition: &str, value: Option<impl Into<Value<'static>>>) {
        if let Some(value) = value {
            self.on(condition, value);
        }
    }

    /// Adds that a text contains another; `?` in the condition is a pattern for `LIKE`.
    pub(crate) fn on_part(&mut self, expressions: &[&str], part: Option<&str>) {
        let Some(part) = part else { return };
        let place = self.place(pattern(part));
        let like =
            |expression: &&str| format!(r"LOWER({expression}) LIKE LOWER(CAST({place} AS TEXT)) ESCAPE '\'");
        let any: Vec<String> = expressions.iter().map(like).collect();
        self.fixed(&format!("({})", any.join(" OR ")));
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// The query: `select`, the conditions, the order, and the most rows to return.
    pub(crate) fn query(mut self, select: &str, order: &str, limit: usize) -> (String, Vec<Value<'static>>) {
        let limit = self.place(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut sql = select.to_owned();
        let _ = write!(sql, "{} ORDER BY {order} LIMIT {limit}", self.sql);
        (sql, self.params)
    }

    /// The query of the one row behind so many.
    pub(crate) fn nth(mut self, select: &str, order: &str, skipped: usize) -> (String, Vec<Value<'static>>) {
        let offset = self.place(i64::try_from(skipped).unwrap_or(i64::MAX));
        let mut sql = select.to_owned();
        let _ = write!(sql, "{} ORDER BY {order} LIMIT 1 OFFSET {offset}", self.sql);
        (sql, self.params)
    }

    /// The query without order and limit.
    pub(crate) fn all(self, select: &str) -> (String, Vec<Value<'static>>) {
        (format!("{select}{}", self.sql), self.params)
    }

    /// A parameter: what stands for it in a condition.
    pub(crate) fn place(&mut self, value: impl Into<Value<'static>>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }
}

/// The pattern of all texts that contain this one.
pub(crate) fn pattern(part: &str) -> String {
    let escaped = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_number_their_parameters() {
        let mut conditions = Conditions::default();
        conditions.on("a = ?", 1);
        conditions.on_some("b = ?", None::<i64>);
        conditions.on_part(&["c", "d"], Some("50%_\\"));
        conditions.fixed("e <> 'x'");
        let (sql, params) = conditions.query("SELECT a FROM t", "a DESC", 9);
        assert_eq!(
            sql,
            "SELECT a FROM t WHERE a = ?1 AND (LOWER(c) LIKE LOWER(CAST(?2 AS TEXT)) ESCAPE '\\' \
             OR LOWER(d) LIKE LOWER(CAST(?2 AS TEXT)) ESCAPE '\\') AND e <> 'x' ORDER BY a DESC LIMIT ?3"
        );
        assert_eq!(params, [Value::Int(1), r"%50\%\_\\%".into(), Value::Int(9)]);
    }
}
