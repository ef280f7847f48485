use http::HeaderMap;

use super::*;
use crate::senders::find;

struct Asked<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'static str, &'a str)],
    body: &'a str,
}

const URL: &str = "https://example.com/webhooks/a1b2c3d4e5f6?token=t0k3n";

fn ask(preset: &str, asked: &Asked<'_>, verified: bool) -> Option<Answer> {
    let headers: HeaderMap = asked
        .headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let url = format!("{URL}{}", asked.url);
    let request = Request { method: asked.method, url: &url, headers: &headers, body: asked.body.as_bytes() };
    answer(&find(preset).unwrap().handshakes, request, &[Secret::new("s3cret"), Secret::new("old")], || {
        verified
    })
}

fn post(body: &str) -> Asked<'_> {
    Asked { method: "POST", url: "", headers: &[], body }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.to_str().unwrap())
}

/// The example of "Get started" in Meta's documentation of webhooks, with our token.
#[test]
fn meta_gets_its_challenge_back_if_it_knows_the_token() {
    let asked = |query| Asked { method: "GET", url: query, headers: &[], body: "" };
    let good = asked("&hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t0k3n");
    let answer = ask("meta_leads", &good, false).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "1158201444"));
    assert_eq!(header(&answer, "content-type"), Some("text/plain; charset=utf-8"));
    for query in [
        "&hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock",
        "&hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token=t0k3n",
        "&hub.mode=subscribe&hub.verify_token=t0k3n",
        "&hub.mode=subscribe&hub.challenge=a%0D%0Ab&hub.verify_token=t0k3n",
        "",
    ] {
        assert_eq!(ask("meta_leads", &asked(query), false), None, "{query}");
    }
}

