use serde_json::json;

use super::*;
use crate::testing::{config, destination, vault};

#[test]
fn what_may_be_saved_is_a_schedule() {
    assert_eq!(domain::outgoing::MAX_RETRIES, delivery::MAX_RETRIES);
    assert_eq!(domain::outgoing::MAX_RETRY_SECONDS, delivery::MAX_OFFSET_SECONDS);
}

/// Which webhooks are the same in memory as before, the incoming one first, after the configuration was changed so.
fn taken_over(change: impl FnOnce(&mut Config, &Vault)) -> [bool; 3] {
    let vault = vault();
    let stored = config(&vault, json!({}), &[&["order_paid"], &["order_sent"]]);
    // The sealed secrets are other bytes each time they are sealed: those of before are still there.
    let sealed = |config: &Config| {
        (config.incoming[0].1.clone(), config.outgoing[0].1.clone(), config.outgoing[1].1.clone())
    };
    let (incoming, first, second) = sealed(&stored);
    let before = Snapshot::new(stored, &vault).unwrap();
    let mut again = config(&vault, json!({}), &[&["order_paid"], &["order_sent"]]);
    (again.incoming[0].1, again.outgoing[0].1, again.outgoing[1].1) = (incoming, first, second);
    again.version += 1;
    change(&mut again, &vault);
    let after = Snapshot::after(&before, again, &vault).unwrap();
    assert_eq!((after.version, after.outgoing.len()), (2, before.outgoing.len()));
    assert_eq!(after.subscribers_of(&"order_sent".parse().unwrap()).count(), 1);
    let id = before.incoming.keys().next().unwrap();
    let of_outgoing =
        |number| Arc::ptr_eq(&before.outgoing[&destination(number)], &after.outgoing[&destination(number)]);
    [Arc::ptr_eq(&before.incoming[id], &after.incoming[id]), of_outgoing(0), of_outgoing(1)]
}

#[test]
fn what_has_not_changed_is_taken_over() {
    assert_eq!(taken_over(|_, _| {}), [true, true, true]);
    let renamed = taken_over(|config, _| config.outgoing[0].0.settings.name.push('!'));
    assert_eq!(renamed, [true, false, true]);
    let rotated = taken_over(|config, vault| {
        let (webhook, sealed) = &mut config.outgoing[1];
        let secrets = OutgoingSecrets::new(Secret::new("whsec_another"));
        *sealed = vault.seal_outgoing(&webhook.id, &secrets);
    });
    assert_eq!(rotated, [true, true, false]);
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
