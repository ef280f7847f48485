//! What real senders post, and who comes out of it. The forms of the samples are those of the senders' documentation, named
//! in each file; the values are made up. Senders with a preset have their samples beside it, in the crate `presets`.

use std::path::Path;
use std::sync::Arc;

use domain::subscriber::TextField;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::receive::{Content, Received, admit};
use crate::records::Record;
use crate::testing::{NOW, request, snapshot};

/// A file in `testdata/senders`.
#[derive(Deserialize)]
struct Sample {
    /// Who sends it, and how that is set up there.
    name: String,
    /// Where the sender documents the form.
    source: String,
    #[serde(default = "json_type")]
    content_type: String,
    body: String,
    /// What the webhook has to know to understand it: nothing, for most.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

fn json_type() -> String {
    "application/json".to_owned()
}

/// The settings of a webhook for a sender, the content type of its sample, and the sample.
fn sample(sender: &str) -> (Value, String, String) {
    if let Some(preset) = presets::find(sender) {
        let sample = &preset.samples[0];
        // Signatures have tests of their own.
        let settings = json!({"preset": sender, "signature": {"scheme": "none"}});
        return (settings, sample.content_type.clone(), sample.body.clone());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/senders/{sender}.toml"));
    let sample: Sample = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(sample.source.starts_with("https://") && !sample.name.is_empty(), "{sender}");
    (sample.settings.into(), sample.content_type, sample.body.trim_start().to_owned())
}

/// Who comes out of a sender's sample, as `First Last <email>`.
fn who(sender: &str) -> String {
    let (settings, content_type, body) = sample(sender);
    let mut received: Received = request(body);
    received.headers.insert("content-type", content_type.parse().unwrap());
    let accepted = admit(&snapshot(settings, &[]), &Arc::new(received), NOW).unwrap();
    let Content::Records(records) = &accepted.content else { panic!("{sender}: {:?}", accepted.content) };
    let mapped = records.list.iter().find_map(|record| match record {
        Record::Mapped(record) => Some(&record.mapped.fields),
        _ => None,
    });
    let fields = mapped.unwrap_or_else(|| panic!("{sender}: {:?}", records.list));
    let text = |wanted: TextField| {
        let found = fields.texts.iter().rev().find(|(field, _)| *field == wanted);
        found.and_then(|(_, text)| text.clone())
    };
    let email = fields.email.as_ref().map(|email| format!("<{email}>"));
    let parts = [text(TextField::FirstName), text(TextField::LastName), email];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn who_comes_out_of_what_real_senders_post() {
    const ADA: &str = "<ada@example.com>";
    const ADA_LOVELACE: &str = "Ada Lovelace <ada@example.com>";
    for (sender, expected) in [
        // With the preset of the sender, and nothing else.
        ("azure_event_grid", ADA),
        ("calendly", ADA_LOVELACE),
        ("cloudevents", ADA_LOVELACE),
        ("customerio", ADA),
        ("github", "ada <ada@example.com>"),
        ("hubspot", ADA),
        ("klaviyo", ADA),
        ("mailchimp", ADA_LOVELACE),
        ("mailgun", ADA),
        ("mandrill", ADA),
        ("pipedrive", ADA_LOVELACE),
        ("postmark", ADA),
        ("resend", ADA),
        ("sendgrid", ADA),
        ("ses", ADA),
        ("shopify", ADA_LOVELACE),
        ("slack", ADA_LOVELACE),
        ("sparkpost", ADA),
        ("stripe", ADA_LOVELACE),
        ("tally", "Ada <ada@example.com>"),
        ("typeform", "Ada <ada@example.com>"),
        ("woocommerce", ADA_LOVELACE),
        ("zoom", ADA_LOVELACE),
        // With nothing at all.
        ("contact_form_7", ADA_LOVELACE),
        ("elementor", ADA_LOVELACE),
        ("elementor_flat", ADA_LOVELACE),
        ("gravity_forms_selected", ADA_LOVELACE),
        ("webflow", ADA_LOVELACE),
        ("webflow_v1", ADA),
        ("wpforms", ADA_LOVELACE),
        ("zapier", ADA_LOVELACE),
        // With what only who made the form can know.
        ("elfsight", ADA),
        ("formstack", ADA_LOVELACE),
        ("gravity_forms", ADA_LOVELACE),
        ("jotform", ADA_LOVELACE),
        ("kajabi", ADA_LOVELACE),
        ("uberflip", ADA_LOVELACE),
        ("unbounce", "Ada <ada@example.com>"),
        ("wufoo", ADA_LOVELACE),
    ] {
        assert_eq!(who(sender), expected, "{sender}");
    }
}

#[test]
fn no_sample_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/senders");
    let source = include_str!("samples.rs");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(source.contains(&format!("(\"{name}\"")), "{name} is in no row of the table");
    }
}
