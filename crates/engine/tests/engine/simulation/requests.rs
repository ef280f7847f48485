//! Senders, and the way of a request to its commit and back.

use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::WebhookId;
use engine::batch::{Batch, Decided, Done, Item};
use engine::receive::{self, Received};
use engine::{Command, Reply, Snapshot};
use http::{HeaderMap, HeaderValue};
use rand::RngExt;
use serde_json::Value;
use store::StoreError;
use store::commit::Commit;

use super::database::{TOKEN, Weather, Written, write};
use super::model::Expected;
use super::world::{SECOND, What, World};
use crate::support::webhook_id;

/// How long a sender waits for an answer.
const PATIENCE: i64 = 15 * SECOND;

impl World<'_> {
    pub fn post(&mut self, post: usize) {
        let posted = &mut self.posts[post];
        posted.tries += 1;
        let tries = posted.tries;
        self.after(PATIENCE, What::Impatient { post, tries });
        let lives = self.lives();
        if lives.is_empty() || self.goes_wrong(self.scenario.network_faults) {
            return;
        }
        let life = lives[self.rng.random_range(0..lives.len())];
        self.tell(|| format!("post {post} (try {tries}) to node-{life}"));
        self.soon(20, What::Arrive { life, post });
    }

    pub fn impatient(&mut self, post: usize, tries: u32) {
        if self.posts[post].reply.is_none() && self.posts[post].tries == tries {
            self.soon(10 * SECOND, What::Post { post });
        }
    }

    pub fn arrive(&mut self, life: u64, post: usize) {
        let (request, now) = (Arc::new(self.request(post)), self.time());
        let wait = self.rng.random_range(0..5);
        let node = self.node(life);
        let accepted = receive::admit(&node.snapshot, &request, now).unwrap();
        node.inbox.push((post, accepted));
        if !std::mem::replace(&mut node.is_committing, true) {
            self.after(wait, What::Commit { life });
        }
    }

    fn request(&self, post: usize) -> Received {
        let order = &self.orders[self.posts[post].order];
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Some(key) = &order.key {
            headers.insert("webhook-id", HeaderValue::from_str(key).unwrap());
        }
        Received {
            webhook_id: webhook_id(order.hook.name()).to_string(),
            token: Some(TOKEN.to_owned()),
            method: "POST",
            url: String::new(),
            sender_ip: Ipv4Addr::LOCALHOST.into(),
            headers,
            body: order.body.clone(),
            sender_key: None,
            max_body: 1_048_576,
        }
    }

    pub async fn commit(&mut self, life: u64) {
        let weather = self.weather();
        let node = self.node(life);
        let (posts, items): (Vec<usize>, Vec<Item>) =
            node.inbox.drain(..).map(|(post, accepted)| (post, Item::Request(Box::new(accepted)))).unzip();
        let decided = match self.commit_items(life, items, weather).await {
            Written::Answered(Ok(decided)) => {
                self.must_be(&posts, &decided);
                Some(Box::new(decided))
            }
            Written::AnswerLost(decided) => {
                self.must_be(&posts, &decided);
                return self.crash_of(life);
            }
            Written::Answered(Err(_)) => None,
        };
        self.tell(|| format!("node-{life} commits posts {posts:?}: {weather:?}"));
        self.soon(5, What::Committed { life, posts, decided });
    }

    /// As the engine does: under the newest configuration.
    async fn commit_items(&mut self, life: u64, mut items: Vec<Item>, weather: Weather) -> Written<Decided> {
        loop {
            let node = self.node(life);
            let batch = Batch {
                shared: node.shared.clone(),
                snapshot: node.snapshot.clone(),
                items: items.clone().into(),
            };
            match write(&self.database.store, weather, Commit::new(batch)).await {
                Written::Answered(Err(StoreError::StaleConfig)) => {}
                outcome => return outcome,
            }
            let snapshot: Arc<Snapshot> = self.load().await;
            items.iter_mut().for_each(|item| item.under(&snapshot));
            self.node(life).snapshot = snapshot;
        }
    }

    /// Has it told that destinations want no more.
    pub async fn settle(&mut self, life: u64, webhooks: Vec<WebhookId>) {
        let settle = |id| Item::Command(Box::new(Command::Settle(id)));
        let items = webhooks.into_iter().map(settle).collect();
        let settled = self.commit_items(life, items, Weather::Fine).await;
        // Those who want to hear of it have no place in memory here: there are none.
        assert!(matches!(settled, Written::Answered(Ok(decided)) if decided.jobs.is_empty()));
    }

    /// What is committed must be answered as the model says.
    fn must_be(&mut self, posts: &[usize], decided: &Decided) {
        assert_eq!(posts.len(), decided.done.len(), "one answer for each request");
        for (post, done) in posts.iter().zip(&decided.done) {
            let Done::Reply(reply) = done else { panic!("no answer to post {post}") };
            let number = self.posts[*post].order;
            let expected = self.model.commit(&self.orders[number]);
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            let is_duplicate = body.get("duplicate") == Some(&Value::Bool(true));
            assert_eq!(Expected { http_status: reply.status, is_duplicate }, expected, "post {post}: {body}");
            let request_id = body["request_id"].as_str().unwrap();
            if self.orders[number].key.is_some() && reply.status < 300 {
                let first = self.first_request.entry(number).or_insert_with(|| request_id.to_owned());
                assert_eq!(first, request_id, "the same request stored twice");
            }
        }
    }

    pub fn committed(&mut self, life: u64, posts: Vec<usize>, decided: Option<Box<Decided>>) {
        match decided {
            Some(decided) => {
                for (post, done) in posts.into_iter().zip(decided.done) {
                    let Done::Reply(reply) = done else { panic!("no answer to post {post}") };
                    self.soon(50, What::Answer { post, reply });
                }
                decided.reservation.hand_over();
                self.take(life, decided.jobs, &decided.spilled);
            }
            None => {
                for post in posts {
                    self.soon(50, What::Answer { post, reply: Reply::unavailable() });
                }
            }
        }
        let node = self.node(life);
        node.is_committing = !node.inbox.is_empty();
        if node.is_committing {
            self.soon(5, What::Commit { life });
        }
    }

    pub fn answer(&mut self, post: usize, reply: Reply) {
        if self.goes_wrong(self.scenario.network_faults) || self.posts[post].reply.is_some() {
            return;
        }
        self.tell(|| format!("post {post} is answered {} {}", reply.status, reply.body));
        if reply.status == 503 {
            let tries = self.posts[post].tries;
            let wait = i64::from(reply.retry_after.unwrap()) * SECOND;
            self.after(wait, What::Impatient { post, tries });
        } else {
            self.posts[post].reply = Some(reply);
        }
    }
}
