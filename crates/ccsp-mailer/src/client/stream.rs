//! Server-sent events (HTML Living Standard, section 9.2), read as they come.

use std::time::Duration;

use anyhow::Context;
use outbound::Opened;
use serde_json::Value;

/// The most that one event may be long, in bytes: a body of 1 MiB in JSON, where each character may take six.
const MAX_EVENT: usize = 8 * 1_024 * 1_024;

/// How long a server may say nothing: it says that it is there every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// A stream of events.
pub struct Events {
    opened: Opened,
    read: Vec<u8>,
}

/// An event: its name, and its data.
pub struct Event {
    /// What it is.
    pub name: String,
    /// Its data, which is JSON.
    pub data: Value,
}

impl Events {
    /// The events of an answer.
    pub fn of(opened: Opened) -> Self {
        Self { opened, read: Vec::new() }
    }

    /// The next event; `None` at the end of the stream, however it came about.
    ///
    /// # Errors
    /// If what comes is no such stream.
    pub async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            while let Some(message) = take_message(&mut self.read) {
                if let Some(event) = parse(&String::from_utf8_lossy(&message))? {
                    return Ok(Some(event));
                }
            }
            // A network that is gone says nothing; a server that is there does, every few seconds.
            let more = tokio::time::timeout(SILENCE, self.opened.next()).await;
            let Ok(Ok(Some(more))) = more else { return Ok(None) };
            self.read.extend_from_slice(&more);
            anyhow::ensure!(self.read.len() <= MAX_EVENT, "the server sends events that are too large");
        }
    }
}

/// What stands before the first empty line.
fn take_message(read: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = read.windows(2).position(|pair| pair == b"\n\n")?;
    let rest = read.split_off(end + 2);
    Some(std::mem::replace(read, rest))
}

/// An event; `None` for a comment.
fn parse(message: &str) -> anyhow::Result<Option<Event>> {
    let of = |field: &'static str| message.lines().filter_map(move |line| line.strip_prefix(field));
    let Some(name) = of("event: ").next() else { return Ok(None) };
    let data: Vec<&str> = of("data: ").collect();
    let data = serde_json::from_str(&data.join("\n")).context("the server sends what is no event of ours")?;
    Ok(Some(Event { name: name.to_owned(), data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_from_comments_and_from_each_other() {
        let mut read = b":\n\nevent: hello\nretry: 2000\ndata: {\"a\":1}\n\nevent: x\nda".to_vec();
        let comment = take_message(&mut read).unwrap();
        assert!(parse(&String::from_utf8(comment).unwrap()).unwrap().is_none());
        let hello = parse(&String::from_utf8(take_message(&mut read).unwrap()).unwrap()).unwrap().unwrap();
        assert_eq!((hello.name.as_str(), &hello.data["a"]), ("hello", &serde_json::json!(1)));
        assert!(take_message(&mut read).is_none());
        assert_eq!(read, b"event: x\nda");
        assert!(parse("event: x\ndata: {").is_err());
    }
}
