use serde_json::json;

use super::*;
use crate::testing::{config, destination, vault};

#[test]
fn what_may_be_saved_is_a_schedule() {
    assert_eq!(domain::outgoing::MAX_RETRIES, delivery::MAX_RETRIES);
    assert_eq!(domain::outgoing::MAX_RETRY_SECONDS, delivery::MAX_OFFSET_SECONDS);
}

/// The configuration in memory before and after it was changed so. Loaded is what was changed.
fn changed(change: impl FnOnce(&mut Config, &Vault)) -> (Snapshot, Snapshot) {
    let vault = vault();
    let stored = || config(&vault, json!({}), &[&["order_paid"], &["order_sent"]]);
    let before = Snapshot::new(stored(), &vault).unwrap();
    let mut next = Config { version: 2, ..stored() };
    next.incoming.changed.clear();
    next.outgoing.changed.clear();
    change(&mut next, &vault);
    let after = Snapshot::after(&before, next, &vault).unwrap();
    assert_eq!(after.version, 2);
    (before, after)
}

/// Which webhooks are the same in memory as before, the incoming one first.
fn taken_over(change: impl FnOnce(&mut Config, &Vault)) -> [bool; 3] {
    let (before, after) = changed(change);
    assert_eq!(after.outgoing.len(), 2);
    assert_eq!(after.subscribers_of(&"order_sent".parse().unwrap()).count(), 1);
    let id = before.incoming.keys().next().unwrap();
    let of_outgoing =
        |number| Arc::ptr_eq(&before.outgoing[&destination(number)], &after.outgoing[&destination(number)]);
    [Arc::ptr_eq(&before.incoming[id], &after.incoming[id]), of_outgoing(0), of_outgoing(1)]
}

#[test]
fn what_has_not_changed_is_taken_over() {
    assert_eq!(taken_over(|_, _| {}), [true, true, true]);
    let renamed = taken_over(|config, vault| {
        let mut stored = self::config(vault, json!({}), &[&["order_paid"]]);
        stored.outgoing.changed[0].0.settings.name.push('!');
        config.outgoing.changed = stored.outgoing.changed;
    });
    assert_eq!(renamed, [true, false, true]);
    let declared = taken_over(|config, _| {
        let settings = serde_json::from_value(json!({"label": "Plan", "type": "text"})).unwrap();
        let (created_at, updated_at) = (crate::testing::NOW, crate::testing::NOW);
        config.custom_fields.push(CustomField { name: "plan".into(), settings, created_at, updated_at });
    });
    assert_eq!(declared, [false, true, true], "its fields are checked by their types");
    let described = taken_over(|config, _| {
        config.presets.push(PresetRow { id: "our_shop".into(), body: "{}".into() });
    });
    assert_eq!(described, [false, true, true], "it may be its sender");
}

#[test]
fn what_is_not_there_any_more_is_gone() {
    let (_, after) = changed(|config, _| {
        config.incoming.ids.clear();
        config.outgoing.ids.remove(0);
    });
    assert!(after.incoming.is_empty());
    assert!(after.outgoing.keys().eq([&destination(1)]));
    assert_eq!(after.subscribers_of(&"order_paid".parse().unwrap()).count(), 0);
}
