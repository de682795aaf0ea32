//! The User agent: the operations of the User resource as procedures. One file per group of operations.

mod access_token;
mod commands;
mod credential_search;
mod credentials;
mod data_rights;
mod external_tokens;
mod external_users;
mod groups;
mod info;
mod names;
mod presence;
mod read;
mod read_user_error;
mod requests;
mod resolve;
mod roles;
mod save;
mod service_auth;
mod untrusted_credentials;

use crate::api::extract::odata_select::WithSelect;

/// Every operation of the User agent.
pub type UserAgentOperations = (
    WithSelect<commands::CommandList>,
    commands::CommandRun,
    WithSelect<(
        read::Read,
        save::Save,
        presence::Presence,
        credentials::CredentialOperations,
        credential_search::CredentialSearch,
        external_users::ExternalUsers,
        resolve::Resolve,
        access_token::AccessTokens,
        groups::Groups,
        data_rights::DataRightProcedures,
        roles::Roles,
        (
            info::Info,
            service_auth::ServiceAuthOperations,
            untrusted_credentials::UntrustedCredentialsOperations,
            external_tokens::ExternalTokenOperations,
        ),
    )>,
    names::Names,
);
