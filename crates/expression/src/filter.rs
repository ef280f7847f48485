//! Filters: what can be done to one value on its way, in a rule (`"filters": ["trim", "phone('IT')"]`) and in an expression
//! (`data.phone|phone('IT')`).

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use crate::error::CompileError;
use crate::scan::{Kind, Token, tokens};
use crate::{country, number, phone};

/// The names of the filters of this module. An expression has those of MiniJinja besides.
pub(crate) const NAMES: &[&str] = &[
    "trim",
    "lower",
    "upper",
    "title",
    "split_name",
    "first_name",
    "last_name",
    "phone",
    "country_code",
    "number",
    "boolean",
    "parse_json",
    "hash",
];

/// A filter with its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Without white space at both ends.
    Trim,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Every word with a capital: `ada o'brien-king` becomes `Ada O'Brien-King`.
    Title,
    /// A whole name as `{"first_name", "last_name"}`: parted at its last space, or at a comma after the family name.
    SplitName,
    /// The given name of a whole name.
    FirstName,
    /// The family name of a whole name.
    LastName,
    /// A telephone number in the form of E.164; numbers in national form are of this country (ISO 3166-1, two letters).
    Phone(Option<&'static country::Country>),
    /// A country's two letters of ISO 3166-1, from these, from its three letters, or from its name.
    CountryCode,
    /// A number. The decimal sign, if it isn't to be guessed: `.` or `,`.
    Number(Option<char>),
    /// True or false, also from `yes`, `no`, `on`, `off`, `1`, `0`.
    Boolean,
    /// The value that a text of JSON stands for.
    ParseJson,
    /// The hash of a text, in lower-case hex.
    Hash(Algorithm),
}

/// An algorithm of the filter `hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256, what is meant when none is named: advertising platforms match addresses by it.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Why a filter has no result for a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{filter}: {problem}")]
pub struct FilterError {
    filter: &'static str,
    problem: Cow<'static, str>,
}

impl Filter {
    /// The filter of this name.
    ///
    /// # Errors
    /// There is none, or its argument is wrong.
    pub(crate) fn new(name: &str, argument: Option<String>) -> Result<Self, FilterError> {
        let filter = match (name, argument.as_deref()) {
            ("phone", None) => Filter::Phone(None),
            ("phone", Some(text)) => Filter::Phone(Some(
                country::find(text)
                    .ok_or_else(|| wrong("phone", "its argument must be a country, as in phone('IT')"))?,
            )),
            ("number", None) => Filter::Number(None),
            ("number", Some(".")) => Filter::Number(Some('.')),
            ("number", Some(",")) => Filter::Number(Some(',')),
            ("number", Some(_)) => return Err(wrong("number", "its argument must be '.' or ','")),
            ("hash", None | Some("sha256")) => Filter::Hash(Algorithm::Sha256),
            ("hash", Some("sha512")) => Filter::Hash(Algorithm::Sha512),
            ("hash", Some(_)) => return Err(wrong("hash", "its argument must be 'sha256' or 'sha512'")),
            (_, Some(_)) if NAMES.contains(&name) => return Err(wrong("filter", "takes no argument")),
            (_, _) => Self::plain(name).ok_or_else(|| FilterError {
                filter: "filter",
                problem: format!("none of {}", NAMES.join(", ")).into(),
            })?,
        };
        Ok(filter)
    }

    fn plain(name: &str) -> Option<Self> {
        let all = [
            Filter::Trim,
            Filter::Lower,
            Filter::Upper,
            Filter::Title,
            Filter::SplitName,
            Filter::FirstName,
            Filter::LastName,
            Filter::CountryCode,
            Filter::Boolean,
            Filter::ParseJson,
        ];
        all.into_iter().find(|filter| filter.name() == name)
    }

    fn name(&self) -> &'static str {
        match self {
            Filter::Trim => "trim",
            Filter::Lower => "lower",
            Filter::Upper => "upper",
            Filter::Title => "title",
            Filter::SplitName => "split_name",
            Filter::FirstName => "first_name",
            Filter::LastName => "last_name",
            Filter::Phone(_) => "phone",
            Filter::CountryCode => "country_code",
            Filter::Number(_) => "number",
            Filter::Boolean => "boolean",
            Filter::ParseJson => "parse_json",
            Filter::Hash(_) => "hash",
        }
    }

    /// What the value becomes.
    ///
    /// # Errors
    /// The value is nothing that this filter can work on. The error never shows the value.
    pub fn apply(&self, value: &Value) -> Result<Value, FilterError> {
        let fail = |problem: &'static str| wrong(self.name(), problem);
        match (self, value) {
            (Filter::Number(_), Value::Number(_))
            | (Filter::Boolean, Value::Bool(_))
            | (Filter::ParseJson, Value::Array(_) | Value::Object(_) | Value::Number(_) | Value::Bool(_)) => {
                return Ok(value.clone());
            }
            _ => {}
        }
        let text = text_of(value).ok_or_else(|| fail("the value is no text"))?;
        Ok(match self {
            Filter::Trim => text.trim().into(),
            Filter::Lower => text.to_lowercase().into(),
            Filter::Upper => text.to_uppercase().into(),
            Filter::Title => title(&text).into(),
            Filter::SplitName => {
                let (first, last) = split_name(&text);
                json!({"first_name": first, "last_name": last})
            }
            Filter::FirstName => split_name(&text).0.into(),
            Filter::LastName => split_name(&text).1.into(),
            Filter::Phone(country) => phone::e164(&text, *country).map_err(|p| wrong(self.name(), p))?.into(),
            Filter::CountryCode => country::find(&text)
                .ok_or_else(|| fail("the value is no country that is known"))?
                .alpha2
                .into(),
            Filter::Number(sign) => {
                number::parse(&text, *sign).ok_or_else(|| fail("the value is no number"))?.into()
            }
            Filter::Boolean => {
                boolean(&text).ok_or_else(|| fail("the value is neither true nor false"))?.into()
            }
            Filter::ParseJson => serde_json::from_str(&text).map_err(|_| fail("the value is no JSON"))?,
            Filter::Hash(Algorithm::Sha256) => hex(&Sha256::digest(text.as_bytes())).into(),
            Filter::Hash(Algorithm::Sha512) => hex(&Sha512::digest(text.as_bytes())).into(),
        })
    }
}

