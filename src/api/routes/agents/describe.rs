//! Answers a GET on an operation of an agent with its description. As in upstream's API, the operation does not run
//! (docs/upstream.md §1.2).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use poem::{
    Endpoint, EndpointExt, IntoResponse, Request,
    endpoint::{BoxEndpoint, make},
    http::{Method, Uri},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, Registry},
};

use super::unimplemented;
use crate::{
    api::{
        extract::request::BaseUrl,
        openapi::tags::Tag,
        openapi::{
            common::RouteTable,
            error_responses::{CommonErrors, ErrorResponse},
        },
        respond::format::{Formatted, ResponseFormat},
    },
    auth::{Authenticated, Authenticator},
};

/// Adds a GET with the description to each operation. The GETs are not part of the document.
#[derive(Default)]
pub struct Described<T>(pub T);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, table: &mut RouteTable) {
        let mut describe_routes = RouteTable::new();
        Describe::of::<T>().add_routes(&mut describe_routes);
        let mut endpoints = describe_routes.into_values().flat_map(HashMap::into_values);
        let Some(describe) = endpoints.next().map(Arc::new) else { return };
        let mut routes = RouteTable::new();
        self.0.add_routes(&mut routes);
        for (path, mut methods) in routes {
            methods.entry(Method::GET).or_insert_with(|| shared(&describe));
            table.entry(path).or_default().extend(methods);
        }
    }
}

fn shared(endpoint: &Arc<BoxEndpoint<'static>>) -> BoxEndpoint<'static> {
    let endpoint = Arc::clone(endpoint);
    make(move |request: Request| {
        let endpoint = Arc::clone(&endpoint);
        async move { endpoint.call(request).await.map(IntoResponse::into_response) }
    })
    .boxed()
}

/// The descriptions of the operations, by path.
struct Describe {
    descriptions: LazyLock<BTreeMap<String, String>>,
}

impl Describe {
    fn of<T: OpenApi>() -> Self {
        Self { descriptions: LazyLock::new(descriptions::<T>) }
    }
}

#[OpenApi(prefix_path = "/api/v1/Agents", tag = "Tag::UserAgent", ignore_case = true)]
impl Describe {
    /// Describe an operation
    #[oai(path = "/Describe", method = "get", operation_id = "v1Agents_Describe", hidden)]
    async fn describe(
        &self,
        caller: Authenticated,
        authenticator: &Authenticator,
        format: ResponseFormat,
        base: BaseUrl,
        uri: &Uri,
    ) -> Result<Formatted<BTreeMap<String, BTreeMap<String, String>>>, ErrorResponse<CommonErrors>> {
        let path = uri.path();
        let mut segments = path.rsplit('/');
        let (name, agent) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        authenticator.check_agent(&caller, agent)?;
        let description = self.descriptions.get(path).ok_or_else(|| unimplemented::error(agent, name))?;
        let methods = BTreeMap::from([(Method::POST.to_string(), description.clone())]);
        Ok(format.answer(BTreeMap::from([(format!("{}{path}", base.0), methods)])))
    }
}

fn descriptions<T: OpenApi>() -> BTreeMap<String, String> {
    let text = |operation: MetaOperation| {
        let parts = [operation.summary, operation.description].into_iter().flatten();
        parts.map(|part| part.trim_end_matches('.')).collect::<Vec<_>>().join(". ") + "."
    };
    let paths = T::meta().into_iter().flat_map(|api| api.paths);
    paths.filter_map(|path| Some((path.path, text(path.operations.into_iter().next()?)))).collect()
}
