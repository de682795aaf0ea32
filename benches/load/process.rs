//! A child process that is killed when its handle is dropped. Every wait has a timeout.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use tokio::time::{sleep, timeout};

const GLANCE: Duration = Duration::from_millis(20);
/// Number of log lines in error messages.
const LAST_LINES: usize = 5;

/// A process that is killed on drop. Its output and its log go to two files.
pub struct Process {
    name: &'static str,
    child: Child,
    output: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts a process in a folder.
    pub fn start(name: &'static str, command: &mut Command, folder: &Path) -> anyhow::Result<Self> {
        let (output, log) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.log")));
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name, child, output, log })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() { Err(self.failure("ended")) } else { Ok(()) }
    }

    /// Waits for the first complete line of output that contains this text.
    pub async fn line_with(&mut self, text: &str, limit: Duration) -> anyhow::Result<String> {
        let find = |output: &str| {
            let mut complete = output.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            complete.find(|line| line.contains(text)).map(|line| line.trim().to_owned())
        };
        let look = async {
            loop {
                if let Some(line) = find(&self.output()?) {
                    return Ok(line);
                }
                ensure!(self.child.try_wait()?.is_none(), "it ended");
                sleep(GLANCE).await;
            }
        };
        let found = timeout(limit, look).await.unwrap_or_else(|_| Err(anyhow!("{} s went by", limit.as_secs())));
        found.map_err(|error| self.failure(&format!("did not print `{text}` ({error:#})")))
    }

    /// Waits for the end of the process and returns its output. Fails if the process failed.
    pub async fn finish(mut self, limit: Duration) -> anyhow::Result<String> {
        let Ok(status) = timeout(limit, self.end()).await else {
            return Err(self.failure(&format!("took longer than {} s", limit.as_secs())));
        };
        if status?.success() { self.output() } else { Err(self.failure("failed")) }
    }

    async fn end(&mut self) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(GLANCE).await;
        }
    }

    fn output(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.output)?)
    }

    fn failure(&self, what: &str) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        anyhow!("{} {what}; the end of its log:\n{last}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
