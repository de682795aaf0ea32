//! `kommando audit seal`.

use clap::Args;
use kommando::{
    config::Config,
    executions::audit::{self, Action, AuditLog, Change, ChangedFields, Subject, SubjectType, Unsealed},
    store::{Store, Touched},
};

use crate::cli;

#[derive(Args)]
pub struct Seal {
    /// Seal what is listed
    #[arg(long)]
    yes: bool,
}

impl Seal {
    /// Lists the rows without a seal, and with `yes` seals exactly these.
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<()> {
        let (key, yes) = (super::key(store, config).await?, self.yes);
        let seal = store.write(move |transaction| {
            Box::pin(async move {
                let unsealed = audit::find_unsealed(transaction, &key).await?;
                list(&unsealed)?;
                if yes {
                    audit::seal_all(transaction, &key, &unsealed).await?;
                    if !unsealed.executions.is_empty() || !unsealed.deliveries.is_empty() {
                        let fields = ChangedFields::from([
                            ("executions", unsealed.executions.len().into()),
                            ("webhooks", unsealed.deliveries.len().into()),
                        ]);
                        let sealed = Change::new(Action::RowsSealed, Subject::new(SubjectType::Chain, "", ""));
                        let sealed = sealed.fields(ChangedFields::default(), fields);
                        let actor = super::actor();
                        AuditLog::new(key).record(transaction, &actor, vec![sealed]).await?;
                    }
                }
                Ok::<_, anyhow::Error>((unsealed.executions.len() + unsealed.deliveries.len(), Touched::Nothing))
            })
        });
        let count = seal.await?;
        match (count, yes) {
            (0, _) => cli::say("all rows have seals"),
            (_, true) => cli::say(format_args!("{count} rows were sealed")),
            (_, false) => cli::say(format_args!("{count} rows have no seal; check each, then seal them with --yes")),
        }
    }
}

fn list(Unsealed { executions, deliveries }: &Unsealed) -> anyhow::Result<()> {
    // Escaped, because such a row may contain terminal control sequences.
    for one in executions {
        cli::say(format_args!(
            "execution {} of {}: {:?} on user {} by user {}",
            one.id, one.started_at, one.command_name, one.user_id, one.caller_id
        ))?;
    }
    for one in deliveries {
        cli::say(format_args!("webhook {:?} to {:?} of {}: {:?}", one.id, one.target, one.created_at, one.body))?;
    }
    Ok(())
}
