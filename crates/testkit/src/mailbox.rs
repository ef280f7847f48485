//! A mail server that keeps what it gets: aiosmtpd, from the tests' venv.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{eventually, python_tool};

/// Who may send mail here, and by which password.
pub const USER: &str = "mailer@example.com";
/// The password.
pub const PASSWORD: &str = "a pass:word/with@marks";

/// Says which port it got, and then each mail, as lines of JSON.
const SERVER: &str = r#"
import asyncio, json, sys
from email import message_from_bytes, policy
from aiosmtpd.smtp import SMTP, AuthResult

def check(server, session, envelope, mechanism, data):
    known = (data.login.decode(), data.password.decode()) == tuple(sys.argv[2:4])
    return AuthResult(success=known, handled=False)

class Keeper:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        print(json.dumps({
            "sender": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["subject"],
            "id": mail["message-id"], "text": mail.get_content()}), flush=True)
        return "250 kept"

async def main():
    make = lambda: SMTP(
        Keeper(), hostname="mailbox", authenticator=check, auth_required=True, auth_require_tls=False)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", int(sys.argv[1]))
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

#[derive(Deserialize)]
struct Listening {
    port: u16,
}

/// A mail as it arrived.
#[derive(Clone, Debug, Deserialize)]
pub struct ReceivedMail {
    /// Who sent it, as the envelope says.
    pub sender: String,
    /// To whom, as the envelope says.
    pub to: Vec<String>,
    /// What about.
    pub subject: String,
    /// Its `Message-ID`.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// A running mail server, gone with this.
pub struct Mailbox {
    port: u16,
    mails: Arc<Mutex<Vec<ReceivedMail>>>,
    _child: Child,
}

impl Mailbox {
    /// Starts one on a port, or on a free one if that is 0.
    ///
    /// # Errors
    /// When the venv is not there, or the port is taken.
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let mut child = Command::new(python_tool("python")?)
            .args(["-W", "ignore", "-c", SERVER, &port.to_string(), USER, PASSWORD])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the mail server can't be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("it has no stdout")?).lines();
        let first = lines.next_line().await?.context("the mail server ended at once")?;
        let Listening { port } = serde_json::from_str(&first)?;
        let mails: Arc<Mutex<Vec<ReceivedMail>>> = Arc::default();
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(mail) = serde_json::from_str(&line) {
                    kept.lock().push(mail);
                }
            }
        });
        Ok(Self { port, mails, _child: child })
    }

    /// The port that it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What sends mail here.
    pub fn url(&self) -> String {
        format!("smtp://mailer%40example.com:a%20pass%3Aword%2Fwith%40marks@127.0.0.1:{}", self.port)
    }

    /// Waits until so many mails have arrived.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> anyhow::Result<Vec<ReceivedMail>> {
        let look = async || {
            let mails = self.mails.lock().clone();
            (mails.len() >= count).then_some(mails)
        };
        let mails = eventually("the mails to arrive", patience, look).await?;
        ensure!(mails.len() == count, "{} mails instead of {count}: {mails:?}", mails.len());
        Ok(mails)
    }
}
