//! The file as a table: its text, what stands between cells, its head.

use std::borrow::Cow;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MAX_COLUMNS, MAX_ROWS};

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as spreadsheets write where a comma is a decimal point.
    Semicolon,
    /// A tabulator.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// All of them; of those that a head has equally often, the first is meant.
    const ALL: [Delimiter; 4] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe];

    fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        }
    }

    /// The one that the head of a file has most of.
    fn of(text: &str) -> Self {
        let columns = |delimiter: &Delimiter| {
            let head = reader(text, *delimiter).into_records().next();
            head.and_then(Result::ok).map_or(0, |head| head.len())
        };
        // The last of equals is taken.
        Self::ALL.into_iter().rev().max_by_key(columns).unwrap_or(Delimiter::Comma)
    }
}

/// Why a file can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is in another encoding.
    #[error("line {0} is not UTF-8: save the file as \"CSV UTF-8\"")]
    Encoding(usize),
    /// There is nothing in it.
    #[error("the file is empty: its first line names the columns")]
    Empty,
    /// It has too many columns.
    #[error("the file has more than {MAX_COLUMNS} columns: leave out those that are not needed")]
    Columns,
    /// It has too many rows.
    #[error("the file has more than {MAX_ROWS} rows: split it into several files")]
    Rows,
}

/// A file that could be read.
#[derive(Debug)]
pub struct Table<'a> {
    text: Cow<'a, str>,
    delimiter: Delimiter,
    head: Vec<String>,
}

impl<'a> Table<'a> {
    /// Reads the head. The delimiter is found out if nobody says it.
    ///
    /// # Errors
    /// Why the file is no table.
    pub fn open(file: &'a [u8], delimiter: Option<Delimiter>) -> Result<Self, TableError> {
        let text = decode(file)?;
        let delimiter = delimiter.unwrap_or_else(|| Delimiter::of(&text));
        let head = reader(&text, delimiter).into_records().next().and_then(Result::ok);
        let head = head.ok_or(TableError::Empty)?;
        let head: Vec<String> = head.iter().map(|name| name.trim().to_owned()).collect();
        if head.len() > MAX_COLUMNS {
            return Err(TableError::Columns);
        }
        Ok(Self { delimiter, head, text })
    }

    /// How many rows it has.
    ///
    /// # Errors
    /// If they are too many.
    pub fn count(&self) -> Result<usize, TableError> {
        let count = self.rows().take(MAX_ROWS + 1).count();
        if count > MAX_ROWS { Err(TableError::Rows) } else { Ok(count) }
    }

    /// The names of the columns.
    pub fn head(&self) -> &[String] {
        &self.head
    }

    /// What stands between two cells.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The rows behind the head, each with the line at which it begins. Rows without anything in them are passed over.
    pub fn rows(&self) -> impl Iterator<Item = (u64, csv::StringRecord)> {
        let bytes = self.text.as_bytes();
        let (mut at, mut line) = (0, 1);
        let numbered = move |row: csv::StringRecord| {
            // The reader's own lines are those where it began to look, before the ends of lines that it passes over.
            let begin = row.position().map_or(at, |position| usize::try_from(position.byte()).unwrap_or(at));
            let passed = bytes[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            line += bytes[at..begin + passed].iter().filter(|byte| **byte == b'\n').count() as u64;
            at = begin + passed;
            (line, row)
        };
        let records = reader(&self.text, self.delimiter).into_records().skip(1);
        let rows = records.filter_map(Result::ok).map(numbered);
        rows.filter(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()))
    }
}

fn reader(text: &str, delimiter: Delimiter) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter.byte()).has_headers(false).flexible(true);
    builder.from_reader(text.as_bytes())
}

/// The text of a file: UTF-8, or UTF-16 if its first bytes say so.
fn decode(file: &[u8]) -> Result<Cow<'_, str>, TableError> {
    if let Some((encoding, length)) = Encoding::for_bom(file)
        && encoding != encoding_rs::UTF_8
    {
        return Ok(encoding.decode_without_bom_handling(&file[length..]).0);
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let line = |at: usize| file[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    std::str::from_utf8(file)
        .map(Cow::Borrowed)
        .map_err(|error| TableError::Encoding(line(error.valid_up_to())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &[u8]) -> (Vec<String>, Vec<(u64, Vec<String>)>) {
        let table = Table::open(file, None).unwrap();
        let rows = table.rows().map(|(line, row)| (line, row.iter().map(str::to_owned).collect()));
        (table.head().to_vec(), rows.collect())
    }

    #[test]
    fn the_delimiter_and_the_encoding_are_found_out() {
        for (file, delimiter) in [
            ("email,name\na@x.org,\"Ada, the first\"\n", Delimiter::Comma),
            ("email;name\na@x.org;\"Ada, the first\"\n", Delimiter::Semicolon),
            ("\u{feff}email\tname\r\na@x.org\t\"Ada, the first\"\r\n", Delimiter::Tab),
            ("email|name\na@x.org|Ada, the first", Delimiter::Pipe),
        ] {
            let table = Table::open(file.as_bytes(), None).unwrap();
            assert_eq!(table.delimiter(), delimiter, "{file}");
            let (head, rows) = rows(file.as_bytes());
            assert_eq!(head, ["email", "name"], "{file}");
            assert_eq!(rows, [(2, vec!["a@x.org".to_owned(), "Ada, the first".to_owned()])], "{file}");
        }
        let wide: Vec<u8> =
            "\u{feff}email\tname\na@x.org\tÀda".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(rows(&wide).1, [(2, vec!["a@x.org".to_owned(), "Àda".to_owned()])]);
        assert_eq!(Table::open(b"email\na@x.org\n\xc0da", None).unwrap_err(), TableError::Encoding(3));
    }

    #[test]
    fn rows_know_their_line_and_empty_ones_are_passed_over() {
        let file = "email,note\n\n\"a@x.org\",\"two\nlines\"\n , \nb@x.org\n";
        let lines: Vec<(u64, usize)> =
            Table::open(file.as_bytes(), None).unwrap().rows().map(|(line, row)| (line, row.len())).collect();
        assert_eq!(lines, [(3, 2), (6, 1)]);
    }

    #[test]
    fn what_is_too_much_or_nothing_is_refused() {
        assert_eq!(Table::open(b"", None).unwrap_err(), TableError::Empty);
        let wide = ["c"; MAX_COLUMNS + 1].join(",");
        assert_eq!(Table::open(wide.as_bytes(), None).unwrap_err(), TableError::Columns);
        let long = format!("email\n{}", "a\n".repeat(MAX_ROWS + 1));
        assert_eq!(Table::open(long.as_bytes(), None).unwrap().count(), Err(TableError::Rows));
        assert_eq!(Table::open(&long.as_bytes()[..long.len() - 2], None).unwrap().count(), Ok(MAX_ROWS));
    }
}
