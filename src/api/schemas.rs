//! The document's schemas at hand: what JSON alone does not tell of a carrier.

use std::sync::LazyLock;

use poem_openapi::{
    OpenApi,
    registry::{MetaSchema, MetaSchemaRef, Registry},
};

use super::Operations;

/// The schemas of all carriers.
static SCHEMAS: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new();
    Operations::register(&mut registry);
    registry
});

/// The schema of what may be anything.
pub static ANYTHING: LazyLock<MetaSchemaRef> = LazyLock::new(|| MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)));

/// The schema itself, behind references and what is said beside them.
pub fn described(schema: &MetaSchemaRef) -> &MetaSchema {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.all_of.first().map_or(schema, described),
        MetaSchemaRef::Reference(name) => match SCHEMAS.schemas.get(name) {
            Some(schema) => schema,
            None => unreachable!("there is no schema {name}"),
        },
    }
}
