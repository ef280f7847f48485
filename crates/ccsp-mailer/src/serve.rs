//! The command `serve`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::{ApiState, links};
use engine::Engine;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::ServeOptions;
use crate::{data_dir, entry, logging, server, setup};

/// How long attempts under way may take at the end; requests have had their time before.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often old measurements are thrown out of the summaries behind /metrics.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    logging::start(&options.common)?;
    raise_file_limit();
    data_dir::create(&options.common.data_dir)?;
    // Dropped at the end of the process.
    let _lock = match options.common.database_url {
        None => Some(data_dir::lock(&options.common.data_dir)?),
        Some(_) => None,
    };
    let engine = setup::start_engine(&options).await?;
    let listening = listen(&options).await?;
    let stop = stop_on_signal()?;
    let router = router(&options, &engine, &listening)?;
    tokio::spawn(hang_up(engine.clone(), stop.clone()));
    println!("listening on http://{}", listening.local_addr()?);
    show_set_up_link(&engine, &public_url(&options, &listening)?).await?;
    server::serve(listening, router, stop).await;
    engine.stop(PATIENCE).await;
    tracing::info!("stopped");
    Ok(())
}

/// On stdout, for what is logged may be kept where others read it.
async fn show_set_up_link(engine: &Engine, public_url: &str) -> anyhow::Result<()> {
    if let Some(path) = entry::first_user(engine).await? {
        let address = public_url.trim_end_matches('/');
        let minutes = links::SHORT_MINUTES;
        // Whoever started the program may have closed its stdout; it serves all the same.
        let _ = writeln!(
            std::io::stdout(),
            "nobody can log in yet: open {address}{path} within {minutes} minutes"
        );
    }
    Ok(())
}

/// Ends the connections of those who listen, which would not end by themselves.
async fn hang_up(engine: Engine, mut stop: watch::Receiver<bool>) {
    // Whoever would tell it may have gone; then it is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
    engine.end_listening();
}

/// Binds the address of the options.
pub async fn listen(options: &ServeOptions) -> anyhow::Result<TcpListener> {
    TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("--listen {}: it can't be listened on", options.listen))
}

/// The router of the API on this engine.
pub fn router(
    options: &ServeOptions,
    engine: &Engine,
    listening: &TcpListener,
) -> anyhow::Result<axum::Router> {
    let public_url: Arc<str> = public_url(options, listening)?.into();
    Ok(api::router(ApiState {
        engine: engine.clone(),
        public_url,
        metrics: start_metrics()?,
        metrics_public: options.metrics_public,
        max_body: options.max_body_bytes as usize,
        trusted_proxies: options.trusted_proxies.clone(),
        allow_http: options.allow_http,
    }))
}

/// How the server is reached from outside, as far as it knows.
fn public_url(options: &ServeOptions, listening: &TcpListener) -> anyhow::Result<String> {
    let own_url = format!("http://{}", listening.local_addr()?);
    Ok(options.public_url.clone().unwrap_or(own_url))
}

fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics can't be started")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut timer = tokio::time::interval(METRICS_UPKEEP);
        loop {
            timer.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Becomes true with the first SIGTERM or SIGINT.
fn stop_on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        // The server may have ended already.
        let _ = stop.send(true);
    });
    Ok(stopped)
}

/// Each connection is a file; the usual soft limit of 1,024 is reached by a few busy destinations.
fn raise_file_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(error = %error, "the limit of open files could not be raised");
    }
}
