//! The `Retry-After` header: RFC 9110, section 10.2.3.

use std::time::{SystemTime, UNIX_EPOCH};

/// What `value` asks for, in seconds from now. `now_seconds` is in seconds since the Unix epoch.
///
/// Both forms count: a number of seconds, and a date in any of the three forms of HTTP (section 5.6.7).
/// A date in the past asks for nothing (0), a number that is too large for us for as much as we can say.
/// Anything else is as if the header weren't there (`None`): a destination that can't spell it is retried
/// by the schedule alone.
pub fn parse_retry_after(value: &[u8], now_seconds: i64) -> Option<u32> {
    let value = str::from_utf8(value).ok()?.trim_ascii();
    if value.is_empty() {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().unwrap_or(u32::MAX));
    }
    let date = seconds_since_epoch(httpdate::parse_http_date(value).ok()?)?;
    Some(u32::try_from(date.saturating_sub(now_seconds).max(0)).unwrap_or(u32::MAX))
}

fn seconds_since_epoch(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110, section 5.6.7.
    const NOW: i64 = 784_111_777;

    fn parse(value: &str) -> Option<u32> {
        parse_retry_after(value.as_bytes(), NOW)
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(parse("120"), Some(120));
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse(" 007 "), Some(7));
        assert_eq!(parse(&"9".repeat(40)), Some(u32::MAX));
    }

    #[test]
    fn a_date_counts_from_now_in_all_three_forms() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(parse("Sunday, 06-Nov-94 08:51:37 GMT"), Some(120));
        assert_eq!(parse("Sun Nov  6 08:51:37 1994"), Some(120));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:36 GMT"), Some(0));
        assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT"), Some(u32::MAX));
    }

    #[test]
    fn anything_else_is_ignored() {
        for value in
            ["", " ", "soon", "-5", "+5", "1.5", "120s", "1,2", "Sun, 32 Nov 1994 08:49:37 GMT", "١٢"]
        {
            assert_eq!(parse(value), None, "{value}");
        }
        assert_eq!(parse_retry_after(b"\xff", NOW), None);
    }

    proptest! {
        #[test]
        fn prop_a_date_and_its_distance_agree(distance: u32) {
            let now = u64::try_from(NOW).unwrap();
            let date = UNIX_EPOCH + std::time::Duration::from_secs(now + u64::from(distance));
            prop_assert_eq!(parse(&httpdate::fmt_http_date(date)), Some(distance));
        }

        #[test]
        fn prop_any_bytes_and_any_time_get_an_answer(value: Vec<u8>, now: i64) {
            let _ = parse_retry_after(&value, now);
            prop_assert!(parse_retry_after(b"Sun, 06 Nov 1994 08:49:37 GMT", now).is_some());
        }
    }
}
