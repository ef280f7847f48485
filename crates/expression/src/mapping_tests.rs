//! Tests of mappings: rules as users write them, on payloads as senders send them.

use domain::mapping::{MAX_RULES, Rule};
use domain::subscriber::TextField;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Mapping, Took};

fn rules(rules: Value) -> Vec<Rule> {
    serde_json::from_value(rules).unwrap()
}

fn mapping(of: Value) -> Mapping {
    Mapping::compile(&rules(of)).unwrap()
}

#[test]
fn the_contracts_example_maps() {
    let mapping = mapping(json!([
        {"to": "email", "from": "data.contact_email"},
        {"to": "custom_field.company", "from": "data.company_name"},
        {"to": "custom_field.full_name", "template": "{data.first_name} {data.last_name}"},
        {"to": "custom_field.joined", "from": "data.created", "date": {"from": "%d/%m/%Y", "to": "%Y-%m-%d", "timezone": "Europe/Rome"}},
        {"to": "custom_field.tier", "value": "gold", "when": "data.plan == 'pro'", "otherwise": "silver"}
    ]));
    let record = json!({"data": {"contact_email": "Ada@Example.com", "company_name": "Engines", "first_name": "Ada",
        "last_name": "Lovelace", "created": "10/12/1815", "plan": "pro"}});
    let mapped = mapping.apply(&record).mapped();
    assert_eq!(mapped.warnings, Vec::<String>::new());
    assert_eq!(mapped.fields.email.unwrap().as_str(), "ada@example.com");
    let expected =
        [("company", "Engines"), ("full_name", "Ada Lovelace"), ("joined", "1815-12-10"), ("tier", "gold")];
    assert_eq!(
        mapped.fields.custom_fields,
        expected.map(|(name, value)| (name.to_owned(), Some(json!(value))))
    );

    let record = json!({"data": {"contact_email": "ada@example.com", "created": "yesterday"}});
    let mapped = mapping.apply(&record).mapped();
    assert_eq!(mapped.fields.custom_fields, [("tier".to_owned(), Some(json!("silver")))]);
    assert_eq!(mapped.warnings, ["custom_field.joined: the value is no date of the expected form"]);
}

#[test]
fn plain_rules_reach_into_objects_and_arrays() {
    let mapping = mapping(json!([
        {"to": "email", "from": "contact[0].mail"},
        {"to": "name", "from": "contact.0.who"},
        {"to": "phone", "from": "n"},
        {"to": "custom_field.all", "from": "tags"},
        {"to": "company", "from": "none"},
        {"to": "source", "from": "contact"},
        {"to": "last_name", "from": "missing.at.all"}
    ]));
    let record = json!({"contact": [{"mail": "a@example.com", "who": "Ada King Lovelace"}], "n": 7, "tags": ["x"], "none": null});
    let mapped = mapping.apply(&record).mapped();
    assert_eq!(mapped.fields.email.unwrap().as_str(), "a@example.com");
    let texts =
        [(TextField::FirstName, "Ada King"), (TextField::LastName, "Lovelace"), (TextField::Phone, "7")];
    assert_eq!(mapped.fields.texts, texts.map(|(field, text)| (field, Some(text.to_owned()))));
    assert_eq!(mapped.fields.custom_fields, [("all".to_owned(), Some(json!(["x"])))]);
    assert_eq!(mapped.warnings, ["source: contact is an array, not a text"]);
}

#[test]
fn filters_defaults_and_later_rules() {
    let mapping = mapping(json!([
        {"to": "email", "from": "mail"},
        {"to": "email", "from": "other_mail"},
        {"to": "first_name", "from": "name", "filters": ["first_name", "title"]},
        {"to": "phone", "from": "tel", "filters": ["phone('IT')"]},
        {"to": "company", "from": "company", "filters": ["trim"], "default": "none"},
        {"to": "custom_field.n", "from": "n", "filters": ["number"], "default": 0},
        {"to": "custom_field.seats", "template": "{seats}"},
        {"to": "status", "value": "subscribed", "when": "consent|boolean"}
    ]));
    let record = json!({"mail": "a@example.com", "name": " ada KING ", "tel": "call me", "company": "  ", "n": "many", "seats": 4, "consent": "yes"});
    let applied = mapping.apply(&record);
    let took: Vec<Took> = applied.outcomes.iter().map(|outcome| outcome.took).collect();
    use Took::{Default, Nothing, Source};
    assert_eq!(took, [Source, Nothing, Source, Nothing, Default, Default, Source, Source]);
    let mapped = applied.mapped();
    assert_eq!(mapped.email_error, None);
    let texts = [(TextField::FirstName, "Ada"), (TextField::Company, "none")];
    assert_eq!(mapped.fields.texts, texts.map(|(field, text)| (field, Some(text.to_owned()))));
    assert_eq!(
        mapped.fields.custom_fields,
        [("n", json!(0)), ("seats", json!(4))].map(|(n, v)| (n.to_owned(), Some(v)))
    );
    assert_eq!(
        mapped.warnings,
        ["phone: phone: the value is no telephone number", "custom_field.n: number: the value is no number"]
    );
}

