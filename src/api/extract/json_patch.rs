//! Applies JSON Patch and merge patches to a JSON value. Names are case-insensitive; each lookup takes logarithmic
//! time.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::bounded_json::MAX_DEPTH;

/// One operation of a JSON Patch (RFC 6902), in the document's spelling.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    Add { path: String, value: Value },
    Remove { path: String },
    Replace { path: String, value: Value },
    Test { path: String, value: Value },
}

/// Why a patch could not be applied.
#[derive(Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The path does not exist, or nothing can be added there.
    PathNotFound(String),
    /// The path has more than [`MAX_DEPTH`] names.
    TooDeep,
    /// A `test` operation found another value at this path.
    TestFailed(String),
    /// A merge patch has two names that mean the same member.
    DuplicateName(String),
}

/// The value to patch.
#[derive(Debug)]
pub enum Document {
    Object(Members),
    List(Vec<Document>),
    Leaf(Value),
}

/// The members of an object. The key is the name in lower case and the name as spelled.
#[derive(Debug, Default)]
pub struct Members(BTreeMap<(String, String), Document>);

impl Members {
    /// The key for a name: that of the member with the same spelling, else of the first member that differs only in
    /// case, else a new key.
    fn key(&self, name: &str) -> (String, String) {
        let exact = (name.to_ascii_lowercase(), name.to_owned());
        if self.0.contains_key(&exact) {
            return exact;
        }
        match self.0.range((exact.0.clone(), String::new())..).next() {
            Some((known, _)) if known.0 == exact.0 => known.clone(),
            _ => exact,
        }
    }

    /// Equal for two names that mean the same member: the key of an existing member, or the name in lower case.
    fn identity(&self, name: &str) -> (String, String) {
        let key = self.key(name);
        if self.0.contains_key(&key) { key } else { (key.0, String::new()) }
    }
}

impl Operation {
    /// Whether the operation sets the whole value of this top-level property, or of the whole document.
    pub fn sets(&self, property: &str) -> bool {
        let is_whole = |path: &str| {
            let name = path.strip_prefix('/').unwrap_or(path);
            path.is_empty() || name.eq_ignore_ascii_case(property)
        };
        matches!(self, Self::Add { path, .. } | Self::Replace { path, .. } if is_whole(path))
    }

    fn path(&self) -> &str {
        let (Self::Add { path, .. } | Self::Remove { path } | Self::Replace { path, .. } | Self::Test { path, .. }) =
            self;
        path
    }
}

impl Document {
    /// Applies one operation of a JSON Patch.
    ///
    /// # Errors
    /// The path does not exist or is too deep, or the test failed.
    pub fn apply(&mut self, operation: Operation) -> Result<(), PatchError> {
        let path = operation.path().to_owned();
        let Some(names) = tokens(&path) else { return Err(PatchError::PathNotFound(path)) };
        if names.len() > MAX_DEPTH {
            return Err(PatchError::TooDeep);
        }
        let done = match operation {
            Operation::Add { value, .. } => self.add(&names, value),
            Operation::Remove { .. } => self.remove(&names),
            Operation::Replace { value, .. } => self.at(&names).map(|target| *target = value.into()),
            Operation::Test { value, .. } => match self.at(&names) {
                Some(target) if !target.is(&value) => return Err(PatchError::TestFailed(self.spelled(&names))),
                target => target.map(drop),
            },
        };
        done.ok_or(PatchError::PathNotFound(path))
    }

    /// Applies a merge patch (RFC 7396). Unlike the RFC, an object in place of a list is appended to the list.
    ///
    /// # Errors
    /// Two names in the patch mean the same member.
    pub fn merge(&mut self, patch: Value) -> Result<(), PatchError> {
        let Value::Object(patch) = patch else {
            *self = patch.into();
            return Ok(());
        };
        match self {
            Self::Object(members) => return members.merge(patch),
            Self::List(items) => {
                let mut item = Members::default();
                item.merge(patch)?;
                items.push(Self::Object(item));
            }
            // Any other value is replaced by an object. Merging into an empty one also drops the nulls of the patch.
            Self::Leaf(_) => {
                let mut members = Members::default();
                members.merge(patch)?;
                *self = Self::Object(members);
            }
        }
        Ok(())
    }

