//! What the demo offers to people who test their own programs against it: a way back to the beginning, and faults on
//! request. A server that is no demo refuses both.

use std::{str::FromStr, time::Duration};

use poem::{
    Response,
    http::{HeaderMap, StatusCode},
};
use poem_openapi::OpenApi;

use super::{
    Services, Tag,
    refusals::{ErrorResponse, Refusals},
    request::NoBody,
    session::Done,
};
use crate::{error::Error, users::Caller};

/// The header that asks for a fault.
const FAULT: &str = "X-Demo-Fault";
/// How long an answer is held back, unless the header says so.
const SLOW_SECONDS: u64 = 5;
const SLOWEST_SECONDS: u64 = 120;

#[derive(Default)]
pub struct DemoOperations;

/// The refusals of the reset.
pub struct ResetDemo;

impl Refusals for ResetDemo {
    const LIST: &'static [(u16, &'static str)] = &[
        (403, "Forbidden. The caller is no administrator, or another site's page sent the request."),
        (404, "This server is no demo: it was not started with `serve --demo`."),
    ];
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl DemoOperations {
    /// Put the demo back to its beginning
    ///
    /// Removes every user, group, role, ticket, application, record and webhook, and makes the demo's users anew, with the
    /// same ids and the password that `admin` had when the server was started. For tests of programs that call this
    /// server, and only there: a server that was not started with `serve --demo` answers 404.
    ///
    /// A demo also takes the header `X-Demo-Fault` with any request: `503` does nothing and answers that; `slow` does it and
    /// answers 5 seconds later, `slow=30` after 30; `drop` does it and ends the connection. Elsewhere the header is a 400.
    #[oai(path = "/demo/reset", method = "post", operation_id = "ResetDemo")]
    async fn reset_demo(
        &self,
        caller: Caller,
        services: &Services,
        _body: NoBody,
    ) -> Result<Done, ErrorResponse<ResetDemo>> {
        if !caller.is_administrator() {
            return Err(Error::NotAdministrator.into());
        }
        let demo = services.demo.as_ref().ok_or(Error::NoDemo)?;
        demo.reset().await?;
        tracing::info!("the demo is back at its beginning");
        Ok(Done::NoContent)
    }
}

/// What a client asked to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Unavailable,
    /// It is done at once, and answered late.
    Slow(Duration),
    /// It is done, and not answered: the connection ends.
    Drop,
}

/// Marks a response that is not to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Dropped;

impl FromStr for Fault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = text.strip_prefix("slow=").map(str::parse::<u64>);
        match (text, seconds) {
            ("503", _) => Ok(Self::Unavailable),
            ("drop", _) => Ok(Self::Drop),
            ("slow", _) => Ok(Self::Slow(Duration::from_secs(SLOW_SECONDS))),
            (_, Some(Ok(seconds))) if seconds <= SLOWEST_SECONDS => Ok(Self::Slow(Duration::from_secs(seconds))),
            _ => Err(()),
        }
    }
}

impl Fault {
    /// The fault that a request asks for.
    ///
    /// # Errors
    /// There is no such fault, or this is no demo: who left the header in a program by mistake is told.
    pub fn of(headers: &HeaderMap, is_demo: bool) -> Result<Option<Self>, Error> {
        let Some(value) = headers.get(FAULT) else { return Ok(None) };
        if !is_demo {
            let problem = "only a server that was started with `serve --demo` makes faults on request.";
            return Err(Error::InvalidArgument(format!("Header {FAULT}: {problem}")));
        }
        let fault = value.to_str().ok().and_then(|value| value.trim().parse().ok());
        let problem = format!(
            "Header {FAULT}: it takes 503, drop, slow, or slow=SECONDS, of which {SLOWEST_SECONDS} are the most."
        );
        fault.map(Some).ok_or(Error::InvalidArgument(problem))
    }

    /// Refuses a request whose client asked for that.
    ///
    /// # Errors
    /// It did.
    pub fn before(self) -> Result<(), Error> {
        if self == Self::Unavailable { Err(Error::Overloaded) } else { Ok(()) }
    }

    /// Does to a response what its client asked for.
    pub async fn after(self, response: &mut Response) {
        match self {
            Self::Slow(length) => tokio::time::sleep(length).await,
            Self::Drop => {
                // For those who call without a connection, as tests do.
                response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                response.set_data(Dropped);
            }
            Self::Unavailable => {}
        }
    }
}