impl FromStr for Filter {
    type Err = CompileError;

    /// `trim`, or with an argument `phone('IT')`.
    fn from_str(source: &str) -> Result<Self, CompileError> {
        let tokens = tokens(source);
        let sign = |token: &Token<'_>, text: &str| token.is_sign(text);
        let (name, argument) = match tokens.as_slice() {
            [name] => (name, None),
            [name, open, close] if sign(open, "(") && sign(close, ")") => (name, None),
            [name, open, text, close] if sign(open, "(") && sign(close, ")") && text.kind == Kind::Text => {
                let text = text.text;
                (name, text.get(1..text.len() - 1).map(str::to_owned))
            }
            _ => {
                return Err(CompileError::at(
                    source,
                    0,
                    "must be a filter's name, as in trim or phone('IT')",
                ));
            }
        };
        Filter::new(name.text, argument).map_err(|error| CompileError::at(source, name.at, error.to_string()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Phone(Some(country)) => write!(f, "phone('{}')", country.alpha2),
            Filter::Number(Some(sign)) => write!(f, "number('{sign}')"),
            Filter::Hash(Algorithm::Sha512) => f.write_str("hash('sha512')"),
            _ => f.write_str(self.name()),
        }
    }
}

fn wrong(filter: &'static str, problem: &'static str) -> FilterError {
    FilterError { filter, problem: problem.into() }
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A capital at the beginning of each word, and after the apostrophe of O'Brien and d'Arc, but not after that of don't.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = 0_usize;
    for c in text.chars() {
        if c.is_alphanumeric() {
            if letters == 0 {
                out.extend(c.to_uppercase())
            } else {
                out.extend(c.to_lowercase())
            }
            letters += 1;
            continue;
        }
        if !matches!(c, '\'' | '’') || letters == 1 {
            letters = 0;
        }
        out.push(c);
    }
    out
}

fn split_name(text: &str) -> (&str, &str) {
    let text = text.trim();
    if let Some((last, first)) = text.split_once(',') {
        return (first.trim(), last.trim());
    }
    let (first, last) = text.rsplit_once(char::is_whitespace).unwrap_or((text, ""));
    (first.trim(), last)
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a text can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(filter: &str, value: Value) -> Value {
        filter.parse::<Filter>().unwrap().apply(&value).unwrap_or(Value::Null)
    }

    #[test]
    fn each_does_its_work() {
        for (filter, value, expected) in [
            ("trim", json!("  a b\n"), json!("a b")),
            ("lower", json!("ÄB"), json!("äb")),
            ("upper", json!("straße"), json!("STRASSE")),
            ("title", json!("ADA o'brien-king, don't"), json!("Ada O'Brien-King, Don't")),
            (
                "split_name",
                json!(" Ada King  Lovelace "),
                json!({"first_name": "Ada King", "last_name": "Lovelace"}),
            ),
            ("first_name", json!("Lovelace, Ada"), json!("Ada")),
            ("last_name", json!("Ada"), json!("")),
            ("phone('IT')", json!("06 1234 5678"), json!("+390612345678")),
            ("phone", json!("0044 (0)20 7946 0018"), json!("+442079460018")),
            ("country_code", json!("ITALIA"), json!("IT")),
            ("number", json!("€ 1.234,50"), json!(1234.5)),
            ("number(',')", json!("1,234"), json!(1.234)),
            ("number", json!(7), json!(7)),
            ("boolean", json!("Yes"), json!(true)),
            ("boolean", json!(0), json!(false)),
            ("boolean", json!("perhaps"), json!(null)),
            ("parse_json", json!("{\"a\":[1]}"), json!({"a": [1]})),
            ("parse_json", json!("{"), json!(null)),
            // The example of FIPS 180-2, B.1.
            ("hash", json!("abc"), json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
            ("lower", json!({}), json!(null)),
        ] {
            assert_eq!(filtered(filter, value.clone()), expected, "{filter} of {value}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in [
            "",
            "trimm",
            "trim('x')",
            "phone('XX')",
            "phone(IT)",
            "hash('md5')",
            "number('x')",
            "trim lower",
            "'",
        ] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
        for right in NAMES.iter().copied().chain(["phone('IT')", "number(',')", "hash('sha512')"]) {
            assert_eq!(right.parse::<Filter>().unwrap().to_string(), right);
        }
    }

    proptest! {
        #[test]
        fn prop_no_text_breaks_a_filter(text in "\\PC{0,100}", digits in "[+0-9 ().,'-]{0,30}", source in "\\PC{0,20}") {
            for name in NAMES {
                let filter = name.parse::<Filter>().unwrap();
                for value in [json!(text), json!(digits), json!([text])] {
                    let once = filter.apply(&value);
                    prop_assert_eq!(&once, &filter.apply(&value));
                }
            }
            let _ = source.parse::<Filter>();
        }
    }
}
