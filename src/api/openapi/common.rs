//! Wraps a set of operations: adds the documentation that all operations share, and turns their errors into responses.

use std::{collections::HashMap, sync::Arc};

use poem::{
    Endpoint, EndpointExt, IntoResponse, Request,
    endpoint::{BoxEndpoint, make},
    http::Method,
};
use poem_openapi::{
    OpenApi,
    registry::{
        MetaApi, MetaMediaType, MetaOperation, MetaOperationParam, MetaParamIn, MetaResponse, MetaSchema,
        MetaSchemaRef, Registry,
    },
    types::Type,
};

use super::error_responses::{describe, header};
use crate::{
    api::{
        middleware::headers::DeclaredInputs,
        respond::error::{self, ErrorFormat, ErrorInfo, PROBLEM, Problem},
    },
    auth::{SESSION, XSRF},
};

/// Endpoints by path and method, as poem-openapi collects them.
pub type RouteTable = HashMap<String, HashMap<Method, BoxEndpoint<'static>>>;

/// The path parameter that takes an id or a name.
const ID_OR_NAME: &str = "param0";

/// The headers that upstream lists with every operation (docs/upstream.md §1.0): name and description.
const SHARED_HEADERS: [(&str, &str); 5] = [
    (
        "Accept-Language",
        "The languages of texts, best first: `nb, en-GB;q=0.8`. When omitted, or with `*`, texts are returned as \
         stored, in all their languages.",
    ),
    (
        "SO-Language",
        "The language of texts. Overrides Accept-Language. `*`, `x`, `-` and an empty value turn translation off.",
    ),
    (
        "SO-Culture",
        "The culture of numbers and dates within texts, such as `nb-NO`. When omitted, the culture of the language is \
         used. Without a language, this header has no effect.",
    ),
    (
        "SO-TimeZone",
        "The time zone of dates: a code or id from `/api/v1/TimeZone`, or a name such as `Europe/Oslo`. When omitted, \
         the server's time zone is used. With `NO, includeTZOffset`, dates end with their offset.",
    ),
    ("SO-AppToken", "The token of the calling application. `kommando app add` creates one."),
];

/// Operations with the shared headers, error responses and security schemes.
pub struct WithCommonDocs<T>(pub T);

impl<T: OpenApi> OpenApi for WithCommonDocs<T> {
    fn meta() -> Vec<MetaApi> {
        // Sets that share a path are merged: a JSON object cannot have the same key twice.
        let mut paths: Vec<poem_openapi::registry::MetaPath> = Vec::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            match paths.iter_mut().find(|known| known.path == path.path) {
                Some(known) => known.operations.extend(path.operations),
                None => paths.push(path),
            }
        }
        for path in &mut paths {
            let format = ErrorFormat::at(&path.path);
            path.operations.iter_mut().for_each(|operation| complete(operation, format));
        }
        vec![MetaApi { paths }]
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        ErrorInfo::register(registry);
        Problem::register(registry);
    }

    fn add_routes(self, table: &mut RouteTable) {
        let names = parameter_names::<T>();
        let mut routes = RouteTable::new();
        self.0.add_routes(&mut routes);
        for (path, methods) in routes {
            let format = ErrorFormat::at(&path);
            let names: Arc<[String]> = names.get(&path).cloned().unwrap_or_default().into();
            for (method, endpoint) in methods {
                let names = Arc::clone(&names);
                let endpoint =
                    endpoint.catch_all_error(move |error| std::future::ready(error::respond(error, &names, format)));
                table.entry(path.clone()).or_default().insert(method, endpoint.map_to_response().boxed());
            }
        }
    }
}

impl<T: OpenApi> WithCommonDocs<T> {
    /// The operationId of each route and method. For paths that take an id or a name, it is that of the operation by
    /// id.
    pub fn ids() -> HashMap<(String, Method), String> {
        let mut ids = HashMap::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            for operation in path.operations {
                let id = operation.operation_id.unwrap_or(&path.path).to_owned();
                ids.entry((route(&path.path), operation.method)).or_insert(id);
            }
        }
        ids
    }

    /// The headers and query parameters that operations declare.
    pub fn declared_inputs() -> DeclaredInputs {
        DeclaredInputs::of(T::meta())
    }
}

/// Operations without their documentation: for serving, which does not need it.
pub struct RoutesOnly<T>(pub T);

impl<T: OpenApi> OpenApi for RoutesOnly<T> {
    fn meta() -> Vec<MetaApi> {
        Vec::new()
    }

    fn register(_: &mut Registry) {}

    fn add_routes(self, table: &mut RouteTable) {
        self.0.add_routes(table);
    }
}

