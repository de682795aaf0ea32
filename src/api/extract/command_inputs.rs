//! The inputs of a command in a request body, and in `additionalData`.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use serde_json::{Value, json};

use super::json_body;
use crate::{api::respond::content_negotiation::MediaType, commands::inputs::GivenInputs, error::Error};

/// The inputs of a command as a JSON object. An empty body and `null` are no inputs.
#[derive(Clone, Debug)]
pub struct InputsBody(pub GivenInputs);

impl InputsBody {
    fn schema() -> MetaSchema {
        MetaSchema {
            description: Some("The inputs of the command by name. Each command takes inputs of its own."),
            additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
            example: Some(json!({})),
            ..MetaSchema::new("object")
        }
    }
}

impl<'a> ApiExtractor<'a> for InputsBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let media = |media: MediaType| MetaMediaType {
            content_type: media.name(),
            schema: MetaSchemaRef::Inline(Box::new(Self::schema())),
        };
        let content = json_body::DOCUMENTED_TYPES.map(media).into();
        Some(MetaRequest { description: None, content, required: false })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match json_body::read(request, body).await? {
            Value::Null => Ok(Self(GivenInputs::default())),
            Value::Object(members) => Ok(Self(GivenInputs::from_object(members))),
            _ => {
                let problem = "Body: it must be an object with the inputs of the command, such as {\"reason\": \"…\"}.";
                Err(Error::InvalidArgument(problem.to_owned()).into())
            }
        }
    }
}
