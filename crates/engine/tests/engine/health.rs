//! What becomes of destinations that fail, with the engine as it runs, on a clock that the case moves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use engine::feed::{Entry, Told};
use engine::{Alerts, Clock, Command, Engine, NewEvent, Operations, OutgoingSecrets};
use http::StatusCode;
use outbound::Client;
use serde_json::{Value, json};
use signature::Secret;
use store::{Row, Store};
use testkit::receiver::{Answer, always};
use testkit::{Mailbox, Receiver, eventually};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::running::{SECRET, clock, start_with};
use crate::support::{Look, NOW, Run, bump, put_outgoing, vault, webhook_id};

const PATIENCE: Duration = Duration::from_secs(60);
const SECOND: i64 = 1_000;

/// Makes a test of each case for each database.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let file = crate::running::File::create().await;
                super::$case(super::World::new(file.store.clone()).await).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let database = testkit::TestDatabase::create().await.unwrap();
                let store = store::Store::open(&store::Location::Server(database.url().to_owned())).unwrap();
                store.migrate(crate::support::NOW).await.unwrap();
                super::$case(super::World::new(store).await).await;
            })+
        }
    };
}

on_both!(
    a_destination_that_is_down_is_probed,
    nothing_but_failure_ends_a_webhook,
    who_recovers_is_told_of,
    mails_outlive_the_process,
);

fn operations() -> Operations {
    let to = vec!["ops@example.com".to_owned(), "ada@example.com".to_owned()];
    Operations { alerts: Alerts { to, public_url: None }, ..Operations::default() }
}

/// An engine, a destination that is ill, and one that wants to hear of it.
struct World {
    store: Store,
    engine: Engine,
    millis: Arc<AtomicI64>,
    clock: Clock,
    client: Client,
    ill: Receiver,
    watcher: Receiver,
}

impl World {
    async fn new(store: Store) -> Self {
        let (millis, clock) = clock();
        let (ill, watcher) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
        let allow_private = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let client =
            Client::new(outbound::Options { allow_private, ..outbound::Options::default() }).unwrap();
        ill.otherwise(always(Answer::new(StatusCode::SERVICE_UNAVAILABLE)));
        let put = |name, url, events: Value, schedule: Value| {
            let settings = json!({"name": name, "url": url, "events": events, "disable_after_seconds": 3_600,
                "retry": {"schedule_seconds": schedule}});
            let secrets = OutgoingSecrets::new(Secret::new(SECRET));
            put_outgoing(&vault(), &webhook_id(name), &serde_json::from_value(settings).unwrap(), &secrets)
        };
        let statements = vec![
            // Everything, but for what is told about itself.
            put("ill", ill.url("/"), json!(["*"]), json!([86_400])),
            put("watcher", watcher.url("/"), json!(["webhook_*"]), json!([])),
            bump(),
        ];
        store.write(Run(statements)).await.unwrap();
        let engine = start_with(&store, clock.clone(), client.clone(), 1, (operations(), None)).await;
        Self { store, engine, millis, clock, client, ill, watcher }
    }

    /// Ends the engine, and starts another one that sends mails.
    async fn restart(&mut self, number: u8, url: &str) {
        self.engine.stop(PATIENCE).await;
        // Whatever that one is still in the middle of, no time passes there any more.
        let now = self.millis.load(Ordering::SeqCst);
        (self.millis, self.clock) = clock();
        self.millis.store(now, Ordering::SeqCst);
        let server = mail::Server::new(url, "CloudCusp <mailer@example.com>").unwrap();
        let (clock, client) = (self.clock.clone(), self.client.clone());
        self.engine = start_with(&self.store, clock, client, number, (operations(), Some(server))).await;
    }

    async fn publish(&self, count: usize) {
        let event =
            NewEvent { event_type: "order_paid".parse().unwrap(), occurred_at: None, data: "{}".into() };
        self.engine.execute(Command::Publish(vec![event; count])).await.unwrap();
    }

