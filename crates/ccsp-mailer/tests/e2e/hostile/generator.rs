//! Makes attacks, always the same ones from the same seed.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use serde_json::{Value, json};
use testkit::http::BASE;

use super::values::{LINES, NUMBERS, SQL, TEXTS, broken_json, value};

/// What an attack aims at.
pub struct Places {
    /// An admin key.
    pub key: String,
    /// The path of an incoming webhook's address.
    pub receiving: String,
    /// The same of one that asks for signatures.
    pub signed: String,
    /// A list.
    pub list: i64,
    /// A URL to which webhooks may go.
    pub destination: String,
    /// Resources that attacks may change.
    pub patched: Vec<String>,
    /// The id of an outgoing webhook.
    pub outgoing: String,
    /// The id of an incoming webhook.
    pub incoming: String,
}

/// What an attack must lead to.
#[derive(Debug)]
pub enum Expect {
    /// A 4xx.
    Refused,
    /// A 4xx, or a 2xx if it happens to be valid.
    Answered,
    /// As before; if it is taken, this is what is stored.
    Stored { email: String, first_name: String },
    /// It is no HTTP: a 4xx, or the end of the connection.
    Broken,
}

/// One request, ready to be written.
pub struct Attack {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub expect: Expect,
}

type Headers<'a> = Vec<(&'a str, Vec<u8>)>;

/// Makes one attack after the other.
pub struct Generator {
    random: StdRng,
    places: Places,
    made: usize,
}

impl Generator {
    pub fn new(random: StdRng, places: Places) -> Generator {
        Generator { random, places, made: 0 }
    }

    pub fn next(&mut self) -> Attack {
        self.made += 1;
        match self.random.random_range(0..20) {
            0 | 1 => self.broken_payload(),
            2 | 3 => self.odd_payload(),
            4 => self.odd_numbers(),
            5 | 6 => self.statement_in_payload(),
            7 => self.odd_headers(),
            8 => self.odd_content_type(),
            9 => self.odd_address(),
            10 => self.too_large(),
            11 => self.forged_signature(),
            12 => self.no_http(),
            13 => self.broken_body(),
            14 | 15 => self.odd_body(),
            16 => self.unknown_field(),
            17 => self.odd_query(),
            18 => self.odd_id(),
            _ => self.odd_caller(),
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.random).unwrap()
    }

    /// A payload in the specification's form, of a subscriber who is new.
    fn payload(&self) -> Value {
        json!({
            "event": "subscriber_added", "timestamp": "2024-01-15T10:30:00Z",
            "data": {
                "email": format!("attack-{}@example.com", self.made), "first_name": "John", "last_name": "Doe",
                "list_id": self.places.list, "status": "subscribed", "source": "attack", "tags": ["a"],
                "custom_fields": {"company": "Acme Corp", "phone": "+1234567890"},
            }
        })
    }

    /// What POST of a resource takes.
    fn resource(&mut self) -> (&'static str, Value) {
        let name = format!("attack {}", self.made);
        match self.random.random_range(0..7) {
            0 => ("/lists", json!({"name": name})),
            1 => ("/tags", json!({"name": name})),
            2 => {
                let email = format!("rest-{}@example.com", self.made);
                let fields = json!({"email": email, "first_name": "a", "last_name": "b", "phone": "1", "company": "c",
                    "source": "d", "status": "subscribed", "custom_fields": {"plan": "pro"},
                    "lists": [self.places.list], "tags": ["t"]});
                ("/subscribers", fields)
            }
            3 => {
                let actions = json!([
                    {"type": "add_subscriber", "lists": [self.places.list], "tags": ["a"], "status": "subscribed"},
                    {"type": "change_status", "status": "bounced"}]);
                let fields = json!({"name": name, "description": "d", "event_type": "subscriber_added",
                    "status": "active", "signature": {"scheme": "hmac_sha256", "header": "X-Sig", "tolerance_seconds": 5},
                    "mapping": [{"to": "email", "from": "data.email"}], "actions": actions, "respond": "accepted",
                    "require_api_key": false, "on_unprocessable": "accept"});
                ("/incoming-webhooks", fields)
            }
            4 => {
                // Inactive, and for an event that nothing here causes: it only has to be stored.
                let fields = json!({"name": name, "url": self.places.destination, "events": ["campaign_sent"],
                    "method": "POST", "status": "inactive", "headers": {"X-A": "b"}, "timeout_seconds": 3,
                    "signing": {"schemes": ["standard_webhooks"]}, "retry": {"schedule_seconds": [1]},
                    "concurrency": 2, "expect_json": true});
                ("/outgoing-webhooks", fields)
            }
            5 => ("/events", json!({"event": "campaign_sent", "data": {"campaign_id": 1}})),
            _ => ("/api-keys", json!({"name": name, "scope": "read"})),
        }
    }

