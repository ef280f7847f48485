//! Where a payload, or a header beside it, names its event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::incoming::is_header_name;
use crate::mapping::{Path, PathError};

/// What stands before the name of a header.
const HEADER: &str = "header:";

/// Where the name of an event stands: a path into the record, such as `data.type`, or `header:X-GitHub-Event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventPath {
    /// In a header of this name.
    Header(String),
    /// In the record, or else in the payload around it.
    Record(Path),
}

crate::schema::text_schema!(
    EventPath,
    pattern = r"^(header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}|([^.\[\]]+|\[[0-9]+\])(\[[0-9]+\])*(\.[^.\[\]]+(\[[0-9]+\])*)*)$",
    "data.type"
);

/// Neither a header nor a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventPathError {
    /// It says that it is a header.
    #[error("must name an HTTP header after header:, such as header:X-GitHub-Event")]
    Header,
    /// It says nothing, and is no path.
    #[error("must be header:NAME, or a path such as data.type")]
    Path(#[from] PathError),
}

impl FromStr for EventPath {
    type Err = EventPathError;

    fn from_str(text: &str) -> Result<Self, EventPathError> {
        match text.strip_prefix(HEADER) {
            Some(name) if is_header_name(name) => Ok(Self::Header(name.to_owned())),
            Some(_) => Err(EventPathError::Header),
            None => Ok(Self::Record(text.parse()?)),
        }
    }
}

impl fmt::Display for EventPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "{HEADER}{name}"),
            Self::Record(path) => path.fmt(f),
        }
    }
}

impl TryFrom<String> for EventPath {
    type Error = EventPathError;

    fn try_from(text: String) -> Result<Self, EventPathError> {
        text.parse()
    }
}

impl From<EventPath> for String {
    fn from(path: EventPath) -> String {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_or_a_path() {
        for right in ["header:X-GitHub-Event", "type", "data.type", "header.name"] {
            assert_eq!(right.parse::<EventPath>().unwrap().to_string(), right);
        }
        assert_eq!("header:".parse::<EventPath>(), Err(EventPathError::Header));
        assert_eq!("header:a b".parse::<EventPath>(), Err(EventPathError::Header));
        assert_eq!("a..b".parse::<EventPath>(), Err(EventPathError::Path(PathError)));
    }
}
