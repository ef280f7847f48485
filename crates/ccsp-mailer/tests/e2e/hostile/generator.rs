//! Makes attacks, always the same ones from the same seed.

mod receiving;
mod rest;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use serde_json::{Value, json};

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
