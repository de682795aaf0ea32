//! `X-Demo-Fault`: in demo mode, a client can ask for a slow response, a 503 or a dropped connection, to test its own
//! error handling.

use std::{str::FromStr, time::Duration};

use poem::{
    Response,
    http::{HeaderMap, StatusCode},
};

use crate::error::Error;

const FAULT: &str = "X-Demo-Fault";
/// The delay of `slow` without a number.
const SLOW_SECONDS: u64 = 5;
const MAX_SLOW_SECONDS: u64 = 120;

/// The fault that a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// Answer 503 without running the operation.
    Unavailable,
    /// Run the operation, then delay the response.
    Slow(Duration),
    /// Run the operation, then close the connection without a response.
    Drop,
}

/// Marks a response that must not be sent: the server closes the connection instead.
#[derive(Clone, Copy, Debug)]
pub struct DropConnection;

impl FromStr for InjectedFault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = text.strip_prefix("slow=").map(str::parse::<u64>);
        match (text, seconds) {
            ("503", _) => Ok(Self::Unavailable),
            ("drop", _) => Ok(Self::Drop),
            ("slow", _) => Ok(Self::Slow(Duration::from_secs(SLOW_SECONDS))),
            (_, Some(Ok(seconds))) if seconds <= MAX_SLOW_SECONDS => Ok(Self::Slow(Duration::from_secs(seconds))),
            _ => Err(()),
        }
    }
}

impl InjectedFault {
    /// The fault that the request asks for.
    ///
    /// # Errors
    /// The fault is unknown, or the server is not in demo mode. The second is an error so that a header left in a
    /// program by mistake is noticed.
    pub fn of(headers: &HeaderMap, is_demo: bool) -> Result<Option<Self>, Error> {
        let Some(value) = headers.get(FAULT) else { return Ok(None) };
        if !is_demo {
            let problem = "only servers that were started with `serve --demo` accept it.";
            return Err(Error::InvalidArgument(format!("Header {FAULT}: {problem}")));
        }
        let fault = value.to_str().ok().and_then(|value| value.trim().parse().ok());
        let problem =
            format!("Header {FAULT}: it takes 503, drop, slow, or slow=SECONDS (at most {MAX_SLOW_SECONDS}).");
        fault.map(Some).ok_or(Error::InvalidArgument(problem))
    }

    /// Applies the fault before the operation runs.
    ///
    /// # Errors
    /// [`Error::Overloaded`] for [`Self::Unavailable`].
    pub fn before(self) -> Result<(), Error> {
        if self == Self::Unavailable { Err(Error::Overloaded) } else { Ok(()) }
    }

    /// Applies the fault to the response.
    pub async fn after(self, response: &mut Response) {
        match self {
            Self::Slow(delay) => tokio::time::sleep(delay).await,
            Self::Drop => {
                // For callers without a connection, such as in-process tests.
                response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                response.set_data(DropConnection);
            }
            Self::Unavailable => {}
        }
    }
}
