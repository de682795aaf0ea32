//! How clients say what to change of a user: properties in place of others, or a patch of either kind (contract §6).

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use serde_json::{Map, Value};

use super::{
    body::{self, Partial, parse_completed},
    bounded_json::{MAX_DEPTH, MAX_OPERATIONS},
    carriers::User,
    conform::{conform, overlay},
    media::Media,
    patch_document::{Document, Operation, PatchError},
    references::{self, Given},
};
use crate::{
    error::{Error, quoted},
    users::credential,
};

/// How a JSON Patch and a merge patch are written.
const FORMS: &str = "a JSON Patch is a list of operations, [{\"op\": \"replace\", \"path\": \"/Tooltip\", \"value\": \
                     \"x\"}]; a merge patch is an object, {\"Tooltip\": \"x\"}, sent as application/merge-patch+json or \
                     application/json";

/// What to change of a user.
#[derive(Clone, Debug)]
pub enum Change {
    /// These properties in place of the present ones.
    Properties(Partial<User>),
    /// Operations of a JSON Patch (RFC 6902), one after the other.
    Operations(Vec<Operation>),
    /// A merge patch (RFC 7396), with upstream's rule for lists.
    Merge(Map<String, Value>),
}

/// A patch in a body. An array is a JSON Patch, whatever the media type says, and an object a merge patch.
pub struct PatchBody(pub Change);

impl Change {
    /// The user that the change makes of this one. A name beside an id stands in it where the change gives the name.
    ///
    /// # Errors
    /// It does not fit, or a test found something else.
    pub fn apply(self, user: &User) -> Result<User, Error> {
        let value = user.to_json().unwrap_or_default();
        let (value, given) = match self {
            Self::Properties(given) => {
                let given = references::completed(given.into_members(), user);
                (overlay(&User::schema_ref(), value, Value::Object(given)), Given::Whole)
            }
            Self::Operations(operations) => {
                let mut document = Document::from(value);
                let whole = references::given_whole(&operations);
                operations.into_iter().try_for_each(|operation| document.apply(operation)).map_err(refusal)?;
                (document.into(), Given::InParts { whole })
            }
            Self::Merge(patch) => {
                let mut document = Document::from(value);
                let patch = Value::Object(references::completed(patch, user));
                document.merge(patch).map_err(refusal)?;
                (document.into(), Given::Whole)
            }
        };
        let mut changed = parse_completed(value)?;
        references::keep_given_names(user, &mut changed, &given);
        Ok(changed)
    }

    /// The password that it sets, if it sets one. A patch sets none.
    ///
    /// # Errors
    /// There is more than one, or a credential of another type.
    pub fn password(&self) -> Result<Option<String>, Error> {
        match self {
            Self::Properties(given) => password_in(given),
            Self::Operations(_) | Self::Merge(_) => Ok(None),
        }
    }

    /// Whether it is a patch of either kind.
    pub fn is_patch(&self) -> bool {
        matches!(self, Self::Operations(_) | Self::Merge(_))
    }
}

/// The password among the credentials of a user, if there is one.
fn password_in(given: &Partial<User>) -> Result<Option<String>, Error> {
    let refuse = |reason: String| Err(Error::Validation(format!("Credentials: {reason}")));
    let credentials = given.get("Credentials").and_then(Value::as_array).into_iter().flatten();
    let with_value = credentials.filter_map(|credential| {
        // Not `value.is_empty()`: poem-openapi's `Type` has a method of that name, which is false for every text.
        let value = credential["Value"].as_str().filter(|value| !str::is_empty(value))?;
        Some((credential.pointer("/Type/Type").and_then(Value::as_str), value))
    });
    let mut found = None;
    for (kind, value) in with_value {
        if kind != Some(credential::PASSWORD) {
            return refuse(format!("their Type is {}", credential::PASSWORD));
        }
        if found.replace(value).is_some() {
            return refuse("a request sets at most one password, and more than one has a Value".to_owned());
        }
    }
    Ok(found.map(str::to_owned))
}

fn refusal(error: PatchError) -> Error {
    match error {
        PatchError::NoSuchPlace(path) => unfit(format!("there is no such place as {}", quoted(&path))),
        PatchError::NamedTwice(name) => {
            unfit(format!("{} is given more than once, in another spelling; send it once", quoted(&name)))
        }
        PatchError::TooDeep => unfit(format!("a path has more than {MAX_DEPTH} names")),
        PatchError::TestFailed(path) => Error::TestFailed { path },
    }
}

fn unfit(reason: String) -> Error {
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
        let is_json_patch = request.content_type().is_some_and(Media::is_json_patch);
        match body::read(request, body).await? {
            Value::Object(_) if is_json_patch => Err(unfit(FORMS.to_owned()).into()),
            patch => Ok(Self(read(patch)?)),
        }
    }
}

fn read(patch: Value) -> Result<Change, Error> {
    match patch {
        Value::Object(members) if is_operation(&members) => Err(unfit(FORMS.to_owned())),
        Value::Object(members) => Ok(Change::Merge(members)),
        Value::Array(operations) if operations.len() > MAX_OPERATIONS => {
            Err(unfit(format!("a JSON Patch has more than {MAX_OPERATIONS} operations")))
        }
        Value::Array(operations) => {
            let operations =
                operations.into_iter().enumerate().map(|(index, operation)| read_operation(index, operation));
            operations.collect::<Result<_, _>>().map(Change::Operations)
        }
        _ => Err(unfit(FORMS.to_owned())),
    }
}

