//! Sessions, and changes of the caller's own password.

use std::fmt::Display;

use poem::{Request, web::RemoteAddr};
use poem_openapi::{ApiResponse, OpenApi, payload::Response};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    api::{
        extract::json_body::JsonBody,
        models::{LogIn, PasswordChange, Session},
        openapi::error_responses::{CommonErrors, Done, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    auth::{Authenticated, Authenticator, LoggedIn, Proof, session, source_of},
    error::Error,
    executions::audit::{Action, Change},
    store::Touched,
    users::{
        self,
        audited::user_subject,
        credential,
        password::Requester,
        ticket::{self, SessionSecrets},
    },
};

#[derive(Default)]
pub struct SessionOperations;

error_responses! {
    /// The errors of a login.
    pub enum BeginSessionError {
        /// Bad request. The body is not a name and a password; the message says why.
        400 BadRequest,
        /// Unauthorized. Wrong name or password.
        401 Unauthorized,
        /// Forbidden. The password is temporary, or another site's page sent the request.
        403 Forbidden,
        /// Not acceptable. Accept excludes both JSON and XML.
        406 NotAcceptable,
        /// Too many attempts failed.
        429 TooManyRequests,
        /// The server cannot answer now. Try again.
        503 ServiceUnavailable,
    }
}

error_responses! {
    /// The errors of changing a password.
    pub enum ChangePasswordError {
        /// Bad request. The body is wrong, or the new password is not valid; the message says why.
        400 BadRequest,
        /// Unauthorized. Wrong name or old password.
        401 Unauthorized,
        /// Forbidden. The caller may not change their own password, or another site's page sent the request.
        403 Forbidden,
        /// Too many attempts failed.
        429 TooManyRequests,
        /// The server cannot answer now. Try again.
        503 ServiceUnavailable,
    }
}

#[derive(ApiResponse)]
pub enum SessionBegun {
    /// The session has begun. Set-Cookie sets the session cookie, and the cookie XSRF-TOKEN with the value for the
    /// header X-XSRF-TOKEN.
    #[oai(status = 200)]
    Ok(Formatted<Session>),
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Session", ignore_case = true)]
impl SessionOperations {
    /// Log in
    ///
    /// Begins a session. The response has a ticket for `Authorization: SoTicket`, and sets two cookies for browsers.
    /// The session cookie contains a secret and cannot be read by scripts. The cookie `XSRF-TOKEN` contains the value
    /// that a page must send in the header `X-XSRF-TOKEN` of every request, including reads.
    #[oai(path = "/session", method = "post", operation_id = "BeginSession")]
    async fn begin_session(
        &self,
        format: ResponseFormat,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        request: &Request,
        log_in: JsonBody<LogIn>,
    ) -> Result<Response<SessionBegun>, ErrorResponse<BeginSessionError>> {
        let LogIn { user_name, password } = log_in.0;
        let password = SecretString::from(password.0);
        let logged_in = authenticator.log_in(&user_name, &password, remote.into()).await?.require_permanent()?;
        let LoggedIn { caller, proof, .. } = logged_in;
        let revalidator = authenticator.clone();
        let issue = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                revalidator.revalidate(transaction, caller.user_id, &proof).await?;
                let id = caller.user_id;
                let issued = ticket::issue_session(transaction, id).await?;
                Ok::<_, Error>((issued, Touched::users([id]).and(Touched::access([id]))))
            })
        });
        let (SessionSecrets { cookie, ticket }, row) = issue.await?;
        let begun = Session::new(ticket.expose_secret(), &row, authenticator.max_ticket_lifetime);
        Ok(with_cookies(SessionBegun::Ok(format.answer(begun)), Some(&cookie), request))
    }

    /// Log out
    ///
    /// Ends the session, ticket or access token that the request was authenticated with.
    #[oai(path = "/session", method = "delete", operation_id = "EndSession")]
    async fn end_session(
        &self,
        authenticated: Authenticated,
        authenticator: &Authenticator,
        request: &Request,
    ) -> Result<Response<Done>, ErrorResponse<CommonErrors>> {
        let Authenticated { caller, proof, .. } = authenticated;
        let log_out = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                // Every transaction that changes both locks the user before the ticket.
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

    /// Change your own password
    ///
    /// Changes the password of a user. As in a login, a name and the old password identify the user. A temporary
    /// password can only be used for this operation. All tickets and access tokens of the user are revoked.
    #[oai(path = "/password", method = "post", operation_id = "ChangePassword")]
    async fn change_password(
        &self,
        authenticator: &Authenticator,
        remote: &RemoteAddr,
        request: &Request,
        change: JsonBody<PasswordChange>,
    ) -> Result<Done, ErrorResponse<ChangePasswordError>> {
        let PasswordChange { user_name, old_password, new_password } = change.0;
        let old = SecretString::from(old_password.0);
        let LoggedIn { caller, proof, .. } = authenticator.log_in(&user_name, &old, remote.into()).await?;
        let invalid =
            |reason: &dyn Display| Error::InvalidArgument(format!("The new password is not valid: {reason}."));
        let passwords = &authenticator.passwords;
        let new = passwords.policy().accept(&new_password.0).map_err(|error| invalid(&error))?;
        if new.is(&old) {
            return Err(invalid(&"it is the old one").into());
        }
        // Authorization is checked before hashing, which is slow, and again in the transaction.
        let user = users::find(authenticator.store.reader(), caller.user_id).await?.ok_or(Error::Unauthenticated)?;
        if !caller.may_manage(&user) {
            return Err(Error::MayNotManageUser.into());
        }
        let hash = passwords.hash(&new, Requester::User(caller.user_id)).await.map_err(Error::from)?;
        let caller = caller.with_source(source_of(request));
        let revalidator = authenticator.clone();
        let change = authenticator.store.write(move |transaction| {
            Box::pin(async move {
                let user = revalidator.revalidate(transaction, caller.user_id, &proof).await?;
                if !caller.may_manage(&user) {
                    return Err(Error::MayNotManageUser);
                }
                credential::set_password(transaction, caller.user_id, hash, None).await?;
                let set = Change::new(Action::PasswordSet, user_subject(&user));
                revalidator.audit_log.record(transaction, &caller.actor(), vec![set]).await?;
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
