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

/// The name under which the document has a schema, if it has one.
pub fn name_of(schema: &MetaSchemaRef) -> Option<&str> {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.all_of.first().and_then(name_of),
        MetaSchemaRef::Reference(name) => Some(name),
    }
}

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
