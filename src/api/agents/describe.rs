//! What an operation of the agent does, for a GET on it. Upstream describes the operation and does not run it
//! (contract §1.2).

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

use super::{
    super::{
        Tag,
        operations::RouteTable,
        reader::{Answer, Reader},
        refusals::{ErrorResponse, NoOwn},
        request::BaseUrl,
    },
    AgentOperations,
    unimplemented::UNIMPLEMENTED,
};
use crate::{auth::UserAgent, error::Error};

/// Operations that a GET describes. They stand in the document; their descriptions do not.
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
        let mut own = RouteTable::new();
        Describe.add_routes(&mut own);
        let mut endpoints = own.into_values().flat_map(HashMap::into_values);
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

#[derive(Default)]
struct Describe;

#[OpenApi(prefix_path = "/api/v1/Agents/User", tag = "Tag::UserAgent", ignore_case = true)]
impl Describe {
    /// Describe an operation
    #[oai(path = "/Describe", method = "get", operation_id = "v1UserAgent_Describe", hidden)]
    async fn describe(
        &self,
        _caller: UserAgent,
        reader: Reader,
        base: BaseUrl,
        uri: &Uri,
    ) -> Result<Answer<BTreeMap<String, BTreeMap<String, String>>>, ErrorResponse<NoOwn>> {
        let path = uri.path();
        let name = path.rsplit('/').next().unwrap_or_default();
        let refusal = || {
            let unimplemented = UNIMPLEMENTED.into_iter().find(|known| known.eq_ignore_ascii_case(name));
            unimplemented.map_or(Error::NoRoute, Error::NotImplemented)
        };
        let description = DESCRIPTIONS.get(path).ok_or_else(refusal)?;
        let methods = BTreeMap::from([(Method::POST.to_string(), description.clone())]);
        Ok(reader.answer(BTreeMap::from([(format!("{}{path}", base.0), methods)])))
    }
}

/// What each operation does, by its path.
static DESCRIPTIONS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let text = |one: MetaOperation| {
        let parts = [one.summary, one.description].into_iter().flatten();
        parts.map(|part| part.trim_end_matches('.')).collect::<Vec<_>>().join(". ") + "."
    };
    let paths = <AgentOperations as OpenApi>::meta().into_iter().flat_map(|api| api.paths);
    let described = paths.filter_map(|path| Some((path.path, text(path.operations.into_iter().next()?))));
    described.collect()
});