    fn at(&mut self, names: &[String]) -> Option<&mut Self> {
        names.iter().try_fold(self, |value, name| match value {
            Self::Object(members) => {
                let key = members.key(name);
                members.0.get_mut(&key)
            }
            Self::List(items) => items.get_mut(index(name)?),
            Self::Leaf(_) => None,
        })
    }

    fn add(&mut self, names: &[String], value: Value) -> Option<()> {
        let Some((last, parents)) = names.split_last() else {
            *self = value.into();
            return Some(());
        };
        match self.at(parents)? {
            Self::Object(members) => {
                let key = members.key(last);
                members.0.insert(key, value.into());
            }
            Self::List(items) => {
                let index =
                    if last == "-" { items.len() } else { index(last).filter(|index| *index <= items.len())? };
                items.insert(index, value.into());
            }
            Self::Leaf(_) => return None,
        }
        Some(())
    }

    fn remove(&mut self, names: &[String]) -> Option<()> {
        let (last, parents) = names.split_last()?;
        match self.at(parents)? {
            Self::Object(members) => {
                let key = members.key(last);
                members.0.remove(&key).map(drop)
            }
            Self::List(items) => {
                let index = index(last).filter(|index| *index < items.len())?;
                items.remove(index);
                Some(())
            }
            Self::Leaf(_) => None,
        }
    }

    /// The path of these names in the document's spelling.
    fn spelled(&self, names: &[String]) -> String {
        let (mut path, mut value) = (String::new(), Some(self));
        for name in names {
            let (spelled, next) = match value {
                Some(Self::Object(members)) => {
                    let key = members.key(name);
                    (key.1.clone(), members.0.get(&key))
                }
                Some(Self::List(items)) => (name.clone(), index(name).and_then(|index| items.get(index))),
                _ => (name.clone(), None),
            };
            path = path + "/" + &spelled.replace('~', "~0").replace('/', "~1");
            value = next;
        }
        path
    }

    /// Whether the values are equal. Names are compared exactly here.
    fn is(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Self::Object(members), Value::Object(expected)) => {
                let has = |(name, value): (&String, &Value)| {
                    members.0.get(&(name.to_ascii_lowercase(), name.clone())).is_some_and(|member| member.is(value))
                };
                members.0.len() == expected.len() && expected.iter().all(has)
            }
            (Self::List(items), Value::Array(expected)) => {
                items.len() == expected.len() && items.iter().zip(expected).all(|(item, value)| item.is(value))
            }
            (Self::Leaf(value), expected) => value == expected,
            _ => false,
        }
    }
}

impl Members {
    fn merge(&mut self, patch: Map<String, Value>) -> Result<(), PatchError> {
        let mut given = HashSet::new();
        if let Some(name) = patch.keys().find(|name| !given.insert(self.identity(name))) {
            return Err(PatchError::DuplicateName(name.clone()));
        }
        for (name, patch) in patch {
            let key = self.key(&name);
            match patch {
                Value::Null => drop(self.0.remove(&key)),
                patch => self.0.entry(key).or_insert(Document::Leaf(Value::Null)).merge(patch)?,
            }
        }
        Ok(())
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                let keyed = |(name, value): (String, Value)| ((name.to_ascii_lowercase(), name), value.into());
                Self::Object(Members(members.into_iter().map(keyed).collect()))
            }
            Value::Array(items) => Self::List(items.into_iter().map(Into::into).collect()),
            value => Self::Leaf(value),
        }
    }
}

impl From<Document> for Value {
    fn from(document: Document) -> Self {
        match document {
            Document::Object(Members(members)) => {
                let member = |((_, name), value): ((String, String), Document)| (name, value.into());
                Self::Object(members.into_iter().map(member).collect::<Map<_, _>>())
            }
            Document::List(items) => Self::Array(items.into_iter().map(Into::into).collect()),
            Document::Leaf(value) => value,
        }
    }
}

