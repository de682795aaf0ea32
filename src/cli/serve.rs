//! `kommando serve`.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use kommando::{
    app::{self, App, DemoAccess, check, supervisor},
    auth::Installation,
    clock,
    config::{self, Config},
    users::bootstrap::ADMIN,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub struct Serve {
    /// Serve demo users and the embedded example commands, on this machine only
    #[arg(long)]
    demo: bool,
    /// Write the port into this file once requests are taken: for scripts, beside --listen 127.0.0.1:0
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

impl Serve {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let catalog = check::start(&config, self.demo).await?;
        if let Some(time) = config.clock {
            clock::freeze(time);
        }
        // From now on, a hangup is no reason to end, and to be stopped is to end in order.
        let hangup = signal(SignalKind::hangup())?;
        let stop = stop_signal()?;
        let folder = app::commands_folder(config.commands.as_deref(), self.demo);
        // Every connection takes a file descriptor, and the usual limit is low for a server.
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!(%error, "the limit of file descriptors could not be raised");
        }
        let listener = app::listen(config.listen);
        let listener = listener.with_context(|| {
            format!("cannot listen on {}; --listen names another address, and port 0 takes a free one", config.listen)
        })?;
        let address = listener.local_addr()?;
        let metrics = app::listen_for_metrics(config.metrics)?;
        let admin_password = config::admin_password()?;
        let mut app = App::build_server(&config, catalog, self.demo).await?;
        let mut banner = None;
        if self.demo {
            let has_examples = folder.is_none();
            banner = Some(prepare_demo(&mut app, &config, admin_password, (address, has_examples)).await?);
        } else {
            prepare(&app, &config, admin_password).await?;
        }
        app.check_names().await?;
        app.check_schema().await?;
        let server = app.make_ready(metrics).await?;
        server.app.watch_commands(folder, config.targets.clone(), hangup);
        // Only now: a client that reads this sends requests at once.
        banner.map_or(Ok(()), super::say)?;
        tracing::info!(%address, docs = format!("http://{address}/docs"), "listening");
        if let Some(file) = &self.port_file {
            write_port(file, address.port()).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        supervisor::tell_ready();
        supervisor::keep_alive();
        server.serve(listener, stop).await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Whole at once: a reader never sees half a port.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".partial");
    fs::write(&aside, format!("{port}\n"))?;
    fs::rename(aside, file)
}

/// What a demo prints: where it is, who may call, and a line that can be pasted.
struct Banner<'a> {
    address: SocketAddr,
    config: &'a Config,
    /// The password of the users, where this start set it.
    password: Option<SecretString>,
    /// What an online installation takes in place of a password.
    access: Option<DemoAccess>,
    /// The embedded examples are in force.
    has_examples: bool,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = format!("http://{}", self.address);
        let password = match &self.password {
            Some(password) => password.expose_secret().to_owned(),
            None => format!("as before; `{}` sets another", set_password(self.config)),
        };
        writeln!(f, "\n  Swagger UI  {url}/docs\n  Console     {url}/_ext/console\n  User        {ADMIN}")?;
        writeln!(f, "  Password    {password}")?;
        if let Some(access) = &self.access {
            let token = access.app_token.expose_secret();
            writeln!(
                f,
                "  SO-AppToken {token}\n              (the console asks for it: \"This is an online installation\")"
            )?;
        }
        // Of definitions of one's own, only the list is known to be there.
        let (what, method, path) = match self.has_examples {
            true => ("Run a command on a user", "-X POST ", "/hello"),
            false => ("List the commands of a user", "", ""),
        };
        let credentials = self.credentials();
        writeln!(f, "\n  {what}:\n\n  curl {method}{credentials} '{url}/api/v1/User/2/CustomCommand{path}'")
    }
}

impl Banner<'_> {
    /// How curl is told who calls.
    fn credentials(&self) -> String {
        match (&self.access, &self.password) {
            (Some(access), _) => format!(
                "-H 'Authorization: SoTicket {}' -H 'SO-AppToken: {}'",
                access.ticket.expose_secret(),
                access.app_token.expose_secret()
            ),
            (None, Some(password)) => format!("-u {}", quote(&format!("{ADMIN}:{}", password.expose_secret()))),
            // curl asks for a password that it is not given.
            (None, None) => format!("-u {}", quote(ADMIN)),
        }
    }
}

/// Warns of a password that is set and has no effect. It takes a moment to find out, which the start does without.
fn tell_of_idle_password(app: &App, admin_password: Option<SecretString>) {
    let Some(password) = admin_password else { return };
    let app = app.clone();
    tokio::spawn(async move {
        match app.is_admin_password(&password).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "KOMMANDO_ADMIN_PASSWORD is not the password of {ADMIN}, and changes nothing: it is for a database without \
                 users. `kommando user set-password {ADMIN}` sets another password; where there is no {ADMIN}, `kommando \
                 user add {ADMIN} --role Administrator` makes one"
            ),
            Err(error) => {
                tracing::warn!(%error, "failed to compare KOMMANDO_ADMIN_PASSWORD with the password of {ADMIN}")
            }
        }
    });
}

/// The command line that sets a password in this very database, with this very program.
fn set_password(config: &Config) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "kommando".to_owned());
    format!("{program} --database-url {} user set-password {ADMIN}", quote(&config.database_url.to_string()))
}

/// A word that a shell takes as it is.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Fills the demo, and has what is printed of it.
async fn prepare_demo<'a>(
    app: &mut App,
    config: &'a Config,
    admin_password: Option<SecretString>,
    (address, has_examples): (SocketAddr, bool),
) -> anyhow::Result<Banner<'a>> {
    let generated = || config.password_policy().generate().secret().clone();
    let password = admin_password.clone().unwrap_or_else(generated);
    let is_new = app.fill_demo(&password).await?;
    app.be_demo().await?;
    let access = match config.installation {
        Installation::Onsite => None,
        Installation::Online => Some(app.issue_demo_access().await?),
    };
    if !is_new {
        tell_of_idle_password(app, admin_password);
    }
    Ok(Banner { address, config, password: is_new.then_some(password), access, has_examples })
}

async fn prepare(app: &App, config: &Config, admin_password: Option<SecretString>) -> anyhow::Result<()> {
    if !app.has_no_users().await? {
        if let Some(problem) = check::no_administrator(app.store.reader(), config).await? {
            tracing::warn!("{problem}");
        }
        tell_of_idle_password(app, admin_password);
        return Ok(());
    }
    match admin_password {
        Some(password) if app.register_administrator(&password).await? => {
            tracing::info!("made the first administrator, {ADMIN}, with the password of KOMMANDO_ADMIN_PASSWORD");
        }
        Some(_) => {}
        None => tracing::warn!("{}", check::NO_USERS),
    }
    Ok(())
}

/// Ready when the process is asked to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut signal = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(async move {
        signal().await;
        supervisor::tell_stopping();
        tracing::info!("stopping; requests in flight may end, and another signal stops at once");
        tokio::spawn(async move {
            signal().await;
            tracing::warn!("stopped at once");
            std::process::exit(130);
        });
    })
}