#[test]
fn a_preview_shows_each_rule() {
    let mapping = mapping(json!([
        {"to": "email", "from": "m", "filters": ["trim", "lower"]},
        {"to": "company", "template": "{a} Ltd", "when": "b > 3"}
    ]));
    let record = json!({"m": " A@Example.com", "b": "2"});
    let expected = json!([
        {"to": "email", "from": "m", "found": " A@Example.com", "value": "a@example.com", "took": "source", "warnings": []},
        {"to": "company", "from": "{a} Ltd", "found": null, "value": null, "took": "skipped", "warnings": []}
    ]);
    assert_eq!(serde_json::to_value(mapping.apply(&record)).unwrap(), expected);
}

#[test]
fn says_why_there_is_no_email() {
    let error =
        |rules: Value, record: Value| mapping(rules).apply(&record).mapped().email_error.unwrap().to_string();
    assert_eq!(
        error(json!([{"to": "email", "from": "data.mail"}]), json!({})),
        "no email found at data.mail"
    );
    let mail = json!([{"to": "email", "from": "mail"}]);
    assert_eq!(error(mail.clone(), json!({"mail": {}})), "no email found at mail, which is an object");
    assert_eq!(error(mail, json!({"mail": "nobody"})), "the email at mail must have the form name@domain");
    let wrong = error(json!([{"to": "email", "template": "{a}@"}]), json!({"a": "x"}));
    assert_eq!(wrong, "the email at template must have the form name@domain");
    assert!(error(json!([]), json!({})).starts_with("no email found at any rule"));
}

#[test]
fn every_rule_that_is_wrong_is_named() {
    let wrong = rules(json!([
        {"to": "email", "from": "a"},
        {"to": "email"},
        {"to": "email", "from": "a", "value": 1},
        {"to": "email", "from": "a", "otherwise": 1},
        {"to": "email", "from": "a", "when": "a =="},
        {"to": "email", "template": "{a"},
        {"to": "email", "from": "a", "filters": ["trim", "nope"]},
        {"to": "email", "from": "a", "date": {"timezone": "Mars"}},
        {"to": "email", "from": "a", "filters": vec!["trim"; 21]}
    ]));
    let errors = Mapping::compile(&wrong).unwrap_err();
    let said: Vec<(usize, &str)> = errors.iter().map(|error| (error.index, error.member.as_str())).collect();
    let expected = ["from", "from", "otherwise", "when", "template", "filters.1", "date", "filters"];
    assert_eq!(
        said,
        expected.into_iter().enumerate().map(|(at, member)| (at + 1, member)).collect::<Vec<_>>()
    );
    let many = vec![wrong[0].clone(); MAX_RULES + 1];
    assert_eq!(Mapping::compile(&many).unwrap_err().len(), 1);
    assert!(serde_json::from_value::<Rule>(json!({"to": "email", "form": "a"})).is_err());
}

#[test]
fn a_rule_is_written_as_it_was_read() {
    let written = json!({"to": "email", "from": "a[0].b"});
    let rule: Rule = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&rule).unwrap(), written);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z]{1,3}@[a-z]{1,3}\\.com".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-c0\\]]{1,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn prop_no_payload_breaks_a_mapping(record in any_json()) {
        let mapping = mapping(json!([
            {"to": "email", "from": "a", "filters": ["trim", "lower"]},
            {"to": "custom_field.a", "from": "b", "date": {}},
            {"to": "custom_field.b", "template": "{a} {b.c} {payload|length}", "when": "a > 1 or b.c|number < 5"},
            {"to": "custom_field.c", "template": "{a.b|upper ~ c|hash}", "filters": ["number"], "default": 1},
            {"to": "phone", "from": "c", "filters": ["phone('US')"]}
        ]));
        let applied = mapping.apply(&record);
        prop_assert_eq!(applied.outcomes.len(), 5);
        applied.mapped();
    }
}
