//! Whatever comes in is let in or refused: what must hold of any request, for the property tests here and for the fuzz
//! targets, which call it with what they find.

#![expect(clippy::expect_used, reason = "a broken rule has to end the program that looks for it")]

use std::sync::Arc;

use http::HeaderMap;
use serde_json::Value;
use store::commit::RequestRow;

use crate::receive::{Accepted, Content, Received, admit, readmit};
use crate::records::MAX_RECORDS;
use crate::testing::{NOW, request, snapshot};
use crate::{Reply, body};

/// What a body may be decompressed to here.
const LIMIT: usize = 4_096;

/// Any body is read or refused, and what is read can be kept.
pub fn check_body(headers: &HeaderMap, bytes: &[u8]) {
    match body::read(headers, bytes, LIMIT) {
        Ok(payload) => {
            let kept: Value = serde_json::from_str(&payload.text).expect("the log keeps JSON");
            assert_eq!(kept, payload.value);
            assert!(!payload.text.contains('\0'));
        }
        Err(error) => {
            let reply = Reply::from(error);
            assert!([400, 413, 415].contains(&reply.status));
            assert!(serde_json::from_str::<Value>(&reply.body).is_ok());
        }
    }
}

/// Any request to a webhook with these settings is let in or refused, and one that is let in means the same when it is run
/// again from the log.
pub fn check_request(headers: HeaderMap, body: Vec<u8>, settings: Value) {
    let snapshot = snapshot(settings, &[]);
    let request = Arc::new(Received { headers, max_body: LIMIT, ..request(body) });
    match admit(&snapshot, &request, NOW) {
        Ok(accepted) => {
            assert!(accepted.event_type.chars().count() <= 64 && !accepted.event_type.contains('\0'));
            assert!(accepted.names.all().all(|name| name.len() <= 4 * 300));
            assert!(!accepted.headers.contains('\0') && !accepted.text.contains('\0'));
            if let Content::Records(records) = &accepted.content {
                assert!(records.list.len() <= MAX_RECORDS);
                let again = readmit(&accepted.incoming, &row(&accepted))
                    .expect("what the log keeps can be run again");
                assert_eq!(shown(&again), shown(&accepted));
            }
        }
        Err(reply) => assert!([400, 413, 415].contains(&reply.status), "{reply:?}"),
    }
}

/// The entry of the log, as far as it says what a request was.
pub(crate) fn row(accepted: &Accepted) -> RequestRow {
    RequestRow {
        id: domain::RequestId::lowest_at(NOW),
        webhook_id: accepted.webhook_id().clone(),
        received_at: accepted.received_at,
        event_type: accepted.event_type.clone(),
        sender_ip: accepted.sender_ip.clone(),
        method: accepted.method.clone(),
        content_type: accepted.content_type.clone(),
        headers: accepted.headers.clone(),
        payload: accepted.text.clone(),
        status: domain::log::RequestStatus::Accepted,
        attempts: 0,
        outcome: String::new(),
        response_status: 0,
        response_body: String::new(),
        resent_from: None,
        sealed: None,
    }
}

/// What was made of a request's records.
fn shown(accepted: &Accepted) -> String {
    match &accepted.content {
        Content::Records(records) => format!("{:?}", records.list),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
#[path = "fuzz_tests.rs"]
mod tests;
