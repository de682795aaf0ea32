//! Logging in and out, and changing one's password.

use std::fmt::Display;

use poem::{Request, web::RemoteAddr};
use poem_openapi::{ApiResponse, OpenApi, payload::Response};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Tag,
    body::Body,
    carriers::{LogIn, PasswordChange, Session},
    reader::{Answer, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
};
use crate::{
    auth::{Authenticated, Authenticator, LoggedIn, Proof, session},
    error::Error,
    store::Touched,
    users::{
        self, credential,
        password::Requester,
        ticket::{self, SessionSecrets},
    },
};

#[derive(Default)]
pub struct SessionOperations;

/// The refusals of a log-in.
pub struct BeginSession;

impl Refusals for BeginSession {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, "Bad request. The body is no name and password; the message says why."),
        (401, "Unauthorized. Name and password do not belong together."),
        (403, "Forbidden. The password is temporary, or another site's page sent the request."),
        (406, "Not acceptable. The client takes no JSON."),
        (429, "Too many attempts failed."),
        (503, "The server cannot answer now. Try again."),
    ];
}

/// The refusals of changing a password.
pub struct ChangePassword;

impl Refusals for ChangePassword {
    const LIST: &'static [(u16, &'static str)] = &[
        (400, "Bad request. The body is wrong, or the new password cannot be one; the message says why."),
        (401, "Unauthorized. Name and old password do not belong together."),
        (403, "Forbidden. The caller may not manage the own user, or another site's page sent the request."),
        (429, "Too many attempts failed."),
        (503, "The server cannot answer now. Try again."),
    ];
}

#[derive(ApiResponse)]
pub enum SessionBegun {
    /// The session began; Set-Cookie has it, and the token that pages send as X-XSRF-TOKEN.
    #[oai(status = 200)]
    Ok(Answer<Session>),
}

#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Session", ignore_case = true)]
impl SessionOperations {
    /// Log in
    ///
    /// Begins a session: the answer has a ticket for `Authorization: SoTicket`, and sets two cookies for browsers. One
    /// holds the session's secret, out of reach of scripts; the other, `XSRF-TOKEN`, holds what a page must send in the
    /// header `X-XSRF-TOKEN` of every request, reads included.
    #[oai(path = "/session", method = "post", operation_id = "BeginSession")]
    async fn begin_session(
        &self,
        reader: Reader,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        request: &Request,
        log_in: Body<LogIn>,
    ) -> Result<Response<SessionBegun>, ErrorResponse<BeginSession>> {
        let LogIn { user_name, password } = log_in.0;
        let password = SecretString::from(password.0);
        let logged_in = authenticator.log_in(&user_name, &password, remote.into()).await?.for_good()?;
        let LoggedIn { caller, proof, .. } = logged_in;
        let confirming = authenticator.clone();
        let issue = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                confirming.confirm(transaction, caller.user_id, &proof).await?;
                let id = caller.user_id;
                let issued = ticket::issue_session(transaction, id).await?;
                Ok::<_, Error>((issued, Touched::users([id]).and(Touched::access([id]))))
            })
        });
        let (SessionSecrets { cookie, ticket }, row) = issue.await?;
        let begun = Session::new(ticket.expose_secret(), &row, authenticator.longest_ticket);
        Ok(with_cookies(SessionBegun::Ok(reader.answer(begun)), Some(&cookie), request))
    }

    /// Log out
    ///
    /// Ends the session, the ticket or the access token that the request was made with.
    #[oai(path = "/session", method = "delete", operation_id = "EndSession")]
    async fn end_session(
        &self,
        authenticated: Authenticated,
        authenticator: &Authenticator,
        request: &Request,
    ) -> Result<Response<Done>, ErrorResponse<NoOwn>> {
        let Authenticated { caller, proof, .. } = authenticated;
        let log_out = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                // The user before the ticket, as all that change both.
                let id = caller.user_id;
                users::set_last_logout(transaction, id).await?;
                if let Proof::Ticket(secret) | Proof::Bearer(secret) = &proof {
                    ticket::revoke_presented(transaction, secret).await?;
                }
                Ok::<_, Error>(((), Touched::users([id]).and(Touched::access([id]))))
            })
        });
        log_out.await?;
        Ok(with_cookies(Done::NoContent, None, request))
    }

    /// Change the own password
    ///
    /// Replaces a password, by name and old password, as at a log-in. It is all that a temporary password can do. The
    /// user's tickets and access tokens end.
    #[oai(path = "/password", method = "post", operation_id = "ChangePassword")]
    async fn change_password(
        &self,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        change: Body<PasswordChange>,
    ) -> Result<Done, ErrorResponse<ChangePassword>> {
        let PasswordChange { user_name, old_password, new_password } = change.0;
        let old = SecretString::from(old_password.0);
        let LoggedIn { caller, proof, .. } = authenticator.log_in(&user_name, &old, remote.into()).await?;
        let unfit = |reason: &dyn Display| Error::InvalidArgument(format!("The new password cannot be one: {reason}."));
        let passwords = &authenticator.passwords;
        let new = passwords.policy().accept(&new_password.0).map_err(|fault| unfit(&fault))?;
        if new.is(&old) {
            return Err(unfit(&"it is the old one").into());
        }
        // Hashing takes long, so whether the caller may is checked before, and again in the transaction.
        let user = users::find(authenticator.store.reader(), caller.user_id).await?.ok_or(Error::Unauthenticated)?;
        if !caller.may_manage(&user) {
            return Err(Error::MayNotManageUser.into());
        }
        let hash = passwords.hash(&new, Requester::User(caller.user_id)).await.map_err(Error::from)?;
        let confirming = authenticator.clone();
        let change = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                let user = confirming.confirm(transaction, caller.user_id, &proof).await?;
                if !caller.may_manage(&user) {
                    return Err(Error::MayNotManageUser);
                }
                credential::set_password(transaction, caller.user_id, hash, None).await?;
                Ok(((), Touched::access([caller.user_id])))
            })
        });
        change.await?;
        Ok(Done::NoContent)
    }
}

fn with_cookies<T: ApiResponse>(response: T, secret: Option<&SecretString>, request: &Request) -> Response<T> {
    let cookies = session::cookies(secret, request).into_iter();
    cookies.fold(Response::new(response), |response, cookie| response.header("set-cookie", cookie))
}
