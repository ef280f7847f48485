//! The figures, as a table at the terminal and as BENCHMARKS.md.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::load::Measured;
use crate::subject::Cpu;

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Nothing.
    None,
    /// The rate, as a ratio to the bare handler.
    RatioAtLeast(f64),
    /// The rate, as a ratio to the loop with nothing stored.
    OfLoopAtLeast(f64),
    /// The p99 of the healthy destinations, as a ratio to that without the dead one.
    LagOfHealthyAtMost(f64),
    /// The memory in MiB.
    MemoryAtMost(f64),
}

/// A figure of one scenario alone, with what it must reach.
#[derive(Clone, Debug)]
pub struct Figure {
    /// As it is shown, such as `0.97 of alone`.
    pub shown: String,
    /// What it must reach, such as `of alone ≥ 0.8`; empty for nothing.
    pub target: String,
    /// Whether it does.
    pub met: bool,
}

impl Figure {
    /// One that has nothing to reach.
    pub fn new(shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), target: String::new(), met: true }
    }

    /// A share or a multiple of something that was measured in the same run.
    pub fn ratio(value: f64, of: &str) -> Self {
        Self::new(format!("{value:.2} {of}"))
    }

    /// The same, with what it must reach.
    #[must_use]
    pub fn target(self, target: impl Into<String>, met: bool) -> Self {
        Self { target: target.into(), met, ..self }
    }
}

/// A measurement.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// On which database.
    pub database: &'static str,
    /// Requests, or whole loops, a second.
    pub rate: Option<f64>,
    /// p50 and p99 of the answer, in microseconds.
    pub latency_us: Option<(u64, u64)>,
    /// p50 and p99 from request to arrival at the destination, in microseconds.
    pub lag_us: Option<(u64, u64)>,
    /// Processor seconds of 1,000 requests: of the program, and of the database server.
    pub cpu_per_1000: Option<(f64, f64)>,
    /// Memory in MiB: at its peak, or idle.
    pub memory_mib: Option<f64>,
    /// The rate, as a ratio to the bare handler.
    pub ratio: Option<f64>,
    /// The rate, as a ratio to the loop with nothing stored.
    pub of_loop: Option<f64>,
    /// The p99 of the lag, as a ratio to that without the dead destination.
    pub lag_ratio: Option<f64>,
    /// What it must reach.
    pub target: Target,
    /// A figure of this scenario alone.
    pub figure: Option<Figure>,
}

impl Row {
    /// One without figures.
    pub fn new(name: impl Into<String>, database: &'static str) -> Self {
        Self {
            name: name.into(),
            database,
            rate: None,
            latency_us: None,
            lag_us: None,
            cpu_per_1000: None,
            memory_mib: None,
            ratio: None,
            of_loop: None,
            lag_ratio: None,
            target: Target::None,
            figure: None,
        }
    }

    /// One with the figures of a load.
    pub fn of(name: String, database: &'static str, measured: &Measured) -> Self {
        let latency = (measured.latency.value_at_quantile(0.5), measured.latency.value_at_quantile(0.99));
        Self { rate: Some(measured.rate()), latency_us: Some(latency), ..Self::new(name, database) }
    }

    /// Sets the processor time, from what was used before and after so many requests.
    pub fn cpu(&mut self, before: Cpu, after: Cpu, requests: u64) {
        let each = |used: f64| used * 1_000.0 / requests.max(1) as f64;
        self.cpu_per_1000 =
            Some((each(after.program - before.program), each(after.database - before.database)));
    }

    fn verdict(&self) -> String {
        let (met, target) = match self.target {
            Target::None => match &self.figure {
                Some(figure) if !figure.target.is_empty() => (figure.met, figure.target.clone()),
                _ => return String::new(),
            },
            Target::RatioAtLeast(least) => {
                (self.ratio.is_some_and(|ratio| ratio >= least), format!("ratio ≥ {least}"))
            }
            Target::OfLoopAtLeast(least) => {
                (self.of_loop.is_some_and(|ratio| ratio >= least), format!("of loop ≥ {least}"))
            }
            Target::LagOfHealthyAtMost(most) => {
                (self.lag_ratio.is_some_and(|ratio| ratio <= most), format!("p99 ≤ {most} ×"))
            }
            Target::MemoryAtMost(most) => {
                (self.memory_mib.is_some_and(|memory| memory <= most), format!("≤ {most} MiB"))
            }
        };
        format!("{target}: {}", if met { "met" } else { "MISSED" })
    }

