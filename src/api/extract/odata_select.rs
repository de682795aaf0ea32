//! `$select`: the properties that the client wants in a response. The others are null (docs/upstream.md §1.0).

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, endpoint::make};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, MetaOperationParam, MetaParamIn, MetaSchema, MetaSchemaRef, Registry},
};
use serde_json::Value;

use crate::{
    api::openapi::{
        common::{RouteTable, route},
        schema_registry::resolve,
    },
    error::{Error, quoted},
};

const SELECT: &str = "$select";

/// Adds `$select` to the operations that return a body. The properties of such bodies are not `required` in the
/// document, since `$select` can remove them.
#[derive(Default)]
pub struct WithSelect<T>(pub T);

impl<T: OpenApi> OpenApi for WithSelect<T> {
    fn meta() -> Vec<MetaApi> {
        let mut apis = T::meta();
        let operations = apis.iter_mut().flat_map(|api| &mut api.paths).flat_map(|path| &mut path.operations);
        operations
            .filter(|operation| response_schema(operation).is_some())
            .for_each(|operation| operation.params.push(parameter()));
        apis
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        let apis = T::meta();
        let operations = apis.iter().flat_map(|api| &api.paths).flat_map(|path| &path.operations);
        operations.filter_map(response_schema).for_each(|schema| make_optional(registry, schema));
    }

    fn add_routes(self, table: &mut RouteTable) {
        let mut schemas = HashMap::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            for operation in path.operations {
                let schema = response_schema(&operation).cloned();
                schemas.extend(schema.map(|schema| ((route(&path.path), operation.method.clone()), schema)));
            }
        }
        let mut routes = RouteTable::new();
        self.0.add_routes(&mut routes);
        for (path, methods) in routes {
            for (method, endpoint) in methods {
                let endpoint = match schemas.get(&(path.clone(), method.clone())) {
                    Some(schema) => selecting(endpoint, schema.clone()).boxed(),
                    None => endpoint,
                };
                table.entry(path.clone()).or_default().insert(method, endpoint);
            }
        }
    }
}

fn parameter() -> MetaOperationParam {
    MetaOperationParam {
        name: SELECT.to_owned(),
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        in_type: MetaParamIn::Query,
        description: Some(
            "The properties to return, separated by commas, such as `name,role/value`. The others are null. When \
             omitted, all properties are returned."
                .to_owned(),
        ),
        required: false,
        deprecated: false,
        explode: false,
        style: None,
    }
}

/// The schema of the operation's 200 response; `None` without a body.
fn response_schema(operation: &MetaOperation) -> Option<&MetaSchemaRef> {
    let ok = operation.responses.responses.iter().find(|response| response.status == Some(200))?;
    ok.content.first().map(|media| &media.schema)
}

fn make_optional(registry: &mut Registry, schema: &MetaSchemaRef) {
    let parts = match schema {
        MetaSchemaRef::Inline(schema) => parts(schema),
        MetaSchemaRef::Reference(name) => match registry.schemas.get_mut(name) {
            Some(schema) if !schema.required.is_empty() => {
                schema.required.clear();
                parts(schema)
            }
            _ => Vec::new(),
        },
    };
    parts.iter().for_each(|part| make_optional(registry, part));
}

fn parts(schema: &MetaSchema) -> Vec<MetaSchemaRef> {
    let properties = schema.properties.iter().map(|(_, schema)| schema);
    let contents = schema.items.as_deref().into_iter().chain(schema.additional_properties.as_deref());
    properties.chain(contents).chain(&schema.all_of).cloned().collect()
}

fn selecting(inner: impl Endpoint + 'static, schema: MetaSchemaRef) -> impl Endpoint<Output = Response> + 'static {
    let inner = Arc::new(inner);
    make(move |mut request: Request| {
        let (inner, schema) = (Arc::clone(&inner), schema.clone());
        async move {
            if let Some(select) = query(&request) {
                request.set_data(SelectRequest { select, schema });
            }
            inner.call(request).await.map(IntoResponse::into_response)
        }
    })
}

fn query(request: &Request) -> Option<String> {
    let pairs = request.params::<Vec<(String, String)>>().unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(SELECT)).map(|(_, value)| value)
}

/// The unparsed `$select` of a request, with the schema of the response. It is parsed after authentication.
#[derive(Clone)]
pub struct SelectRequest {
    select: String,
    schema: MetaSchemaRef,
}

/// The paths of the properties to keep.
#[derive(Debug)]
pub struct FieldSelection(Vec<Vec<&'static str>>);

impl FieldSelection {
    /// Parses the `$select` of a request; `None` selects everything.
    ///
    /// # Errors
    /// `$select` names an unknown property.
    pub fn of(request: &Request) -> Result<Option<Self>, Error> {
        let Some(SelectRequest { select, schema }) = request.data::<SelectRequest>() else { return Ok(None) };
        let names: Vec<_> = select.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Ok(None);
        }
        // A set, because the cost of `cut` grows with the number of paths.
        let paths = names.into_iter().map(|name| resolve_path(schema, name)).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Some(Self(paths.into_iter().collect())))
    }

    /// Sets the other properties to null. `_Links` stays, because it is not a property.
    pub fn cut(&self, value: &mut Value) {
        let paths: Vec<&[&str]> = self.0.iter().map(Vec::as_slice).collect();
        cut(value, &paths);
    }
}

fn resolve_path(schema: &MetaSchemaRef, path: &str) -> Result<Vec<&'static str>, Error> {
    let mut schema = resolve(schema);
    let mut resolved = Vec::new();
    for name in path.split('/') {
        while let Some(items) = &schema.items {
            schema = resolve(items);
        }
        let known = schema.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        let unknown = || Error::InvalidArgument(format!("Parameter {SELECT}: there is no property {}.", quoted(path)));
        let (name, next) = known.ok_or_else(unknown)?;
        resolved.push(*name);
        schema = resolve(next);
    }
    Ok(resolved)
}

fn cut(value: &mut Value, paths: &[&[&str]]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| cut(item, paths)),
        Value::Object(members) => {
            for (name, value) in members.iter_mut().filter(|(name, _)| *name != "_Links") {
                let below: Vec<&[&str]> = paths
                    .iter()
                    .filter_map(|path| path.split_first())
                    .filter(|(first, _)| *first == name)
                    .map(|(_, rest)| rest)
                    .collect();
                if below.is_empty() {
                    *value = Value::Null;
                } else if below.iter().all(|rest| !rest.is_empty()) {
                    cut(value, &below);
                }
            }
        }
        _ => {}
    }
}
