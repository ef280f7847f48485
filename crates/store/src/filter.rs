//! What lists have in common: conditions put together, newest first, pages of bounded size.

use std::fmt::Write;

use domain::Timestamp;

use crate::tx::Value;

/// The most bytes of payloads and answers loaded for one page: entries may have a mebibyte each, and a page 200 of them.
pub(crate) const PAGE_BYTES: i64 = 4 * 1_024 * 1_024;

/// A page of a list: fewer entries than asked for if those are large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The entries, newest first.
    pub entries: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// Which entries of a log are wanted.
#[derive(Clone, Debug)]
pub struct LogFilter<Id, Status> {
    /// Those of this status.
    pub status: Option<Status>,
    /// Those of this kind of event.
    pub event_type: Option<String>,
    /// Those made then or later.
    pub since: Option<Timestamp>,
    /// Those made before.
    pub until: Option<Timestamp>,
    /// Those whose payload contains this text. The case of letters does not matter; SQLite knows it of ASCII letters only.
    pub contains: Option<String>,
    /// Those older than this entry: the last of the page before.
    pub before: Option<Id>,
}

impl<Id, Status> Default for LogFilter<Id, Status> {
    fn default() -> Self {
        Self { status: None, event_type: None, since: None, until: None, contains: None, before: None }
    }
}

/// Conditions of a query, each of which must hold, with their parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
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

    /// Adds the bounds of a log: by the moment in its ids.
    pub(crate) fn within<Id: ToString>(
        &mut self,
        column: &str,
        lowest_at: fn(Timestamp) -> Id,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        before: Option<Id>,
    ) {
        self.on_some(&format!("{column} >= ?"), since.map(|moment| lowest_at(moment).to_string()));
        self.on_some(&format!("{column} < ?"), until.map(|moment| lowest_at(moment).to_string()));
        self.on_some(&format!("{column} < ?"), before.map(|id| id.to_string()));
    }

    /// The query: `select`, the conditions, the order, and the most rows to return.
    pub(crate) fn query(mut self, select: &str, order: &str, limit: usize) -> (String, Vec<Value<'static>>) {
        let limit = self.place(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut sql = select.to_owned();
        let _ = write!(sql, "{} ORDER BY {order} LIMIT {limit}", self.sql);
        (sql, self.params)
    }

    /// The query without order and limit.
    pub(crate) fn all(self, select: &str) -> (String, Vec<Value<'static>>) {
        (format!("{select}{}", self.sql), self.params)
    }

    fn place(&mut self, value: impl Into<Value<'static>>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }
}

/// The pattern of all texts that contain this one.
fn pattern(part: &str) -> String {
    let escaped = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

/// Of entries and their sizes, newest first, as many as fit on a page; at least one if there is one.
pub(crate) fn fit(sized: Vec<(String, i64)>, limit: usize) -> (Vec<String>, bool) {
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

    #[test]
    fn a_page_is_bounded_in_entries_and_in_bytes() {
        let sized = |sizes: &[i64]| sizes.iter().map(|size| (size.to_string(), *size)).collect();
        assert_eq!(fit(sized(&[1, 2, 3]), 2), (vec!["1".into(), "2".into()], true));
        assert_eq!(fit(sized(&[1, 2]), 2), (vec!["1".into(), "2".into()], false));
        assert_eq!(fit(sized(&[PAGE_BYTES + 1, 2]), 2).0.len(), 1);
        assert_eq!(fit(sized(&[PAGE_BYTES, 1]), 2), (vec![PAGE_BYTES.to_string()], true));
        assert_eq!(fit(vec![], 2), (vec![], false));
    }
}