    // --- the receive endpoint ---

    fn broken_payload(&mut self) -> Attack {
        let whole = self.payload().to_string();
        let body = broken_json(&mut self.random, &whole);
        self.received("broken payload", body, Expect::Refused)
    }

    /// Something else where a member's value belongs, or members that are not there.
    fn odd_payload(&mut self) -> Attack {
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

    fn odd_numbers(&mut self) -> Attack {
        let digits = "9".repeat(5_000);
        let number = if self.random.random_ratio(1, 5) { &*digits } else { self.pick(NUMBERS) };
        let mut payload = self.payload();
        replace(&mut self.random, &mut payload, json!("THE NUMBER"));
        let body = payload.to_string().replace("\"THE NUMBER\"", number);
        self.received("odd numbers", body.into_bytes(), Expect::Answered)
    }

    fn statement_in_payload(&mut self) -> Attack {
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

    fn odd_headers(&mut self) -> Attack {
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

    fn odd_content_type(&mut self) -> Attack {
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

    fn odd_address(&mut self) -> Attack {
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

    fn too_large(&mut self) -> Attack {
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

    fn forged_signature(&mut self) -> Attack {
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

    fn no_http(&mut self) -> Attack {
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

    // --- the REST API ---

    fn broken_body(&mut self) -> Attack {
        let (path, body) = self.resource();
        let body = broken_json(&mut self.random, &body.to_string());
        let headers = self.authorized();
        attack("broken body", "POST", &format!("{BASE}{path}"), &headers, &body, Expect::Refused)
    }

    /// Something else where a member's value belongs, in what is made or changed.
    fn odd_body(&mut self) -> Attack {
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

    fn unknown_field(&mut self) -> Attack {
        let (path, mut body) = self.resource();
        let long = "x".repeat(3_000);
        let name =
            self.pick(&["nmae", "__proto__", "constructor", "", "a.b", "id\u{0}", "$where", SQL[0], &long]);
        body[name] = value(&mut self.random);
        let headers = self.authorized();
        let body = body.to_string();
        attack("unknown field", "POST", &format!("{BASE}{path}"), &headers, body.as_bytes(), Expect::Refused)
    }

    fn odd_query(&mut self) -> Attack {
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

    fn odd_id(&mut self) -> Attack {
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

    fn odd_caller(&mut self) -> Attack {
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

    fn received(&self, name: &'static str, body: Vec<u8>, expect: Expect) -> Attack {
        attack(name, "POST", &self.places.receiving, &json_type(), &body, expect)
    }

    fn authorized(&self) -> Headers<'static> {
        let key = format!("Bearer {}", self.places.key).into_bytes();
        [json_type(), vec![("authorization", key)]].concat()
    }
}

fn json_type() -> Headers<'static> {
    vec![("content-type", b"application/json".to_vec())]
}

/// Puts `odd` in the place of some value within `whole`, which is an object or an array.
fn replace(random: &mut StdRng, whole: &mut Value, odd: Value) {
    let mut place = whole;
    loop {
        let is_final = random.random_ratio(1, 3);
        place = match place {
            Value::Object(members) => {
                let names: Vec<String> = members.keys().cloned().collect();
                members.get_mut(names.choose(random).unwrap()).unwrap()
            }
            Value::Array(items) => items.choose_mut(random).unwrap(),
            _ => unreachable!("only containers are entered"),
        };
        let has_content = match place {
            Value::Object(members) => !members.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        if is_final || !has_content {
            *place = odd;
            return;
        }
    }
}

fn attack(
    name: &'static str,
    method: &str,
    target: &str,
    headers: &Headers<'_>,
    body: &[u8],
    expect: Expect,
) -> Attack {
    Attack { name, bytes: request(method, target, headers, body, true), expect }
}

fn request(method: &str, target: &str, headers: &Headers<'_>, body: &[u8], with_length: bool) -> Vec<u8> {
    let mut bytes =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if with_length {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}
