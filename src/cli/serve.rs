//! `kommando serve`.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use clap::Args;
use kommando::{
    app::{self, App},
    config::{self, Config},
    users::{bootstrap::ADMIN, password},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

#[derive(Args)]
pub struct Serve {
    /// Serve demo users and the embedded example commands, on this machine only
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        ensure!(
            !self.demo || config.listen.ip().is_loopback(),
            "--demo listens on this machine only; use --listen 127.0.0.1:{}",
            config.listen.port()
        );
        let folder = app::commands_folder(config.commands.as_deref(), self.demo);
        let catalog = app::load_commands(folder.as_deref(), self.demo)?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.with_context(|| {
            format!("cannot listen on {}; --listen names another address, and port 0 takes a free one", config.listen)
        })?;
        let address = listener.local_addr()?;
        let app = App::build(&config, catalog).await?;
        if self.demo {
            println!("{}", demo_banner(address, fill_demo(&app).await?.as_ref()));
        } else {
            prepare(&app).await?;
        }
        if let Some(folder) = folder {
            app.watch_commands(folder)?;
        }
        tracing::info!(%address, docs = format!("http://{address}/docs"), "listening");
        app.serve(listener, stop_signal()?).await?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Fills an empty database and answers with the password that its users got.
async fn fill_demo(app: &App) -> anyhow::Result<Option<SecretString>> {
    if !app.has_no_users().await? {
        return Ok(None);
    }
    let password = config::admin_password()?.unwrap_or_else(password::generate);
    app.fill_demo(&password).await?;
    Ok(Some(password))
}

fn demo_banner(address: SocketAddr, password: Option<&SecretString>) -> String {
    let url = format!("http://{address}");
    let (password, credentials) = match password {
        Some(password) => (password.expose_secret().to_owned(), format!("{ADMIN}:{}", password.expose_secret())),
        None => (
            format!("as before; `kommando user set-password {ADMIN}` sets another"),
            ADMIN.to_owned(), // curl asks for the password
        ),
    };
    let credentials = quote(&credentials);
    format!(
        "\n  Swagger UI  {url}/docs\n  User        {ADMIN}\n  Password    {password}\n\n  \
         Run a command on a user:\n\n  \
         curl -X POST -u {credentials} '{url}/api/v1/User/2/CustomCommand/hello'\n"
    )
}

/// A word that a shell takes as it is.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

async fn prepare(app: &App) -> anyhow::Result<()> {
    if !app.has_no_users().await? {
        return Ok(());
    }
    match config::admin_password()? {
        Some(password) => {
            app.register_administrator(&password).await?;
            tracing::info!("made the first administrator, {ADMIN}, with the password of KOMMANDO_ADMIN_PASSWORD");
        }
        None => tracing::warn!(
            "there are no users, so nobody can call: `kommando user add {ADMIN} --role Administrator` adds one, and so \
             does a start with KOMMANDO_ADMIN_PASSWORD"
        ),
    }
    Ok(())
}

/// Ready when the process is asked to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping; requests in flight may end");
    })
}
