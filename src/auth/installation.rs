//! The two kinds of installation, and which schemes each allows (contract §4).

/// Where the server stands, seen from its users. The names are upstream's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Installation {
    /// On the premises: Basic, tickets, access tokens and sessions.
    #[default]
    Onsite,
    /// In the open: no Basic, tickets only from an application, and users are managed by applications that may.
    Online,
}

impl Installation {
    /// A name and a password may stand in each request.
    pub(super) fn allows_basic(self) -> bool {
        self == Self::Onsite
    }

    /// A ticket proves something without an application beside it.
    pub(super) fn allows_ticket_alone(self) -> bool {
        self == Self::Onsite
    }

    /// Whoever calls may use the User agent, whatever the application.
    pub(super) fn opens_user_agent(self) -> bool {
        self == Self::Onsite
    }
}
