//! What Amazon SNS signs, and where it says that its certificate is.
//!
//! Source: "Verifying the signatures of Amazon SNS messages",
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>.
//!
//! SNS names the place of its certificate in the message itself, so a forger can name another one: only a URL that
//! [`certificate_url`] has let through may be asked, and only a `SubscribeURL` that [`subscribe_url`] has. What came from
//! there, over TLS, is the PEM text that [`Scheme::key`](crate::Scheme::key) takes; a webhook has no secret for it.

use serde_json::Value;
use url::Url;

use crate::field::Field;

/// The members that are signed of a notification, in their order. `Subject` may be missing.
const NOTIFICATION: [&str; 6] = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];

/// The members that are signed of `SubscriptionConfirmation` and `UnsubscribeConfirmation`, in their order.
const CONFIRMATION: [&str; 7] =
    ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

/// Whether this is where the time stands that a message is signed with.
pub(crate) fn is_signed_time(field: &Field) -> bool {
    let [source] = field.from.as_slice() else { return false };
    source.to_string() == "body:Timestamp" && field.prefix.is_empty() && field.separator.is_none()
}

/// The hash that a message is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `SignatureVersion` 1.
    Sha1,
    /// `SignatureVersion` 2.
    Sha256,
}

pub(crate) fn version(message: &Value) -> Option<Version> {
    match message.get("SignatureVersion")?.as_str()? {
        "1" => Some(Version::Sha1),
        "2" => Some(Version::Sha256),
        _ => None,
    }
}

/// Each signed member as a line with its name and a line with its value.
pub(crate) fn signed_text(message: &Value) -> Option<String> {
    let names: &[&str] = match message.get("Type")?.as_str()? {
        "Notification" => &NOTIFICATION,
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => &CONFIRMATION,
        _ => return None,
    };
    let mut text = String::new();
    for name in names {
        let value = match message.get(name) {
            Some(Value::String(value)) => value,
            None | Some(Value::Null) if *name == "Subject" => continue,
            _ => return None,
        };
        for line in [name, value.as_str()] {
            text.push_str(line);
            text.push('\n');
        }
    }
    Some(text)
}

/// Where the certificate is that signed `body`, if that is a place of Amazon SNS.
pub fn certificate_url(body: &[u8]) -> Option<Url> {
    let url = own_url(body, "SigningCertURL")?;
    (url.path().ends_with(".pem") && url.query().is_none()).then_some(url)
}

/// What to GET to confirm the subscription that `body` asks for, if it does, and if that is a place of Amazon SNS.
/// Whoever calls it must have verified the body, and must want its [`topic`].
pub fn subscribe_url(body: &[u8]) -> Option<Url> {
    own_url(body, "SubscribeURL")
}

/// The ARN of the topic that `body` is of.
pub fn topic(body: &[u8]) -> Option<String> {
    member(body, "TopicArn")
}

/// Whether `body` asks to confirm a subscription.
pub fn is_confirmation(body: &[u8]) -> bool {
    member(body, "Type").is_some_and(|kind| kind == "SubscriptionConfirmation")
}

fn own_url(body: &[u8], name: &str) -> Option<Url> {
    let url = Url::parse(&member(body, name)?).ok()?;
    let is_plain = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    (is_plain && is_sns_host(url.host_str()?)).then_some(url)
}

/// `sns.REGION.amazonaws.com`, and `.com.cn` in China.
fn is_sns_host(host: &str) -> bool {
    let region = host.strip_prefix("sns.").and_then(|rest| {
        rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
    });
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    region.is_some_and(|region| (1..=30).contains(&region.len()) && region.bytes().all(letter))
}

fn member(body: &[u8], name: &str) -> Option<String> {
    match serde_json::from_slice::<Value>(body).ok()?.get_mut(name)?.take() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_signed_of_each_type() {
        let mut message = json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Subject": "s", "Message": "hello\nyou",
            "Timestamp": "2026-01-31T12:00:00.000Z", "UnsubscribeURL": "not signed"
        });
        let expected = "Message\nhello\nyou\nMessageId\nm\nSubject\ns\nTimestamp\n2026-01-31T12:00:00.000Z\n\
                        TopicArn\narn\nType\nNotification\n";
        assert_eq!(signed_text(&message).as_deref(), Some(expected));
        message["Subject"] = Value::Null;
        assert_eq!(signed_text(&message).as_deref(), Some(expected.replace("Subject\ns\n", "").as_str()));

        message["Type"] = json!("SubscriptionConfirmation");
        assert_eq!(signed_text(&message), None, "it has no token");
        message["Token"] = json!("t");
        message["SubscribeURL"] = json!("u");
        let expected = "Message\nhello\nyou\nMessageId\nm\nSubscribeURL\nu\nTimestamp\n2026-01-31T12:00:00.000Z\n\
                        Token\nt\nTopicArn\narn\nType\nSubscriptionConfirmation\n";
        assert_eq!(signed_text(&message).as_deref(), Some(expected));
        message["Type"] = json!("Other");
        assert_eq!(signed_text(&message), None);
    }

    #[test]
    fn only_a_place_of_sns_is_asked() {
        let asked =
            |url: &str| certificate_url(json!({ "SigningCertURL": url }).to_string().as_bytes()).is_some();
        assert!(asked("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem"));
        assert!(asked("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem"));
        for url in [
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com:8443/a.pem",
            "https://sns.us-east-1.amazonaws.com/a.pem?b",
            "https://sns.us-east-1.amazonaws.com/a",
            "https://user@sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://sns.evil.example/a.pem",
            "https://sns.evil.example/.amazonaws.com/a.pem",
            "https://bucket.s3.amazonaws.com/a.pem",
            "https://sns.a.b.amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "a.pem",
        ] {
            assert!(!asked(url), "{url}");
        }
        assert_eq!(certificate_url(b"[]"), None);
        assert_eq!(
            topic(br#"{"TopicArn":"arn:aws:sns:us-east-1:1:t"}"#).as_deref(),
            Some("arn:aws:sns:us-east-1:1:t")
        );
    }
}
