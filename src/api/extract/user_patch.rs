//! Changes of a user as clients send them: new property values, a JSON Patch or a merge patch (docs/upstream.md §6).

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use serde_json::{Map, Value};

use super::{
    bounded_json::{MAX_DEPTH, MAX_OPERATIONS},
    json_body::{self, PartialUpdate, parse_completed},
    json_patch::{Document, Operation, PatchError},
    references::{self, Given},
    schema_coercion::{coerce, merge},
};
use crate::{
    api::{models::User, respond::content_negotiation::MediaType},
    error::{Error, quoted},
    users::credential,
};

/// The help text for a malformed patch.
const PATCH_SYNTAX: &str = "a JSON Patch is a list of operations, [{\"op\": \"replace\", \"path\": \"/Tooltip\", \
                            \"value\": \"x\"}]; a merge patch is an object, {\"Tooltip\": \"x\"}, sent as \
                            application/merge-patch+json or application/json";

/// A change of a user.
#[derive(Clone, Debug)]
pub enum UserPatch {
    /// New values for some properties.
    Properties(PartialUpdate<User>),
    /// A JSON Patch (RFC 6902): operations that are applied in order.
    Operations(Vec<Operation>),
    /// A merge patch (RFC 7396), with upstream's rule for lists.
    Merge(Map<String, Value>),
}

/// The body of a PATCH request. A list is a JSON Patch and an object is a merge patch; the media type does not matter.
pub struct PatchBody(pub UserPatch);

impl UserPatch {
    /// The changed user. References keep their names only if the change gives them (see [`references`]).
    ///
    /// # Errors
    /// The patch cannot be applied, the result does not match the schema, or a `test` operation failed.
    pub fn apply(self, user: &User) -> Result<User, Error> {
        let value = user.to_json().unwrap_or_default();
        let (value, given) = match self {
            Self::Properties(given) => {
                let given = references::completed(given.into_members(), user);
                (merge(&User::schema_ref(), value, Value::Object(given)), Given::Whole)
            }
            Self::Operations(operations) => {
                let mut document = Document::from(value);
                let whole = references::set_as_a_whole(&operations);
                operations.into_iter().try_for_each(|operation| document.apply(operation)).map_err(patch_error)?;
                (document.into(), Given::InParts { whole })
            }
            Self::Merge(patch) => {
                let mut document = Document::from(value);
                let patch = Value::Object(references::completed(patch, user));
                document.merge(patch).map_err(patch_error)?;
                (document.into(), Given::Whole)
            }
        };
        let mut changed = parse_completed(value)?;
        references::keep_given_names(user, &mut changed, &given);
        Ok(changed)
    }

    /// The password that the change sets, if any. Only [`Self::Properties`] can set one.
    ///
    /// # Errors
    /// The change has more than one password, or a credential of another type.
    pub fn password(&self) -> Result<Option<String>, Error> {
        match self {
            Self::Properties(given) => password_in(given),
            Self::Operations(_) | Self::Merge(_) => Ok(None),
        }
    }

    /// Whether this is a JSON Patch or a merge patch.
    pub fn is_patch(&self) -> bool {
        matches!(self, Self::Operations(_) | Self::Merge(_))
    }
}

/// The password among the Credentials of a user, if there is one.
fn password_in(given: &PartialUpdate<User>) -> Result<Option<String>, Error> {
    let refuse = |reason: String| Err(Error::Validation(format!("Credentials: {reason}")));
    let credentials = given.get("Credentials").and_then(Value::as_array).into_iter().flatten();
    let with_value = credentials.filter_map(|credential| {
        // Not `value.is_empty()`: that would be the method of poem-openapi's `Type`, which is false for every string.
        let value = credential["Value"].as_str().filter(|value| !str::is_empty(value))?;
        Some((credential.pointer("/Type/Type").and_then(Value::as_str), value))
    });
    let mut found = None;
    for (kind, value) in with_value {
        if kind != Some(credential::PASSWORD) {
            return refuse(format!("Type must be {}", credential::PASSWORD));
        }
        if found.replace(value).is_some() {
            return refuse("only one password can be set, but more than one has a Value".to_owned());
        }
    }
    Ok(found.map(str::to_owned))
}

