//! The presets that come with the program.

use std::sync::LazyLock;

use crate::preset::Preset;

/// The files, by name.
const FILES: &[&str] = &[
    include_str!("../senders/asana.toml"),
    include_str!("../senders/azure_event_grid.toml"),
    include_str!("../senders/calendly.toml"),
    include_str!("../senders/cloudevents.toml"),
    include_str!("../senders/customerio.toml"),
    include_str!("../senders/ebay.toml"),
    include_str!("../senders/elementor.toml"),
    include_str!("../senders/fluentcrm.toml"),
    include_str!("../senders/generic.toml"),
    include_str!("../senders/github.toml"),
    include_str!("../senders/gravity_forms.toml"),
    include_str!("../senders/hubspot.toml"),
    include_str!("../senders/klaviyo.toml"),
    include_str!("../senders/mailchimp.toml"),
    include_str!("../senders/mailgun.toml"),
    include_str!("../senders/mandrill.toml"),
    include_str!("../senders/meta_leads.toml"),
    include_str!("../senders/microsoft_graph.toml"),
    include_str!("../senders/pipedrive.toml"),
    include_str!("../senders/postmark.toml"),
    include_str!("../senders/resend.toml"),
    include_str!("../senders/sendgrid.toml"),
    include_str!("../senders/ses.toml"),
    include_str!("../senders/shopify.toml"),
    include_str!("../senders/slack.toml"),
    include_str!("../senders/sparkpost.toml"),
    include_str!("../senders/stripe.toml"),
    include_str!("../senders/tally.toml"),
    include_str!("../senders/twilio.toml"),
    include_str!("../senders/typeform.toml"),
    include_str!("../senders/woocommerce.toml"),
    include_str!("../senders/x.toml"),
    include_str!("../senders/zoom.toml"),
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| FILES.iter().map(|text| read(text)).collect());

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them all")]
fn read(text: &str) -> Preset {
    Preset::parse(text).expect("a preset of the program is usable")
}

/// All presets, by id.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset with this id.
pub fn find(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

#[cfg(test)]
#[path = "senders_tests.rs"]
mod tests;
