//! How far a task has come, while somebody looks: a bar on the terminal, and nothing where there is none.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::Client;
use super::table::text;

/// How often it is asked how far the task has come.
const LOOK: Duration = Duration::from_millis(250);
/// How many characters the bar has.
const WIDTH: i64 = 30;

/// Follows a task to its end, and gives it as it is then. It goes on when the command is interrupted.
///
/// # Errors
/// What the server says against it.
pub async fn follow(client: &Client, mut task: Value, quiet: bool) -> anyhow::Result<Value> {
    let shows = !quiet && std::io::stderr().is_terminal();
    let path = format!("/tasks/{}", task["id"].as_str().context("the server answered without a task")?);
    while task["state"] == "running" {
        if shows {
            draw(&format!("{}  task {}", bar(&task), text(&task["id"])));
        }
        tokio::time::sleep(LOOK).await;
        task = client.get(&path, &[]).await?;
    }
    if shows {
        draw(&format!("{}\n", bar(&task)));
    }
    Ok(task)
}

/// Over the line that was there. Whoever closed the terminal does not look any more.
fn draw(line: &str) {
    let mut terminal = std::io::stderr();
    let _ = write!(terminal, "\r\x1b[K{line}");
    let _ = terminal.flush();
}

/// `[######------] 50 %  61 of 122`
fn bar(task: &Value) -> String {
    let count = |member: &str| task[member].as_i64().unwrap_or_default().max(0);
    let (done, total) = (count("done"), count("total"));
    let part = |whole: i64| if total == 0 { whole } else { done.min(total).saturating_mul(whole) / total };
    let filled = usize::try_from(part(WIDTH)).unwrap_or_default();
    let empty = usize::try_from(WIDTH).unwrap_or_default() - filled;
    format!("[{}{}] {} %  {done} of {total}", "#".repeat(filled), "-".repeat(empty), part(100))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_tells_how_far() {
        let shown = |done: i64, total: i64| bar(&json!({"done": done, "total": total}));
        assert_eq!(shown(61, 122), "[###############---------------] 50 %  61 of 122");
        assert_eq!(shown(0, 0), "[##############################] 100 %  0 of 0");
        assert_eq!(shown(0, 7), "[------------------------------] 0 %  0 of 7");
        assert_eq!(shown(9, 7), "[##############################] 100 %  9 of 7");
    }
}