    fn cells(&self) -> Vec<String> {
        let pair = |pair: Option<(u64, u64)>| {
            pair.map_or(String::new(), |(p50, p99)| format!("{} / {}", millis(p50), millis(p99)))
        };
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}"));
        let of_loop = self.of_loop.map(|ratio| format!("{ratio:.2} of loop"));
        let of_lag = self.lag_ratio.map(|ratio| format!("p99 {ratio:.2} ×"));
        let figure = self.figure.as_ref().map(|figure| figure.shown.clone());
        vec![
            self.name.clone(),
            self.database.to_owned(),
            self.rate.map_or(String::new(), |rate| format!("{rate:.0}")),
            pair(self.latency_us),
            pair(self.lag_us),
            self.cpu_per_1000.map_or(String::new(), |(program, database)| match database > 0.0 {
                true => format!("{program:.3} + {database:.3}"),
                false => format!("{program:.3}"),
            }),
            self.memory_mib.map_or(String::new(), |memory| format!("{memory:.0}")),
            ratio.or(of_loop).or(of_lag).or(figure).unwrap_or_default(),
            self.verdict(),
        ]
    }
}

fn millis(micros: u64) -> String {
    format!("{:.2}", micros as f64 / 1_000.0)
}

const HEADER: [&str; 9] = [
    "measurement",
    "database",
    "requests/s",
    "answer p50 / p99 ms",
    "arrival p50 / p99 ms",
    "CPU-s per 1,000",
    "memory MiB",
    "ratio",
    "target",
];

/// All measurements of a run.
pub struct Report {
    machine: Vec<String>,
    rows: Vec<Row>,
}

impl Report {
    /// One without measurements.
    pub fn new(machine: Vec<String>) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// Adds a measurement.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints it and writes it.
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub fn publish(&self, file: &Path) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(HEADER);
        for row in &self.rows {
            table.add_row(row.cells());
        }
        println!("{}\n{table}", self.machine.join("\n"));
        std::fs::write(file, self.markdown()).with_context(|| format!("{} can't be written", file.display()))
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# Benchmarks\n\nMade by `make bench`; what each row measures is said in `bench/src/scenario.rs`. The generator, the \
             program, the database and the receiver share the machine. Absolute figures drift with it: compare ratios, which are \
             to the bare handler before and after in the same run. CPU is that of the program, plus that of the database server.\n\n",
        );
        for line in &self.machine {
            let _ = writeln!(text, "- {line}");
        }
        let _ = writeln!(
            text,
            "\n| {} |\n|{}|",
            HEADER.join(" | "),
            " --- |".repeat(HEADER.len()).trim_end_matches('|')
        );
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.cells().join(" | "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_said() {
        let row =
            |ratio| Row { ratio: Some(ratio), target: Target::RatioAtLeast(0.5), ..Row::new("a", "SQLite") };
        assert_eq!(row(0.5).verdict(), "ratio ≥ 0.5: met");
        assert_eq!(row(0.49).verdict(), "ratio ≥ 0.5: MISSED");
        let unmeasured = Row { ratio: None, ..row(1.0) };
        assert_eq!(unmeasured.verdict(), "ratio ≥ 0.5: MISSED");
    }

    #[test]
    fn a_figure_of_one_scenario_has_a_target_of_its_own() {
        let row = |met| {
            let figure = Figure::ratio(1.5, "× plain").target("CPU ≤ 1.3 ×", met);
            Row { figure: Some(figure), ..Row::new("a", "SQLite") }
        };
        assert_eq!(
            (row(false).verdict().as_str(), row(true).verdict().as_str()),
            ("CPU ≤ 1.3 ×: MISSED", "CPU ≤ 1.3 ×: met")
        );
        assert_eq!(row(true).cells()[7], "1.50 × plain");
        let untold = Row { figure: Some(Figure::ratio(1.5, "× plain")), ..row(true) };
        assert_eq!(untold.verdict(), "");
    }

    #[test]
    fn the_file_is_a_table() {
        let mut report = Report::new(vec!["Machine: one".into()]);
        report.add(Row {
            memory_mib: Some(12.0),
            target: Target::MemoryAtMost(64.0),
            ..Row::new("idle", "SQLite")
        });
        let text = report.markdown();
        assert!(text.contains("- Machine: one"));
        assert!(text.contains("| idle | SQLite |  |  |  |  | 12 |  | ≤ 64 MiB: met |"), "{text}");
    }
}
