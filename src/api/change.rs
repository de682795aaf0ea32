//! How clients say what to change of a user: properties in place of others, or a patch of either kind (contract §6).

use json_patch::{PatchErrorKind, PatchOperation, jsonptr::PointerBuf};
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use serde_json::{Map, Value};

use super::{
    body::{self, Partial, parse_completed},
    carriers::User,
    conform::overlay,
};
use crate::error::Error;

/// What to change of a user.
#[derive(Clone, Debug)]
pub enum Change {
    /// These properties in place of the present ones.
    Properties(Partial<User>),
    /// Operations of a JSON Patch (RFC 6902), one after the other.
    Operations(Vec<PatchOperation>),
    /// A merge patch (RFC 7396), with upstream's rule for lists.
    Merge(Map<String, Value>),
}

/// A patch in a body. An array is a JSON Patch and an object a merge patch, whatever the media type says.
pub struct PatchBody(pub Change);

impl Change {
    /// The user that the change makes of this one.
    ///
    /// # Errors
    /// It does not fit, or a test found something else.
    pub fn apply(self, user: &User) -> Result<User, Error> {
        let mut value = user.to_json().unwrap_or_default();
        let value = match self {
            Self::Properties(given) => overlay(&User::schema_ref(), value, given.into_value()),
            Self::Operations(operations) => {
                for operation in operations {
                    apply(&mut value, operation)?;
                }
                value
            }
            Self::Merge(patch) => {
                merge(&mut value, Value::Object(patch));
                value
            }
        };
        parse_completed(value)
    }

    /// Whether it is a patch of either kind.
    pub fn is_patch(&self) -> bool {
        matches!(self, Self::Operations(_) | Self::Merge(_))
    }
}

fn apply(value: &mut Value, mut operation: PatchOperation) -> Result<(), Error> {
    let unfit = |reason: String| Error::InvalidArgument(format!("Body: {reason}."));
    let path = match &mut operation {
        PatchOperation::Add(add) => &mut add.path,
        PatchOperation::Remove(remove) => &mut remove.path,
        PatchOperation::Replace(replace) => &mut replace.path,
        PatchOperation::Test(test) => &mut test.path,
        PatchOperation::Move(_) | PatchOperation::Copy(_) => {
            return Err(unfit("the operations are add, replace, remove and test".to_owned()));
        }
    };
    let names: Vec<_> = path.tokens().map(|token| token.decoded().into_owned()).collect();
    *path = PointerBuf::from_tokens(spell(value, names));
    let path = path.to_string();
    json_patch::patch(value, &[operation]).map_err(|error| match error.kind {
        PatchErrorKind::TestFailed => Error::TestFailed { path },
        _ => unfit(format!("{path}: {}", error.kind)),
    })
}

/// A path as the value spells its names.
fn spell(value: &Value, names: Vec<String>) -> Vec<String> {
    let mut place = Some(value);
    let spelt = names.into_iter().map(|name| {
        let members = place.and_then(Value::as_object);
        let known = members.and_then(|members| members.keys().find(|known| known.eq_ignore_ascii_case(&name)));
        let name = known.cloned().unwrap_or(name);
        place = place.and_then(|place| match place {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
            place => place.get(&name),
        });
        name
    });
    spelt.collect()
}

/// As RFC 7396 has it, but an object where a list stands is added to the list.
fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Array(items), patch @ Value::Object(_)) => items.push(patch),
        (Value::Object(members), Value::Object(patch)) => {
            for (name, patch) in patch {
                let known = members.keys().find(|known| known.eq_ignore_ascii_case(&name)).cloned();
                let name = known.unwrap_or(name);
                match patch {
                    Value::Null => drop(members.shift_remove(&name)),
                    patch => merge(members.entry(name).or_insert(Value::Null), patch),
                }
            }
        }
        (value, patch) => *value = patch,
    }
}

impl<'a> ApiExtractor<'a> for PatchBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        User::register(registry);
        JsonPatchOperation::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let operations = MetaSchemaRef::Inline(Box::new(MetaSchema {
            items: Some(Box::new(JsonPatchOperation::schema_ref())),
            ..MetaSchema::new("array")
        }));
        // Under JSON an object is taken as well: the description says so. Clients generated from a choice do not compile.
        let content = [
            ("application/json", operations.clone()),
            ("application/json-patch+json", operations),
            ("application/merge-patch+json", User::schema_ref()),
        ];
        let content = content.map(|(content_type, schema)| MetaMediaType { content_type, schema });
        Some(MetaRequest { description: None, content: content.into(), required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self(read(body::read(request, body).await?)?))
    }
}

fn read(patch: Value) -> Result<Change, Error> {
    let unfit = |reason: String| Error::InvalidArgument(format!("Body: {reason}."));
    match patch {
        Value::Object(members) => Ok(Change::Merge(members)),
        Value::Array(operations) => {
            let operations = operations.into_iter().enumerate().map(|(index, mut operation)| {
                root_path(&mut operation);
                serde_json::from_value(operation).map_err(|error| unfit(format!("{index}: {error}")))
            });
            operations.collect::<Result<_, _>>().map(Change::Operations)
        }
        _ => Err(unfit("a patch is a list of operations, or an object".to_owned())),
    }
}

/// Upstream takes paths without the slash at their beginning.
fn root_path(operation: &mut Value) {
    if let Some(Value::String(path)) = operation.get_mut("path")
        && !path.is_empty()
        && !path.starts_with('/')
    {
        path.insert(0, '/');
    }
}

/// One operation of a JSON Patch.
#[derive(Debug, poem_openapi::Object)]
struct JsonPatchOperation {
    /// What to do.
    op: PatchOp,
    /// Where, such as `/Person/Title` or `/OtherGroups/-`; upper and lower case make no difference.
    path: String,
    /// With what; not for `remove`.
    value: Option<poem_openapi::types::Any<Value>>,
}

/// What a JSON Patch does. Upstream has neither `move` nor `copy`.
#[derive(Clone, Copy, Debug, poem_openapi::Enum)]
#[oai(rename_all = "lowercase")]
enum PatchOp {
    Add,
    Replace,
    Remove,
    Test,
}
