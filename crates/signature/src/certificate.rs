//! How long a certificate is good, to show it in time. Whether it can be trusted is not asked here.
//!
//! Source: RFC 5280, sections 4.1 and 4.1.2.5.

use crate::public_key::{SEQUENCE, VERSION, element, pem, take, whole};

/// Years with two digits from this one on are of the last century (RFC 5280, section 4.1.2.5.1).
const FIRST_YEAR_OF_1900: i16 = 50;
/// The tags of the two ways to write a time.
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When the first certificate of a PEM text expires, in seconds since the Unix epoch; `None` if it is no certificate, or
/// has no end.
pub fn expires_at(text: &str) -> Option<i64> {
    let bytes = pem(text)?;
    let (mut rest, _) = take(whole(&bytes, SEQUENCE)?, SEQUENCE)?;
    if let Some((_, behind)) = take(rest, VERSION) {
        rest = behind;
    }
    for _ in ["serialNumber", "signature", "issuer"] {
        (_, _, rest) = element(rest)?;
    }
    let (validity, _) = take(rest, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, time, _) = element(not_after)?;
    seconds(tag, str::from_utf8(time).ok()?)
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn seconds(tag: u8, text: &str) -> Option<i64> {
    let year_digits = match tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return None,
    };
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = digits.split_at_checked(year_digits)?;
    let year: i16 = year.parse().ok()?;
    let year = match tag {
        UTC_TIME if year < FIRST_YEAR_OF_1900 => 2_000 + year,
        UTC_TIME => 1_900 + year,
        _ => year,
    };
    let pairs: Option<Vec<i8>> = (0..5).map(|at| rest.get(2 * at..2 * at + 2)?.parse().ok()).collect();
    let &[month, day, hour, minute, second] = &pairs.filter(|_| rest.len() == 10)?[..] else { return None };
    let time = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ways_to_write_a_time() {
        for (tag, text, expected) in [
            (UTC_TIME, "260131120000Z", Some(1_769_860_800)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "700101000000Z", Some(0)),
            (GENERALIZED_TIME, "20260131120000Z", Some(1_769_860_800)),
            // RFC 5280, section 4.1.2.5: a certificate that has no well-defined end says so.
            (GENERALIZED_TIME, "99991231235959Z", None),
            (UTC_TIME, "20260131120000Z", None),
            (GENERALIZED_TIME, "260131120000Z", None),
            (UTC_TIME, "261331120000Z", None),
            (UTC_TIME, "260131120000", None),
            (UTC_TIME, "+60131120000Z", None),
            (0x13, "260131120000Z", None),
        ] {
            assert_eq!(seconds(tag, text), expected, "{tag} {text}");
        }
    }

    #[test]
    fn another_text_has_no_end() {
        // RFC 8410, section 10.1: a key, no certificate.
        let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";
        for text in ["", "certificate", key] {
            assert_eq!(expires_at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn prop_any_text_gets_an_answer(tag: u8, text: String) {
            let _ = seconds(tag, &text);
            let _ = expires_at(&format!("-----BEGIN A-----{text}-----END A-----"));
        }
    }
}
