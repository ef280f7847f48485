//! Email addresses: validated, normalised, and so unique case-insensitively.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, two of them the angle brackets.
const MAX_BYTES: usize = 254;
/// RFC 5321, 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

/// A valid address in its normal form: no white space around, lower case, an international domain in its ASCII form.
///
/// RFC 5321 lets a server tell `Ada@` from `ada@`; none that receives mail for the public does, and two subscribers that
/// differ in case alone are one person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Arc<str>);

crate::schema::text_schema!(Email, format = "email", "ada@example.com");

/// Why an address was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Longer than mail can carry.
    #[error("is longer than an email address can be")]
    TooLong,
    /// No `@`, or nothing on one side of it.
    #[error("must have the form name@domain")]
    Form,
    /// A character that may not stand before the `@`.
    #[error("has a character before the @ that is not allowed there")]
    Local,
    /// Not a domain name with at least two labels.
    #[error("has no valid domain after the @")]
    Domain,
}

impl Email {
    /// The normal form as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Form)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailError::Form);
        }
        if local.len() > MAX_LOCAL_BYTES {
            return Err(EmailError::TooLong);
        }
        check_local(local)?;
        let domain = normal_domain(domain)?;
        if local.len() + 1 + domain.len() > MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        Ok(Self(format!("{}@{domain}", local.to_lowercase()).into()))
    }
}

/// The dot-string of RFC 5321 with the letters of RFC 6531. Quoted local parts are left out: no public mailbox has one,
/// and they are how headers get injected.
fn check_local(local: &str) -> Result<(), EmailError> {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if dots || !local.chars().all(allowed) { Err(EmailError::Local) } else { Ok(()) }
}

fn normal_domain(domain: &str) -> Result<String, EmailError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Domain)?;
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let top_is_name = ascii.rsplit('.').next().is_some_and(|top| !top.bytes().all(|b| b.is_ascii_digit()));
    if ascii.contains('.') && top_is_name && ascii.split('.').all(label) {
        Ok(ascii)
    } else {
        Err(EmailError::Domain)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0.as_ref().to_owned()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normalises() {
        for (given, normal) in [
            ("ada@example.com", "ada@example.com"),
            ("  Ada.Lovelace+News@Example.COM ", "ada.lovelace+news@example.com"),
            ("o'hara@example.co.uk", "o'hara@example.co.uk"),
            ("josé@bücher.example", "josé@xn--bcher-kva.example"),
        ] {
            assert_eq!(given.parse::<Email>().unwrap().as_str(), normal);
        }
    }

    #[test]
    fn refuses() {
        let long = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", ["b".repeat(60).as_str(); 5].join("."));
        for wrong in [
            "",
            " ",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "ada@example..com",
            "ada@-example.com",
            ".ada@example.com",
            "a..b@example.com",
            "a b@example.com",
            "a\0@example.com",
            "ada@exa mple.com",
            "ada@example.com\r\nBcc: x@example.com",
            "\"a\"@example.com",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "a@b@example.com",
            "ada@example.com>",
            "<ada@example.com",
            &long,
            &long_domain,
        ] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn prop_normal_form_is_stable_and_any_text_is_safe(text in "\\PC{0,80}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse::<Email>().unwrap(), email.clone());
                prop_assert!(!email.as_str().chars().any(char::is_control));
            }
        }

        #[test]
        fn prop_case_never_matters(local in "[a-z0-9]{1,10}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let text = format!("{local}@{domain}");
            prop_assert_eq!(text.to_uppercase().parse::<Email>().unwrap(), text.parse::<Email>().unwrap());
        }
    }
}
