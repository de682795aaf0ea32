//! The reset of the demo, for tests of client programs.

use poem_openapi::OpenApi;

use crate::{
    api::{
        extract::request::NoBody,
        openapi::{
            error_responses::{Done, ErrorResponse, error_responses},
            tags::Tag,
        },
        state::AppState,
    },
    error::Error,
    users::Caller,
};

#[derive(Default)]
pub struct DemoOperations;

error_responses! {
    /// The errors of the reset.
    pub enum ResetDemoError {
        /// Forbidden. The caller is not an administrator, or another site's page sent the request.
        403 Forbidden,
        /// This server is not a demo: it was not started with `serve --demo`.
        404 NotFound,
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl DemoOperations {
    /// Reset the demo
    ///
    /// Deletes all users, groups, roles, tickets, applications, executions and webhooks, and creates the demo's users
    /// again, with the same ids and with the password that `admin` had when the server was started. It is meant for
    /// tests of client programs: a server that was not started with `serve --demo` answers 404.
    ///
    /// In demo mode, any request may have the header `X-Demo-Fault`. With `503`, the operation does not run and the
    /// answer is 503. With `slow`, the operation runs and the response is delayed by 5 seconds; `slow=30` delays it by
    /// 30 seconds. With `drop`, the operation runs and the connection is closed without a response. Other servers
    /// refuse the header with 400.
    #[oai(path = "/demo/reset", method = "post", operation_id = "ResetDemo")]
    async fn reset_demo(
        &self,
        caller: Caller,
        state: &AppState,
        _body: NoBody,
    ) -> Result<Done, ErrorResponse<ResetDemoError>> {
        if !caller.is_administrator() {
            return Err(Error::NotAdministrator.into());
        }
        let demo = state.demo.as_ref().ok_or(Error::NotADemo)?;
        demo.reset(caller.actor()).await?;
        tracing::info!("demo reset");
        Ok(Done::NoContent)
    }
}
