//! What columns hold, and from a row to a subscriber.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use domain::Email;
use domain::action::check_tag;
use domain::mapping::{Mapped, Target, recognise_column};
use domain::subscriber::is_custom_field_name;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ImportSettings, Table};
use crate::command::NewSubscriber;
use crate::snapshot::Snapshot;

/// What a spreadsheet would take for a formula; an export puts an apostrophe before it, which is taken off again.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a column holds: a field by the name that mappings have for it, or `tags`, with commas between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Column {
    /// A field.
    Field(Target),
    /// Tags.
    Tags,
}

/// No such field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be email, first_name, last_name, name, phone, company, source, status, tags, custom_field.NAME, or - for a column \
     that is not wanted"
)]
pub struct ColumnError;

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(text: &str) -> Result<Self, ColumnError> {
        match text {
            "tags" => Ok(Column::Tags),
            _ => text.parse().map(Column::Field).map_err(|_| ColumnError),
        }
    }
}

impl TryFrom<String> for Column {
    type Error = ColumnError;

    fn try_from(text: String) -> Result<Self, ColumnError> {
        text.parse()
    }
}

impl From<Column> for String {
    fn from(column: Column) -> Self {
        column.to_string()
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Field(target) => target.fmt(f),
            Column::Tags => f.write_str("tags"),
        }
    }
}

impl Column {
    /// What the columns of these names most likely hold: by their own names, by those of declared custom fields, or as senders
    /// call a field. What is found first keeps a field.
    pub fn recognise(head: &[String], snapshot: &Snapshot) -> Vec<Option<Column>> {
        let mut found: Vec<Option<Column>> = Vec::with_capacity(head.len());
        for name in head {
            let column =
                Self::of_name(name, snapshot).filter(|column| !found.contains(&Some(column.clone())));
            found.push(column);
        }
        found
    }

    fn of_name(name: &str, snapshot: &Snapshot) -> Option<Column> {
        let lower = name.to_lowercase();
        if lower == "tags" || lower == "tag" {
            return Some(Column::Tags);
        }
        let custom =
            |name: &str| is_custom_field_name(name).then(|| Column::Field(Target::Custom(name.to_owned())));
        if let Some(own) =
            ["custom_fields.", "custom_field."].iter().find_map(|prefix| name.strip_prefix(prefix))
        {
            return custom(own);
        }
        let declared = snapshot
            .custom_fields
            .iter()
            .find(|field| field.name.to_lowercase() == lower || field.settings.label.to_lowercase() == lower);
        match declared {
            Some(field) => custom(&field.name),
            None => recognise_column(name).map(Column::Field),
        }
    }
}

/// A row: the line at which it begins, and what it says, or why it is refused.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: i64,
    /// The subscriber.
    pub entry: Result<NewSubscriber, String>,
}

/// The rows of a file, one after the other.
pub struct Lines<'a, R> {
    rows: R,
    head: &'a [String],
    settings: &'a ImportSettings,
    seen: HashMap<Email, i64>,
}

impl<'a> Lines<'a, ()> {
    /// Of a table, from its first row on: what comes later may be refused for what stood before.
    pub fn of(
        table: &'a Table<'_>,
        settings: &'a ImportSettings,
    ) -> Lines<'a, impl Iterator<Item = (u64, csv::StringRecord)>> {
        Lines { rows: table.rows(), head: table.head(), settings, seen: HashMap::new() }
    }
}

impl<R: Iterator<Item = (u64, csv::StringRecord)>> Iterator for Lines<'_, R> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let (line, row) = self.rows.next()?;
        let number = i64::try_from(line).unwrap_or(i64::MAX);
        let entry = subscriber(&row, self.head, self.settings).and_then(|new| self.once(new, number));
        Some(Line { number, entry })
    }
}

impl<R> Lines<'_, R> {
    /// Two rows of one person contradict each other: the first counts.
    fn once(&mut self, new: NewSubscriber, number: i64) -> Result<NewSubscriber, String> {
        let Some(email) = &new.fields.email else { return Ok(new) };
        match self.seen.get(email) {
            Some(line) => Err(format!("has the same address as line {line}")),
            None => {
                self.seen.insert(email.clone(), number);
                Ok(new)
            }
        }
    }
}

