//! A PostgreSQL database for one test, in the cluster that `scripts/with-postgres` runs.

use std::env;
use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio_postgres::NoTls;
use url::Url;

/// The variable with the address of the cluster, as `postgres://user@host:port/database`; its user may create
/// databases.
const CLUSTER_VARIABLE: &str = "CCSP_TEST_POSTGRES";

/// A drop that takes longer has gone wrong, and the cluster goes away with the test run anyhow.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);

/// Distinguishes the databases of one process.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// An empty database with a name of its own, dropped with this handle (best effort), whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    cluster: Url,
    url: Url,
    name: String,
}

impl TestDatabase {
    /// Creates one.
    ///
    /// # Errors
    /// When `CCSP_TEST_POSTGRES` is unset or the cluster does not answer.
    pub async fn create() -> anyhow::Result<TestDatabase> {
        let cluster = env::var(CLUSTER_VARIABLE).ok().with_context(|| {
            format!("{CLUSTER_VARIABLE} is unset: run the tests with `make test`, or scripts/with-postgres")
        })?;
        let cluster = Url::parse(&cluster).with_context(|| format!("{CLUSTER_VARIABLE} is not a URL"))?;
        let name = unique_name()?;
        let mut url = cluster.clone();
        url.set_path(&name);

        // template0, because nobody is ever connected to it: template1 can't be copied while somebody is.
        execute(&cluster, &format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .with_context(|| format!("can't create a database for the test in {cluster}"))?;
        Ok(TestDatabase { cluster, url, name })
    }

    /// Where to connect, as `postgres://…/name`.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Its name in the cluster.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let cluster = self.cluster.clone();
        // The runtime of the test can't be waited for from here, as it may be the one that runs this.
        let dropping = thread::spawn(move || block_on(execute(&cluster, &statement)));
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("testkit: the database {} is left behind", self.name);
        }
    }
}

/// Unique in the cluster: the process and the count tell the tests of one run apart, the random part those of
/// several machines or containers, whose process numbers may be the same.
fn unique_name() -> anyhow::Result<String> {
    let count = CREATED.fetch_add(1, Ordering::Relaxed);
    let random = SysRng.try_next_u32().context("the system gives no random numbers")?;
    Ok(format!("ccsp_test_{}_{count}_{random:08x}", process::id()))
}

/// Runs one statement on a connection of its own.
async fn execute(cluster: &Url, statement: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(cluster.as_str(), NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await?;
    drop(client);
    connection.await??;
    Ok(())
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(DROP_TIMEOUT, work).await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the databases in the cluster that begin like those of the tests.
    async fn names(database: &Url) -> Vec<String> {
        let (client, connection) = tokio_postgres::connect(database.as_str(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let rows = client.query("SELECT datname FROM pg_database", &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    #[tokio::test]
    async fn every_database_is_new_and_goes_away_though_connected() {
        let kept = TestDatabase::create().await.unwrap();
        let dropped = TestDatabase::create().await.unwrap();
        let name = dropped.name().to_owned();
        assert_ne!(kept.name(), name);

        let (client, connection) = tokio_postgres::connect(dropped.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let here: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
        assert_eq!(here, name);
        assert!(names(&kept.url).await.contains(&name));

        drop(dropped);
        let left = names(&kept.url).await;
        assert!(!left.contains(&name));
        assert!(left.contains(&kept.name));
        assert!(client.query_one("SELECT 1", &[]).await.is_err());
    }
}
