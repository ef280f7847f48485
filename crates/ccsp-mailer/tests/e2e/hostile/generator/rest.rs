//! Attacks on the REST API.

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::json;
use testkit::http::BASE;

use super::super::values::{NUMBERS, SQL, broken_json, value};
use super::{Attack, Expect, Generator, attack, replace};

impl Generator {
    pub(super) fn broken_body(&mut self) -> Attack {
        let (path, body) = self.resource();
        let body = broken_json(&mut self.random, &body.to_string());
        let headers = self.authorized();
        attack("broken body", "POST", &format!("{BASE}{path}"), &headers, &body, Expect::Refused)
    }

    /// Something else where a member's value belongs, in what is made or changed.
    pub(super) fn odd_body(&mut self) -> Attack {
        let (path, mut body) = self.resource();
        let mut odd = value(&mut self.random);
        if self.random.random_ratio(1, 4) {
            odd = json!("THE NUMBER");
        }
        replace(&mut self.random, &mut body, odd);
        let number = self.pick(NUMBERS);
        let headers = self.authorized();
        let patched = self.places.patched.iter().find(|place| place.starts_with(path)).cloned();
        if let (Some(place), true) = (patched, self.random.random_ratio(1, 2)) {
            let body = body.to_string().replace("\"THE NUMBER\"", number);
            return attack(
                "odd patch",
                "PATCH",
                &format!("{BASE}{place}"),
                &headers,
                body.as_bytes(),
                Expect::Answered,
            );
        }
        let body = body.to_string().replace("\"THE NUMBER\"", number);
        attack("odd body", "POST", &format!("{BASE}{path}"), &headers, body.as_bytes(), Expect::Answered)
    }

    pub(super) fn unknown_field(&mut self) -> Attack {
        let (path, mut body) = self.resource();
        let long = "x".repeat(3_000);
        let name =
            self.pick(&["nmae", "__proto__", "constructor", "", "a.b", "id\u{0}", "$where", SQL[0], &long]);
        body[name] = value(&mut self.random);
        let headers = self.authorized();
        let body = body.to_string();
        attack("unknown field", "POST", &format!("{BASE}{path}"), &headers, body.as_bytes(), Expect::Refused)
    }

    pub(super) fn odd_query(&mut self) -> Attack {
        let logs = [
            format!("/incoming-webhooks/{}/requests", self.places.incoming),
            format!("/outgoing-webhooks/{}/deliveries", self.places.outgoing),
            "/subscribers".to_owned(),
            "/lists".to_owned(),
            "/tags".to_owned(),
            "/events".to_owned(),
            "/incoming-webhooks".to_owned(),
            "/outgoing-webhooks".to_owned(),
            "/api-keys".to_owned(),
        ];
        let path = logs.choose(&mut self.random).unwrap().clone();
        let wrong = [
            "limit=0",
            "limit=-1",
            "limit=201",
            "limit=99999999999999999999",
            "limit=1.5",
            "limit=NaN",
            "limit=",
            "limit=1&limit=2",
            "limit=%31%00",
            "cursor=",
            "cursor=x",
            "cursor=%00",
            "cursor=%ff",
            "cursor=-1",
            "nonsense=1",
            "=",
            "limit",
            "since=yesterday&nonsense=1",
            "limit[]=1",
            "limit[$gt]=1",
            "Limit=5",
            "cursor=../../x",
            "cursor=%27%20OR%201=1--",
        ];
        let maybe = [
            "q=%00",
            "q=%27%20OR%201=1--",
            "q=%25",
            "q=_",
            "q=%ff",
            "status=bogus",
            "since=9999-99-99",
            "email=%00",
            "email=x",
            "event_type=%27",
            "since=-271821-04-20T00:00:00Z",
            "until=2024-01-01T00:00:00%2b25:00",
            "email=a%40b.example.com%00",
        ];
        let (query, expect) = match self.random.random_ratio(2, 3) {
            true => (self.pick(&wrong).to_owned(), Expect::Refused),
            false => (self.pick(&maybe).to_owned(), Expect::Answered),
        };
        let query =
            if self.random.random_ratio(1, 20) { format!("cursor={}", "A".repeat(5_000)) } else { query };
        let headers = self.authorized();
        attack("odd query", "GET", &format!("{BASE}{path}?{query}"), &headers, b"", expect)
    }

    pub(super) fn odd_id(&mut self) -> Attack {
        let resource = self.pick(&[
            "/subscribers/",
            "/lists/",
            "/tags/",
            "/incoming-webhooks/",
            "/outgoing-webhooks/",
            "/requests/",
            "/deliveries/",
            "/events/",
            "/api-keys/",
        ]);
        let long = "9".repeat(3_000);
        let id = self.pick(&[
            "0",
            "-1",
            "1e3",
            "9223372036854775807",
            "9223372036854775808",
            "%00",
            "%ff",
            "%2e%2e",
            "..%2f..%2fetc",
            "'%20OR%20'1'='1",
            "a b",
            "null",
            "req_",
            "evt_zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "dlv_01",
            "%F0%9F%98%80",
            "{id}",
            "1%2f1",
            &long,
        ]);
        let method = self.pick(&["GET", "PATCH", "DELETE", "PUT", "POST", "TRACE", "BREW"]);
        let body: &[u8] = if method == "PATCH" { b"{}" } else { b"" };
        let suffix = self.pick(&["", "", "", "/retry", "/requests", "/deliveries", "/stats", "/x", "/"]);
        let headers = self.authorized();
        // A space ends the target: the rest is no version of HTTP.
        let expect = if id.contains(' ') { Expect::Broken } else { Expect::Refused };
        attack("odd id", method, &format!("{BASE}{resource}{id}{suffix}"), &headers, body, expect)
    }

    pub(super) fn odd_caller(&mut self) -> Attack {
        let (path, body) = self.resource();
        let long = format!("Bearer {}", "k".repeat(5_000));
        let key = self.places.key.clone();
        let mutilated = format!("Bearer {}", &key[..key.len() - 1]);
        let basic = format!("Basic {key}");
        let evil = self.pick(&[
            "",
            "Bearer",
            "Bearer ",
            "Bearer '; DROP TABLE api_keys; --",
            "Bearer \u{ff}",
            &long,
            &mutilated,
            &basic,
            "Bearer null",
            "Digest x",
            "bearer\tx",
        ]);
        let headers =
            vec![("authorization", evil.as_bytes().to_vec()), ("content-type", b"application/json".to_vec())];
        let body = body.to_string();
        attack("odd caller", "POST", &format!("{BASE}{path}"), &headers, body.as_bytes(), Expect::Refused)
    }
}