fn patch_error(error: PatchError) -> Error {
    match error {
        PatchError::PathNotFound(path) => invalid(format!("the path {} does not exist", quoted(&path))),
        PatchError::DuplicateName(name) => {
            invalid(format!("{} is given more than once, in different spellings; send it once", quoted(&name)))
        }
        PatchError::TooDeep => invalid(format!("a path has more than {MAX_DEPTH} names")),
        PatchError::TestFailed(path) => Error::TestFailed { path },
    }
}

fn invalid(reason: String) -> Error {
    Error::InvalidArgument(format!("Body: {reason}."))
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
        // `application/json` also accepts a merge patch. Only the description says so, because clients generated from a
        // `oneOf` do not compile.
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
        let is_json_patch = request.content_type().is_some_and(MediaType::is_json_patch);
        match json_body::read(request, body).await? {
            Value::Object(_) if is_json_patch => Err(invalid(PATCH_SYNTAX.to_owned()).into()),
            patch => Ok(Self(read(patch)?)),
        }
    }
}

fn read(patch: Value) -> Result<UserPatch, Error> {
    match patch {
        Value::Object(members) if is_operation(&members) => Err(invalid(PATCH_SYNTAX.to_owned())),
        Value::Object(members) => Ok(UserPatch::Merge(members)),
        Value::Array(operations) if operations.len() > MAX_OPERATIONS => {
            Err(invalid(format!("a JSON Patch has more than {MAX_OPERATIONS} operations")))
        }
        Value::Array(operations) => {
            let operations =
                operations.into_iter().enumerate().map(|(index, operation)| read_operation(index, operation));
            operations.collect::<Result<_, _>>().map(UserPatch::Operations)
        }
        _ => Err(invalid(PATCH_SYNTAX.to_owned())),
    }
}

/// Whether an object is a single JSON Patch operation without the list around it. Users have no properties `op` and
/// `path`.
fn is_operation(members: &Map<String, Value>) -> bool {
    ["op", "path"].iter().all(|name| members.keys().any(|known| known.eq_ignore_ascii_case(name)))
}

fn read_operation(index: usize, operation: Value) -> Result<Operation, Error> {
    let operation = coerce(&JsonPatchOperation::schema_ref(), operation);
    let operation = operation.map_err(|error| invalid(format!("operation {index}: {error}")))?;
    serde_json::from_value(operation).map_err(|error| invalid(format!("operation {index}: {error}")))
}

/// One operation of a JSON Patch.
#[derive(Debug, poem_openapi::Object)]
struct JsonPatchOperation {
    /// The kind of operation.
    op: PatchOp,
    /// The path to change, such as `/Person/Title` or `/OtherGroups/-`. It is case-insensitive.
    path: String,
    /// The value for `add`, `replace` and `test`; not used by `remove`.
    value: Option<poem_openapi::types::Any<Value>>,
}

