//! No request passes a signature check by chance, and none breaks one: every scheme of the presets, Standard Webhooks and the
//! headers of passwords and passes.

#![no_main]

use std::sync::LazyLock;

use fuzz::message;
use libfuzzer_sys::fuzz_target;
use signature::{Algorithm, Request, Scheme, SchemeKey, Secret, standard_webhooks};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// The receiver's time, in seconds since the Unix epoch.
const NOW: i64 = 1_792_000_000;

static SCHEMES: LazyLock<Vec<(&Scheme, SchemeKey)>> = LazyLock::new(|| {
    let schemes = presets::all().iter().filter_map(|preset| preset.scheme.as_ref());
    schemes.filter_map(|scheme| Some((scheme, scheme.key(&Secret::new(SECRET)).ok()?))).collect()
});

fuzz_target!(|input: &[u8]| {
    let (headers, body) = message(input);
    let url = headers.get("x-url").and_then(|url| url.to_str().ok()).unwrap_or("https://example.com/?a=b");
    let request = Request { method: "POST", url, headers: &headers, body };
    for (scheme, key) in SCHEMES.iter() {
        let outcome = scheme.verify(std::slice::from_ref(key), request, NOW);
        // A token is compared as it is, and may be found; nothing else is.
        let may_pass = matches!(scheme.algorithm, Algorithm::Token | Algorithm::Basic);
        assert!(outcome.is_err() || may_pass, "{scheme:?}");
    }
    let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
    let received = standard_webhooks::Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    if let Ok(key) = signature::SigningKey::new(&Secret::new(SECRET)) {
        assert!(standard_webhooks::verify(&[key], &received, body, NOW, 300).is_err());
    }
});
