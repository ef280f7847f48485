//! Statuses of answers as people look for them: one, or a class of them.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A status such as `503`, or a class such as `5xx`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpStatuses(RangeInclusive<u16>);

crate::schema::text_schema!(HttpStatuses, pattern = "^[1-5]([0-9]{2}|xx)$", "5xx");

/// Not such a status.
#[derive(Debug, thiserror::Error)]
#[error("must be a status such as 503, or a class such as 5xx")]
pub struct HttpStatusError;

impl HttpStatuses {
    /// From the first of them to the last.
    pub fn range(&self) -> RangeInclusive<u16> {
        self.0.clone()
    }
}

impl TryFrom<String> for HttpStatuses {
    type Error = HttpStatusError;

    fn try_from(text: String) -> Result<Self, HttpStatusError> {
        let (from, to) = match text.strip_suffix("xx") {
            Some(class) => (format!("{class}00"), format!("{class}99")),
            None => (text.clone(), text),
        };
        let status = |text: String| text.parse().ok().filter(|status| (100..600).contains(status));
        let (Some(from), Some(to)) = (status(from), status(to)) else { return Err(HttpStatusError) };
        Ok(Self(from..=to))
    }
}

impl From<HttpStatuses> for String {
    fn from(HttpStatuses(range): HttpStatuses) -> String {
        match range.start() == range.end() {
            true => range.start().to_string(),
            false => format!("{}xx", range.start() / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_a_class() {
        for (text, range) in [("503", 503..=503), ("5xx", 500..=599), ("100", 100..=100)] {
            let filter = HttpStatuses::try_from(text.to_owned()).unwrap();
            assert_eq!((filter.range(), String::from(filter)), (range, text.to_owned()));
        }
        for wrong in ["", "xx", "6xx", "50", "5000", "5x", "-10"] {
            assert!(HttpStatuses::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
