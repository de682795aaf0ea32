//! Reads the processor time and memory of processes, and the processors of the machine, from `/proc`.

use std::{fs, thread::available_parallelism, time::Duration};

use anyhow::Context;

/// The unit of processor times in `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// The user and system time of a process.
pub fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let stat = read(&format!("/proc/{process}/stat"))?;
    // The name is in brackets and may contain any character; fields 3, 4, … follow it.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<u32>().ok());
    let (user, system) = field(14).zip(field(15)).context("no times in stat")?;
    Ok(TICK * (user + system))
}

/// The user and system time of all processes with this name.
pub fn processor_time_of_all(name: &str) -> anyhow::Result<Duration> {
    let mut used = Duration::ZERO;
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|id| id.parse().ok()) else { continue };
        // Ignore processes that have ended meanwhile.
        if fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|comm| comm.trim() == name) {
            used += processor_time(process).unwrap_or_default();
        }
    }
    Ok(used)
}

/// The resident memory of a process, in MiB.
pub fn resident_mebibytes(process: u32) -> anyhow::Result<f64> {
    let status = read(&format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in status")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(kibibytes / 1024.0)
}

/// The number and the model of the processors.
pub fn describe() -> anyhow::Result<String> {
    let information = read("/proc/cpuinfo")?;
    let model = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(|character: char| character.is_whitespace() || character == ':');
    Ok(format!("machine: {} processors, {model}", available_parallelism()?))
}

/// The time of all processors since boot.
pub struct Ticks {
    all: u64,
    stolen: u64,
}

impl Ticks {
    pub fn now() -> anyhow::Result<Self> {
        let stat = read("/proc/stat")?;
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("no sum in stat")?;
        // user nice system idle iowait irq softirq steal; the other fields are included in these.
        let ticks: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { all: ticks.iter().sum(), stolen: ticks.get(7).copied().unwrap_or_default() })
    }

    /// The part of the time since then that the host gave to other guests.
    pub fn stolen(&self) -> anyhow::Result<String> {
        let now = Self::now()?;
        let (stolen, all) = (now.stolen - self.stolen, now.all - self.all);
        Ok(format!("{:.1} % of their time taken by the host's other guests", 100.0 * stolen as f64 / all.max(1) as f64))
    }
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("failed to read {path}"))
}
