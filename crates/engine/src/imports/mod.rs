//! Subscribers from a file: a table whose columns are fields. What a row says goes the same way as what the REST API takes, and
//! so causes the same events; a row that can't be taken in is refused for itself.
//!
//! A file is opened ([`Table`]), its rows become [`Piece`]s of a command, and the piece and how far its task has come are one
//! transaction: after a crash nothing is done twice.

mod columns;
mod table;
mod take_in;

use domain::{ListId, Status};
use serde::{Deserialize, Serialize};

pub use columns::{Column, ColumnError, Line, Lines};
pub use table::{Delimiter, Table, TableError};
pub(crate) use take_in::take_in;
pub use take_in::{Imported, Piece};

/// The most bytes of a file: some 200,000 people with a dozen fields, and it is held in memory while it is taken in.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most rows of a file: what a task does in minutes.
pub const MAX_ROWS: usize = 200_000;
/// The most columns of a file: a subscriber has not more fields.
pub const MAX_COLUMNS: usize = 200;
/// Rows taken in by one transaction, so that nobody waits long for it.
pub const CHUNK: usize = 200;

/// How a file is taken in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportSettings {
    /// What stands between two cells.
    pub delimiter: Delimiter,
    /// What each column holds, in their order; `None` if nobody wants it.
    pub columns: Vec<Option<Column>>,
    /// The status of those who are new, where the file does not say it.
    pub status: Status,
    /// Lists that all of them are put on.
    pub lists: Vec<ListId>,
    /// Tags that all of them get.
    pub tags: Vec<String>,
    /// Whether those who are known already are changed. If not, their rows are refused.
    pub update_existing: bool,
}
