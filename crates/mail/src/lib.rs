//! The way out for mails: a connection to the SMTP server that the operator names.
//!
//! Invariants: a password is sent over an encrypted connection alone, but to this machine itself; certificates are checked;
//! what goes wrong is told without the password. Neighbours: `engine` says what is sent, and when.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// How long a server may take for one command: slow ones look the sender up first.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Where servers take mail of those who log in (RFC 6409), and the same with TLS from the start (RFC 8314).
const PORT: u16 = 587;
const TLS_PORT: u16 = 465;

/// Why what the operator says of the server can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// Not a URL of an SMTP server.
    #[error("must be smtp://user:password@host:port or smtps://user:password@host:port")]
    Url,
    /// No address.
    #[error("must be an address such as mailer@example.com, or Name <mailer@example.com>")]
    From,
    /// Nothing to check certificates with.
    #[error("needs TLS, which can't be set up")]
    Tls,
}

/// Why a mail was not sent. Not before all of it is with the server it counts as sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It can't be sent, now or later.
    #[error("the mail can't be sent")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may go better later.
    #[error("the mail server can't be reached, or can't take it now")]
    Passing(#[source] lettre::transport::smtp::Error),
}

impl From<lettre::transport::smtp::Error> for SendError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        if error.is_permanent() { Self::Refused(Box::new(error)) } else { Self::Passing(error) }
    }
}

/// A mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The same each time it is sent: by it the recipient's server knows it again.
    pub id: String,
    /// To whom.
    pub to: String,
    /// What about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub written_at: SystemTime,
}

/// The operator's server.
#[derive(Clone)]
pub struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    name: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether mail can be sent to this text.
pub fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

impl Server {
    /// The server of a URL, and who its mails are from. Nothing is connected to yet.
    ///
    /// # Errors
    /// Says what is wrong with which of the two.
    pub fn new(url: &str, from: &str) -> Result<Self, ServerError> {
        let url = Url::parse(url).map_err(|_| ServerError::Url)?;
        let with_tls = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(ServerError::Url),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ServerError::Url)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ServerError::Url);
        }
        let from: Mailbox = from.parse().map_err(|_| ServerError::From)?;
        let credentials = credentials(&url)?;
        let tls = TlsParameters::new(host.clone()).map_err(|_| ServerError::Tls)?;
        let tls = match (with_tls, &credentials) {
            (true, _) => Tls::Wrapper(tls),
            (false, Some(_)) if !is_here(&url) => Tls::Required(tls),
            (false, _) => Tls::Opportunistic(tls),
        };
        let port = url.port().unwrap_or(if with_tls { TLS_PORT } else { PORT });
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(credentials) = credentials {
            transport = transport.credentials(credentials);
        }
        Ok(Self { transport: transport.build(), from, name: format!("{host}:{port}") })
    }

    /// Its host and port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// Says whether trying again makes sense.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let to: Address = mail.to.parse().map_err(|error| SendError::Refused(Box::new(error)))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(mail.written_at)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|error| SendError::Refused(Box::new(error)))?;
        self.transport.send(message).await?;
        Ok(())
    }

    /// Connects, logs in, and leaves.
    ///
    /// # Errors
    /// If that is not possible.
    pub async fn check(&self) -> Result<(), SendError> {
        match self.transport.test_connection().await? {
            true => Ok(()),
            false => Err(SendError::Refused("the server does not answer".into())),
        }
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, ServerError> {
    let decoded = |text: &str| {
        percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| ServerError::Url)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() => {
            Ok(Some(Credentials::new(decoded(user)?, decoded(password)?)))
        }
        _ => Err(ServerError::Url),
    }
}

/// Whether the server runs on this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // Of schemes that are not the web's an address stays a name.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "CloudCusp Mailer <mailer@example.com>";

    #[test]
    fn servers() {
        for (url, name) in [
            ("smtp://mail.example.com", "mail.example.com:587"),
            ("smtps://mail.example.com", "mail.example.com:465"),
            ("smtp://me%40example.com:p%3Aw@mail.example.com:2525/", "mail.example.com:2525"),
            ("smtp://127.0.0.1:25", "127.0.0.1:25"),
            ("smtp://[::1]:25", "::1:25"),
        ] {
            assert_eq!(Server::new(url, FROM).unwrap().name(), name);
        }
        for wrong in [
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://user@mail.example.com",
            "smtp://:password@mail.example.com",
            "smtp://mail.example.com/path",
            "smtp://mail.example.com?tls=none",
        ] {
            assert_eq!(Server::new(wrong, FROM).err(), Some(ServerError::Url), "{wrong}");
        }
        assert_eq!(Server::new("smtp://mail.example.com", "nobody").err(), Some(ServerError::From));
    }

    #[test]
    fn a_server_does_not_show_its_password() {
        let server = Server::new("smtp://user:sekret@mail.example.com", FROM).unwrap();
        assert!(!format!("{server:?}").contains("sekret"));
    }
}
