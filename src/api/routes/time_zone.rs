//! The time zones that SO-TimeZone accepts.

use chrono::Datelike;
use poem_openapi::OpenApi;

use crate::{
    api::{
        models::TimeZoneData,
        openapi::error_responses::{CommonErrors, ErrorResponse},
        openapi::tags::Tag,
        respond::format::{Formatted, ResponseFormat},
    },
    clock,
    error::Error,
    localization::zone,
    users::Caller,
};

#[derive(Default)]
pub struct TimeZoneOperations;

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::TimeZone", ignore_case = true)]
impl TimeZoneOperations {
    /// Get the time zones
    ///
    /// Lists the locations that SO-TimeZone accepts, with the rules of their time zones for this year: countries with
    /// one time zone, and the states, provinces and territories of the United States, Canada and Australia.
    #[oai(path = "/TimeZone", method = "get", operation_id = "v1TimeZone_GetAll")]
    async fn get_time_zones(
        &self,
        _caller: Caller,
        format: ResponseFormat,
    ) -> Result<Formatted<Vec<TimeZoneData>>, ErrorResponse<CommonErrors>> {
        let year = i16::try_from(clock::now().year()).map_err(Error::internal)?;
        let locations = zone::entries().iter().map(|location| TimeZoneData::new(location, year));
        Ok(format.answer(locations.collect()))
    }
}
