//! Builds the application and serves it: the only place that sees everything.

mod reload;

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use poem::{Endpoint, Response, Server, listener::TcpAcceptor};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::{
    api::{self, Services},
    auth::Authenticator,
    commands::{Catalog, Commands, Faults},
    config::{Config, DEFAULT_COMMANDS},
    store::{OpenError, Store},
    users::{
        self, CreateError,
        bootstrap::{self, RegisterError},
        demo,
        password::{Interrupted, Passwords},
    },
};

/// How long requests in flight may take to end after a signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Why the application could not be built or served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(sea_orm::DbErr),
    #[error(
        "the command definitions cannot be used:\n{0}\nMend them and start again; `kommando commands check` tells whether they are right"
    )]
    Commands(#[from] Faults),
    #[error("the database does not answer: {0}")]
    Database(#[from] sea_orm::DbErr),
    #[error("the first users cannot be made: {0}")]
    Fill(#[from] CreateError),
    #[error("the first administrator cannot be made: {0}")]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Everything a server is made of, ready to answer.
#[derive(Clone, Debug)]
pub struct App {
    pub store: Store,
    pub passwords: Passwords,
    commands: Commands,
}

impl App {
    /// Opens and migrates the database, and puts the commands in force.
    ///
    /// # Errors
    /// The database cannot be opened or migrated.
    pub async fn build(config: &Config, catalog: Catalog) -> Result<Self, StartError> {
        let store = Store::open(&config.database_url).await?;
        store.migrate_up().await.map_err(StartError::Migrate)?;
        let passwords = Passwords::new(&config.password_cost);
        let commands = Commands::new(store.clone(), passwords.clone(), catalog);
        Ok(Self { store, passwords, commands })
    }

    /// Whether nobody can call yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn has_no_users(&self) -> Result<bool, StartError> {
        Ok(users::count(self.store.reader()).await? == 0)
    }

    /// Fills an empty database with the users of the demo, who share the password.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn fill_demo(&self, password: &SecretString) -> Result<(), StartError> {
        let hash = self.passwords.hash(password).await?;
        let transaction = self.store.begin_write().await?;
        demo::fill(&transaction, &hash).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes the first administrator.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn register_administrator(&self, password: &SecretString) -> Result<(), StartError> {
        let hash = self.passwords.hash(password).await?;
        let transaction = self.store.begin_write().await?;
        bootstrap::register_administrator(&transaction, hash).await?;
        Ok(transaction.commit().await?)
    }

    /// Reads the definitions of this folder again when it changes, and on SIGHUP.
    ///
    /// # Errors
    /// The process cannot listen to signals.
    pub fn watch_commands(&self, folder: PathBuf) -> std::io::Result<()> {
        reload::start(folder, self.commands.clone())
    }

    /// What answers requests.
    pub fn endpoint(&self) -> impl Endpoint<Output = Response> + 'static {
        api::endpoint(Services {
            store: self.store.clone(),
            authenticator: Authenticator::new(self.store.clone(), self.passwords.clone()),
            commands: self.commands.clone(),
        })
    }

    /// Serves until `stop` is ready, lets the requests in flight end, and closes the database.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let endpoint = self.endpoint();
        let acceptor = TcpAcceptor::from_tokio(listener)?;
        Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(endpoint, stop, Some(DRAIN)).await?;
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
        Ok(())
    }
}

/// The folder of the definitions to put in force: the named one, else in demo mode none, since the embedded examples
/// serve, else the default one, if it is there.
pub fn commands_folder(named: Option<&Path>, demo: bool) -> Option<PathBuf> {
    let default = Path::new(DEFAULT_COMMANDS);
    let unnamed = || (!demo && default.is_dir()).then(|| default.to_owned());
    named.map(Path::to_owned).or_else(unnamed)
}

/// The definitions to put in force.
///
/// # Errors
/// The folder is missing, or a definition is wrong.
pub fn load_commands(folder: Option<&Path>, demo: bool) -> Result<Catalog, Faults> {
    match folder {
        Some(folder) => Catalog::from_folder(folder),
        None if demo => Catalog::examples(),
        None => {
            tracing::warn!("there is no folder {DEFAULT_COMMANDS}, so there are no commands; --commands names another");
            Ok(Catalog::default())
        }
    }
}
