//! Identifiers. Ids of log entries are a prefix and a ULID, so they sort by time (<https://github.com/ulid/spec>);
//! ids of webhooks are 12 characters of `[a-z0-9]`; the others are integers.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use utoipa::ToSchema;

use crate::time::Timestamp;

/// The text is not an id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {0}")]
pub struct IdError(&'static str);

macro_rules! log_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The smallest id of a moment: the lower bound of all ids made then or later.
            pub fn lowest_at(moment: Timestamp) -> Self {
                Self(Ulid::from_parts(moment.millis().max(0).unsigned_abs(), 0))
            }

            /// When the id was made.
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX))
            }

            /// A number that looks random, the same each time for the same id and `turn`: for jitter. Ids that follow each
            /// other have numbers far apart (Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, 6.4).
            pub fn draw(self, turn: u32) -> u32 {
                const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
                let mixed = (self.0.random() as u64).wrapping_add(turn.into()).wrapping_mul(GOLDEN);
                (mixed >> 32) as u32
            }
        }

        impl From<Ulid> for $name {
            fn from(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; ulid::ULID_LEN];
                let text = self.0.array_to_str(&mut buffer);
                text.make_ascii_lowercase();
                f.write_str($prefix)?;
                f.write_str(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError($example);
                let ulid = text.strip_prefix($prefix).ok_or(error)?;
                if ulid.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(error);
                }
                Ulid::from_string(ulid).map(Self).map_err(|_| error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        crate::schema::text_schema!($name, pattern = concat!("^", $prefix, "[0-7][0-9a-hjkmnp-tv-z]{25}$"), $example);
    };
}

log_id!(
    /// A request received by an incoming webhook.
    RequestId,
    "req_",
    "req_01hm6m6f40qv1s0a7yj1e2x3z4"
);
log_id!(
    /// An event.
    EventId,
    "evt_",
    "evt_01hm6m6f40qv1s0a7yj1e2x3z4"
);
log_id!(
    /// The delivery of one event to one outgoing webhook.
    DeliveryId,
    "dlv_",
    "dlv_01hm6m6f40qv1s0a7yj1e2x3z4"
);
log_id!(
    /// An entry of the audit log.
    AuditId,
    "aud_",
    "aud_01hm6m6f40qv1s0a7yj1e2x3z4"
);

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = i64, minimum = 1, example = 1)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// A subscriber.
    SubscriberId
);
integer_id!(
    /// A list.
    ListId
);

/// An incoming or outgoing webhook: 12 characters of `[a-z0-9]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookId(std::sync::Arc<str>);

crate::schema::text_schema!(WebhookId, pattern = "^[a-z0-9]{12}$", "a1b2c3d4e5f6");

impl WebhookId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for WebhookId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = text.len() == 12 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok { Ok(Self(text.into())) } else { Err(IdError("a1b2c3d4e5f6")) }
    }
}

impl TryFrom<String> for WebhookId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<WebhookId> for String {
    fn from(id: WebhookId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes ids of log entries: each greater than the one before, also within a millisecond and when the clock steps back.
pub struct Ids {
    last: Ulid,
    random: StdRng,
}

impl Ids {
    /// A maker that draws from this generator.
    pub fn new(random: StdRng) -> Self {
        Self { last: Ulid::nil(), random }
    }

    /// An id for what belongs to a moment that is past, in no order with others.
    pub fn at<Id: From<Ulid>>(&mut self, moment: Timestamp) -> Id {
        Id::from(Ulid::from_parts(moment.millis().max(0).unsigned_abs(), self.random.random()))
    }

    /// The next id, for something that happens now.
    pub fn next<Id: From<Ulid>>(&mut self, now: Timestamp) -> Id {
        let millis = now.millis().max(0).unsigned_abs();
        let fresh = Ulid::from_parts(millis, self.random.random());
        // Counting up from the last id keeps the order; 80 random bits leave room for more than anyone makes in a millisecond.
        self.last = if millis > self.last.timestamp_ms() { fresh } else { Ulid(self.last.0.wrapping_add(1)) };
        Id::from(self.last)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn ids_grow_within_a_millisecond_and_when_the_clock_steps_back() {
        let mut ids = Ids::new(StdRng::seed_from_u64(1));
        let mut last: RequestId = ids.next(Timestamp::from_millis(1_000));
        for millis in [1_000, 1_000, 999, 1_001, 2_000] {
            let next: RequestId = ids.next(Timestamp::from_millis(millis));
            assert!(next > last && next.to_string() > last.to_string());
            last = next;
        }
        assert_eq!(last.made_at(), Timestamp::from_millis(2_000));
    }

    #[test]
    fn a_log_id_reads_what_it_shows_and_nothing_else() {
        let id: EventId = Ids::new(StdRng::seed_from_u64(1)).next(Timestamp::from_millis(1_705_314_600_000));
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        assert!(id.to_string().parse::<RequestId>().is_err());
        assert!(id.to_string().to_uppercase().parse::<EventId>().is_err());
        assert!("evt_".parse::<EventId>().is_err());
    }

    #[test]
    fn a_webhook_id_has_twelve_characters() {
        assert!("a1b2c3d4e5f6".parse::<WebhookId>().is_ok());
        for wrong in ["a1b2c3d4e5f", "a1b2c3d4e5f67", "A1b2c3d4e5f6", "a1b2c3d4e5f ", "è1b2c3d4e5f"] {
            assert!(wrong.parse::<WebhookId>().is_err(), "{wrong}");
        }
    }
}