#[test]
fn linkedin_front_ringcentral_and_clio_hear_what_they_ask_for() {
    let linkedin = Asked { method: "GET", url: "&challengeCode=c1", headers: &[], body: "" };
    let answer = ask("linkedin", &linkedin, false).unwrap();
    // Computed with Python's hmac by LinkedIn's recipe: hex HMAC-SHA256 of the code, keyed with the client secret.
    let hmac = "e5a1e65a7151743873936227f78ac882613a7f69c8a934e3ccfc62bd3dee3789";
    let heard: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(heard, serde_json::json!({"challengeCode": "c1", "challengeResponse": hmac}));
    assert_eq!(ask("linkedin", &Asked { url: "", ..linkedin }, false), None);

    let asked = |headers, body| Asked { method: "POST", url: "", headers, body };
    let front = asked(&[("x-front-challenge", "f1")], r#"{"type":"sync","authorization":{"id":"cmp_abc"}}"#);
    assert_eq!(ask("front", &front, true).unwrap().body, "f1");
    assert_eq!(ask("front", &front, false), None);
    let ringcentral = asked(&[("validation-token", "r1")], "");
    assert_eq!(header(&ask("ringcentral", &ringcentral, false).unwrap(), "validation-token"), Some("r1"));
    assert_eq!(find("clio").unwrap().handshakes, find("asana").unwrap().handshakes, "the same protocol");
}

#[test]
fn slack_and_zoom_are_answered_only_if_they_signed() {
    let slack = post(
        r#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#,
    );
    assert_eq!(ask("slack", &slack, false), None);
    assert_eq!(
        ask("slack", &slack, true).unwrap().body,
        "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    );
    assert_eq!(ask("slack", &post(r#"{"type":"event_callback","challenge":"x"}"#), true), None);

    let zoom =
        post(r#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event":"endpoint.url_validation"}"#);
    assert_eq!(ask("zoom", &zoom, false), None);
    // Computed with Python's hmac by Zoom's recipe: hex HMAC-SHA256 of the plain token, keyed with the secret token.
    let expected = serde_json::json!({
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": "f54f2d5fee8f181aab8371bada7fed9bb675eae464f18ed4fb91715244b58ef4",
    });
    let answer = ask("zoom", &zoom, true).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), expected);
    // Not a token: signed, it would be the signature of a message.
    let oracle = post(r#"{"payload":{"plainToken":"v0:1700000000:{}"},"event":"endpoint.url_validation"}"#);
    assert_eq!(ask("zoom", &oracle, true), None);
}

#[test]
fn microsoft_graph_gets_its_token_decoded() {
    let asked = Asked {
        method: "POST",
        url: "&validationToken=Validation%3a%20Testing%20client%20%3Cb%3E",
        headers: &[],
        body: "",
    };
    let answer = ask("microsoft_graph", &asked, false).unwrap();
    assert_eq!(answer.body, "Validation: Testing client <b>");
    // Never as HTML.
    assert_eq!(header(&answer, "content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(ask("microsoft_graph", &post("{}"), false), None);
}

#[test]
fn event_grid_gets_its_code_as_json() {
    let body = r#"[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d38b6-\"x"}}]"#;
    let asked = |headers| Asked { method: "POST", url: "", headers, body };
    let answer =
        ask("azure_event_grid", &asked(&[("aeg-event-type", "SubscriptionValidation")]), false).unwrap();
    assert_eq!(answer.body, r#"{"validationResponse":"512d38b6-\"x"}"#);
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(ask("azure_event_grid", &asked(&[("aeg-event-type", "Notification")]), false), None);
}

#[test]
fn cloudevents_asks_by_options() {
    let asked = Asked {
        method: "OPTIONS",
        url: "",
        headers: &[("webhook-request-origin", "eventemitter.example.com"), ("webhook-request-rate", "120")],
        body: "",
    };
    let answer = ask("cloudevents", &asked, false).unwrap();
    assert_eq!(header(&answer, "webhook-allowed-origin"), Some("eventemitter.example.com"));
    assert_eq!(header(&answer, "webhook-allowed-rate"), Some("*"));
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

/// Computed with Python's hmac by the recipe of X's documentation, with its example of a token.
#[test]
fn x_gets_its_token_signed() {
    let asked = |query| Asked { method: "GET", url: query, headers: &[], body: "" };
    let answer = ask("x", &asked("&crc_token=challenge_string"), false).unwrap();
    assert_eq!(answer.body, r#"{"response_token":"sha256=nvqHBp8Arm4x8J8HIpXYCDu6hISdDhOxFQN6VRpCUp0="}"#);
    assert_eq!(ask("x", &asked("&crc_token=%7B%22for_user_id%22%3A1%7D"), false), None);
    assert_eq!(ask("x", &asked(""), false), None);
}

/// Computed with Python's hashlib by the recipe of eBay's own library: code, verification token and URL, in hex.
#[test]
fn ebay_gets_its_code_hashed_with_token_and_url() {
    let asked = |query| Asked { method: "GET", url: query, headers: &[], body: "" };
    let answer = ask("ebay", &asked("&challenge_code=a1b2-c3"), false).unwrap();
    let expected = "6fc6cac79eb99b2edae77a476453dc3185dcaa4f31e99f4b9f7cbbd34ddb7a0f";
    assert_eq!(answer.body, format!(r#"{{"challengeResponse":"{expected}"}}"#));
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(ask("ebay", &asked(""), false), None);
}

#[test]
fn senders_that_only_look_whether_the_url_is_there_find_it() {
    let asked = |method| Asked { method, url: "", headers: &[], body: "" };
    assert_eq!(ask("mandrill", &asked("HEAD"), false).unwrap().status, 200);
    assert_eq!(ask("mailchimp", &asked("GET"), false).unwrap().status, 200);
    assert_eq!(ask("mandrill", &asked("GET"), false), None);
    assert_eq!(ask("woocommerce", &post("webhook_id=7"), false).unwrap().status, 200);
    assert_eq!(ask("woocommerce", &post(r#"{"id":7}"#), false), None);
}

#[test]
fn sns_confirms_what_it_signed() {
    let asked = post(
        r#"{"Type":"SubscriptionConfirmation","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"}"#,
    );
    assert_eq!(ask("ses", &asked, false), None);
    assert_eq!(ask("ses", &asked, true).unwrap().confirm, Some(Confirm::Sns));
    let gone =
        post(r#"{"Type":"UnsubscribeConfirmation","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/"}"#);
    assert_eq!(ask("ses", &gone, true).unwrap().confirm, None, "who unsubscribed is not subscribed again");
}

fn rule(text: &str) -> Handshake {
    toml::from_str(text).unwrap()
}

/// A secret that is handed over counts while there is none: later it would be a takeover.
#[test]
fn a_secret_is_learned_once() {
    let headers: HeaderMap =
        [(HeaderName::from_static("x-hook-secret"), HeaderValue::from_static("b537207f"))]
            .into_iter()
            .collect();
    let request = Request { method: "POST", url: URL, headers: &headers, body: b"" };
    let rules = &find("asana").unwrap().handshakes;
    let first = answer(rules, request, &[], || false).unwrap();
    assert_eq!(first.learned_secret, Some(Secret::new("b537207f")));
    assert_eq!(header(&first, "x-hook-secret"), Some("b537207f"));
    let again = answer(rules, request, &[Secret::new("b537207f")], || false).unwrap();
    assert_eq!(again.learned_secret, None);
    assert_eq!(answer(rules, request, &[Secret::new("s3cret")], || false), None);
}

#[test]
fn any_secret_of_a_rotation_is_expected() {
    let rules = [rule(
        r#"method = "GET"
           when = { "query:secret" = "{secret}" }"#,
    )];
    let headers = HeaderMap::new();
    let outcome = |url| {
        let request = Request { method: "GET", url, headers: &headers, body: b"" };
        answer(&rules, request, &[Secret::new("new"), Secret::new("old")], || false).is_some()
    };
    assert!(outcome("/?secret=new") && outcome("/?secret=old"));
    assert!(!outcome("/?secret=other") && !outcome("/?secret=") && !outcome("/"));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    for text in [
        r#"when = { "cookie:a" = "*" }"#,
        r#"when = { "query:a" = "" }"#,
        r#"headers = { "a b" = "x" }"#,
        r#"body = "{secret}""#,
        r#"json = { a = ["{secret}"] }"#,
        r#"headers = { x = "{secret}" }"#,
        r#"json = { a = "{nothing}" }"#,
        "status = 302",
        r#"body = "a"
           json = {}"#,
    ] {
        assert!(toml::from_str::<Handshake>(&format!("method = \"GET\"\n{text}")).is_err(), "{text}");
    }
}
