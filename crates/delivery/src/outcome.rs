//! What the answer to an attempt means.

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The destination answered.
    Http {
        /// The status code.
        status: u16,
        /// Whether the body is valid JSON; `None` if the webhook doesn't ask for JSON.
        json_valid: Option<bool>,
        /// What `Retry-After` asks for, in seconds: see [`parse_retry_after`](crate::parse_retry_after).
        retry_after_seconds: Option<u32>,
    },
    /// There was no answer, whatever the reason: which one is for the log, not for the verdict.
    Nothing,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The destination has it.
    Delivered,
    /// Try again when the [`Schedule`](crate::Schedule) says so, or give up if it has nothing left.
    Retry {
        /// What the destination asks to wait at least, in seconds.
        retry_after_seconds: Option<u32>,
    },
    /// The destination wants no more of this webhook: the delivery failed, the webhook becomes inactive.
    Gone,
}

/// Judges an attempt: 2xx (with valid JSON, where that is asked for) is success, 410 ends the webhook,
/// and everything else is tried again.
///
/// "Everything else" has no exceptions on purpose. A 404 or a refused certificate is often a deployment in
/// progress, and a blocked address may be allowed, or the name point elsewhere, by the time of the retry;
/// each retry is checked anew. Source of the rule, and of honouring `Retry-After` on 429 and 503 only: the
/// Standard Webhooks specification 1.0.0, "Delivery success and failure", and RFC 9110, section 15.6.4,
/// with RFC 6585, section 4.
pub fn classify(answer: Answer) -> Verdict {
    match answer {
        Answer::Http { status: 200..=299, json_valid: None | Some(true), .. } => Verdict::Delivered,
        Answer::Http { status: 410, .. } => Verdict::Gone,
        Answer::Http { status: 429 | 503, retry_after_seconds, .. } => Verdict::Retry { retry_after_seconds },
        Answer::Http { .. } | Answer::Nothing => Verdict::Retry { retry_after_seconds: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Verdict = Verdict::Retry { retry_after_seconds: None };

    fn http(status: u16, json_valid: Option<bool>) -> Verdict {
        classify(Answer::Http { status, json_valid, retry_after_seconds: Some(60) })
    }

    #[test]
    fn success_is_2xx_with_json_where_json_is_expected() {
        assert_eq!(http(200, None), Verdict::Delivered);
        assert_eq!(http(204, None), Verdict::Delivered);
        assert_eq!(http(200, Some(true)), Verdict::Delivered);
        assert_eq!(http(200, Some(false)), RETRY);
        assert_eq!(http(500, Some(true)), RETRY);
    }

    #[test]
    fn gone_is_410_and_only_that() {
        assert_eq!(http(410, None), Verdict::Gone);
        assert_eq!(http(404, None), RETRY);
    }

    #[test]
    fn redirects_and_errors_are_retried() {
        for status in [101, 301, 307, 400, 401, 409, 500, 502, 504] {
            assert_eq!(http(status, None), RETRY, "{status}");
        }
        assert_eq!(classify(Answer::Nothing), RETRY);
    }

    #[test]
    fn retry_after_counts_on_429_and_503() {
        for status in [429, 503] {
            assert_eq!(http(status, None), Verdict::Retry { retry_after_seconds: Some(60) });
        }
    }

    #[test]
    fn of_all_statuses_only_2xx_is_delivered() {
        for status in 0..1_000 {
            for json_valid in [None, Some(true), Some(false)] {
                let expected = status / 100 == 2 && json_valid != Some(false);
                assert_eq!(
                    http(status, json_valid) == Verdict::Delivered,
                    expected,
                    "{status} {json_valid:?}"
                );
            }
        }
    }
}