/// A user has no such properties: this is one operation of a JSON Patch, without its list.
fn is_operation(members: &Map<String, Value>) -> bool {
    ["op", "path"].iter().all(|name| members.keys().any(|known| known.eq_ignore_ascii_case(name)))
}

fn read_operation(index: usize, operation: Value) -> Result<Operation, Error> {
    let operation = conform(&JsonPatchOperation::schema_ref(), operation);
    let operation = operation.map_err(|error| unfit(format!("operation {index}: {error}")))?;
    serde_json::from_value(operation).map_err(|error| unfit(format!("operation {index}: {error}")))
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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, Instant},
    };

    use poem_openapi::types::Example;
    use serde_json::json;

    use super::*;

    fn numbered<T>(count: usize, item: impl Fn(usize) -> T) -> Vec<T> {
        (0..count).map(item).collect()
    }

    fn with_fields(count: usize) -> User {
        let fields = numbered(count, |number| (format!("x_{number}"), "1".to_owned()));
        User { custom_fields: BTreeMap::from_iter(fields), ..User::example() }
    }

    fn operations(count: usize, item: impl Fn(usize) -> Value) -> Change {
        let operations = numbered(count, |number| read_operation(number, item(number)).expect("an operation"));
        Change::Operations(operations)
    }

    fn merge(patch: Value) -> Change {
        read(patch).expect("a patch")
    }

    fn time((user, change): &(User, Change)) -> Duration {
        let change = change.clone();
        let started = Instant::now();
        change.apply(user).expect("a user");
        started.elapsed()
    }

    #[test]
    fn operations_are_read_in_any_case() {
        for operation in [
            json!({"op": "Replace", "path": "/Tooltip", "value": "x"}),
            json!({"OP": "REPLACE", "Path": "/Tooltip", "VALUE": "x"}),
        ] {
            let change = read(json!([operation])).expect("a patch");
            assert_eq!(change.apply(&User::example()).expect("a user").tooltip, "x");
        }
    }

    #[test]
    fn a_patch_that_is_none_is_told_what_is_wrong() {
        for (given, told) in [
            (json!({"op": "replace", "path": "/Tooltip", "value": "x"}), "a JSON Patch is a list of operations, [{"),
            (json!({"Path": "/Tooltip", "OP": "remove"}), "a JSON Patch is a list of operations, [{"),
            (json!("x"), "a JSON Patch is a list of operations, [{"),
            (json!([7]), "operation 0: takes an object"),
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
                "operation 0: op is given more than once, in another spelling",
            ),
        ] {
            let error = read(given.clone()).expect_err("no patch").to_string();
            assert!(error.starts_with(&format!("Body: {told}")), "{given}: {error}");
        }
    }

    #[test]
    fn twice_the_change_takes_at_most_a_little_over_twice_the_work() {
        let members = |prefix: &str, count: usize, value: &Value| {
            Value::Object(numbered(count, |number| (format!("{prefix}_{number}"), value.clone())).into_iter().collect())
        };
        // The limits of a body are not looked at here: the work itself is proportional.
        type Input<'a> = &'a dyn Fn(usize) -> (User, Change);
        let kinds: [(&str, usize, Input<'_>); 6] = [
            ("unknown members", 5_000, &|count| (User::example(), merge(members("y", count, &json!(1))))),
            ("members that go", 5_000, &|count| {
                (with_fields(count), merge(json!({"customfields": members("X", count, &Value::Null)})))
            }),
            ("operations that add names", 2_500, &|count| {
                let add = |number| json!({"op": "add", "path": format!("/y_{number}"), "value": 1});
                (User::example(), operations(count, add))
            }),
            ("operations on names in another case", 2_500, &|count| {
                let replace =
                    |number| json!({"op": "replace", "path": format!("CUSTOMFIELDS/X_{number}"), "value": "2"});
                (with_fields(count), operations(count, replace))
            }),
            ("operations that add items", 1_500, &|count| {
                let add = |number| json!({"op": "add", "path": "/OtherGroups/-", "value": {"Id": number}});
                (User::example(), operations(count, add))
            }),
            ("list items", 1_500, &|count| {
                let groups = json!({"OtherGroups": numbered(count, |number| json!({"Id": number}))});
                (User::example(), Change::Properties(body::parse(groups).expect("properties")))
            }),
        ];
        for (kind, count, input) in kinds {
            let (once, twice) = (input(count), input(2 * count));
            // The shortest of several times each, taken in turns: a busy machine makes some longer, and none shorter.
            let (mut of_once, mut of_twice) = (Duration::MAX, Duration::MAX);
            for round in 1.. {
                of_once = of_once.min(time(&once));
                of_twice = of_twice.min(time(&twice));
                if round >= 5 && of_twice <= 3 * of_once {
                    break;
                }
                assert!(round < 30, "{kind}: {of_twice:?} for twice the input of {of_once:?}");
            }
        }
    }
}
