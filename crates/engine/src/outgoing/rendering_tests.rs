use serde_json::json;

use super::*;

fn settings(change: Value) -> OutgoingSettings {
    let mut all = json!({"name": "Out", "url": "https://example.com/hook", "events": ["*"]});
    for (name, value) in change.as_object().unwrap() {
        all[name] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn event() -> Event {
    Event {
        id: domain::EventId::lowest_at(domain::Timestamp::from_millis(0)),
        event_type: "subscriber_added".parse().unwrap(),
        occurred_at: "2024-01-15T11:45:00Z".parse().unwrap(),
        data: json!({"subscriber_id": 7, "email": "ada+x@example.com", "first_name": "A & <B>", "status": "subscribed",
                     "lists": [1, 2], "tags": ["web", "vip"], "custom_fields": {"plan": "pro"}}).to_string().into(),
        request_id: None,
        subscriber: None,
    }
}

fn drafted(change: Value) -> Draft {
    let settings = settings(change);
    Rendering::compile(&settings).unwrap().draft(&settings, &event()).unwrap()
}

#[test]
fn bodies_in_every_format() {
    for (change, expected) in [
        (json!({}), event().envelope()),
        // The specification's example.
        (
            json!({"payload": {"event_type": "{event_type}", "timestamp": "{timestamp}", "subscriber": {"id": "{subscriber_id}",
                "email": "{subscriber_email}", "first_name": "{subscriber_first_name}", "custom_field": "{subscriber_custom_field_plan}"},
                "campaign": {"id": "{campaign_id}"}, "custom_data": {"your_field": "your_value"}}}),
            r#"{"event_type":"subscriber_added","timestamp":"2024-01-15T11:45:00Z","subscriber":{"id":7,"email":"ada+x@example.com","first_name":"A & <B>","custom_field":"pro"},"campaign":{"id":null},"custom_data":{"your_field":"your_value"}}"#.into(),
        ),
        (
            json!({"payload": {"phone?": "{subscriber_phone}", "phone_or": "{subscriber_phone|default('')}", "tags": "{subscriber_tags}", "all": "{data.tags|join(',')}"}}),
            r#"{"phone_or":"","tags":["web","vip"],"all":"web,vip"}"#.into(),
        ),
        (
            json!({"format": "form", "payload": {"mail": "{subscriber_email}", "who": {"tags": "{subscriber_tags}", "phone": "{subscriber_phone}"}}}),
            "mail=ada%2Bx%40example.com&who%5Btags%5D%5B%5D=web&who%5Btags%5D%5B%5D=vip&who%5Bphone%5D=".into(),
        ),
        (json!({"format": "xml", "payload": "<n>{subscriber_first_name}</n>"}), "<n>A &amp; &lt;B&gt;</n>".into()),
        (json!({"format": "text", "payload": "New: {subscriber_email}"}), "New: ada+x@example.com".into()),
    ] {
        let draft = drafted(change.clone());
        assert_eq!(String::from_utf8_lossy(&draft.body), expected, "{change}");
    }
    assert_eq!(
        drafted(json!({"format": "xml", "payload": "x"})).headers["content-type"],
        "application/xml; charset=utf-8"
    );
}

#[test]
fn what_is_no_xml_whatever_its_placeholders_become_is_refused_where_it_stands() {
    let deep = format!("{}{}", "<a>".repeat(580), "</a>".repeat(580));
    for (payload, position) in [
        (
            "<?xml version=\"1.0\"?>\n<n a=\"{subscriber_email}\">{{{subscriber_phone|default('<')}}}</n>",
            None,
        ),
        (&deep, None),
        ("<n>\n <é>{subscriber_email}</n>", Some(27)),
        ("<n a={subscriber_email}/>", Some(6)),
        ("{subscriber_email}", Some(1)),
        ("<n>{subscriber_email} & co</n>", Some(23)),
        ("", Some(1)),
        ("<n><![CDATA[{subscriber_email}]]></n>", Some(13)),
        ("<n><![CDATA[a]]>{subscriber_email}</n>", None),
        ("<n>{subscriber_email}<![CDATA[{subscriber_email}]]></n>", Some(31)),
        ("<n><?x {subscriber_email}?></n>", Some(8)),
        ("<!DOCTYPE n SYSTEM \"x.dtd\"><n>{subscriber_email}</n>", None),
        ("<!DOCTYPE n [<!ENTITY a \"b\">]><n>&a;{subscriber_email}</n>", None),
        ("<!DOCTYPE n SYSTEM \"{subscriber_email}\"><n/>", Some(21)),
        ("<n><!-- {subscriber_email} --></n>", Some(9)),
        ("<n><{subscriber_email}/></n>", Some(5)),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><n/>", Some(21)),
        ("<?xml version='1.0' encoding = \"utf-8\"?><n><![CDATA[a]]><b>{subscriber_email}</b></n>", None),
    ] {
        let settings = settings(json!({"format": "xml", "payload": payload}));
        let faults = check(&settings);
        let said = position.map(|at| format!("at character {at}: "));
        assert_eq!(faults.len(), usize::from(said.is_some()), "{payload}: {faults:?}");
        if let Some((fault, said)) = faults.first().zip(said) {
            assert!(fault.field == "payload" && fault.message.starts_with(&said), "{payload}: {fault:?}");
        }
        assert!(Rendering::compile(&settings).is_ok(), "what was saved goes on");
    }
}

#[test]
fn a_value_leads_to_no_other_path() {
    let drafted = |url: &str, name: &str| {
        let settings = settings(json!({"url": url}));
        let event = Event { data: json!({"name": name}).to_string().into(), ..event() };
        Rendering::compile(&settings).unwrap().draft(&settings, &event).map(|draft| draft.url.to_string())
    };
    let path = "https://example.com/contacts/{data.name}/notes?x={data.name}";
    assert_eq!(drafted(path, "a.b..").unwrap(), "https://example.com/contacts/a.b../notes?x=a.b..");
    for name in ["..", "."] {
        assert!(drafted(path, name).is_err(), "{name}");
        assert!(drafted("https://example.com/contacts?x={data.name}", name).is_ok(), "{name}");
    }
    assert_eq!(
        drafted("https://example.com/a/../{data.name}", "b").unwrap(),
        "https://example.com/b",
        "its own"
    );
    assert!(drafted("https://example.com/a/../{data.name}", "..").is_err());
    assert!(drafted("https://example.com/.{data.name}/x", ".").is_err());
    assert!(drafted("https://example.com/%2E{data.name}", ".").is_err());
}

#[test]
fn items_with_members_are_numbered_in_a_form() {
    for (value, expected) in [
        (json!({"a": [1, "x", null]}), "a[]=1&a[]=x&a[]="),
        (json!({"a": [{"x": 1, "y": 2}, {"x": 3}]}), "a[0][x]=1&a[0][y]=2&a[1][x]=3"),
        (json!({"a": [[1, 2], [3]]}), "a[0][]=1&a[0][]=2&a[1][]=3"),
        (json!({"a": [1, {"x": [2]}, 3]}), "a[0]=1&a[1][x][]=2&a[2]=3"),
        (json!({"a": {"b": [{"c": [{"d": 1}]}]}}), "a[b][0][c][0][d]=1"),
    ] {
        let written = form(&value).replace("%5B", "[").replace("%5D", "]");
        assert_eq!(written, expected, "{value}");
    }
}

#[test]
fn addresses_and_headers_take_variables() {
    let draft = drafted(json!({
        "url": "https://example.com/contacts/{subscriber_email}?plan={custom_field_plan}",
        "headers": {"X-Id": "id {subscriber_id}", "X-Env": "prod"},
    }));
    assert_eq!(draft.url.as_str(), "https://example.com/contacts/ada%2Bx%40example.com?plan=pro");
    assert_eq!(
        (&draft.headers["x-id"], &draft.headers["x-env"]),
        (&"id 7".parse().unwrap(), &"prod".parse().unwrap())
    );
}

#[test]
fn faults_are_told_when_it_is_saved() {
    for (change, expected) in [
        (
            json!({"payload": {"a": ["{subscriber_emial}"]}}),
            "payload.a.0: at character 1: there is no variable subscriber_emial",
        ),
        (json!({"payload": {"a": "x {"}}), "payload.a: at character 3"),
        (
            json!({"url": "https://{subscriber_email}/"}),
            "url: must begin with http:// or https:// and a host",
        ),
        (json!({"url": "https://a.b/{x}"}), "url: at character 13: there is no variable x"),
        (json!({"headers": {"X": "{y}"}}), "headers.X: at character 1: there is no variable y"),
        (json!({"filter": "plan == 'pro'"}), "filter: there is no variable plan"),
        (json!({"filter": "data.plan =="}), "filter: at character"),
        (json!({"format": "text", "payload": "{a.b}"}), "payload: at character 1: there is no variable a"),
    ] {
        let faults = check(&settings(change.clone()));
        let [fault] = &faults[..] else { panic!("{change}: {faults:?}") };
        let fault = format!("{}: {}", fault.field, fault.message);
        assert!(fault.starts_with(expected), "{fault}");
    }
}

/// An event that names who is known here, if anybody is.
fn opened(subscriber: Option<Value>) -> Event {
    let data = json!({"subscriber_id": 7, "subscriber_email": "ada@example.com", "campaign_id": 456});
    let subscriber = subscriber.map(|known| known.to_string().into());
    Event {
        event_type: "email_opened".parse().unwrap(),
        data: data.to_string().into(),
        subscriber,
        ..event()
    }
}

#[test]
fn what_is_known_of_a_subscriber_is_asked_where_the_event_does_not_say_it() {
    let known = || Some(json!({"status": "subscribed", "lists": [1, 2], "tags": []}));
    let on_none = Some("the subscriber is on none of the webhook's lists");
    for (change, event, expected) in [
        (json!({"lists": [2]}), opened(known()), None),
        (json!({"lists": [9]}), opened(known()), on_none),
        (json!({"lists": [2]}), opened(None), Some("the event does not say which lists a subscriber is on")),
        (json!({"tags": ["vip"]}), opened(known()), Some("the subscriber has none of the webhook's tags")),
        (json!({"tags": ["vip"]}), opened(None), Some("the event does not say which tags a subscriber has")),
        (json!({"filter": "subscriber_status == 'subscribed'"}), opened(known()), None),
    ] {
        let settings = settings(change.clone());
        let refused = Rendering::compile(&settings).unwrap().refuses(&settings, &event);
        assert_eq!(refused.as_deref(), expected, "{change}");
    }
}

#[test]
fn wherever_a_subscriber_is_asked_for_is_known() {
    let data: Value = serde_json::from_str(&opened(None).data).unwrap();
    for (change, expected) in [
        (json!({}), false),
        (json!({"payload": {"id": "{subscriber_id}", "of": ["{subscriber_email}"]}}), false),
        (json!({"payload": {"id": "{subscriber_id}", "of": ["{subscriber_first_name}"]}}), true),
        (json!({"payload": "{custom_field_plan}", "format": "text"}), true),
        (json!({"url": "https://example.com/{subscriber_phone}"}), true),
        (json!({"headers": {"x-status": "{subscriber_status}"}}), true),
        (json!({"filter": "'vip' in subscriber_tags"}), true),
        (json!({"lists": [1]}), true),
        (json!({"tags": ["vip"]}), true),
    ] {
        let rendering = Rendering::compile(&settings(change.clone())).unwrap();
        assert_eq!(rendering.asked().exceeds(&data), expected, "{change}");
    }
}

#[test]
fn what_is_not_wanted_is_refused_with_a_reason() {
    for (change, expected) in [
        (json!({}), None),
        (json!({"filter": "subscriber_status == 'subscribed'"}), None),
        (json!({"filter": "data.status == 'pending'"}), Some("the webhook's filter does not hold")),
        (json!({"lists": [2, 9]}), None),
        (json!({"lists": [9]}), Some("the subscriber is on none of the webhook's lists")),
        (json!({"tags": ["vip"]}), None),
        (json!({"tags": ["new"]}), Some("the subscriber has none of the webhook's tags")),
    ] {
        let settings = settings(change.clone());
        let refused = Rendering::compile(&settings).unwrap().refuses(&settings, &event());
        assert_eq!(refused.as_deref(), expected, "{change}");
    }
}
