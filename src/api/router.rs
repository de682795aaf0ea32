//! All operations, grouped by the kind of caller, and the endpoint that serves them.

use std::collections::BTreeMap;

use poem::{Endpoint, EndpointExt, Response, Route, http::Method, middleware::CatchPanic};
use poem_openapi::{OpenApi, registry::Registry};
use serde_json::Value;

use super::{
    extract::odata_select::WithSelect,
    middleware::{normalize_path::PathNormalizer, pipeline::RequestPipeline},
    openapi::{
        command_operations,
        common::{IdOrName, RouteTable, RoutesOnly, WithCommonDocs},
        document, schema_registry, shared_components,
    },
    respond::error,
    routes::*,
    state::AppState,
};
use crate::{commands::Catalog, localization::Locale};

type Operations = WithCommonDocs<(
    UserOperations,
    SessionOperations,
    OperatorOperations,
    ListOperations,
    time_zone::TimeZoneOperations,
    license::LicenseOperations,
    version::VersionOperations,
    tenant_state::TenantStateOperations,
    health::HealthOperations,
    static_files::StaticFiles,
    openapi_document::OpenApiDocument,
    agents::AgentOperations,
)>;

/// Users and their custom commands: upstream's `User` resource.
type UserOperations = (
    custom_command::CustomCommandOperations,
    WithSelect<(
        IdOrName<user::UserById, user::UserByName>,
        IdOrName<update_user::ChangeById, update_user::ChangeByName>,
        create_user::CreateUser,
    )>,
    create_user::PrepareUser,
    user_list::UserListOperations,
    presence::PresenceOperations,
    custom_fields::FieldOperations,
    current_user::CurrentOperations,
);

/// Roles, groups, and other lists of what belongs to users.
type ListOperations = (
    role::RoleListOperations,
    IdOrName<(WithSelect<role::RoleOperations>, role::RoleOperationsWithoutSelect), role::RoleTypeOperations>,
    data_right::DataRightOperations,
    user_group_list::UserGroupListOperations,
    mdo_list::MdoListOperations,
    archive::ArchiveOperations,
);

/// Sessions, passwords and tickets.
type SessionOperations = (session::SessionOperations, tickets::TicketOperations);

/// Operations for operators.
type OperatorOperations = (
    command_definitions::DefinitionOperations,
    executions::ExecutionOperations,
    audit::AuditOperations,
    webhooks::WebhookOperations,
    demo::DemoOperations,
);

/// Registers the schema of every operation.
pub fn register_schemas(registry: &mut Registry) {
    Operations::register(registry);
}

fn operations() -> Operations {
    schema_registry::install(register_schemas);
    WithCommonDocs((
        UserOperations::default(),
        SessionOperations::default(),
        OperatorOperations::default(),
        ListOperations::default(),
        Default::default(),
        Default::default(),
        version::VersionOperations::new(summaries),
        Default::default(),
        Default::default(),
        Default::default(),
        openapi_document::OpenApiDocument::new(document_with_commands),
        agents::AgentOperations::default(),
    ))
}

/// The OpenAPI document, with everything at each operation.
pub fn document() -> Value {
    document::document_of(operations())
}

/// The OpenAPI document that is checked in as `openapi/kommando.json`: what operations share is in its components.
pub fn shared_document() -> Value {
    shared_components::share(document())
}

/// The OpenAPI document as it is served and shown by Swagger UI: with an operation for each command of the catalog, with
/// texts in the language of the locale.
pub fn document_with_commands(catalog: &Catalog, locale: &Locale) -> Value {
    shared_components::share(add_commands(document(), catalog, locale))
}

/// The document with an operation for each command of the catalog, and everything at each operation.
pub fn add_commands(mut document: Value, catalog: &Catalog, locale: &Locale) -> Value {
    command_operations::add(&mut document, catalog, locale);
    document
}

/// The endpoint that serves the whole API.
pub fn endpoint(state: AppState) -> impl Endpoint<Output = Response> + 'static {
    let operations = Route::new()
        .nest_no_strip("/", document::service_of(RoutesOnly(operations())))
        .with(CatchPanic::new().with_handler(error::answer_panic))
        .map_to_response();
    // Boxed: the future is large, and every layer around it would copy it onto the stack.
    RequestPipeline::new(operations.boxed(), path_normalizer(), Operations::declared_inputs(), state)
}

fn path_normalizer() -> PathNormalizer {
    let (routes, ids) = (routes(), Operations::ids());
    let entry = |path: &String, method: Method| {
        let id = ids.get(&(path.clone(), method.clone())).unwrap_or(path).clone();
        (method, id)
    };
    PathNormalizer::new(
        routes
            .iter()
            .map(|(path, methods)| (path.as_str(), methods.iter().map(|method| entry(path, method.clone())).collect())),
    )
}

/// All paths with their methods, in poem's notation: `/api/v1/User/:param0`.
pub fn routes() -> Vec<(String, Vec<Method>)> {
    let mut table = RouteTable::new();
    operations().add_routes(&mut table);
    let mut routes: Vec<_> = table.into_iter().map(|(path, methods)| (path, methods.into_keys().collect())).collect();
    routes.sort_by(|one, other| one.0.cmp(&other.0));
    routes
}

/// The paths under `/api/v1/`, each with the summaries of its operations by method.
fn summaries() -> Vec<(String, BTreeMap<String, String>)> {
    let paths = <Operations as OpenApi>::meta().into_iter().flat_map(|api| api.paths);
    let paths = paths.filter(|path| path.path.starts_with("/api/v1/"));
    let methods = |operations: Vec<poem_openapi::registry::MetaOperation>| {
        let summary = |operation: poem_openapi::registry::MetaOperation| {
            (operation.method.to_string(), operation.summary.unwrap_or_default().to_owned())
        };
        operations.into_iter().map(summary).collect()
    };
    paths.map(|path| (path.path, methods(path.operations))).collect()
}
