//! What to do about an attempt that failed, in words.

/// What to do about a failure of this code; of an answer that is none of success, with its status.
pub fn hint(code: &str, http_status: Option<i64>) -> &'static str {
    match code {
        "dns" => {
            "The host's name could not be found. Check its spelling, or ask whoever runs it for its DNS record."
        }
        "connection_refused" => {
            "Nothing listens there. Check the port, and whether the receiving program runs."
        }
        "local_limit" => {
            "This is not the destination's fault. The operator can raise the limit of open files (LimitNOFILE, ulimit -n)."
        }
        "connect_failed" | "connect_timeout" => {
            "The host can't be reached. Check its firewall, and whether it is up."
        }
        "tls" => {
            "The host's certificate was not accepted. Check that it is valid for this name, has not expired, and comes with its chain. For one of an authority of your own, set that authority's certificate as the webhook's tls.ca."
        }
        "tls_client_certificate" => {
            "The host wants a certificate from us, or refuses the one it got. Check the webhook's tls: its certificate may have expired, or come from an authority that the host does not know."
        }
        "timeout" => {
            "The receiver took too long. It should answer first and work afterwards, or the webhook's timeout be longer."
        }
        "connection_closed" => {
            "The receiver closed the connection before it had answered. Look into its log."
        }
        "invalid_response" => "What answered does not speak HTTP. Check scheme and port.",
        "blocked_address" => {
            "The address is not public. The operator can allow it with --allow-private-destinations."
        }
        "invalid_url" => "The URL can't be called. Check it.",
        "invalid_json" => "The receiver must answer with JSON, or expect_json be switched off.",
        "not_tls" => {
            "The port does not speak TLS. Use http:// in the URL, or the port on which the receiver speaks https."
        }
        "http_status" => of_status(http_status.unwrap_or_default()),
        "signing" => "Mend the webhook's signing.custom: this event has not what it signs.",
        "template" => "Mend the webhook's payload, URL or headers: the preview shows what they become.",
        "too_large" => "Make the payload smaller.",
        "transform" => "Mend the webhook's transform: the preview runs it.",
        "cancelled" => "The webhook's transform asked for it.",
        "oauth_token" => "Check the token URL, the client and its secret.",
        _ => "Look into the log of this delivery.",
    }
}

/// The same of an answer with this status.
fn of_status(status: i64) -> &'static str {
    match status {
        300..=399 => {
            "A redirect is not followed. Use the URL that it leads to, in the header location of the answer."
        }
        401 | 403 | 407 => {
            "The receiver does not let us in. Check the webhook's authentication: a key or password may be wrong or have expired."
        }
        404 => "The receiver knows no such address. Check the path of the URL.",
        405 => {
            "The receiver takes no request of this method there. Check the webhook's method and the path of the URL."
        }
        408 | 502 | 503 | 504 => {
            "The receiver, or a proxy before it, is overloaded or down. Deliveries are tried again by themselves; if it lasts, ask whoever runs it."
        }
        410 => {
            "The receiver says that it wants no more. The webhook was deactivated, unless this was a test: activate it again once the URL is right."
        }
        413 => "The payload is too large for the receiver. Send less of the event, by a payload of your own.",
        415 => {
            "The receiver wants another form of body. Check the webhook's format, and its header content-type."
        }
        429 => {
            "The receiver gets too much at once. Deliveries are tried again when it says; a rate_limit of the webhook keeps below it."
        }
        500..=599 => {
            "The receiver failed while it worked on it. Its answer or its log may say why. Deliveries are tried again by themselves."
        }
        _ => "The receiver refused it. Its answer says why: check what it expects of the payload.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_explained_by_its_status() {
        for (status, says) in [
            (301, "not followed"),
            (401, "authentication"),
            (404, "path"),
            (410, "deactivated"),
            (422, "payload"),
            (429, "rate_limit"),
            (500, "failed"),
            (503, "overloaded"),
        ] {
            assert!(hint("http_status", Some(status)).contains(says), "{status}");
        }
        assert!(hint("not_tls", None).contains("http://"));
    }
}
