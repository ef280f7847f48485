//! Attacks on the receive endpoint.

use rand::RngExt;
use serde_json::{Value, json};
use testkit::http::BASE;

use super::super::values::{LINES, NUMBERS, SQL, TEXTS, broken_json, value};
use super::{Attack, Expect, Generator, attack, json_type, replace, request};

impl Generator {
    pub(super) fn broken_payload(&mut self) -> Attack {
        let whole = self.payload().to_string();
        let body = broken_json(&mut self.random, &whole);
        self.received("broken payload", body, Expect::Refused)
    }

    /// Something else where a member's value belongs, or members that are not there.
    pub(super) fn odd_payload(&mut self) -> Attack {
        let mut payload = self.payload();
        let odd = value(&mut self.random);
        replace(&mut self.random, &mut payload, odd);
        let body = match self.random.random_range(0..8) {
            0 => Value::from(vec![payload; 3]).to_string(),
            1 => Value::from(vec![json!([]), payload]).to_string(),
            _ => payload.to_string(),
        };
        self.received("odd payload", body.into_bytes(), Expect::Answered)
    }

    pub(super) fn odd_numbers(&mut self) -> Attack {
        let digits = "9".repeat(5_000);
        let number = if self.random.random_ratio(1, 5) { &*digits } else { self.pick(NUMBERS) };
        let mut payload = self.payload();
        replace(&mut self.random, &mut payload, json!("THE NUMBER"));
        let body = payload.to_string().replace("\"THE NUMBER\"", number);
        self.received("odd numbers", body.into_bytes(), Expect::Answered)
    }

    pub(super) fn statement_in_payload(&mut self) -> Attack {
        let evil = self.pick(&[SQL, TEXTS, LINES]);
        let evil = self.pick(evil);
        let mut payload = self.payload();
        if self.random.random_ratio(1, 3) {
            payload["data"]["email"] = json!(format!("{evil}@example.com"));
            return self.received(
                "statement in the email",
                payload.to_string().into_bytes(),
                Expect::Answered,
            );
        }
        payload["data"]["first_name"] = json!(evil);
        let email = payload["data"]["email"].as_str().unwrap().to_owned();
        // Control characters and white space around are not kept as they are.
        let is_kept = !evil.chars().any(char::is_control) && !evil.is_empty() && evil.trim() == evil;
        let expect = match is_kept && SQL.contains(&evil) {
            true => Expect::Stored { email, first_name: evil.to_owned() },
            false => Expect::Answered,
        };
        self.received("statement in a name", payload.to_string().into_bytes(), expect)
    }

    pub(super) fn odd_headers(&mut self) -> Attack {
        let name = self.pick(&[
            "webhook-id",
            "idempotency-key",
            "x-forwarded-for",
            "user-agent",
            "cookie",
            "x-webhook-token",
        ]);
        let long = "x".repeat(self.random.random_range(200..8_000));
        let evil = self.pick(&[SQL[0], TEXTS[6], "ÿþ", "\u{1b}[2J", &long, "a, b, c", "\t"]);
        let body = self.payload().to_string().into_bytes();
        let headers = vec![("content-type", b"application/json".to_vec()), (name, evil.as_bytes().to_vec())];
        let target = self.places.receiving.clone();
        // A control character is no part of a header.
        let expect = if evil.contains('\u{1b}') { Expect::Broken } else { Expect::Answered };
        attack("odd headers", "POST", &target, &headers, &body, expect)
    }

    pub(super) fn odd_content_type(&mut self) -> Attack {
        let odd = [
            "",
            "text/html",
            "application/xml",
            "application",
            "/",
            "application/json/x",
            "application/jsonp",
            "multipart/mixed; boundary=x",
            "application/octet-stream",
            "application/json, text/html",
            "*/*",
        ];
        let content_type = self.pick(&odd);
        let body = self.payload().to_string().into_bytes();
        let headers = vec![("content-type", content_type.as_bytes().to_vec())];
        let target = self.places.receiving.clone();
        attack("odd content type", "POST", &target, &headers, &body, Expect::Answered)
    }

