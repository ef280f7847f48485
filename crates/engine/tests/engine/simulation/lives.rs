//! Processes start, stand still and die.

use domain::Timestamp;
use rand::RngExt;
use store::queue::{Heartbeat, ReleaseDead};

use super::node::Node;
use super::world::{SECOND, What, World};

/// How long a process that says nothing is taken to be alive.
const LIFETIME: i64 = 15 * SECOND;
/// How often a process says that it is alive.
const HEARTBEAT: i64 = 3 * SECOND;

impl World<'_> {
    pub async fn start(&mut self, place: usize) {
        self.lives += 1;
        let life = self.lives;
        self.tell(|| format!("node-{life} starts"));
        let snapshot = self.load().await;
        self.nodes[place] = Some(Node::new(life, self.clock(), self.limits, snapshot));
        if self.scenario.nodes == 1 {
            let all = ReleaseDead { now: Timestamp::from_millis(i64::MAX) };
            self.database.store.write(all).await.unwrap();
        }
        self.beat(life).await;
        self.after(0, What::Heartbeat { place });
        self.sweep_at(life, self.now());
    }

    pub fn crash(&mut self, place: usize) {
        let Some(node) = self.nodes[place].take() else { return };
        self.tell(|| format!("node-{} dies", node.life));
        self.soon(30 * SECOND, What::Start { place });
        self.will_be_noticed();
    }

    /// The process dies of what happened to it.
    pub fn crash_of(&mut self, life: u64) {
        if let Some(place) = self.place_of(life) {
            self.crash(place);
        }
    }

    /// The process stands still; afterwards the first thing that it does is to say that it is alive.
    pub async fn pause(&mut self, place: usize) {
        let (now, pause) = (self.now(), self.rng.random_range(1..40 * SECOND));
        let Some(node) = &mut self.nodes[place] else { return };
        if node.paused_until > now {
            return;
        }
        let life = node.life;
        if node.beats_from <= now {
            self.beat(life).await;
        }
        let node = self.node(life);
        node.paused_until = now + pause;
        node.beats_from = now + pause;
        self.after(pause, What::Heartbeat { place });
        self.tell(|| format!("node-{life} stands still for {pause} ms"));
        self.will_be_noticed();
    }

    /// The others notice when the lifetime is over, each at its next heartbeat.
    fn will_be_noticed(&mut self) {
        for place in 0..self.nodes.len() {
            for round in 1..=3 {
                let wait = LIFETIME * round + self.rng.random_range(0..HEARTBEAT);
                self.after(wait, What::Heartbeat { place });
            }
        }
    }

    async fn beat(&mut self, life: u64) {
        let work =
            Heartbeat { node: self.node(life).name.clone(), expires_at: self.time().plus_millis(LIFETIME) };
        self.database.store.write(work).await.unwrap();
    }

    /// Takes over from the dead. Everyone who lives has said so a moment before.
    pub async fn heartbeat(&mut self, place: usize) {
        let now = self.now();
        let is_still = |node: &Node| node.paused_until > now;
        if self.nodes[place].as_ref().is_none_or(is_still) {
            return;
        }
        let beating: Vec<u64> =
            self.nodes.iter().flatten().filter(|node| node.beats_from <= now).map(|node| node.life).collect();
        for life in beating {
            self.beat(life).await;
        }
        let given_back = self.database.store.write(ReleaseDead { now: self.time() }).await.unwrap();
        self.tell(|| format!("heartbeat in place {place}: {given_back} given back"));
        if given_back > 0 {
            self.sweep_all(now);
        }
    }
}
