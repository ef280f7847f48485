//! What incoming and outgoing webhooks have in common at the command line: they are listed, shown and made.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::table::{self, Column};
use super::{Client, ClientOptions, fault};

/// Entries on a page, the most that the API gives.
pub const PAGE: usize = 200;
/// The largest file that is read: as large as the largest body that `--max-body-bytes` allows.
const MAX_FILE: u64 = 64 * 1_024 * 1_024;

/// A kind of webhook.
pub struct Family {
    /// Its path below the API's.
    pub path: &'static str,
    /// What a list shows.
    pub columns: &'static [Column],
    /// What is shown of one.
    pub details: &'static [Column],
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct ListOptions {
    /// Only those of this status
    #[arg(long, env = "CCSP_STATUS", value_name = "STATUS")]
    status: Option<Status>,
    /// Only those whose name contains this
    #[arg(long, env = "CCSP_Q", value_name = "TEXT")]
    q: Option<String>,
    /// The most to show, newest first
    #[arg(long, env = "CCSP_LIMIT", value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    client: ClientOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// They work
    Active,
    /// They wait
    Paused,
    /// They don't work
    Inactive,
}

/// Options of commands about one thing that is there.
#[derive(Debug, Args)]
pub struct IdOptions {
    /// Which, as `list` shows it
    #[arg(value_name = "ID", value_parser = id)]
    pub id: String,
    #[command(flatten)]
    pub client: ClientOptions,
}

/// An id, which is part of a path: anything else would ask for something else.
///
/// # Errors
/// If it can't be one.
pub fn id(text: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_one = text.len() == 12 && text.bytes().all(letter);
    if is_one {
        Ok(text.to_owned())
    } else {
        Err("is 12 characters of a-z and 0-9, as `list` shows them".to_owned())
    }
}

impl Family {
    /// The command `list`.
    ///
    /// # Errors
    /// What the server says against it.
    pub async fn list(&self, options: ListOptions) -> anyhow::Result<()> {
        let client = Client::new(&options.client)?;
        let status = options.status.and_then(|status| status.to_possible_value());
        let mut query = Vec::new();
        query.extend(status.map(|status| ("status", status.get_name().to_owned())));
        query.extend(options.q.map(|q| ("q", q)));
        let rows = pages(&client, self.path, &query, usize::from(options.limit)).await?;
        if options.client.json {
            return Ok(table::json(&json!({ "data": rows }))?);
        }
        Ok(table::line(&table::table(self.columns, &rows))?)
    }

    /// The command `show`.
    ///
    /// # Errors
    /// What the server says against it.
    pub async fn show(&self, options: IdOptions) -> anyhow::Result<()> {
        let client = Client::new(&options.client)?;
        let webhook = client.get(&format!("{}/{}", self.path, options.id), &[]).await?;
        if options.client.json {
            return Ok(table::json(&webhook)?);
        }
        Ok(table::line(&table::details(self.details, &webhook))?)
    }
}

/// The newest entries of a list, up to a limit.
///
/// # Errors
/// What the server says against it.
pub async fn pages(
    client: &Client,
    path: &str,
    query: &[(&str, String)],
    limit: usize,
) -> anyhow::Result<Vec<Value>> {
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor = None;
    while entries.len() < limit {
        let size = (limit - entries.len()).min(PAGE);
        let (page, next) = self::page(client, path, query, size, cursor).await?;
        entries.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(entries)
}

/// A page of a list, and the cursor of the one behind it.
///
/// # Errors
/// What the server says against it.
pub async fn page(
    client: &Client,
    path: &str,
    query: &[(&str, String)],
    size: usize,
    cursor: Option<String>,
) -> anyhow::Result<(Vec<Value>, Option<String>)> {
    let mut query = query.to_vec();
    query.push(("limit", size.to_string()));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    let mut page = client.get(path, &query).await?;
    let Value::Array(entries) = page["data"].take() else {
        bail!("the server answered without a list: check --server")
    };
    Ok((entries, page["next_cursor"].as_str().map(str::to_owned)))
}

/// The settings of a new webhook: those of the file, if there is one, under those of the options.
///
/// # Errors
/// If the file can't be read, or is no JSON object.
pub fn settings(file: Option<&Path>, options: Vec<(&str, Option<Value>)>) -> anyhow::Result<Value> {
    let mut settings = match file {
        Some(file) => match json_file(file)? {
            Value::Object(settings) => settings,
            _ => return Err(fault("--file must hold one JSON object, the settings of the webhook")),
        },
        None => Map::new(),
    };
    for (name, value) in options {
        if let Some(value) = value {
            settings.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(settings))
}

/// A file of JSON.
///
/// # Errors
/// If it can't be read, or is none.
pub fn json_file(file: &Path) -> anyhow::Result<Value> {
    let bytes = bytes_of(file, "--file")?;
    serde_json::from_slice(&bytes)
        .map_err(|error| fault(&format!("--file {}: not JSON: {error}", file.display())))
}

/// What a file holds, or what comes in on stdin if it is `-`. `option` is what named it.
///
/// # Errors
/// If it can't be read, or is too large.
pub fn bytes_of(file: &Path, option: &str) -> anyhow::Result<Vec<u8>> {
    let name = file.display();
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| fault(&format!("{option} {name}: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fault(&format!(
            "{option} {name}: has more than {MAX_FILE} bytes, which no server takes"
        )));
    }
    Ok(bytes)
}

/// A text of what a server has answered.
///
/// # Errors
/// If it is not there.
pub fn answered(value: &Value, name: &str) -> anyhow::Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("the server answered without {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_step_of_a_path() {
        assert!(id("a1b2c3d4e5f6").is_ok());
        for wrong in ["", "a1b2c3d4e5f", "a1b2c3d4e5f6/x", "../../healthz", "A1B2C3D4E5F6"] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_are_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        std::fs::write(&file, r#"{"name": "File", "respond": "accepted"}"#).unwrap();
        let made = settings(Some(&file), vec![("name", Some(json!("Option"))), ("preset", None)]).unwrap();
        assert_eq!(made, json!({"name": "Option", "respond": "accepted"}));
        for wrong in ["[]", "{", ""] {
            std::fs::write(&file, wrong).unwrap();
            let error = settings(Some(&file), Vec::new()).unwrap_err();
            assert!(
                error.is::<crate::config::ConfigError>() && error.to_string().contains("--file"),
                "{error}"
            );
        }
    }
}
