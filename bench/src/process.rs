//! Child processes, and what the kernel says of processes.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Clock ticks a second in `/proc`: 100 on every Linux (`man 5 proc`, `man 3 sysconf`).
const TICKS: f64 = 100.0;

/// A server that runs as a child of this process, and ends with it.
pub struct ChildServer {
    /// Killed when this is dropped.
    _child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ChildServer {
    /// Starts this program in a role that prints its address.
    pub async fn start(role: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(role)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("the child has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?.unwrap_or_default();
        let Some(address) = line.strip_prefix("listening on http://") else {
            bail!("{role} did not start: {line}")
        };
        Ok(Self { address: address.parse()?, _child: child })
    }
}

/// Seconds of processor time that a process has used.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_cpu(&stat).context("/proc/PID/stat has another form")
}

fn parse_cpu(stat: &str) -> Option<f64> {
    // The name may hold spaces: count from the parenthesis that closes it. utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
}

/// Seconds of processor time of all processes of this name, those that ended meanwhile left out.
pub fn cpu_seconds_of(name: &str) -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0.0 };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| is_named(*pid, name)).filter_map(|pid| cpu_seconds(pid).ok()).sum()
}

fn is_named(pid: u32, name: &str) -> bool {
    std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm"))
        .is_ok_and(|comm| comm.trim() == name)
}

/// A figure of `/proc/PID/status` in MiB: `VmRSS` is what it holds now, `VmHWM` the most it ever held.
pub fn memory_mib(pid: u32, figure: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    parse_memory(&status, figure).with_context(|| format!("/proc/PID/status has no {figure}"))
}

/// Lets `VmHWM` of a process begin anew (`man 5 proc_pid_clear_refs`).
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("the peak of memory can't be reset")
}

fn parse_memory(status: &str, figure: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 3 0 100 1 1";
        assert_eq!(parse_cpu(stat), Some(2.0));
        assert_eq!(parse_memory("VmPeak:\t 9 kB\nVmRSS:\t   2048 kB\n", "VmRSS"), Some(2.0));
        assert_eq!(parse_memory("VmPeak:\t 9 kB\n", "VmHWM"), None);
    }
}
