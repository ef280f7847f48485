//! A seeded simulation of receive, decide, commit, dispatch, record and retry, on a virtual clock.
//!
//! What decides and what is stored is the real thing: `receive::admit`, the batch in its transaction on a real database,
//! `delivery::Queues`, `send::request` and `send::judge`, the works of the queue and of the record. What surrounds it is
//! simulated: senders that repeat themselves, destinations that fail, processes that die, and the database's answers.
//! One seed is one run, in which everything happens in one order; the order is the same each time.
//!
//! A failure says how to see that run again. `SEEDS=100000` runs as many of each scenario.

mod check;
mod database;
mod deliveries;
mod lives;
mod model;
mod network;
mod node;
mod orders;
mod requests;
mod scenario;
mod table;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use database::Database;
use scenario::{CALM, CRASHES, GONE, SPILLS, Scenario, TWO_NODES};
use world::World;

/// Seeds of each scenario: what takes some seconds each on two cores.
const SEEDS: u64 = 800;

#[test]
fn calm() {
    run("calm", &CALM);
}

#[test]
fn spills() {
    run("spills", &SPILLS);
}

#[test]
fn crashes() {
    run("crashes", &CRASHES);
}

#[test]
fn two_nodes() {
    run("two_nodes", &TWO_NODES);
}

#[test]
fn gone() {
    run("gone", &GONE);
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        let stories = [Worker::new(), Worker::new()].map(|worker| worker.run(seed, "gone", &GONE, true));
        assert!(stories[0].len() > 2, "nothing is told");
        assert_eq!(stories[0], stories[1]);
    }
}

/// Runs many seeds, or the one that the environment names.
fn run(name: &str, scenario: &Scenario) {
    if let Some(seed) = number("SEED") {
        Worker::new().run(seed, name, scenario, true);
        return;
    }
    let (next, end) = (AtomicU64::new(0), number("SEEDS").unwrap_or(SEEDS));
    let work = || {
        let worker = Worker::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            worker.run(seed, name, scenario, false);
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|failure| resume_unwind(failure));
        }
    });
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// A thread with a database.
struct Worker {
    runtime: tokio::runtime::Runtime,
    database: Database,
}

impl Worker {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let database = runtime.block_on(Database::create());
        Self { runtime, database }
    }

    /// Runs a seed, and tells the story if asked to.
    fn run(&self, seed: u64, name: &str, scenario: &Scenario, is_told: bool) -> Vec<String> {
        let run = || {
            self.runtime.block_on(async {
                let mut world = World::new(seed, scenario, &self.database, is_told).await;
                world.run().await;
                world.check().await;
                world.story
            })
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|failure| {
            eprintln!(
                "\nto see this run again: SEED={seed} cargo nextest run -p engine simulation::{name}\n"
            );
            resume_unwind(failure)
        })
    }
}
