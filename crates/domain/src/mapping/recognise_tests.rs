//! Payloads in the forms of many senders (the values are made up), and who is recognised in them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::mapping::{by_itself, own_form};

/// What is recognised, as `field=value at place`.
fn found(record: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    recognise(record).iter().map(|of| format!("{}={} at {}", of.to, text(of.value), of.from)).collect()
}

#[test]
fn people_in_the_forms_of_many_senders() {
    for (record, expected) in [
        // Names of the address.
        (json!({"e-mail": "a@example.com"}), vec!["email=a@example.com at e-mail"]),
        (json!({"Email Address": "a@example.com"}), vec!["email=a@example.com at Email Address"]),
        (json!({"emailAddress": "a@example.com"}), vec!["email=a@example.com at emailAddress"]),
        (json!({"EMAIL": "a@example.com"}), vec!["email=a@example.com at EMAIL"]),
        (json!({"mail": "a@example.com"}), vec!["email=a@example.com at mail"]),
        // The order of names, not that of the payload.
        (
            json!({"mail": "b@example.com", "email_address": "a@example.com"}),
            vec!["email=a@example.com at email_address"],
        ),
        // A name without an address is passed over.
        (json!({"email": "n/a", "mail": "a@example.com"}), vec!["email=a@example.com at mail"]),
        (
            json!({"email": true, "contact": {"email": "a@example.com"}}),
            vec!["email=a@example.com at contact.email"],
        ),
        // From the outside in, and by the order of containers.
        (
            json!({"user": {"email": "b@example.com"}, "contact": {"email": "a@example.com"}}),
            vec!["email=a@example.com at contact.email"],
        ),
        (
            json!({"data": {"object": {"customer": {"email": "a@example.com", "name": "Ada King Lovelace"}}}}),
            vec![
                "email=a@example.com at data.object.customer.email",
                "name=Ada King Lovelace at data.object.customer.name",
            ],
        ),
        // Contact Form 7.
        (
            json!({"your-name": "Ada Lovelace", "your-email": "a@example.com", "your-tel": "0612", "your-subject": "Hello"}),
            vec![
                "email=a@example.com at your-email",
                "name=Ada Lovelace at your-name",
                "phone=0612 at your-tel",
            ],
        ),
        // Elementor: fields that name themselves. The form's own name is nobody's.
        (
            json!({"form": {"name": "Newsletter"}, "fields": {
                "email": {"id": "email", "type": "email", "title": "E-mail", "value": "a@example.com"},
                "name": {"id": "name", "type": "text", "title": "Name", "value": "Ada"}}}),
            vec!["email=a@example.com at fields.email.value", "name=Ada at fields.name.value"],
        ),
        // Typeform: answers by type.
        (
            json!({"event_type": "form_response", "form_response": {"answers": [
                {"type": "text", "text": "Analyst", "field": {"ref": "job"}},
                {"type": "email", "email": "a@example.com", "field": {"ref": "mail"}},
                {"type": "phone_number", "phone_number": "+39061234", "field": {"ref": "tel"}}]}}),
            vec![
                "email=a@example.com at form_response.answers[1].email",
                "phone=+39061234 at form_response.answers[2].phone_number",
            ],
        ),
        // Tally: answers by label.
        (
            json!({"eventType": "FORM_RESPONSE", "data": {"formName": "Signup", "fields": [
                {"key": "q1", "label": "First name", "type": "INPUT_TEXT", "value": "Ada"},
                {"key": "q2", "label": "Where to write", "type": "INPUT_EMAIL", "value": "a@example.com"}]}}),
            vec!["email=a@example.com at data.fields[1].value", "first_name=Ada at data.fields[0].value"],
        ),
        // Meta lead ads: several values each.
        (
            json!({"field_data": [{"name": "full_name", "values": ["Ada Lovelace"]}, {"name": "email", "values": ["a@example.com"]}]}),
            vec![
                "email=a@example.com at field_data[1].values[0]",
                "name=Ada Lovelace at field_data[0].values[0]",
            ],
        ),
        // HubSpot: properties with values.
        (
            json!({"vid": 7, "properties": {"email": {"value": "a@example.com"}, "firstname": {"value": "Ada"}, "company": {"value": "Engines"}}}),
            vec![
                "email=a@example.com at properties.email.value",
                "first_name=Ada at properties.firstname.value",
                "company=Engines at properties.company.value",
            ],
        ),
        // Klaviyo.
        (
            json!({"data": {"type": "profile", "attributes": {"email": "a@example.com", "phone_number": "+1", "first_name": "Ada", "last_name": "L", "organization": "Engines"}}}),
            vec![
                "email=a@example.com at data.attributes.email",
                "first_name=Ada at data.attributes.first_name",
                "last_name=L at data.attributes.last_name",
                "phone=+1 at data.attributes.phone_number",
                "company=Engines at data.attributes.organization",
            ],
        ),
        // WooCommerce, and an order whose name is a number.
        (
            json!({"id": 1, "billing": {"email": "a@example.com", "first_name": "Ada", "phone": 555}}),
            vec![
                "email=a@example.com at billing.email",
                "first_name=Ada at billing.first_name",
                "phone=555 at billing.phone",
            ],
        ),
        (
            json!({"email": "a@example.com", "name": "#1001", "customer": {"first_name": "Ada"}}),
            vec!["email=a@example.com at email", "first_name=Ada at customer.first_name"],
        ),
        // Jotform: answers by number.
        (
            json!({"answers": {"3": {"name": "email", "text": "E-mail", "answer": "a@example.com"}}}),
            vec!["email=a@example.com at answers.3.answer"],
        ),
        // Lists of people, and of addresses.
        (json!({"data": [{"email": "a@example.com"}]}), vec!["email=a@example.com at data[0].email"]),
        (json!({"emails": ["a@example.com", "b@example.com"]}), vec!["email=a@example.com at emails[0]"]),
        // Nobody.
        (
            json!({"owner_email": "b@example.com", "note": "a@example.com", "sender": {"email": "b@example.com"}}),
            vec![],
        ),
        (json!({"email": "nobody", "name": "Ada"}), vec![]),
        (json!({"data": {"data": {"data": {"data": {"data": {"email": "a@example.com"}}}}}}), vec![]),
        (json!([]), vec![]),
        (json!("a@example.com"), vec![]),
    ] {
        assert_eq!(found(&record), expected, "{record}");
    }
}