    fn pass(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    async fn number(&self, sql: &'static str) -> i64 {
        self.store.read(Look { sql, read: |row: Row| row.read().int() }).await.unwrap()[0]
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        self.store.read(Look { sql, read: |row: Row| row.read().text() }).await.unwrap()
    }

    async fn until(&self, what: &str, sql: &'static str, number: i64) {
        let found = async || (self.number(sql).await == number).then_some(());
        if eventually(what, PATIENCE, found).await.is_err() {
            panic!("{what}: {} is not {number}", self.number(sql).await);
        }
    }

    /// Publishes one event, and waits until its attempt has failed.
    async fn fail_one(&self) {
        let before = self.number(FAILURES).await;
        self.publish(1).await;
        self.until("the failure to be recorded", FAILURES, before + 1).await;
    }

    async fn told(&self, count: usize) -> Vec<Value> {
        let arrived = self.watcher.wait_for(count, PATIENCE).await.unwrap();
        arrived.iter().map(|request| request.json().unwrap()).collect()
    }
}

const ATTEMPTS: &str = "SELECT COUNT(*) FROM attempts";
const FAILURES: &str = "SELECT COUNT(*) FROM attempts WHERE COALESCE(http_status, 0) <> 200";
const OPEN: &str = "SELECT COUNT(*) FROM webhook_health WHERE opened_at IS NOT NULL";
const DELIVERED: &str = "SELECT COUNT(*) FROM deliveries WHERE status = 'delivered'";
const WAITING: &str =
    "SELECT COUNT(*) FROM deliveries WHERE status = 'pending' AND attempts = 0 AND node IS NULL";

async fn a_destination_that_is_down_is_probed(world: World) {
    world.publish(40).await;
    world.until("all to have failed once", ATTEMPTS, 40).await;
    assert_eq!(world.number(OPEN).await, 0, "many at once are no steady failure");
    world.pass(60 * SECOND);
    let mut feed = world.engine.listen().unwrap();
    world.fail_one().await;
    world.until("the circuit to open", OPEN, 1).await;
    // An attempt is told of once the engine knows of the circuit, too, and not only the table.
    let mut told = async || match feed.next().await.unwrap() {
        Told::Entry(entry) => matches!(*entry, Entry::Delivery(_)),
        Told::Missed(_) => false,
    };
    while !timeout(PATIENCE, told()).await.unwrap() {}

    world.publish(100).await;
    world.until("them to wait in the table", WAITING, 100).await;
    for (probe, distance) in [(1, 10), (2, 20), (3, 40)] {
        // A probe is at most a tenth late.
        world.pass(distance * SECOND * 11 / 10 + 1);
        world.until("a probe", "SELECT COALESCE(MAX(probes), 0) FROM webhook_health", probe).await;
        assert_eq!(world.ill.count(), 41 + usize::try_from(probe).unwrap(), "one at a time");
        assert_eq!(
            world.number(WAITING).await,
            100 - probe,
            "the others wait, and nothing of theirs is used up"
        );
    }

    world.ill.otherwise(always(Answer::ok()));
    world.pass(80 * SECOND * 11 / 10 + 1);
    world.until("all that waited to arrive", DELIVERED, 97).await;
    assert_eq!(world.number("SELECT COUNT(*) FROM webhook_health").await, 0, "all is well");
    // What failed before keeps to its schedule.
    world.until("them to wait", "SELECT COUNT(*) FROM deliveries WHERE status = 'retrying'", 44).await;
    world.pass(86_400 * SECOND);
    world.until("the retries to arrive", DELIVERED, 141).await;
    let requests = world.ill.requests();
    let ids: BTreeSet<_> =
        requests.iter().map(|request| request.header("webhook-id").map(str::to_owned)).collect();
    assert_eq!((ids.len(), requests.len()), (141, 41 + 3 + 97 + 44), "each arrived once");
}

async fn nothing_but_failure_ends_a_webhook(world: World) {
    world.fail_one().await;
    world.pass(1_700 * SECOND);
    world.fail_one().await;
    assert_eq!(world.number("SELECT COUNT(*) FROM events WHERE event_type <> 'order_paid'").await, 0);
    world.pass(200 * SECOND);
    world.fail_one().await;
    let told = &world.told(1).await[0];
    assert_eq!((&told["event"], &told["data"]["webhook_name"]), (&json!("webhook_failing"), &json!("ill")));
    assert_eq!((&told["data"]["failed_attempts"], &told["data"]["http_status"]), (&json!(3), &json!(503)));
    assert_eq!(told["data"]["failing_since"], json!(NOW.to_string()));
    assert_eq!(told["data"]["disabled_at_the_earliest"], json!(NOW.plus_millis(3_600 * SECOND).to_string()));

    world.pass(1_800 * SECOND);
    world.fail_one().await;
    let told = &world.told(2).await[1];
    assert_eq!((&told["event"], &told["data"]["webhook_name"]), (&json!("webhook_disabled"), &json!("ill")));
    let reason = "Nothing but failure for an hour: 4 attempts in a row";
    assert_eq!(told["data"]["reason"], reason);
    let reasons = "SELECT disabled_reason FROM outgoing_webhooks WHERE disabled_reason IS NOT NULL";
    assert_eq!(world.texts(reasons).await, [reason]);
    // What waited is cancelled, and says why.
    let cancelled =
        "SELECT COUNT(*) FROM deliveries WHERE status = 'cancelled' AND cancel_reason = 'webhook_disabled'";
    world.until("what waits to be cancelled", cancelled, 4).await;
    assert_eq!(world.ill.count(), 4, "it hears nothing about itself");
    let about_itself = "SELECT COUNT(*) FROM events WHERE skipped LIKE '%about this webhook itself%'";
    assert_eq!(world.number(about_itself).await, 2, "and the log says why");
    assert_eq!(world.number("SELECT COUNT(*) FROM webhook_health").await, 0);
}

async fn who_recovers_is_told_of(world: World) {
    world.fail_one().await;
    world.pass(1_900 * SECOND);
    world.fail_one().await;
    assert_eq!(world.told(1).await[0]["event"], "webhook_failing");
    world.ill.otherwise(always(Answer::ok()));
    world.publish(1).await;
    let told = &world.told(2).await[1];
    assert_eq!(told["event"], "webhook_recovered");
    assert_eq!(told["data"]["failing_since"], json!(NOW.to_string()));
    world.until("all to be well", "SELECT COUNT(*) FROM webhook_health", 0).await;
}

/// A port in front of another one, which closes what comes until it is opened.
async fn door(behind: u16) -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let is_open = Arc::new(AtomicBool::new(false));
    let opened = is_open.clone();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            if opened.load(Ordering::SeqCst) {
                let mut to = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut from, &mut to).await });
            }
        }
    });
    (port, is_open)
}

