//! What commands print: tables, details and lines of a log from the JSON of the API, for people.
//!
//! Invariant: what a stranger sent can't steer the terminal. Everything is printed without its control characters.

use std::io::{self, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

/// One column, or one line of the details.
pub struct Column {
    /// Its head.
    pub head: &'static str,
    /// Its least width in a log, whose later lines are not known yet.
    pub width: usize,
    /// What it shows.
    pub cell: fn(&Value) -> String,
}

/// Prints a text and ends the line.
///
/// # Errors
/// If nobody reads any more.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a JSON document.
///
/// # Errors
/// If nobody reads any more.
pub fn json(document: &Value) -> io::Result<()> {
    line(&format!("{document:#}"))
}

/// Rows under a head, aligned.
pub fn table(columns: &[Column], rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(columns.iter().map(|column| column.head));
    for row in rows {
        table.add_row(columns.iter().map(|column| (column.cell)(row)));
    }
    trimmed(&table)
}

/// One thing, a line for each of its details; those without a value are left out.
pub fn details(columns: &[Column], value: &Value) -> String {
    pairs(columns.iter().map(|column| (column.head, (column.cell)(value))))
}

/// Names and values, aligned; those without a value are left out.
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty() && value != NONE) {
        table.add_row([name, &value]);
    }
    trimmed(&table)
}

/// Without the space that the library puts around each cell, where that is at the edge.
fn trimmed(table: &Table) -> String {
    let at_edge = |line: String| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned();
    table.lines().map(at_edge).collect::<Vec<_>>().join("\n")
}

/// The head of a log.
pub fn log_head(columns: &[Column]) -> String {
    log(columns, |column| column.head.to_owned())
}

/// An entry of a log.
pub fn log_line(columns: &[Column], entry: &Value) -> String {
    log(columns, |column| (column.cell)(entry))
}

fn log(columns: &[Column], cell: impl Fn(&Column) -> String) -> String {
    let cells = columns.iter().map(|column| format!("{:<width$}", cell(column), width = column.width));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// What is shown of a value that is not there.
const NONE: &str = "-";

/// A value as people read it: texts as they are, nothing as `-`, lists with commas, the rest as JSON.
pub fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) if text.is_empty() => NONE.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => NONE.to_owned(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Each of a list on a line of its own, numbered, for what is too long for one line together.
pub fn numbered(list: &Value) -> String {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<String> =
        items.iter().enumerate().map(|(index, item)| format!("{}. {}", index + 1, text(item))).collect();
    lines.join("\n")
}

/// A status with a mark that is seen from afar.
pub fn status(value: &Value) -> String {
    let name = text(value);
    let mark = match name.as_str() {
        "processed" | "delivered" | "active" | "done" | "succeeded" => '✓',
        "failed" | "rejected" => '✗',
        "ignored" | "cancelled" | "inactive" | "skipped" => '–',
        "retrying" => '↻',
        _ => '…',
    };
    format!("{mark} {name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        Column { head: "ID", width: 6, cell: |row| text(&row["id"]) },
        Column { head: "STATUS", width: 11, cell: |row| status(&row["status"]) },
        Column { head: "NAME", width: 0, cell: |row| text(&row["name"]) },
    ];

    #[test]
    fn columns_are_aligned() {
        let rows = [
            json!({"id": "a", "status": "active", "name": "Form"}),
            json!({"id": "abcdef", "status": "inactive", "name": null}),
        ];
        assert_eq!(
            table(COLUMNS, &rows),
            "ID      STATUS      NAME\na       ✓ active    Form\nabcdef  – inactive  -"
        );
        assert_eq!(details(COLUMNS, &rows[1]), "ID      abcdef\nSTATUS  – inactive");
        let lines = pairs([("one", "1".to_owned()), ("list", numbered(&json!(["a", "b"])))]);
        assert_eq!(lines, "one   1\nlist  1. a\n      2. b");
    }

    #[test]
    fn a_log_is_aligned_without_knowing_what_comes() {
        assert_eq!(log_head(COLUMNS), "ID      STATUS       NAME");
        let entry = json!({"id": "a", "status": "processed", "name": "Form"});
        assert_eq!(log_line(COLUMNS, &entry), "a       ✓ processed  Form");
    }

    #[test]
    fn what_strangers_send_cant_steer_the_terminal() {
        assert_eq!(text(&json!("a\u{1b}[2Jb\r\nc\u{9b}d\u{7f}")), "a [2Jb  c d ");
        assert_eq!(text(&json!({"a": "\u{9b}2J"})), "{\"a\":\" 2J\"}");
        assert_eq!(status(&json!("\u{1b}[31m")), "…  [31m");
    }

    #[test]
    fn values_are_shown_as_people_read_them() {
        for (value, shown) in [
            (json!(null), "-"),
            (json!(""), "-"),
            (json!([]), "-"),
            (json!(7), "7"),
            (json!(["a", "b"]), "a, b"),
            (json!([{"a": 1}]), "[{\"a\":1}]"),
        ] {
            assert_eq!(text(&value), shown);
        }
    }
}
