//! Any rules of a mapping are compiled or refused, and map any payload: the rules as JSON, an empty line, the payload.

#![no_main]

use expression::Mapping;
use fuzz::split;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let (rules, record) = split(input, b"\n\n");
    let Ok(record) = serde_json::from_slice::<Value>(record) else { return };
    domain::mapping::own_form(&record);
    let Ok(rules) = serde_json::from_slice::<Vec<domain::mapping::Rule>>(rules) else { return };
    if let Ok(mapping) = Mapping::compile(&rules) {
        let applied = mapping.apply(&record);
        assert_eq!(applied.outcomes.len(), rules.len());
        applied.mapped();
    }
});
