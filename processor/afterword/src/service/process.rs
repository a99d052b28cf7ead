//! The process itself, as Linux tells under `/proc`; elsewhere these metrics stay 0.

use std::fs;

use prometheus::{Counter, Gauge, IntGauge, Registry};

use super::metrics::register;

/// Of a second: the unit of `/proc/self/stat`, 100 on every Linux that people run.
const TICKS: f64 = 100.0;

/// Metrics of the process.
pub struct ProcessMetrics {
    cpu: Counter,
    memory: IntGauge,
    files: IntGauge,
    threads: IntGauge,
    /// Kept registered; set once.
    _started: Gauge,
}

impl ProcessMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(registry: &Registry) -> Result<ProcessMetrics, prometheus::Error> {
        let started = Gauge::new(
            "afterword_process_start_time_seconds",
            "When the process started, in seconds since 1970.",
        )?;
        started.set(afterword_web::now_ms() as f64 / 1_000.0);
        Ok(ProcessMetrics {
            cpu: register(
                registry,
                Counter::new(
                    "afterword_process_cpu_seconds_total",
                    "CPU time used, of all threads.",
                )?,
            )?,
            memory: register(
                registry,
                IntGauge::new("afterword_process_resident_memory_bytes", "Memory in use.")?,
            )?,
            files: register(
                registry,
                IntGauge::new("afterword_process_open_fds", "Open files and sockets.")?,
            )?,
            threads: register(
                registry,
                IntGauge::new("afterword_process_threads", "Threads.")?,
            )?,
            _started: register(registry, started)?,
        })
    }

    /// Reads them anew.
    pub fn refresh(&self) {
        if let Some(ticks) = cpu_ticks() {
            self.cpu.inc_by((ticks / TICKS - self.cpu.get()).max(0.0));
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok())
        };
        self.memory
            .set(number("VmRSS:").unwrap_or(0).saturating_mul(1_024));
        self.threads.set(number("Threads:").unwrap_or(0));
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }
}

/// User and system time: the 14th and 15th field, counted behind the name in parentheses.
fn cpu_ticks() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<f64>().ok()).sum()
}
