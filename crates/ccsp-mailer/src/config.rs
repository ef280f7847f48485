//! Options: from the command line, else the environment, else `ccsp-mailer.toml`, else their defaults.
//!
//! The file is read first and its values become the defaults of the options of the same name, so that `clap` keeps the order.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, ValueEnum};
use domain::network::Network;
use outbound::IpNet;
use store::Location;

use crate::Cli;

/// The exit status for options that can't be used.
pub const EXIT_CONFIG: u8 = 2;
/// The file that is read if no other is named and it exists.
const DEFAULT_FILE: &str = "ccsp-mailer.toml";

/// Options of every command that opens the database.
#[derive(Clone, Debug, Args)]
pub struct CommonOptions {
    /// Where the data is: the embedded database, and the key that secrets are sealed with
    #[arg(long, env = "CCSP_DATA_DIR", value_name = "DIR", default_value = "./ccsp-data")]
    pub data_dir: PathBuf,
    /// A PostgreSQL database to use instead of the embedded one: postgres://user:password@host/name
    #[arg(long, env = "CCSP_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// How log lines on stderr look
    #[arg(long, env = "CCSP_LOG_FORMAT", value_name = "FORMAT", default_value = "human")]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, or a filter such as info,engine=debug
    #[arg(long, env = "CCSP_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// The configuration file; every option can stand there, without its dashes in front
    #[arg(long, env = "CCSP_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// For programs: one object a line.
    Json,
}

/// Options of the server.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    #[command(flatten)]
    pub common: CommonOptions,
    /// The address to listen on
    #[arg(long, env = "CCSP_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8025")]
    pub listen: SocketAddr,
    /// Where senders reach this server, if not at the address it listens on, such as `https://hooks.example.com`
    #[arg(long, env = "CCSP_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Networks that deliveries may go to although they are private: 10.0.0.0/8,192.168.1.10/32
    #[arg(long, env = "CCSP_ALLOW_PRIVATE_DESTINATIONS", value_name = "CIDR", value_delimiter = ',')]
    pub allow_private_destinations: Vec<IpNet>,
    /// Take requests over plain HTTP although the public URL is https
    #[arg(long, env = "CCSP_ALLOW_HTTP")]
    pub allow_http: bool,
    /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: 10.0.0.0/8,2001:db8::1
    #[arg(long, env = "CCSP_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// The most bytes of a request's body
    #[arg(long, env = "CCSP_MAX_BODY_BYTES", value_name = "BYTES", default_value = "1048576",
          value_parser = clap::value_parser!(u32).range(1_024..=67_108_864))]
    pub max_body_bytes: u32,
    /// How many requests may wait to be stored before senders are told to come again (503): each keeps its body in memory
    #[arg(long, env = "CCSP_MAX_WAITING_REQUESTS", value_name = "NUMBER", default_value = "8192",
          value_parser = clap::value_parser!(u32).range(16..=1_000_000))]
    pub max_waiting_requests: u32,
    /// How long the logs of requests, events and deliveries are kept, in days; 0 for ever
    #[arg(long, env = "CCSP_LOG_RETENTION_DAYS", value_name = "DAYS", default_value = "90",
          value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub log_retention_days: u32,
    /// How many entries the log of each webhook keeps, the newest, unless the webhook says otherwise; 0 for all
    #[arg(long, env = "CCSP_LOG_RETENTION_ENTRIES", value_name = "NUMBER", default_value = "0",
          value_parser = clap::value_parser!(u32))]
    pub log_retention_entries: u32,
    /// How long the audit log is kept, in days; 0 for ever
    #[arg(long, env = "CCSP_AUDIT_RETENTION_DAYS", value_name = "DAYS", default_value = "365",
          value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub audit_retention_days: u32,
    /// After how many days of nothing but failure an outgoing webhook is deactivated that does not say so itself; 0 for never
    #[arg(long, env = "CCSP_DISABLE_AFTER_DAYS", value_name = "DAYS", default_value = "5",
          value_parser = clap::value_parser!(u32).range(0..=365))]
    pub disable_after_days: u32,
    /// The server that mails are sent by: smtp://user:password@host:port, or smtps:// with TLS from the start
    #[arg(long, env = "CCSP_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Who mails are from: mailer@example.com, or CloudCusp <mailer@example.com>
    #[arg(long, env = "CCSP_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Who gets a mail when an outgoing webhook fails, is deactivated or recovers: ada@example.com,ops@example.com
    #[arg(long, env = "CCSP_ALERT_EMAIL", value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    pub alert_email: Vec<String>,
    /// Show /metrics without an API key
    #[arg(long, env = "CCSP_METRICS_PUBLIC")]
    pub metrics_public: bool,
}

