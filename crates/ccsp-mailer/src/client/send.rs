//! The command `send`: posts a file to an incoming webhook as its sender would, signed.
//!
//! The server adds token, key and signature, so that nobody has to be shown them to try a webhook.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use super::table::{self, text};
use super::webhooks::{bytes_of, id};
use super::{Client, ClientOptions, fault};

/// Options of `send`.
#[derive(Debug, Args)]
pub struct SendOptions {
    /// What to post; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The incoming webhook, as `incoming list` shows it
    #[arg(long, env = "CCSP_WEBHOOK", value_name = "ID", value_parser = id)]
    webhook: String,
    /// The type of the file; guessed from its name if not given, and JSON if that says nothing
    #[arg(long, env = "CCSP_CONTENT_TYPE", value_name = "TYPE")]
    content_type: Option<String>,
    /// One more header, such as 'X-GitHub-Event: push'; several times
    #[arg(long = "header", env = "CCSP_HEADER", value_name = "NAME: VALUE", value_parser = one_header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Sign it wrong, to see it refused
    #[arg(long, env = "CCSP_WRONG_SIGNATURE")]
    wrong_signature: bool,
    #[command(flatten)]
    client: ClientOptions,
}

fn one_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("must be a name, a colon and a value")?;
    let name = name.trim().parse().map_err(|_| "has no name of a header before its colon")?;
    let value = value.trim().parse().map_err(|_| "has no value of a header behind its colon")?;
    Ok((name, value))
}

/// Runs the command.
///
/// # Errors
/// If the server or the webhook refuses it.
pub async fn run(options: SendOptions) -> anyhow::Result<()> {
    let client = Client::new(&options.client)?;
    let body = bytes_of(&options.file, "FILE")?;
    let content_type = options.content_type.as_deref().unwrap_or_else(|| guess(&options.file));
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(content_type).map_err(|_| fault("--content-type can't be one"))?;
    headers.insert(header::CONTENT_TYPE, value);
    headers.extend(options.headers);
    let signature = if options.wrong_signature { "wrong" } else { "right" };
    post(&client, &options.webhook, Posted { headers, body, signature }, options.client.json).await
}

/// The content type that a file's name tells of.
fn guess(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("txt") => "text/plain",
        Some("form" | "urlencoded") => "application/x-www-form-urlencoded",
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        _ => "application/json",
    }
}

/// What is posted.
pub struct Posted {
    /// Its headers, content type included.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// `right`, `wrong` or `none`.
    pub signature: &'static str,
}

/// Posts it, and prints the answer.
///
/// # Errors
/// If the server or the webhook refuses it.
pub async fn post(client: &Client, webhook: &str, posted: Posted, json: bool) -> anyhow::Result<()> {
    let path = format!("/incoming-webhooks/{webhook}/test");
    let query = [("signature", posted.signature.to_owned())];
    let answer = client.send(Method::POST, &path, &query, posted.headers, posted.body).await?;
    let status = answer["status"].as_u64().unwrap_or_default();
    let is_taken = (200..300).contains(&status);
    if json {
        table::json(&answer)?;
    } else {
        table::line(&format!(
            "{} answered {status}\n{}",
            if is_taken { '✓' } else { '✗' },
            body_of(&answer)
        ))?;
    }
    if !is_taken {
        bail!("the webhook refused the request: {}", text(&answer["body"]["message"]));
    }
    Ok(())
}

/// The members of an answer, or its text.
fn body_of(answer: &Value) -> String {
    match answer["body"].as_object() {
        Some(members) => table::pairs(members.iter().map(|(name, value)| (name.as_str(), text(value)))),
        None => text(&answer["body"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_of_a_type() {
        for (name, expected) in [
            ("a.json", "application/json"),
            ("-", "application/json"),
            ("a.txt", "text/plain"),
            ("a.form", "application/x-www-form-urlencoded"),
            ("a.jsonl", "application/x-ndjson"),
        ] {
            assert_eq!(guess(Path::new(name)), expected);
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let (name, value) = one_header("X-GitHub-Event: push").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-github-event", "push"));
        for wrong in ["push", ": push", "X Y: push", "X: a\nb"] {
            assert!(one_header(wrong).is_err(), "{wrong}");
        }
    }
}
