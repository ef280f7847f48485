//! The binary here is the shell, which takes the command's name for that of a script in its folder, the data dir.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use tempfile::TempDir;

use super::*;

/// Far longer than anything takes, on a machine that stands still at times, too.
const SOON: Duration = Duration::from_secs(60);

/// A folder with scripts by these names, and the builder that runs them.
fn scripts(scripts: &[(&str, &str)]) -> (TempDir, ProgramBuilder) {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in scripts {
        fs::write(folder.path().join(name), script).unwrap();
    }
    let builder = Program::builder("sh", folder.path());
    (folder, builder)
}

/// A server that says what it was started with, and stops when asked to.
const SERVE: &str = r#"
    echo "starting"
    echo "arguments: $*" >&2
    echo "storage: $CCSP_STORAGE" >&2
    trap 'echo stopping >&2; exit 0' TERM
    echo "listening on http://127.0.0.1:4321"
    while :; do sleep 0.01; done
"#;

#[tokio::test]
async fn starts_with_its_options_and_stops_when_asked() {
    let (folder, builder) = scripts(&[("serve", SERVE)]);
    let mut program = builder
        .database_url("postgres://x")
        .allow_loopback()
        .env("CCSP_STORAGE", "fast")
        .start()
        .await
        .unwrap();
    assert_eq!(program.address(), SocketAddr::from(([127, 0, 0, 1], 4321)));
    assert_eq!(program.url("/healthz"), "http://127.0.0.1:4321/healthz");

    program.terminate().await.unwrap();
    let status = program.wait_exit(SOON).await.unwrap();
    assert!(status.success());
    // It has ended, so the pipe has, and the reader is done soon.
    tokio::time::timeout(SOON, &mut program.log.reading).await.unwrap().unwrap();
    let folder = folder.path().display();
    let arguments = format!(
        "--data-dir {folder} --database-url postgres://x --listen 127.0.0.1:0 \
         --allow-private-destinations 127.0.0.0/8"
    );
    assert_eq!(program.log(), format!("arguments: {arguments}\nstorage: fast\nstopping\n"));
}

#[tokio::test]
async fn dies_of_kill9_and_starts_again() {
    let (_folder, builder) = scripts(&[("serve", SERVE)]);
    let mut program = builder.start().await.unwrap();
    program.kill9().await.unwrap();
    assert_eq!(program.wait_exit(SOON).await.unwrap().signal(), Some(9));
    assert!(program.terminate().await.is_err());

    let again = builder.start().await.unwrap();
    assert_ne!(again.pid(), program.pid());
}

#[tokio::test]
async fn a_program_that_still_runs_is_an_error_with_its_log() {
    let (_folder, builder) = scripts(&[("serve", SERVE)]);
    let mut program = builder.start().await.unwrap();
    let error = program.wait_exit(Duration::from_millis(50)).await.unwrap_err().to_string();
    assert!(error.starts_with("the program still runs after 50ms; its log:\n"), "{error}");
}

#[tokio::test]
async fn a_failed_start_shows_status_and_log() {
    let (_folder, builder) = scripts(&[("serve", "echo no such option >&2; exit 2")]);
    let error = builder.start().await.unwrap_err();
    assert_eq!(error.to_string(), "the program did not start (exit status: 2); its log:\nno such option\n");
}

#[tokio::test]
async fn the_log_keeps_the_last_lines() {
    let script = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i >&2; done; exit 1";
    let (_folder, builder) = scripts(&[("serve", script)]);
    let error = builder.start().await.unwrap_err().to_string();
    assert!(error.contains("its log:\nline 801\nline 802\n"), "{error}");
    assert!(error.ends_with("line 1000\n"));
}

#[tokio::test]
async fn makes_a_key_on_the_same_storage() {
    let (folder, builder) = scripts(&[("api-key", "echo \"key $*\"")]);
    let key = builder.database_url("postgres://x").api_key("write").await.unwrap();
    let folder = folder.path().display();
    assert_eq!(
        key,
        format!("key create --name test --scope write --data-dir {folder} --database-url postgres://x")
    );
}

#[tokio::test]
async fn a_refused_key_shows_why() {
    let (_folder, builder) = scripts(&[("api-key", "echo unknown scope >&2; exit 2")]);
    let error = builder.api_key("none").await.unwrap_err().to_string();
    assert_eq!(error, "no API key, exit status: 2:\nunknown scope\n");
}

#[tokio::test]
async fn gives_the_output_of_any_command() {
    let (_folder, builder) = scripts(&[("doctor", "echo fine; exit 3")]);
    let output = builder.run(&["doctor"]).await.unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b"fine\n"[..]));
}

#[test]
fn tells_settings_from_other_variables() {
    assert!(is_setting(OsStr::new("CCSP_DATA_DIR")));
    assert!(!is_setting(OsStr::new("PATH")));
}
