//! The OpenAPI document as JSON, as YAML and in version 3.1, with an operation for each command in force. The routes are not
//! part of the document.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;
use moka::sync::Cache;
use poem::{
    EndpointExt, Request, Response,
    endpoint::{BoxEndpoint, make},
    http::{HeaderValue, Method, header},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, Registry},
};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::static_files::{self, Content};
use crate::{
    api::{
        openapi::{document, version_3_1},
        state::AppState,
    },
    clock,
    commands::Catalog,
    error::{Error, quoted},
    localization::{Language, Locale, preferred_tag},
};

/// Maximum number of documents in the cache: three forms in each of the server's languages, before and after a reload.
const CACHED: u64 = 64;

/// The document. `make` writes it with the operations of a catalog.
#[derive(Clone)]
pub struct OpenApiDocument {
    make: fn(&Catalog, &Locale) -> Value,
    cache: Cache<Key, Arc<Content>>,
}

/// The forms of the document, by path.
const FORMS: [(&str, Form); 3] =
    [("/openapi.json", Form::Json), ("/openapi.yaml", Form::Yaml), ("/openapi-3.1.json", Form::Version31)];

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Json,
    Yaml,
    /// JSON, as OpenAPI 3.1.
    Version31,
}

impl Form {
    fn media_type(self) -> &'static str {
        if self == Self::Yaml { "application/yaml" } else { "application/json" }
    }

    fn write(self, document: Value) -> String {
        match self {
            Self::Json => format!("{document:#}\n"),
            Self::Yaml => document::yaml(&document),
            Self::Version31 => format!("{:#}\n", version_3_1::convert(document)),
        }
    }
}

/// What a document depends on. The examples of dates depend on the day.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    catalog: String,
    language: Language,
    form: Form,
    today: NaiveDate,
}

impl OpenApiDocument {
    pub fn new(make: fn(&Catalog, &Locale) -> Value) -> Self {
        Self { make, cache: Cache::new(CACHED) }
    }

    async fn respond(&self, request: &Request, form: Form) -> Result<Response, Error> {
        let catalog = match without_commands(request)? {
            true => Arc::default(),
            false => AppState::of(request)?.commands.catalog(),
        };
        let language = catalog.nearest_language(wanted_language(request));
        let key = Key { catalog: catalog.hash(), language, form, today: clock::now().date_naive() };
        let (cache, make) = (self.cache.clone(), self.make);
        let make_once = move || {
            cache.try_get_with(key, || {
                let document = make(&catalog, &Locale::english().in_language(language));
                Content::of(form.write(document)).map(Arc::new)
            })
        };
        let content = spawn_blocking(make_once).await.map_err(Error::internal)?.map_err(Error::internal)?;
        let mut response = static_files::respond(request, form.media_type(), static_files::POLICY, &content);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Accept-Language"));
        let language = HeaderValue::from_str(language.iso()).map_err(Error::internal)?;
        response.headers_mut().insert(header::CONTENT_LANGUAGE, language);
        Ok(response)
    }
}

/// Whether the query has `commands=none`.
fn without_commands(request: &Request) -> Result<bool, Error> {
    let mut is_without = false;
    for (name, value) in request.params::<Vec<(String, String)>>().unwrap_or_default() {
        match value.as_str() {
            _ if !name.eq_ignore_ascii_case("commands") => {}
            "none" => is_without = true,
            other => {
                return Err(Error::InvalidArgument(format!("Parameter commands: {} is not `none`.", quoted(other))));
            }
        }
    }
    Ok(is_without)
}

/// The language of texts that the request prefers; English if it names none.
fn wanted_language(request: &Request) -> Language {
    let tag = request.header(header::ACCEPT_LANGUAGE).and_then(preferred_tag);
    tag.and_then(Language::from_iso).unwrap_or(Language::US)
}

impl OpenApi for OpenApiDocument {
    fn meta() -> Vec<MetaApi> {
        Vec::new()
    }

    fn register(_: &mut Registry) {}

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        for (path, form) in FORMS {
            let document = self.clone();
            let endpoint = make(move |request: Request| {
                let document = document.clone();
                async move { document.respond(&request, form).await }
            });
            table.insert(path.to_owned(), HashMap::from([(Method::GET, endpoint.map_to_response().boxed())]));
        }
    }
}
