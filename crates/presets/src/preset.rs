//! One sender, as its file describes it.

use std::collections::BTreeMap;

use domain::incoming::OnUnprocessable;
use domain::mapping::{Path, Rule};
use domain::redact::RedactPath;
use expression::Mapping;
use serde::{Deserialize, Serialize};
use signature::{Scheme, Source};

use crate::handshake::Handshake;

/// The largest file of a preset, in bytes: the largest of ours has a tenth of it.
pub const MAX_BYTES: usize = 64 * 1_024;
/// The most rules of handshakes of one sender.
const MAX_HANDSHAKES: usize = 20;

/// A sender: everything that a webhook for it has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What the setting `preset` of a webhook says: `[a-z0-9_]`.
    pub id: String,
    /// What people call the sender.
    pub name: String,
    /// The vendor's own documentation, from which this file was made: a URL for each part.
    #[serde(default)]
    pub documentation: Vec<String>,
    /// What a user has to know to set it up: which secret to enter, what the sender doesn't do.
    #[serde(default)]
    pub hint: String,
    /// How the sender signs; without it only the token in the URL says who sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// What the sender asks before it sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// Texts of the payload that are JSON, to be parsed before anything else is looked at; one that is none stays a text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parse_json: Vec<Path>,
    /// Where the array of records stands; without it the payload is one record, or an array of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Path>,
    /// Where the name of the event may stand, in this order; `body:` counts from the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event: Vec<Source>,
    /// What is the same when a sender sends the same again, in this order; `body:` counts from the record, so that of many
    /// records each is recognised by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dedupe: Vec<Name>,
    /// From a record to a subscriber, unless the user has a mapping of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapping: Vec<Rule>,
    /// Values of the payload that the log never shows, beside that by which the scheme knows the sender.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<RedactPath>,
    /// What the sender is told whose request has no valid email.
    #[serde(default)]
    pub on_unprocessable: OnUnprocessable,
    /// Payloads to try it with: their form is the vendor's, their values are made up.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// Values that name something together, for a sender that counts anew in each of its places: one source, or a list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be header:NAME, query:NAME, form:NAME or body:PATH, or a list of them")]
pub enum Name {
    /// One value is enough.
    One(Source),
    /// All of them are needed.
    Together(Vec<Source>),
}

impl Name {
    /// The values.
    pub fn sources(&self) -> &[Source] {
        match self {
            Self::One(source) => std::slice::from_ref(source),
            Self::Together(sources) => sources,
        }
    }

    /// Whether a part of it stands in the record: then it names a record, and else the whole request.
    pub fn is_of_record(&self) -> bool {
        self.sources().iter().any(|source| matches!(source, Source::Body(_) | Source::Form(_)))
    }
}

/// A payload, and what comes out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The header `Content-Type`.
    #[serde(default = "json")]
    pub content_type: String,
    /// Other headers that matter.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as it is sent.
    pub body: String,
    /// What each of its records says.
    #[serde(default)]
    pub records: Vec<Record>,
}

fn json() -> String {
    "application/json".to_owned()
}

/// What a record of a sample says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// The name of the event.
    pub event: Option<String>,
    /// The value of [`Preset::dedupe`].
    pub dedupe: Option<String>,
    /// The subscriber's address.
    pub email: Option<String>,
    /// The subscriber's first name.
    pub first_name: Option<String>,
    /// The subscriber's last name.
    pub last_name: Option<String>,
}

/// Why a file is no preset.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// It is too long.
    #[error("the preset has more than {MAX_BYTES} bytes")]
    TooLong,
    /// It has not the form.
    #[error("the preset does not have the form that is expected")]
    Form(#[source] Box<toml::de::Error>),
    /// It has the form, but a value in it can't be.
    #[error("the preset is not usable: {0}")]
    Value(String),
}

impl Preset {
    /// Reads a preset in TOML.
    ///
    /// # Errors
    /// Says what is wrong; see [`PresetError`].
    pub fn parse(text: &str) -> Result<Self, PresetError> {
        if text.len() > MAX_BYTES {
            return Err(PresetError::TooLong);
        }
        let preset: Self = toml::from_str(text).map_err(|error| PresetError::Form(Box::new(error)))?;
        preset.check()?;
        Ok(preset)
    }

    /// Reads a preset in JSON.
    ///
    /// # Errors
    /// [`PresetError`], its path named with what has not the form.
    pub fn from_json(text: &str) -> Result<Self, PresetError> {
        if text.len() > MAX_BYTES {
            return Err(PresetError::TooLong);
        }
        let preset: Self =
            serde_json::from_str(text).map_err(|error| PresetError::Value(error.to_string()))?;
        preset.check()?;
        Ok(preset)
    }

    /// Whether the sender hands over the secret that it signs with.
    pub fn learns_secret(&self) -> bool {
        self.handshakes.iter().any(|rule| rule.learn_secret.is_some())
    }

    /// Whether it can be used: [`parse`](Self::parse) asks, and so has who reads a preset from elsewhere.
    ///
    /// # Errors
    /// [`PresetError::Value`].
    pub fn check(&self) -> Result<(), PresetError> {
        self.first_fault().map_or(Ok(()), |(member, why)| Err(PresetError::Value(format!("{member}: {why}"))))
    }

    /// The first member that can't be, as a dotted path, and why.
    pub fn first_fault(&self) -> Option<(String, String)> {
        let fault = |member: &str, why: String| Some((member.to_owned(), why));
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=40).contains(&self.id.len()) || !self.id.bytes().all(letter) {
            return fault("id", "must be 1 to 40 characters of a-z, 0-9 and _".to_owned());
        }
        if let Some(error) =
            Mapping::compile(&self.mapping).err().and_then(|errors| errors.into_iter().next())
        {
            return fault(&format!("mapping.{}.{error}", error.index), error.problem.to_string());
        }
        if self.handshakes.len() > MAX_HANDSHAKES {
            return fault("handshakes", format!("must have at most {MAX_HANDSHAKES} rules"));
        }
        if self.scheme.is_none() && self.handshakes.iter().any(|rule| rule.signed) {
            return fault("handshakes", "one needs a signature, and there is no scheme".to_owned());
        }
        let error = self.scheme.as_ref().and_then(|scheme| scheme.check().err())?;
        fault(&format!("scheme.{}", error.member()), error.to_string())
    }
}