async fn mails_outlive_the_process(mut world: World) {
    world.fail_one().await;
    world.pass(1_900 * SECOND);
    world.fail_one().await;
    world.until("the mails to be written", "SELECT COUNT(*) FROM mails", 2).await;
    // Nobody answers where mails are to go; then that is mended.
    let mailbox = Mailbox::start(0).await.unwrap();
    let (port, is_open) = door(mailbox.port()).await;
    let url = mailbox.url().replace(&mailbox.port().to_string(), &port.to_string());
    world.restart(2, &url).await;
    // A try that has begun holds its mail for longer.
    let tried = "SELECT COUNT(*) FROM mails WHERE attempts = 1 AND due_at < created_at + 60000";
    world.until("each to be tried", tried, 2).await;
    world.engine.stop(PATIENCE).await;
    is_open.store(true, Ordering::SeqCst);
    world.restart(3, &url).await;
    world.pass(16 * 60 * SECOND);
    let mut mails = mailbox.wait_for(2, PATIENCE).await.unwrap();
    world.until("the mails to be done with", "SELECT COUNT(*) FROM mails", 0).await;
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    let mail = &mails[0];
    assert_eq!((mail.to[0].as_str(), mail.sender.as_str()), ("ada@example.com", "mailer@example.com"));
    assert_eq!(mail.subject, "ill delivers nothing");
    assert!(
        mail.text.contains("2 attempts in a row have failed. The last one was answered with 503."),
        "{mail:?}"
    );
    assert_ne!(mail.id, mails[1].id);
}
