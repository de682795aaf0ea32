//! The HTTP contract: one file per group of operations, and what all of them share.

pub mod agents;
mod body;
mod bounded_json;
mod carriers;
mod change;
mod conditions;
mod conform;
mod cors;
mod current;
mod custom_command;
mod definitions;
mod demo;
mod document;
mod enum_names;
mod envelope;
mod executions;
pub mod export;
mod fields;
pub mod headers;
mod health;
mod large_answer;
mod large_bodies;
mod media;
mod operations;
mod pages;
mod parameters;
mod patch_document;
mod paths;
mod presence;
mod reader;
mod receive;
mod references;
mod refusals;
mod request;
mod room;
mod schemas;
mod select;
mod services;
mod session;
mod stamp;
mod tally;
mod tickets;
mod time_zone;
mod user;
mod user_change;
mod user_input;
mod user_list;
mod user_new;
mod version;
mod webhooks;
mod wire;
mod written;
mod xml;

use poem::{Endpoint, EndpointExt, Response, Route, http::Method, middleware::CatchPanic};
use poem_openapi::{OpenApi, Tags};

pub use cors::{Cors, EXPOSED};
pub use demo::Dropped;
pub use document::{document, normalise, plain, yaml};
pub use room::Room;
pub use services::Services;

/// Every operation.
type Operations = operations::Documented<(
    UserOperations,
    agents::AgentOperations,
    time_zone::TimeZoneOperations,
    session::SessionOperations,
    tickets::TicketOperations,
    definitions::DefinitionOperations,
    executions::ExecutionOperations,
    webhooks::WebhookOperations,
    demo::DemoOperations,
    version::VersionOperations,
    health::HealthOperations,
    pages::Pages,
)>;

/// The operations on users, beside those of the agent.
type UserOperations = (
    custom_command::CustomCommandOperations,
    select::Selectable<(
        operations::IdOrName<user::UserById, user::UserByName>,
        operations::IdOrName<user_change::ChangeById, user_change::ChangeByName>,
        user_new::MakeUser,
    )>,
    user_new::BeforeUser,
    user_list::UserListOperations,
    presence::PresenceOperations,
    fields::FieldOperations,
    current::CurrentOperations,
);

fn operations() -> Operations {
    operations::Documented(Default::default())
}

#[derive(Tags)]
enum Tag {
    /// Users, and the custom commands that can be run on them.
    User,
    /// The same as procedures, each under its name, as upstream's client libraries call them.
    #[oai(rename = "User_Agent")]
    UserAgent,
    /// The time zones of dates.
    TimeZone,
    /// Logging in and out: not part of upstream's API.
    Session,
    /// What was run, for operators: not part of upstream's API.
    Operator,
    /// What this server is.
    Version,
    /// Whether this server is well.
    Health,
}

/// The whole of the HTTP interface.
pub fn endpoint(services: Services) -> impl Endpoint<Output = Response> + 'static {
    let operations = Route::new()
        .nest_no_strip("/", document::service_of(operations::Undocumented(operations())))
        .with(CatchPanic::new().with_handler(envelope::answer_panic))
        .map_to_response();
    // Boxed: its future is large, and every layer around it would carry it on the stack.
    envelope::Envelope::new(operations.boxed(), paths(), Operations::declared_inputs(), services)
}

fn paths() -> paths::Paths {
    let (routes, names) = (routes(), Operations::ids());
    let named = |path: &String, method: Method| {
        let name = names.get(&(path.clone(), method.clone())).unwrap_or(path).clone();
        (method, name)
    };
    paths::Paths::new(
        routes
            .iter()
            .map(|(path, methods)| (path.as_str(), methods.iter().map(|method| named(path, method.clone())).collect())),
    )
}

/// Every path and the methods it takes, in poem's notation: `/api/v1/User/:param0`.
pub fn routes() -> Vec<(String, Vec<Method>)> {
    let mut table = operations::RouteTable::new();
    operations().add_routes(&mut table);
    let mut routes: Vec<_> = table.into_iter().map(|(path, methods)| (path, methods.into_keys().collect())).collect();
    routes.sort_by(|one, other| one.0.cmp(&other.0));
    routes
}