#[test]
fn the_specifications_own_form_has_priority() {
    let email = |record: Value| by_itself(&record).fields.email.map(|email| email.to_string());
    // An address in the own form's place that is none is a mistake, not a reason to look for another.
    let wrong = json!({"event": "subscriber_added", "data": {"email": "nobody", "contact": {"email": "a@example.com"}}});
    assert_eq!(email(wrong.clone()), None);
    assert_eq!(by_itself(&wrong), own_form(&wrong));
    let own =
        json!({"event": "subscriber_added", "data": {"email": "a@example.com", "name": "Ada", "phone": []}});
    assert_eq!(by_itself(&own), own_form(&own));
    let nobody = json!({"data": {"first_name": "Ada"}});
    assert_eq!(by_itself(&nobody), own_form(&nobody));

    // Without `data`, what the own form does not know is recognised beside it.
    let flat = by_itself(
        &json!({"email": "a@example.com", "first_name": "Ada", "lastName": "Lovelace", "custom_fields": {"x": 1}}),
    );
    assert_eq!(flat.fields.texts.len(), 2);
    assert_eq!(flat.fields.custom_fields.len(), 1);
    let recognised =
        by_itself(&json!({"contact": {"mail": "a@example.com", "status": "active"}, "status": "active"}));
    assert_eq!(recognised.fields.email.map(|email| email.to_string()).as_deref(), Some("a@example.com"));
    assert_eq!((recognised.warnings, recognised.email_error), (Vec::<String>::new(), None));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}|[a-z]{1,3}@[a-z]{1,3}\\.com".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let name = prop_oneof![
            Just("email"),
            Just("data"),
            Just("fields"),
            Just("name"),
            Just("value"),
            Just("phone"),
            Just("type"),
            Just("x")
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..4).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    /// Whatever a payload holds: what is recognised fits its field, and nothing of it is a warning.
    #[test]
    fn prop_what_is_recognised_fits(record in any_json()) {
        let found = recognise(&record);
        prop_assert_eq!(&found, &recognise(&record));
        let mut mapped = crate::mapping::Mapped::default();
        for of in &found {
            mapped.set(&of.to, of.value, &of.from);
        }
        prop_assert_eq!(mapped.warnings, Vec::<String>::new());
        prop_assert_eq!(mapped.fields.email.is_some(), !found.is_empty());
        prop_assert!(mapped.email_error.is_none());
    }
}