    pub(super) fn odd_address(&mut self) -> Attack {
        let real = self.places.receiving.clone();
        let (path, token) = real.split_once("?token=").unwrap();
        let long = "a".repeat(9_000);
        let target = match self.random.random_range(0..14) {
            0 => format!("{path}?token=%zz"),
            1 => format!("{path}?token=%00{token}"),
            2 => format!("{path}?token=%ff%fe"),
            3 => format!("{path}?token={token}%20"),
            4 => format!("{path}?token={long}"),
            5 => format!("{path}?token=&token={token}"),
            6 => format!("{path}/?token={token}"),
            7 => format!("{path}/../x?token={token}"),
            8 => format!("{BASE}/webhooks/%2e%2e%2flists?token={token}"),
            9 => format!("{BASE}/webhooks/{long}?token={token}"),
            10 => format!("{BASE}/webhooks/%00?token={token}"),
            11 => format!("{BASE}/webhooks/'%20OR%20'1'='1?token={token}"),
            12 => format!("{BASE}/webhooks/A1B2C3D4E5F6?TOKEN={token}"),
            _ => format!("{BASE}//webhooks//x?token={token}"),
        };
        let body = self.payload().to_string().into_bytes();
        attack("odd address", "POST", &target, &json_type(), &body, Expect::Refused)
    }

    pub(super) fn too_large(&mut self) -> Attack {
        let size = 1_048_577 + self.random.random_range(0..500_000);
        let body = vec![b' '; size];
        let (target, headers) = match self.random.random_ratio(1, 3) {
            true => (format!("{BASE}/lists"), self.authorized()),
            false => (self.places.receiving.clone(), json_type()),
        };
        if self.random.random_ratio(1, 2) {
            return attack("too large", "POST", &target, &headers, &body, Expect::Refused);
        }
        let chunk = [format!("{size:x}\r\n").as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        let headers = [headers, vec![("transfer-encoding", b"chunked".to_vec())]].concat();
        Attack {
            name: "too large, in chunks",
            bytes: request("POST", &target, &headers, &chunk, false),
            expect: Expect::Refused,
        }
    }

    pub(super) fn forged_signature(&mut self) -> Attack {
        let evil = ["", "v1,", "v1,AAAA", "v1,%%%", "v2,AAAA", "v1", ",", " ", "v1,ÿ", "v1a,AAAA v1,AAAA"];
        let times =
            ["", "0", "-1", "99999999999999999999", "1e9", "NaN", "1700000000.5", "9223372036854775807"];
        let headers = vec![
            ("content-type", b"application/json".to_vec()),
            ("webhook-id", self.pick(&["", "a", "a.b", "x.1700000000"]).as_bytes().to_vec()),
            ("webhook-timestamp", self.pick(&times).as_bytes().to_vec()),
            ("webhook-signature", self.pick(&evil).as_bytes().to_vec()),
        ];
        let body = self.payload().to_string().into_bytes();
        let target = self.places.signed.clone();
        attack("forged signature", "POST", &target, &headers, &body, Expect::Refused)
    }

    pub(super) fn no_http(&mut self) -> Attack {
        let target = self.places.receiving.clone();
        let body = self.payload().to_string();
        let length = body.len();
        let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
        let bytes = match self.random.random_range(0..12) {
            0 => format!("{head}Content-Length: {}\r\n\r\n{body}", length + 100),
            1 => format!("{head}Content-Length: -1\r\n\r\n{body}"),
            2 => format!("{head}Content-Length: {length}\r\nContent-Length: 5\r\n\r\n{body}"),
            3 => format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n"),
            4 => format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{body}"),
            5 => format!("{head}X-A: a\rb\r\nContent-Length: {length}\r\n\r\n{body}"),
            6 => format!("{head}X-A\r\n\r\n"),
            7 => format!("POST {target}\u{0} HTTP/1.1\r\nHost: x\r\n\r\n"),
            8 => format!("POST {target} HTTP/9.9\r\n\r\n"),
            9 => format!("{head}{}\r\n", "X-A: b\r\n".repeat(500)),
            10 => format!("{head}X-A: {}\r\n\r\n", "x".repeat(1_000_000)),
            _ => "\u{16}\u{3}\u{1}\u{0}\u{5}hello".to_owned(),
        };
        Attack { name: "no HTTP", bytes: bytes.into_bytes(), expect: Expect::Broken }
    }
}
