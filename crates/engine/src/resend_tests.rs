use domain::EventId;
use domain::audit::ActorKind;
use store::commit::Writes;

use super::*;
use crate::batch::{Decided, Done, Item};
use crate::command::Command;
use crate::snapshot::Snapshot;
use crate::testing::{NOW, decide, destination, snapshot};

/// A delivery to the first destination.
fn first(data: Option<&str>) -> Resend {
    let event = Event {
        id: EventId::lowest_at(NOW),
        event_type: "order_paid".parse().unwrap(),
        occurred_at: NOW.plus_millis(-5_000),
        data: r#"{"subscriber_id":7,"n":1}"#.into(),
        request_id: None,
        subscriber: None,
    };
    Resend {
        delivery: DeliveryId::lowest_at(NOW),
        webhook_id: destination(0),
        event,
        data: data.map(str::to_owned),
        actor: Actor::here(ActorKind::CommandLine),
    }
}

fn run(snapshot: &Arc<Snapshot>, resend: &Resend) -> (Writes, Decided) {
    let command = Command::Resend(Box::new(resend.clone()));
    decide(snapshot, vec![Item::Command(Box::new(command))], vec![])
}

fn executed(decided: &Decided) -> &Executed {
    match &decided.done[..] {
        [Done::Executed(executed)] => executed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_makes_one_delivery_and_tells_nothing() {
    // All three want events of the kind, or no longer do: only the one is sent to, whatever it wants.
    let snapshot = snapshot(json!({}), &[&["order_sent"], &["order_paid"], &["*"]]);
    let resend = first(Some(r#"{"subscriber_id":7,"n":2}"#));
    let (writes, decided) = run(&snapshot, &resend);
    assert!(writes.events.is_empty() && writes.skipped.is_empty() && decided.told.is_empty(), "{writes:?}");
    let [made] = &writes.deliveries[..] else { panic!("{writes:?}") };
    assert_eq!(made.webhook_id, destination(0));
    let Some(resent) = &writes.resent else { panic!("{writes:?}") };
    assert_eq!((resent.from, resent.delivery, resent.event.id), (resend.delivery, made.id, made.event_id));
    let event = &resent.event;
    assert_ne!(event.id, resend.event.id);
    assert_eq!((&event.event_type, event.occurred_at), (&resend.event.event_type, resend.event.occurred_at));
    assert_eq!(event.data.as_ref(), r#"{"subscriber_id":7,"n":2}"#);
    let [job] = &decided.jobs[..] else { panic!("it has a place in memory") };
    assert_eq!((job.id, &*job.event), (made.id, event));
    let [told] = &writes.audit[..] else { panic!("{writes:?}") };
    assert_eq!((told.action(), &told.actor), ("delivery.resent".to_owned(), &resend.actor));
    let Executed::Resent(shown) = executed(&decided) else { panic!("{:?}", decided.done) };
    assert_eq!((shown.id, shown.resent_from, &shown.event), (made.id, Some(resend.delivery), event));
}

#[test]
fn unedited_it_is_the_same_under_another_id() {
    let snapshot = snapshot(json!({}), &[&["order_paid"]]);
    let resend = first(None);
    let (writes, _) = run(&snapshot, &resend);
    let event = writes.resent.unwrap().event;
    assert_eq!(Event { id: resend.event.id, ..event.clone() }, resend.event);
    assert_ne!(event.id, resend.event.id);
}

#[test]
fn a_webhook_that_is_gone_gets_nothing() {
    let snapshot = snapshot(json!({}), &[&["order_paid"]]);
    let resend = Resend { webhook_id: destination(1), ..first(None) };
    let (writes, decided) = run(&snapshot, &resend);
    assert!(matches!(executed(&decided), Executed::WebhookGone), "{:?}", decided.done);
    assert!(writes.deliveries.is_empty() && writes.resent.is_none() && writes.audit.is_empty(), "{writes:?}");
}

#[test]
fn what_was_known_of_the_subscriber_goes_along_unless_it_is_another() {
    let mut snapshot = Arc::into_inner(snapshot(serde_json::json!({}), &[&["order_paid"]])).unwrap();
    let outgoing = snapshot.outgoing.get_mut(&destination(0)).unwrap();
    let mut webhook = outgoing.webhook.clone();
    webhook.settings.payload = Some("{subscriber_first_name}".into());
    let secrets = outgoing.secrets.clone();
    *outgoing = Arc::new(crate::snapshot::Outgoing::new(webhook, secrets));
    let snapshot = Arc::new(snapshot);
    let kept: Arc<str> = r#"{"first_name":"Ada"}"#.into();
    for (data, expected) in [
        (None, Some(kept.clone())),
        (Some(r#"{"subscriber_id":7,"n":2}"#), Some(kept.clone())),
        (Some(r#"{"subscriber_id":8}"#), None),
        (Some("{}"), None),
    ] {
        let mut resend = first(data);
        resend.event.subscriber = Some(kept.clone());
        let (writes, _) = run(&snapshot, &resend);
        assert_eq!(writes.resent.unwrap().event.subscriber, expected, "{data:?}");
    }
}