/// A kind of JSON Patch operation. `move` and `copy` are not supported, as in upstream's API.
#[derive(Clone, Copy, Debug, poem_openapi::Enum)]
#[oai(rename_all = "lowercase")]
enum PatchOp {
    Add,
    Replace,
    Remove,
    Test,
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, Instant},
    };

    use poem_openapi::types::Example;
    use serde_json::json;

    use super::*;
    use crate::linear_time::{GROWTH, assert_linear};

    fn numbered<T>(count: usize, item: impl Fn(usize) -> T) -> Vec<T> {
        (0..count).map(item).collect()
    }

    fn with_fields(count: usize) -> User {
        let fields = numbered(count, |number| (format!("x_{number}"), "1".to_owned()));
        User { custom_fields: BTreeMap::from_iter(fields), ..User::example() }
    }

    fn operations(count: usize, item: impl Fn(usize) -> Value) -> UserPatch {
        let operations = numbered(count, |number| read_operation(number, item(number)).expect("an operation"));
        UserPatch::Operations(operations)
    }

    fn merge(patch: Value) -> UserPatch {
        read(patch).expect("a patch")
    }

    fn time_to_apply((user, change): &(User, UserPatch)) -> Duration {
        let change = change.clone();
        let started = Instant::now();
        change.apply(user).expect("a user");
        started.elapsed()
    }

    #[test]
    fn operations_are_case_insensitive() {
        for operation in [
            json!({"op": "Replace", "path": "/Tooltip", "value": "x"}),
            json!({"OP": "REPLACE", "Path": "/Tooltip", "VALUE": "x"}),
        ] {
            let change = read(json!([operation])).expect("a patch");
            assert_eq!(change.apply(&User::example()).expect("a user").tooltip, "x");
        }
    }

    #[test]
    fn an_invalid_patch_is_refused_with_the_reason() {
        for (given, expected) in [
            (json!({"op": "replace", "path": "/Tooltip", "value": "x"}), "a JSON Patch is a list of operations, [{"),
            (json!({"Path": "/Tooltip", "OP": "remove"}), "a JSON Patch is a list of operations, [{"),
            (json!("x"), "a JSON Patch is a list of operations, [{"),
            (json!([7]), "operation 0: must be an object"),
            (json!([{"path": "/Tooltip", "value": 1}]), "operation 0: op is missing"),
            (json!([{"op": "remove"}]), "operation 0: path is missing"),
            (
                json!([{"op": "remove", "path": "/a"}, {"op": "add", "path": "/a"}]),
                "operation 1: missing field `value`",
            ),
            (
                json!([{"op": "move", "path": "/Name", "from": "/Tooltip"}]),
                "operation 0: op is `move`, which is not one of add, replace, remove, test",
            ),
            (json!([{"op": 1, "path": "/Name"}]), "operation 0: op is `1`, which is not one of"),
            (
                json!([{"op": "remove", "OP": "remove", "path": "/Name"}]),
                "operation 0: op is given more than once, in different spellings",
            ),
        ] {
            let error = read(given.clone()).expect_err("no patch").to_string();
            assert!(error.starts_with(&format!("Body: {expected}")), "{given}: {error}");
        }
    }

    #[test]
    fn the_time_to_apply_a_patch_grows_linearly() {
        let members = |prefix: &str, count: usize, value: &Value| {
            Value::Object(numbered(count, |number| (format!("{prefix}_{number}"), value.clone())).into_iter().collect())
        };
        // More members and items than a body may have, to measure the algorithm itself.
        type Input<'a> = &'a dyn Fn(usize) -> (User, UserPatch);
        let kinds: [(&str, usize, Input<'_>); 6] = [
            ("unknown members", 2_500, &|count| (User::example(), merge(members("y", count, &json!(1))))),
            ("removed members", 2_500, &|count| {
                (with_fields(count), merge(json!({"customfields": members("X", count, &Value::Null)})))
            }),
            ("added names", 2_500, &|count| {
                let add = |number| json!({"op": "add", "path": format!("/y_{number}"), "value": 1});
                (User::example(), operations(count, add))
            }),
            ("names in another case", 2_500, &|count| {
                let replace =
                    |number| json!({"op": "replace", "path": format!("CUSTOMFIELDS/X_{number}"), "value": "2"});
                (with_fields(count), operations(count, replace))
            }),
            ("added items", 1_000, &|count| {
                let add = |number| json!({"op": "add", "path": "/OtherGroups/-", "value": {"Id": number}});
                (User::example(), operations(count, add))
            }),
            ("list items", 1_000, &|count| {
                let groups = json!({"OtherGroups": numbered(count, |number| json!({"Id": number}))});
                (User::example(), UserPatch::Properties(json_body::parse(groups).expect("properties")))
            }),
        ];
        for (kind, count, input) in kinds {
            assert_linear(kind, [&input(count), &input(GROWTH * count)], time_to_apply);
        }
    }
}
