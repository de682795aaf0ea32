//! The error responses of operations. The return type of an operation names its error responses.

use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, ResponseContent,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use sea_orm::DbErr;

use crate::{
    api::respond::{
        content_negotiation::ERROR,
        error::{ErrorFormat, ErrorInfo},
    },
    error::Error,
};

/// The error responses of one family of operations, besides those that all operations share. Declared by
/// [`error_responses!`].
pub trait ErrorFamily: ApiResponse + Send + Sync {
    /// The error as a response of this family; the error itself when the family has no response with its status.
    fn of(error: Error) -> Result<Self, Error>;

    /// The error in a response.
    fn into_error(self) -> Error;
}

/// Declares the error responses of a family of operations: for each response its description, status and name, and the
/// headers that it has besides the shared ones. The result is an enum that derives [`ApiResponse`]. Operations have it
/// in their return type, from which the document takes the responses.
macro_rules! error_responses {
    (
        $(#[doc = $about:tt])*
        pub enum $family:ident {
            $(
                $(#[doc = $meaning:tt])+
                $status:literal $answer:ident $({ $($(#[doc = $note:tt])+ $header:literal,)+ })?,
            )+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(poem_openapi::ApiResponse)]
        pub enum $family {
            $(
                $(#[doc = $meaning])+
                #[oai(status = $status)]
                $answer(
                    $crate::api::openapi::error_responses::ErrorBody,
                    $($($(#[doc = $note])+ #[oai(header = $header)] Option<String>,)+)?
                ),
            )+
        }

        impl $crate::api::openapi::error_responses::ErrorFamily for $family {
            fn of(error: $crate::error::Error) -> Result<Self, $crate::error::Error> {
                let body = $crate::api::openapi::error_responses::ErrorBody;
                match poem::http::StatusCode::from(&error).as_u16() {
                    // `api::respond::error` sets the headers.
                    $($status => Ok(Self::$answer(body(error), $($({ let _ = $header; None },)+)?)),)+
                    _ => Err(error),
                }
            }

            fn into_error(self) -> $crate::error::Error {
                match self {
                    $(Self::$answer(body, ..) => body.0,)+
                }
            }
        }
    };
}

pub(in crate::api) use error_responses;

/// An error response of an operation: one of its family, or one that all operations share.
pub enum ErrorResponse<F> {
    Family(F),
    Common(Error),
}

impl<F: ErrorFamily> From<Error> for ErrorResponse<F> {
    fn from(error: Error) -> Self {
        F::of(error).map_or_else(Self::Common, Self::Family)
    }
}

impl<F: ErrorFamily> From<DbErr> for ErrorResponse<F> {
    fn from(error: DbErr) -> Self {
        Error::from(error).into()
    }
}

impl<F: ErrorFamily> From<ErrorResponse<F>> for poem::Error {
    fn from(response: ErrorResponse<F>) -> Self {
        match response {
            ErrorResponse::Family(answer) => answer.into_error().into(),
            ErrorResponse::Common(error) => error.into(),
        }
    }
}

impl<F: ErrorFamily> ApiResponse for ErrorResponse<F> {
    fn meta() -> MetaResponses {
        F::meta()
    }

    fn register(registry: &mut Registry) {
        F::register(registry);
    }
}

/// The body of an error, as the document shows it.
pub struct ErrorBody(pub Error);

impl ResponseContent for ErrorBody {
    fn media_types() -> Vec<MetaMediaType> {
        ERROR.map(|media| MetaMediaType { content_type: media.name(), schema: ErrorInfo::schema_ref() }).into()
    }

    fn register(registry: &mut Registry) {
        ErrorInfo::register(registry);
    }
}

impl IntoResponse for ErrorBody {
    fn into_response(self) -> Response {
        self.0.to_response(ErrorFormat::Upstream)
    }
}

/// The family of operations that have only the shared error responses.
pub enum CommonErrors {}

impl ErrorFamily for CommonErrors {
    fn of(error: Error) -> Result<Self, Error> {
        Err(error)
    }

    fn into_error(self) -> Error {
        match self {}
    }
}

impl ApiResponse for CommonErrors {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(registry: &mut Registry) {
        ErrorInfo::register(registry);
    }
}

/// An error response of this status, as the document shows it.
pub fn describe(status: u16, meaning: &'static str) -> MetaResponse {
    MetaResponse {
        description: meaning,
        status: Some(status),
        status_range: None,
        headers: vec![],
        content: ErrorBody::media_types(),
    }
}

/// A header of a response, as the document shows it.
pub fn header(name: &str, ty: &'static str, meaning: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(meaning.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new(ty))),
    }
}

/// Success without a body.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}
