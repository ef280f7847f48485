//! Exports: all entries of a list as a file, loaded page by page while it is sent.

use std::fmt::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Entries loaded at once.
pub const EXPORT_PAGE: usize = 200;
/// What a cell of a table must not begin with: spreadsheets would take it for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The form of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// A table with a head, as in RFC 4180.
    Csv,
}

/// The parameters of every export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// The form of the file: one JSON object a line, or a table.
    #[serde(default)]
    #[param(inline, default = "ndjson")]
    pub format: Format,
}

/// What can be a line of an export.
pub trait Line: Serialize {
    /// The head of the table.
    const COLUMNS: &'static [&'static str];

    /// The cells of its line, one for each column.
    fn cells(&self) -> Vec<String>;
}

/// Where an export stands.
enum Next<K> {
    First(String, Option<K>),
    Behind(K),
    End,
}

impl<K> Next<K> {
    fn of(key: Option<K>) -> Self {
        key.map_or(Next::End, Next::Behind)
    }
}

/// The answer: a file of this name, without its ending. `load` loads the entries behind a key, and tells the key behind which
/// there are more.
///
/// # Errors
/// If the first entries can't be loaded. If that happens later the answer is cut, and the client told by the broken transfer.
pub async fn export<L, K, F>(
    name: &str,
    format: Format,
    load: impl Fn(Option<K>) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    L: Line,
    K: Send + 'static,
    F: Future<Output = Result<(Vec<L>, Option<K>), Problem>> + Send,
{
    export_with(name, format, &[], load).await
}

/// The same, with more columns behind those of every line.
///
/// # Errors
/// The same.
pub async fn export_with<L, K, F>(
    name: &str,
    format: Format,
    more_columns: &[String],
    load: impl Fn(Option<K>) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    L: Line,
    K: Send + 'static,
    F: Future<Output = Result<(Vec<L>, Option<K>), Problem>> + Send,
{
    let (entries, key) = load(None).await?;
    let mut text = match format {
        Format::Ndjson => String::new(),
        Format::Csv => csv_line(L::COLUMNS.iter().copied().chain(more_columns.iter().map(String::as_str))),
    };
    text.push_str(&lines(&entries, format));
    let chunks = stream::try_unfold((Next::First(text, key), load), move |(next, load)| async move {
        let (text, next) = match next {
            Next::First(text, key) => (text, Next::of(key)),
            Next::Behind(key) => {
                // What went wrong is in the log already.
                let cut = |_: Problem| std::io::Error::other("the export could not be completed");
                let (entries, key) = load(Some(key)).await.map_err(cut)?;
                (lines(&entries, format), Next::of(key))
            }
            Next::End => return Ok::<_, std::io::Error>(None),
        };
        Ok(Some((text, (next, load))))
    });
    let (media_type, ending) = match format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

fn lines<L: Line>(entries: &[L], format: Format) -> String {
    let mut text = String::new();
    for entry in entries {
        match format {
            Format::Ndjson => {
                // Line breaks stand only between the tokens of JSON that was kept as it came.
                let line = serde_json::to_string(entry).unwrap_or_default();
                text.push_str(&line.replace(['\n', '\r'], " "));
                text.push('\n');
            }
            Format::Csv => text.push_str(&csv_line(entry.cells().iter().map(String::as_str))),
        }
    }
    text
}

/// A line of a table.
pub fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            line.push(',');
        }
        let guard = if cell.starts_with(FORMULA_STARTS) { "'" } else { "" };
        if cell.contains([',', '"', '\n', '\r']) {
            let _ = write!(line, "\"{guard}{}\"", cell.replace('"', "\"\""));
        } else {
            let _ = write!(line, "{guard}{cell}");
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt;

    use super::*;

    #[derive(Serialize)]
    struct Number(usize);

    impl Line for Number {
        const COLUMNS: &'static [&'static str] = &["number"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_string()]
        }
    }

    /// However long a log is, no more of it is in memory than what its reader is about to take.
    #[tokio::test]
    async fn a_page_is_loaded_when_its_reader_wants_it() {
        const PAGES: usize = 1_000;
        for format in [Format::Ndjson, Format::Csv] {
            let loaded = Arc::new(AtomicUsize::new(0));
            let counted = loaded.clone();
            let load = move |behind: Option<usize>| {
                counted.fetch_add(1, Ordering::SeqCst);
                let page = behind.map_or(0, |page| page + 1);
                let more = (page + 1 < PAGES).then_some(page);
                async move { Ok((vec![Number(page)], more)) }
            };
            let mut body = export("numbers", format, load).await.unwrap().into_body();
            let mut text = Vec::new();
            for frames in 0..PAGES {
                assert!(loaded.load(Ordering::SeqCst) <= frames + 1, "before frame {frames}");
                text.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
            }
            assert!(body.frame().await.is_none());
            let lines = String::from_utf8(text).unwrap();
            assert_eq!(lines.lines().next_back(), Some("999"));
            assert_eq!(lines.lines().count(), if format == Format::Csv { PAGES + 1 } else { PAGES });
        }
    }

    #[test]
    fn cells_are_quoted_where_needed_and_are_never_formulas() {
        let line =
            csv_line(["a", "", "b,c", "say \"hi\"", "two\nlines", "=1+1", "@x,\"y\"", "-1"].into_iter());
        assert_eq!(line, "a,,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",'=1+1,\"'@x,\"\"y\"\"\",'-1\r\n");
    }
}
