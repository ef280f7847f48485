//! From the portable SQL, in which everything here is written, to what each database takes.
//!
//! The portable form is what both take, and six notations:
//! - `?1`, `?2`, … are parameters (`$1` on PostgreSQL);
//! - `column IN ?1` takes a parameter that is an array;
//! - `column IN ONCE (SELECT … LIMIT …)` takes what the sub-select finds when it is run once: PostgreSQL may choose to run an
//!   `IN (SELECT …)` again for each row, and one that skips what is locked would find others each time;
//! - `INTEGER` has 64 bits and `BLOB` is bytes (`BIGINT`, `BYTEA`);
//! - `/*pg: … */` is code on PostgreSQL alone, `/*sqlite: … */` on SQLite alone.

/// What begins code for SQLite alone.
const SQLITE: &str = "/*sqlite:";
/// What begins code for PostgreSQL alone.
const POSTGRES: &str = "/*pg:";

/// What begins a sub-select that is run once.
const ONCE: &str = " IN ONCE (";

/// The statement for SQLite.
pub fn sqlite(sql: &str) -> String {
    let sql = choose(sql, SQLITE, POSTGRES).replace(ONCE, " IN (");
    array_conditions(&sql, |number| format!(" IN rarray(?{number})"))
}

/// The statement for PostgreSQL.
pub fn postgres(sql: &str) -> String {
    let sql =
        replace_word(&replace_word(&choose(sql, POSTGRES, SQLITE), "INTEGER", "BIGINT"), "BLOB", "BYTEA");
    let sql = array_conditions(&once(&sql), |number| format!(" = ANY(?{number})"));
    placeholders(&sql, |number| format!("${number}"))
}

/// The statement for PostgreSQL that does for many rows what the portable one does for one, from one array a parameter.
///
/// `types` are the PostgreSQL types of the parameters in order. The statement is one of
/// `INSERT INTO t (…) VALUES (…) …`, `UPDATE t SET … WHERE …` and `DELETE FROM t WHERE …`.
pub fn postgres_many(sql: &str, types: &[String]) -> Option<String> {
    let sql =
        replace_word(&replace_word(&choose(sql, POSTGRES, SQLITE), "INTEGER", "BIGINT"), "BLOB", "BYTEA");
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let arrays: Vec<String> = types.iter().enumerate().map(|(i, t)| format!("${}::{t}[]", i + 1)).collect();
    let columns: Vec<String> = (1..=types.len()).map(|i| format!("c{i}")).collect();
    let source = format!("UNNEST({}) AS batch ({})", arrays.join(", "), columns.join(", "));
    let of_batch = |text: &str| placeholders(text, |number| format!("batch.c{number}"));
    if sql.starts_with("INSERT") {
        let (head, rest) = sql.split_once(" VALUES (")?;
        let (values, tail) = rest.split_at(closing_parenthesis(rest)?);
        return Some(format!("{head} SELECT {} FROM {source}{}", of_batch(values), of_batch(&tail[1..])));
    }
    let (head, condition) = sql.split_once(" WHERE ")?;
    let joins = if sql.starts_with("UPDATE") { "FROM" } else { "USING" };
    Some(format!("{} {joins} {source} WHERE {}", of_batch(head), of_batch(condition)))
}

fn once(sql: &str) -> String {
    let Some((head, rest)) = sql.split_once(ONCE) else { return sql.to_owned() };
    let (select, tail) = rest.split_at(closing_parenthesis(rest).unwrap_or(rest.len()));
    format!("{head} = ANY(ARRAY({select}){tail}")
}

fn closing_parenthesis(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth < 0
    })
}

/// Keeps the code behind one mark and leaves out that behind the other.
fn choose(sql: &str, keep: &str, leave: &str) -> String {
    let without = between(sql, leave, |_| "");
    between(&without, keep, |code| code)
}

/// Replaces each comment that begins with `mark`.
fn between(sql: &str, mark: &str, replace: impl Fn(&str) -> &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(mark) {
        let (code, behind) = after.split_once("*/").unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(replace(code));
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn array_conditions(sql: &str, write: impl Fn(&str) -> String) -> String {
    numbered(sql, " IN ?", write)
}

fn placeholders(sql: &str, write: impl Fn(&str) -> String) -> String {
    numbered(sql, "?", write)
}

/// Replaces each `mark` and the number behind it.
fn numbered(sql: &str, mark: &str, write: impl Fn(&str) -> String) -> String {
    let mut parts = sql.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(&write(&part[..digits]));
        out.push_str(&part[digits..]);
    }
    out
}

fn replace_word(sql: &str, word: &str, by: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(word) {
        let whole =
            !is_part(rest[..at].chars().next_back()) && !is_part(rest[at + word.len()..].chars().next());
        out.push_str(&rest[..at]);
        out.push_str(if whole { by } else { word });
        rest = &rest[at + word.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_takes_arrays_by_a_table_function() {
        assert_eq!(
            sqlite("SELECT 1 FROM t WHERE a IN ?12 AND b = ?2 /*pg: FOR UPDATE */ /*sqlite: x */"),
            "SELECT 1 FROM t WHERE a IN rarray(?12) AND b = ?2   x "
        );
        assert_eq!(sqlite("a IN ?1 OR b IN ?2"), "a IN rarray(?1) OR b IN rarray(?2)");
    }

    #[test]
    fn postgres_has_names_of_its_own() {
        assert_eq!(
            postgres("SELECT CAST(a AS INTEGER) FROM t WHERE a IN ?1 AND b = ?2 /*pg: FOR UPDATE */"),
            "SELECT CAST(a AS BIGINT) FROM t WHERE a = ANY($1) AND b = $2  FOR UPDATE "
        );
        assert_eq!(postgres("INTEGERS BLOB"), "INTEGERS BYTEA");
    }

    #[test]
    fn a_sub_select_can_be_run_once() {
        let sql = "UPDATE t SET a = 1 WHERE b IN ONCE (SELECT b FROM t WHERE (c) LIMIT 2) RETURNING (b)";
        assert_eq!(
            sqlite(sql),
            "UPDATE t SET a = 1 WHERE b IN (SELECT b FROM t WHERE (c) LIMIT 2) RETURNING (b)"
        );
        assert_eq!(
            postgres(sql),
            "UPDATE t SET a = 1 WHERE b = ANY(ARRAY(SELECT b FROM t WHERE (c) LIMIT 2)) RETURNING (b)"
        );
    }

    #[test]
    fn postgres_takes_a_batch_as_one_statement() {
        let types = ["text".to_owned(), "bigint".to_owned()];
        assert_eq!(
            postgres_many("INSERT INTO t (a, b) VALUES (?1, COALESCE(?2, 0)) ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b", &types).unwrap(),
            "INSERT INTO t (a, b) SELECT batch.c1, COALESCE(batch.c2, 0) FROM UNNEST($1::text[], $2::bigint[]) AS batch (c1, c2) \
             ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b"
        );
        assert_eq!(
            postgres_many("UPDATE t SET b = ?2 WHERE a = ?1", &types).unwrap(),
            "UPDATE t SET b = batch.c2 FROM UNNEST($1::text[], $2::bigint[]) AS batch (c1, c2) WHERE a = batch.c1"
        );
        assert_eq!(
            postgres_many("DELETE FROM t WHERE a = ?1 AND b = ?2", &types).unwrap(),
            "DELETE FROM t USING UNNEST($1::text[], $2::bigint[]) AS batch (c1, c2) WHERE a = batch.c1 AND b = batch.c2"
        );
    }
}