impl CommonOptions {
    /// Where the database is.
    pub fn location(&self) -> Result<Location, ConfigError> {
        match &self.database_url {
            None => Ok(Location::File(self.data_dir.join("ccsp-mailer.sqlite"))),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Location::Server(url.clone()))
            }
            Some(_) => Err(ConfigError("--database-url must begin with postgres://".to_owned())),
        }
    }
}

impl ServeOptions {
    /// What sends mails, if anything does.
    pub fn mail_server(&self) -> Result<Option<mail::Server>, ConfigError> {
        let fault = |text: &str| Err(ConfigError(text.to_owned()));
        match (&self.smtp_url, &self.mail_from) {
            (None, _) if !self.alert_email.is_empty() => fault("--alert-email needs --smtp-url"),
            (None, _) => Ok(None),
            (Some(_), None) => fault("--smtp-url needs --mail-from"),
            (Some(url), Some(from)) => match mail::Server::new(url, from) {
                Ok(server) => Ok(Some(server)),
                Err(error @ mail::ServerError::From) => fault(&format!("--mail-from {error}")),
                Err(error) => fault(&format!("--smtp-url {error}")),
            },
        }
    }
}

/// An option that can't be used: one line that names it.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

fn address(text: &str) -> Result<String, String> {
    match mail::is_address(text) {
        true => Ok(text.to_owned()),
        false => Err("must be an address such as ada@example.com".to_owned()),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !text.contains(['?', '#', ' ']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("must be a URL such as https://hooks.example.com".to_owned()),
    }
}

/// What to print instead of running, and how to exit.
#[derive(Debug)]
pub struct Exit {
    text: String,
    is_help: bool,
}

impl Exit {
    /// Prints it: help on stdout, a fault on stderr.
    pub fn print(&self) -> ExitCode {
        if self.is_help {
            println!("{}", self.text.trim_end());
            return ExitCode::SUCCESS;
        }
        eprintln!("ccsp-mailer: {}", self.text);
        ExitCode::from(EXIT_CONFIG)
    }

    fn fault(text: String) -> Self {
        Self { text, is_help: false }
    }
}

/// Reads the command line, the environment and the file.
pub fn parse(arguments: Vec<OsString>) -> Result<Cli, Exit> {
    let file = file_named(&arguments).or_else(|| std::env::var_os("CCSP_CONFIG").map(PathBuf::from));
    let values = match &file {
        Some(file) => read(file)?,
        None if Path::new(DEFAULT_FILE).exists() => read(Path::new(DEFAULT_FILE))?,
        None => toml::Table::new(),
    };
    let command = with_defaults(Cli::command(), &values)?;
    let matches = command.try_get_matches_from(arguments).map_err(shown)?;
    Cli::from_arg_matches(&matches).map_err(shown)
}

/// The file must be known before the options are read, for it holds their defaults.
fn file_named(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--config") {
            Some("") => return arguments.next().map(|file| PathBuf::from(file.as_ref())),
            Some(rest) => {
                if let Some(file) = rest.strip_prefix('=') {
                    return Some(PathBuf::from(file));
                }
            }
            None => {}
        }
    }
    None
}

