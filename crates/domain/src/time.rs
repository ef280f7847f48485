//! Our own timestamp: milliseconds since the Unix epoch, shown as RFC 3339 in UTC with `Z`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 timestamp.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 timestamp such as 2024-01-15T10:30:00Z")]
pub struct TimestampError(#[source] jiff::Error);

impl Timestamp {
    /// A moment from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment, so many milliseconds later (earlier if negative).
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        if self.0 % 1000 == 0 { write!(f, "{moment:.0}") } else { write!(f, "{moment:.3}") }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment: jiff::Timestamp = text.parse().map_err(TimestampError)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

crate::schema::text_schema!(Timestamp, format = "date-time", "2024-01-15T10:30:00Z");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_utc_with_z_and_millis_only_when_there_are_some() {
        assert_eq!(Timestamp::from_millis(1_705_314_600_000).to_string(), "2024-01-15T10:30:00Z");
        assert_eq!(Timestamp::from_millis(1_705_314_600_007).to_string(), "2024-01-15T10:30:00.007Z");
    }

    #[test]
    fn reads_what_it_shows_and_other_offsets() {
        for millis in [0, 1_705_314_600_007, -1] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }
        let rome: Timestamp = "2024-01-15T11:30:00+01:00".parse().unwrap();
        assert_eq!(rome.to_string(), "2024-01-15T10:30:00Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
