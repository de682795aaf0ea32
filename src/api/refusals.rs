//! How an operation says what can go wrong: in its return type, and so in the document.

use std::marker::PhantomData;

use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use sea_orm::DbErr;

use super::media::ERROR;
use crate::error::{Error, ErrorInfo};

/// The refusals of one operation, besides those that every operation has.
pub trait Refusals: Send + Sync + 'static {
    /// Status and meaning of each.
    const LIST: &'static [(u16, &'static str)];
    /// Headers beside those that every response has: the status, the name, and the meaning.
    const HEADERS: &'static [(u16, &'static str, &'static str)] = &[];
}

/// An error of an operation whose refusals are `F`.
#[derive(Debug)]
pub struct ErrorResponse<F>(Error, PhantomData<F>);

impl<F> From<Error> for ErrorResponse<F> {
    fn from(error: Error) -> Self {
        Self(error, PhantomData)
    }
}

impl<F> From<DbErr> for ErrorResponse<F> {
    fn from(error: DbErr) -> Self {
        Error::from(error).into()
    }
}

impl<F> From<ErrorResponse<F>> for poem::Error {
    fn from(response: ErrorResponse<F>) -> Self {
        response.0.into()
    }
}

impl<F: Refusals> ApiResponse for ErrorResponse<F> {
    fn meta() -> MetaResponses {
        let mut responses: Vec<_> = F::LIST.iter().map(|(status, meaning)| describe(*status, meaning)).collect();
        for response in &mut responses {
            let own = F::HEADERS.iter().filter(|(status, ..)| response.status == Some(*status));
            response.headers.extend(own.map(|(_, name, meaning)| header(name, "string", meaning)));
        }
        MetaResponses { responses }
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
        content: ERROR
            .map(|media| MetaMediaType { content_type: media.name(), schema: ErrorInfo::schema_ref() })
            .into(),
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

/// What was asked for is done, and there is nothing to tell.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// Nothing goes wrong that does not go wrong everywhere.
pub struct NoOwn;

impl Refusals for NoOwn {
    const LIST: &'static [(u16, &'static str)] = &[];
}
