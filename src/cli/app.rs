//! `kommando app`.

use anyhow::ensure;
use clap::Subcommand;
use kommando::{
    config::Config,
    executions::audit::{Actor, Way},
    store::Touched,
    users::{
        application,
        audited::{application_added, application_revoked},
    },
};
use secrecy::ExposeSecret;

use super::operator;

#[derive(Subcommand)]
pub enum App {
    /// Add an application and print its token, once, for the header SO-AppToken
    Add {
        /// Name of the application
        name: String,
        /// Grant the User agent, which is restricted in an online installation
        #[arg(long)]
        user_agent: bool,
    },
    /// List the applications
    List,
    /// Revoke an application: its token, and tickets issued through it, become invalid
    Revoke {
        /// Name of the application
        name: String,
    },
}

impl App {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let store = super::open_existing(config).await?;
        match self {
            Self::Add { name, user_agent } => {
                let audit_log = super::audit_log(config, &store).await?;
                let add = store.write(move |transaction| {
                    Box::pin(async move {
                        let (token, application) = application::add(transaction, &name, user_agent).await?;
                        audit_log.record(transaction, &actor(), vec![application_added(&application)]).await?;
                        Ok::<_, anyhow::Error>((token, Touched::Everything))
                    })
                });
                let token = add.await?;
                super::say(token.expose_secret())?;
            }
            Self::List => {
                let line = |id: &str, name: &str, agent: &str, state: &str| {
                    super::say(format_args!("{id:>6}  {name:<30} {agent:<12} {state}"))
                };
                line("id", "name", "user agent", "state")?;
                for found in application::list(store.reader()).await? {
                    let agent = if found.has_user_agent { "granted" } else { "-" };
                    let state = if found.revoked_at.is_some() { "revoked" } else { "active" };
                    line(&found.id.to_string(), &found.name, agent, state)?;
                }
            }
            Self::Revoke { name } => {
                let (audit_log, revoked) = (super::audit_log(config, &store).await?, name.clone());
                let revoke = store.write(move |transaction| {
                    Box::pin(async move {
                        let application = application::revoke(transaction, &revoked).await?;
                        let change = application.as_ref().map(application_revoked);
                        audit_log.record(transaction, &actor(), change.into_iter().collect()).await?;
                        Ok::<_, anyhow::Error>((application.is_some(), Touched::Everything))
                    })
                });
                ensure!(revoke.await?, "there is no application {name} to revoke; `kommando app list` shows them");
                super::say(format_args!("{name} is revoked"))?;
            }
        }
        Ok(store.close().await?)
    }
}

fn actor() -> Actor {
    Actor::of(operator::source(Way::CommandLine))
}