fn complete(operation: &mut MetaOperation, format: ErrorFormat) {
    // poem-openapi can only express alternatives, but a session cookie and its XSRF token belong together.
    for scheme in operation.security.iter_mut().filter(|scheme| scheme.contains_key(SESSION)) {
        scheme.insert(XSRF, Vec::new());
    }
    let is_public = operation.security.is_empty();
    let changes = operation.method != Method::GET;
    let common = [
        (true, 400, "Bad request. A parameter, a header or the body is invalid; the message names it."),
        (!is_public, 401, "Unauthorized. No valid credentials."),
        (!is_public, 403, "Forbidden. The application or the page that sent the request may not use this operation."),
        (!is_public, 406, "Not acceptable. Accept excludes both JSON and XML."),
        (!is_public, 429, "Too many failed login attempts."),
        (true, 413, "The body is larger than 1 MiB."),
        (changes, 415, "The body is not JSON, or it has a Content-Encoding."),
        (true, 500, "The server failed. Its log has the cause under the X-Request-Id of the response."),
        (!is_public, 503, "The server cannot answer now. Try again."),
    ];
    let responses = &mut operation.responses.responses;
    for (applies, status, meaning) in common {
        if applies && !responses.iter().any(|response| response.status == Some(status)) {
            responses.push(describe(status, meaning));
        }
    }
    if !is_public {
        operation.params.extend(SHARED_HEADERS.map(shared_header));
    }
    responses.sort_by_key(|response| response.status);
    responses.iter_mut().for_each(|response| complete_response(response, format, !is_public));
}

fn shared_header((name, meaning): (&str, &str)) -> MetaOperationParam {
    MetaOperationParam {
        name: name.to_owned(),
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        in_type: MetaParamIn::Header,
        description: Some(meaning.to_owned()),
        required: false,
        deprecated: false,
        explode: false,
        style: None,
    }
}

fn complete_response(response: &mut MetaResponse, format: ErrorFormat, is_localized: bool) {
    if format == ErrorFormat::Problem && response.status.is_some_and(|status| status >= 400) {
        response.content = vec![MetaMediaType { content_type: PROBLEM, schema: Problem::schema_ref() }];
    }
    if response.description.is_empty() {
        response.description = "OK";
    }
    let mut add = |name, ty, meaning| response.headers.push(header(name, ty, meaning));
    add("X-Request-Id", "string", "The id of the request in the server's log.");
    match response.status {
        Some(401) => add("WWW-Authenticate", "string", "The allowed authentication schemes."),
        Some(415) => add("Accept-Encoding", "string", "`identity`, when the body has a Content-Encoding."),
        Some(429 | 503) => add("Retry-After", "integer", "The number of seconds to wait before the next try."),
        _ => {}
    }
    if response.status == Some(200) && is_localized {
        add("SO-TimeZone", "string", "The time zone of dates.");
        add("Content-Language", "string", "The language of texts, when the request named one.");
    }
}

/// The documented names of the path parameters of each route. The key is the route in poem's notation
/// (`/User/:param0`).
fn parameter_names<T: OpenApi>() -> HashMap<String, Vec<String>> {
    let paths = T::meta().into_iter().flat_map(|api| api.paths);
    paths
        .map(|path| {
            let names = path.path.split('/').filter_map(|segment| segment.strip_prefix('{'));
            (route(&path.path), names.map(|name| name.trim_end_matches('}').to_owned()).collect())
        })
        .collect()
}

/// A path of the document in poem's notation, in which parameters are numbered.
pub fn route(path: &str) -> String {
    let mut count = 0..;
    let segments = path.split('/').map(|segment| match segment.strip_prefix('{') {
        None => segment.to_owned(),
        Some(_) => format!(":param{}", count.next().unwrap_or_default()),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Two sets of operations that share paths: `A` takes an id in the place where `B` takes a name.
///
/// A segment of digits is an id; anything else is a name. Literal segments are matched before.
#[derive(Default)]
pub struct IdOrName<A, B>(pub A, pub B);

impl<A: OpenApi, B: OpenApi> OpenApi for IdOrName<A, B> {
    fn meta() -> Vec<MetaApi> {
        A::meta().into_iter().chain(B::meta()).collect()
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
        B::register(registry);
    }

    fn add_routes(self, table: &mut RouteTable) {
        let (mut by_id, mut by_name) = (RouteTable::new(), RouteTable::new());
        self.0.add_routes(&mut by_id);
        self.1.add_routes(&mut by_name);
        for (path, methods) in by_id {
            for (method, by_id) in methods {
                let by_name = by_name.get_mut(&path).and_then(|methods| methods.remove(&method));
                let endpoint = match by_name {
                    Some(by_name) => either(by_id, by_name),
                    None => by_id,
                };
                table.entry(path.clone()).or_default().insert(method, endpoint);
            }
        }
        for (path, methods) in by_name {
            table.entry(path).or_default().extend(methods);
        }
    }
}

fn either(by_id: BoxEndpoint<'static>, by_name: BoxEndpoint<'static>) -> BoxEndpoint<'static> {
    let endpoints = Arc::new((by_id, by_name));
    make(move |request: Request| {
        let endpoints = Arc::clone(&endpoints);
        async move {
            let is_id = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
            let (by_id, by_name) = &*endpoints;
            let endpoint = if request.raw_path_param(ID_OR_NAME).is_some_and(is_id) { by_id } else { by_name };
            endpoint.call(request).await.map(IntoResponse::into_response)
        }
    })
    .boxed()
}
