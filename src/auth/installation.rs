//! The two kinds of installation and the authentication schemes that each allows (docs/upstream.md §4).

/// The kind of installation. The names are upstream's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Installation {
    /// Basic, tickets, access tokens and sessions.
    #[default]
    Onsite,
    /// No Basic; tickets only with an application token; the User agent only for applications that were added with `--user-agent`.
    Online,
}

impl Installation {
    /// Whether requests may authenticate with HTTP Basic.
    pub(super) fn allows_basic(self) -> bool {
        self == Self::Onsite
    }

    /// Whether a ticket is valid without an application token.
    pub(super) fn allows_ticket_alone(self) -> bool {
        self == Self::Onsite
    }

    /// Whether every caller may use the User agent.
    pub(super) fn opens_user_agent(self) -> bool {
        self == Self::Onsite
    }
}