fn subscriber(
    row: &csv::StringRecord,
    head: &[String],
    settings: &ImportSettings,
) -> Result<NewSubscriber, String> {
    if row.len() > head.len() {
        return Err(format!("has {} cells, but there are {} columns", row.len(), head.len()));
    }
    let mut mapped = Mapped::default();
    let mut tags = settings.tags.clone();
    for ((cell, name), column) in row.iter().zip(head).zip(&settings.columns) {
        let cell = plain(cell.trim());
        match column {
            // An empty cell says nothing: what is known already stays.
            _ if cell.is_empty() => {}
            Some(Column::Field(target)) => mapped.set(target, &Value::from(cell), name),
            Some(Column::Tags) => tags.extend(tags_of(cell)?),
            None => {}
        }
    }
    if let Some(error) = mapped.email_error {
        return Err(error.to_string());
    }
    if mapped.fields.email.is_none() {
        return Err("has no email".to_owned());
    }
    if !mapped.warnings.is_empty() {
        return Err(mapped.warnings.join("; "));
    }
    let status = mapped.fields.status.take().or(Some(settings.status));
    Ok(NewSubscriber { fields: mapped.fields, status, lists: settings.lists.clone(), tags })
}

fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_STARTS)).unwrap_or(cell)
}

fn tags_of(cell: &str) -> Result<Vec<String>, String> {
    let tags = cell.split([',', ';']).map(str::trim).filter(|tag| !tag.is_empty());
    tags.map(|tag| check_tag(tag).map(|()| tag.to_owned()).map_err(|fault| format!("tags: {tag} {fault}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::{ListId, Status};

    use super::*;

    fn settings(columns: &[&str]) -> ImportSettings {
        ImportSettings {
            delimiter: super::super::Delimiter::Comma,
            columns: columns.iter().map(|name| name.parse().ok()).collect(),
            status: Status::Subscribed,
            lists: vec![ListId(1)],
            tags: vec!["import".into()],
            update_existing: false,
        }
    }

    fn entries(file: &str, columns: &[&str]) -> Vec<(i64, Result<NewSubscriber, String>)> {
        let table = Table::open(file.as_bytes(), None).unwrap();
        Lines::of(&table, &settings(columns)).map(|line| (line.number, line.entry)).collect()
    }

    #[test]
    fn a_row_becomes_a_subscriber() {
        let file = "mail,who,plan,labels,x\nAda@Example.com,Ada Lovelace,'+1,\"vip, web\",unwanted\n";
        let all = entries(file, &["email", "name", "custom_field.plan", "tags", "-"]);
        let ada = all[0].1.as_ref().unwrap();
        assert_eq!(ada.fields.email.as_ref().unwrap().as_str(), "ada@example.com");
        assert_eq!(ada.fields.texts.len(), 2);
        assert_eq!(ada.fields.custom_fields, [("plan".to_owned(), Some(Value::from("+1")))]);
        assert_eq!((ada.tags.join(" "), ada.status), ("import vip web".to_owned(), Some(Status::Subscribed)));
        assert_eq!(ada.lists, [ListId(1)]);
    }

    #[test]
    fn what_is_wrong_with_a_row_is_said() {
        let file =
            "email,status\nnobody,\n,subscribed\na@x.org,asleep\nb@x.org,pending\nB@X.org,\nc@x.org,,\n";
        let why: Vec<(i64, String)> = entries(file, &["email", "status"])
            .into_iter()
            .filter_map(|(line, entry)| Some((line, entry.err()?)))
            .collect();
        let expected = [
            (2, "the email at email must have the form name@domain"),
            (3, "has no email"),
            (4, "status: the value of status is no status"),
            (6, "has the same address as line 5"),
            (7, "has 3 cells, but there are 2 columns"),
        ];
        assert_eq!(why, expected.map(|(line, why)| (line, why.to_owned())));
    }

    #[test]
    fn columns_are_recognised_by_name() {
        let head = ["E-Mail", "Nome", "surname", "Mail", "custom_fields.plan", "Tags", "whatever"]
            .map(str::to_owned);
        let found = Column::recognise(&head, &Snapshot::default());
        let names: Vec<String> = found
            .into_iter()
            .map(|column| column.map_or("-".to_owned(), |column| column.to_string()))
            .collect();
        assert_eq!(names, ["email", "first_name", "last_name", "-", "custom_field.plan", "tags", "-"]);
    }
}