fn read(file: &Path) -> Result<toml::Table, Exit> {
    let fault = |why: String| Exit::fault(format!("--config {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    text.parse().map_err(|error: toml::de::Error| fault(first_line(error.message())))
}

/// The values of the file, as defaults of the options of their names.
fn with_defaults(mut command: clap::Command, values: &toml::Table) -> Result<clap::Command, Exit> {
    for (key, value) in values {
        let option = key.replace('-', "_");
        let value = text_of(value).ok_or_else(|| {
            Exit::fault(format!("{DEFAULT_FILE}: {key} must be a text, a number, a truth value or a list"))
        })?;
        let (changed, found) = set_default(command, &option, &value);
        if !found {
            return Err(Exit::fault(format!("{DEFAULT_FILE}: there is no option {key}")));
        }
        command = changed;
    }
    Ok(command)
}

fn set_default(command: clap::Command, option: &str, value: &str) -> (clap::Command, bool) {
    let mut found = command.get_arguments().any(|argument| argument.get_id() == option);
    let mut command = match found {
        true => command.mut_arg(option, |argument| argument.default_value(value.to_owned())),
        false => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| {
            let (changed, here) = set_default(sub, option, value);
            found |= here;
            changed
        });
    }
    (command, found)
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => Some(items.iter().map(text_of).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}

fn shown(error: clap::Error) -> Exit {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let text = error.render().to_string();
    if is_help {
        return Exit { text, is_help };
    }
    let fault = first_line(text.trim_start_matches("error: "));
    let tip =
        text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).or_else(|| advice(error.kind()));
    Exit::fault(match tip {
        Some(tip) => format!("{fault}; {tip}"),
        None => fault,
    })
}

/// What to do about a fault of this kind that says nothing of it itself.
fn advice(kind: ErrorKind) -> Option<&'static str> {
    use ErrorKind::{InvalidSubcommand, MissingRequiredArgument, UnknownArgument};
    matches!(kind, UnknownArgument | InvalidSubcommand | MissingRequiredArgument)
        .then_some("--help behind the command says what it takes")
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default().to_owned();
    // Of «the following required arguments were not provided:» the next line says which.
    if first.ends_with(':') { format!("{first} {}", lines.next().unwrap_or_default()) } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn serve(line: &str) -> ServeOptions {
        match parse(arguments(line)).unwrap().command {
            Command::Serve(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_file_gives_defaults_and_the_command_line_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nmax-body-bytes = 2048\nmetrics_public = true\nallow-private-destinations = [\"10.0.0.0/8\", \"::1/128\"]\n").unwrap();
        let options = serve(&format!("ccsp-mailer serve --config {} --listen 127.0.0.1:2", file.display()));
        assert_eq!(options.listen.port(), 2);
        assert_eq!(options.max_body_bytes, 2048);
        assert_eq!(options.allow_private_destinations.len(), 2);
        assert!(options.metrics_public);
    }

    #[test]
    fn a_fault_says_what_to_do_in_one_line() {
        for (line, says) in [
            (
                "ccsp-mailer serve --lisen x",
                "unexpected argument '--lisen' found; a similar argument exists: '--listen'",
            ),
            (
                "ccsp-mailer outgoing shw",
                "unrecognized subcommand 'shw'; a similar subcommand exists: 'show'",
            ),
            ("ccsp-mailer outgoing show", "<ID>; --help behind the command says what it takes"),
            (
                "ccsp-mailer api-key create --role x",
                "'--role' found; --help behind the command says what it takes",
            ),
            ("ccsp-mailer serve --listen nowhere", "invalid socket address syntax"),
        ] {
            let Exit { text, is_help } = parse(arguments(line)).unwrap_err();
            assert!(!is_help && text.ends_with(says) && !text.contains('\n'), "{line}: {text}");
        }
    }

    #[test]
    fn mails_need_a_server_and_a_sender() {
        let fault = |line: &str| serve(&format!("ccsp-mailer serve {line}")).mail_server().unwrap_err().0;
        assert!(fault("--alert-email ada@example.com").contains("--smtp-url"));
        assert!(fault("--smtp-url smtp://mail.example.com").contains("--mail-from"));
        assert!(fault("--smtp-url smtp://mail.example.com --mail-from nobody").starts_with("--mail-from"));
        let wrong = fault("--smtp-url http://me:sekret@mail.example.com --mail-from ada@example.com");
        assert!(wrong.starts_with("--smtp-url") && !wrong.contains("sekret"), "{wrong}");
        let whole = "ccsp-mailer serve --smtp-url smtp://mail.example.com --mail-from ada@example.com";
        assert!(serve(whole).mail_server().unwrap().is_some());
        assert!(serve("ccsp-mailer serve").mail_server().unwrap().is_none());
    }

    #[test]
    fn a_fault_is_one_line_that_names_the_option() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "listn = 1\n").unwrap();
        for (line, name) in [
            ("ccsp-mailer serve --listen nowhere".to_owned(), "--listen"),
            ("ccsp-mailer serve --public-url example.com".to_owned(), "--public-url"),
            (
                "ccsp-mailer serve --allow-private-destinations 10.0.0.0/99".to_owned(),
                "--allow-private-destinations",
            ),
            ("ccsp-mailer serve --alert-email nobody".to_owned(), "--alert-email"),
            ("ccsp-mailer api-key create".to_owned(), "--name"),
            ("ccsp-mailer serve --config /does/not/exist".to_owned(), "--config"),
            (format!("ccsp-mailer serve --config={}", file.display()), "listn"),
        ] {
            let exit = parse(arguments(&line)).unwrap_err();
            assert!(
                !exit.is_help && exit.text.lines().count() == 1 && exit.text.contains(name),
                "{line}: {}",
                exit.text
            );
        }
    }
}
