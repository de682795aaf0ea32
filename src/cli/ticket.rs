//! `kommando ticket`.

use anyhow::ensure;
use clap::Subcommand;
use kommando::{
    config::Config,
    executions::audit::{Action, Actor, Change, Way},
    store::Touched,
    users::{audited::user_subject, ticket},
};
use secrecy::ExposeSecret;

use super::operator;

#[derive(Subcommand)]
pub enum Ticket {
    /// Issue a ticket to a user and print it, for `Authorization: SoTicket 7T:…`
    Issue {
        /// Name or UserName of the user
        #[arg(long, value_name = "NAME")]
        user: String,
    },
}

impl Ticket {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Issue { user } = self;
        let store = super::open_existing(config).await?;
        let audit_log = super::audit_log(config, &store).await?;
        let issue = store.write(move |transaction| {
            Box::pin(async move {
                let user = super::hold_user(transaction, &user).await?;
                ensure!(!user.is_retired(), "{} is retired and cannot call", user.user.name);
                let (ticket, _) = ticket::issue(transaction, user.user.id, None).await?;
                let issued = Change::new(Action::TicketIssued, user_subject(&user));
                let actor = Actor::of(operator::source(Way::CommandLine));
                audit_log.record(transaction, &actor, vec![issued]).await?;
                Ok((ticket, Touched::Everything))
            })
        });
        let ticket = issue.await?;
        super::say(ticket.expose_secret())?;
        Ok(store.close().await?)
    }
}