/// The names in a JSON Pointer (RFC 6901). Like upstream, it accepts a path without a leading slash.
fn tokens(path: &str) -> Option<Vec<String>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.strip_prefix('/').unwrap_or(path).split('/').map(unescape).collect()
}

fn unescape(token: &str) -> Option<String> {
    let is_escape = |rest: &str| rest.starts_with('0') || rest.starts_with('1');
    let is_valid = token.split('~').skip(1).all(is_escape);
    is_valid.then(|| token.replace("~1", "/").replace("~0", "~"))
}

/// An index in a list: decimal digits without leading zeros.
fn index(token: &str) -> Option<usize> {
    let is_index = token.bytes().all(|byte| byte.is_ascii_digit()) && (token.len() == 1 || !token.starts_with('0'));
    token.parse().ok().filter(|_| is_index)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(value: Value, operations: Value) -> Result<Value, PatchError> {
        let operations: Vec<Operation> = serde_json::from_value(operations).expect("operations");
        let mut document = Document::from(value);
        operations.into_iter().try_for_each(|operation| document.apply(operation))?;
        Ok(document.into())
    }

    fn merged(value: Value, patch: Value) -> Value {
        let mut document = Document::from(value);
        document.merge(patch).expect("a patch without names in two spellings");
        document.into()
    }

    #[test]
    fn operations_do_what_rfc_6902_says() {
        let one = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
        for (value, operations, expected) in [
            (json!({"a": 1}), one("add", "/b", json!(2)), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), one("add", "/a", json!(2)), json!({"a": 2})),
            (json!([1, 3]), one("add", "/1", json!(2)), json!([1, 2, 3])),
            (json!([1]), one("add", "/1", json!(2)), json!([1, 2])),
            (json!([1]), one("add", "/-", json!(2)), json!([1, 2])),
            (json!({"a": {"b": [0]}}), one("add", "/a/b/0", json!({})), json!({"a": {"b": [{}, 0]}})),
            (json!({"a": 1}), one("add", "", json!([])), json!([])),
            (json!({"a": 1}), one("replace", "", json!(7)), json!(7)),
            (json!({"a": 1, "b": 2}), one("remove", "/a", Value::Null), json!({"b": 2})),
            (json!([1, 2]), one("remove", "/0", Value::Null), json!([2])),
            (json!({"a/b": 1, "~": 2}), one("replace", "/a~1b", json!(3)), json!({"a/b": 3, "~": 2})),
            (json!({"~1": 1}), one("replace", "/~01", json!(3)), json!({"~1": 3})),
            (json!({"a": {"B": [1, "x"]}}), one("test", "/a", json!({"B": [1, "x"]})), json!({"a": {"B": [1, "x"]}})),
        ] {
            assert_eq!(patched(value, operations.clone()), Ok(expected), "{operations}");
        }
        for (value, operations) in [
            (json!({}), one("replace", "/a", json!(1))),
            (json!({}), one("remove", "/a", Value::Null)),
            (json!({}), one("remove", "", Value::Null)),
            (json!({}), one("add", "/a/b", json!(1))),
            (json!({}), one("test", "/a", Value::Null)),
            (json!([1]), one("add", "/2", json!(1))),
            (json!([1]), one("replace", "/-", json!(1))),
            (json!([1]), one("remove", "/1", Value::Null)),
            (json!([1, 2]), one("remove", "/01", Value::Null)),
            (json!([1, 2]), one("remove", "/+1", Value::Null)),
            (json!([1, 2]), one("add", "/", json!(1))),
            (json!({"~2": 1}), one("remove", "/~2", Value::Null)),
            (json!(7), one("add", "/a", json!(1))),
        ] {
            let error = patched(value, operations.clone()).expect_err("no such path");
            assert_eq!(error, PatchError::PathNotFound(operations[0]["path"].as_str().unwrap_or_default().to_owned()));
        }
        for other in [json!({"b": [1]}), json!({"B": [1, 2]}), json!({"B": [2]}), json!({}), json!([1]), Value::Null] {
            let error =
                patched(json!({"a~": {"B": [1]}}), one("test", "A~0", other.clone())).expect_err("not the same");
            assert_eq!(error, PatchError::TestFailed("/a~0".to_owned()), "{other}");
        }
    }

    #[test]
    fn names_are_case_insensitive() {
        let value = json!({"Tooltip": "x", "Fields": {"x_Foo": 1, "x_foo": 2}});
        let operations = json!([
            {"op": "replace", "path": "tooltip", "value": "y"},
            {"op": "replace", "path": "/FIELDS/x_foo", "value": 3},
            {"op": "add", "path": "/fields/X_FOO", "value": 4},
            {"op": "add", "path": "/fields/New", "value": 5}
        ]);
        let expected = json!({"Tooltip": "y", "Fields": {"x_Foo": 4, "x_foo": 3, "New": 5}});
        assert_eq!(patched(value.clone(), operations), Ok(expected));
        let patch = json!({"TOOLTIP": null, "fields": {"x_foo": null, "NEW": 6}});
        assert_eq!(merged(value, patch), json!({"Fields": {"x_Foo": 1, "NEW": 6}}));
    }

    #[test]
    fn an_object_in_place_of_a_list_is_appended_to_it() {
        let value = json!({"List": [{"Id": 1}], "Object": {"a": 1, "b": {"c": 1}}});
        let patch = json!({"list": {"Id": 2}, "object": {"a": null, "B": {"d": 2}}, "new": {"e": [1]}});
        let expected = json!({"List": [{"Id": 1}, {"Id": 2}], "Object": {"b": {"c": 1, "d": 2}}, "new": {"e": [1]}});
        assert_eq!(merged(value.clone(), patch), expected);
        assert_eq!(merged(value.clone(), json!({"List": [], "Object": 7})), json!({"List": [], "Object": 7}));
        assert_eq!(merged(value, json!("x")), json!("x"));
    }

    #[test]
    fn nulls_in_a_merge_patch_are_dropped_at_every_depth() {
        for (value, patch, expected) in [
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({"a": 7}), json!({"a": {"b": null, "c": 1}}), json!({"a": {"c": 1}})),
            (json!({"a": null}), json!({"A": {"b": null}}), json!({"a": {}})),
            (json!({"a": [1]}), json!({"a": {"b": null, "c": {"d": null}}}), json!({"a": [1, {"c": {}}]})),
            (json!(7), json!({"a": null}), json!({})),
            (json!({"a": {"b": 1}}), json!({"a": [{"b": null}]}), json!({"a": [{"b": null}]})),
        ] {
            assert_eq!(merged(value, patch.clone()), expected, "{patch}");
        }
    }

    #[test]
    fn two_names_for_one_member_in_a_merge_patch_are_refused() {
        let merge = |patch: Value| {
            let mut document = Document::from(json!({"Name": "a", "Fields": {"x_foo": 1, "x_Foo": 2}}));
            document.merge(patch).map(|()| Value::from(document))
        };
        for (patch, name) in [
            (json!({"name": "b", "Name": "c"}), "Name"),
            (json!({"Name": null, "NAME": "c"}), "NAME"),
            (json!({"fields": {"x_Foo": 3, "X_FOO": 4}}), "X_FOO"),
            (json!({"Fields": {"new": 1, "New": 2}}), "New"),
            (json!({"new": {"a": 1, "A": null}}), "A"),
        ] {
            assert_eq!(merge(patch.clone()), Err(PatchError::DuplicateName(name.to_owned())), "{patch}");
        }
        let both = merge(json!({"Fields": {"x_foo": 3, "x_Foo": 4}})).expect("two fields");
        assert_eq!(both["Fields"], json!({"x_foo": 3, "x_Foo": 4}));
    }

    #[test]
    fn a_path_deeper_than_the_limit_is_refused() {
        let path = |depth: usize| json!([{"op": "add", "path": "/a".repeat(depth), "value": 1}]);
        assert_eq!(patched(json!({}), path(MAX_DEPTH + 1)), Err(PatchError::TooDeep));
        assert!(matches!(patched(json!({}), path(MAX_DEPTH)), Err(PatchError::PathNotFound(_))));
    }
}
