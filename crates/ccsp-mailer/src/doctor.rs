//! The command `doctor`: checks what a server needs, and says what to mend.

use anyhow::bail;
use store::{Location, Store};
use tokio::net::TcpListener;

use crate::config::ServeOptions;
use crate::{data_dir, setup};

/// The fewest files that a busy server can live with.
const FILES_NEEDED: u64 = 4_096;

type Finding = Result<String, String>;

/// Checks everything, prints a line each, and fails if anything does.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    let checks = [
        ("data folder", data_folder(&options)),
        ("master key", master_key(&options)),
        ("database", database(&options).await),
        ("address", address(&options).await),
        ("public URL", public_url(&options)),
        ("mail server", mail_server(&options).await),
        ("open files", open_files()),
        ("clock", clock()),
    ];
    let mut faults = 0;
    for (name, finding) in checks {
        match finding {
            Ok(text) => println!("ok     {name}: {text}"),
            Err(text) => {
                faults += 1;
                println!("fault  {name}: {text}");
            }
        }
    }
    if faults > 0 {
        bail!("{faults} of the checks found a fault");
    }
    Ok(())
}

fn data_folder(options: &ServeOptions) -> Finding {
    let folder = &options.common.data_dir;
    data_dir::create(folder).map_err(|error| format!("{error:#}"))?;
    tempfile::tempfile_in(folder)
        .map_err(|error| format!("{}: it can't be written: {error}", folder.display()))?;
    Ok(format!("{} can be written", folder.display()))
}

fn master_key(options: &ServeOptions) -> Finding {
    data_dir::master_key(&options.common.data_dir)
        .map(|_| "there is one".to_owned())
        .map_err(|error| format!("{error:#}"))
}

async fn database(options: &ServeOptions) -> Finding {
    let location = options.common.location().map_err(|error| error.to_string())?;
    let what = match &location {
        Location::File(file) => file.display().to_string(),
        Location::Server(_) => "the PostgreSQL server".to_owned(),
    };
    let store = Store::open(&location).map_err(|error| error.to_string())?;
    store.migrate(setup::now()).await.map_err(|error| format!("{what}: {:#}", anyhow::anyhow!(error)))?;
    Ok(format!("{what} answers, and its schema is up to date"))
}

async fn address(options: &ServeOptions) -> Finding {
    match TcpListener::bind(options.listen).await {
        Ok(_) => Ok(format!("{} is free", options.listen)),
        Err(error) => Err(format!("--listen {}: {error}. Is a server running already?", options.listen)),
    }
}

fn public_url(options: &ServeOptions) -> Finding {
    match &options.public_url {
        Some(url) if url.starts_with("https://") => Ok(url.clone()),
        Some(url) => {
            Ok(format!("{url}: tokens and keys travel in clear text; use https outside of a private network"))
        }
        None if options.listen.ip().is_loopback() => {
            Ok("none: only this machine reaches the server".to_owned())
        }
        None => Err("--public-url: senders need the address at which they reach this server".to_owned()),
    }
}

async fn mail_server(options: &ServeOptions) -> Finding {
    let Some(server) = options.mail_server().map_err(|error| error.to_string())? else {
        return Ok("none: nobody is told by mail when an outgoing webhook fails".to_owned());
    };
    match server.check().await {
        Ok(()) if options.alert_email.is_empty() => {
            Ok(format!("{} takes mails; --alert-email says who gets some", server.name()))
        }
        Ok(()) => Ok(format!("{} takes mails", server.name())),
        Err(error) => Err(format!("--smtp-url: {}: {:#}", server.name(), anyhow::anyhow!(error))),
    }
}

fn open_files() -> Finding {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= FILES_NEEDED => Ok(format!("{limit} at once")),
        Ok(limit) => Err(format!("only {limit} at once: allow the service at least {FILES_NEEDED}")),
        Err(error) => Err(error.to_string()),
    }
}

fn clock() -> Finding {
    // The day this check was written: a clock behind it makes every signature look forged.
    const WRITTEN: i64 = 1_795_392_000_000;
    let now = setup::now();
    if now.millis() < WRITTEN { Err(format!("{now}: the clock is behind")) } else { Ok(now.to_string()) }
}
