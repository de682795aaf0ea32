//! `kommando serve`.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use kommando::{
    app::{self, App, DemoAccess, config_check, otlp, systemd},
    auth::Installation,
    clock,
    config::Config,
    users::bootstrap::ADMIN,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub struct Serve {
    /// Serve five demo users and the built-in commands, on this machine only
    #[arg(long)]
    demo: bool,
    /// File to write the port into once the server accepts requests, for --listen 127.0.0.1:0
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

impl Serve {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let catalog = config_check::start(&config, self.demo).await?;
        if let Some(time) = config.clock {
            clock::freeze(time);
        }
        let traces = otlp::start()?;
        // From now on, SIGHUP does not end the process, and SIGINT and SIGTERM shut it down gracefully.
        let hangup = signal(SignalKind::hangup())?;
        let stop = stop_signal()?;
        let folder = app::commands_folder(config.commands.as_deref(), self.demo);
        // Every connection needs a file descriptor, and the default limit is low for a server.
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!(%error, "failed to raise the limit of file descriptors");
        }
        let listener = app::listen(config.listen);
        let listener = listener.with_context(|| {
            format!("cannot listen on {}; use another address with --listen, or port 0 for a free port", config.listen)
        })?;
        let address = listener.local_addr()?;
        let metrics = app::listen_for_metrics(config.metrics)?;
        let admin_password = config.admin_password()?;
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
        // Printed last, because a client may send requests as soon as it reads this.
        banner.map_or(Ok(()), super::say)?;
        let docs = format!("{}://{address}/docs", scheme(&config));
        tracing::info!(%address, docs, "listening");
        if let Some(file) = &self.port_file {
            write_port(file, address.port()).with_context(|| format!("failed to write {}", file.display()))?;
        }
        systemd::tell_ready();
        systemd::keep_alive();
        server.serve(listener, stop).await;
        traces.finish().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// The scheme of the server's own URLs.
fn scheme(config: &Config) -> &'static str {
    if config.tls_cert.is_some() { "https" } else { "http" }
}

/// Writes the port file atomically, so that a reader never sees a partial port.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(".partial");
    fs::write(&temporary, format!("{port}\n"))?;
    fs::rename(temporary, file)
}

/// The output of a demo: its URLs, its credentials, and a curl command to try.
struct Banner<'a> {
    address: SocketAddr,
    config: &'a Config,
    /// The password of the users, if this start set it.
    password: Option<SecretString>,
    /// The credentials of an online installation, which accepts no passwords.
    access: Option<DemoAccess>,
    /// Whether the embedded examples are in force.
    has_examples: bool,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = format!("{}://{}", scheme(self.config), self.address);
        let password = match &self.password {
            Some(password) => password.expose_secret().to_owned(),
            None => format!("unchanged; set another with `{}`", set_password(self.config)),
        };
        writeln!(f, "\n  Swagger UI  {url}/docs\n  Console     {url}/_ext/console\n  User        {ADMIN}")?;
        writeln!(f, "  Password    {password}")?;
        if let Some(access) = &self.access {
            let token = access.app_token.expose_secret();
            writeln!(
                f,
                "  SO-AppToken {token}\n              (the console asks for it under \"Online installation\")"
            )?;
        }
        // The command `hello` exists only in the examples; the list always exists.
        let (what, method, path) = match self.has_examples {
            true => ("Run a command on a user", "-X POST ", "/hello"),
            false => ("List the commands of a user", "", ""),
        };
        let credentials = self.credentials();
        let language = "-H 'Accept-Language: en'";
        writeln!(f, "\n  {what}:\n\n  curl {method}{credentials} {language} '{url}/api/v1/User/2/CustomCommand{path}'")
    }
}

impl Banner<'_> {
    /// The credentials as arguments of curl.
    fn credentials(&self) -> String {
        match (&self.access, &self.password) {
            (Some(access), _) => format!(
                "-H 'Authorization: SoTicket {}' -H 'SO-AppToken: {}'",
                access.ticket.expose_secret(),
                access.app_token.expose_secret()
            ),
            (None, Some(password)) => format!("-u {}", quote(&format!("{ADMIN}:{}", password.expose_secret()))),
            // curl prompts for the password.
            (None, None) => format!("-u {}", quote(ADMIN)),
        }
    }
}

/// Warns in the background if KOMMANDO_ADMIN_PASSWORD has no effect. Comparing the password is slow.
fn warn_of_unused_password(app: &App, admin_password: Option<SecretString>) {
    let Some(password) = admin_password else { return };
    let app = app.clone();
    tokio::spawn(async move {
        match app.is_admin_password(&password).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "KOMMANDO_ADMIN_PASSWORD is not the password of {ADMIN} and has no effect, because the database has \
                 users; change the password with `kommando user set-password {ADMIN}`, or, if there is no {ADMIN}, add \
                 the user with `kommando user add {ADMIN} --role Administrator`"
            ),
            Err(error) => {
                tracing::warn!(%error, "failed to compare KOMMANDO_ADMIN_PASSWORD with the password of {ADMIN}")
            }
        }
    });
}

/// The command line that sets the password in this database, with this program.
fn set_password(config: &Config) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "kommando".to_owned());
    format!("{program} --database-url {} user set-password {ADMIN}", quote(&config.database_url.to_string()))
}

/// Quotes a word for a POSIX shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Fills the database with the demo users, and returns the banner to print.
async fn prepare_demo<'a>(
    app: &mut App,
    config: &'a Config,
    admin_password: Option<SecretString>,
    (address, has_examples): (SocketAddr, bool),
) -> anyhow::Result<Banner<'a>> {
    let generated = || config.password_policy().generate().secret().clone();
    let password = admin_password.clone().unwrap_or_else(generated);
    let is_new = app.fill_demo(&password).await?;
    app.enable_demo_mode().await?;
    let access = match config.installation {
        Installation::Onsite => None,
        Installation::Online => Some(app.issue_demo_access().await?),
    };
    if !is_new {
        warn_of_unused_password(app, admin_password);
    }
    Ok(Banner { address, config, password: is_new.then_some(password), access, has_examples })
}

async fn prepare(app: &App, config: &Config, admin_password: Option<SecretString>) -> anyhow::Result<()> {
    if !app.has_no_users().await? {
        if let Some(problem) = config_check::no_administrator(app.store.reader(), config).await? {
            tracing::warn!("{problem}");
        }
        warn_of_unused_password(app, admin_password);
        return Ok(());
    }
    match admin_password {
        Some(password) if app.register_administrator(&password).await? => {
            tracing::info!("created the first administrator, {ADMIN}, with the password of KOMMANDO_ADMIN_PASSWORD");
        }
        Some(_) => {}
        None => tracing::warn!("{}", config_check::NO_USERS),
    }
    Ok(())
}

/// A future that is ready on the first SIGINT or SIGTERM. A second signal ends the process at once.
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
        systemd::tell_stopping();
        tracing::info!("stopping after the requests in flight; another signal stops at once");
        tokio::spawn(async move {
            signal().await;
            tracing::warn!("stopped at once");
            std::process::exit(130);
        });
    })
}
