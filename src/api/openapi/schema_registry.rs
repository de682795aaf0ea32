//! The document's schemas at run time. Reading requests and writing XML need them.

use std::sync::{LazyLock, OnceLock};

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};

/// Registers every schema of the document. The router installs this function.
static REGISTER: OnceLock<fn(&mut Registry)> = OnceLock::new();

/// Every schema of the document.
static SCHEMAS: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new();
    let register = REGISTER.get().copied();
    #[cfg(test)]
    let register = register.or(Some(tests::REGISTER));
    match register {
        Some(register) => register(&mut registry),
        None => unreachable!("the router has not installed its schemas"),
    }
    registry
});

/// Installs the function that registers every schema. Later calls have no effect.
pub fn install(register: fn(&mut Registry)) {
    let _ = REGISTER.set(register);
}

/// The schema of a value that may be anything.
pub static ANYTHING: LazyLock<MetaSchemaRef> = LazyLock::new(|| MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)));

/// The name of a schema in the document; `None` for an inline schema.
pub fn name_of(schema: &MetaSchemaRef) -> Option<&str> {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.all_of.first().and_then(name_of),
        MetaSchemaRef::Reference(name) => Some(name),
    }
}

/// Follows references, and the `allOf` that carries a description beside a reference, to the schema itself.
pub fn resolve(schema: &MetaSchemaRef) -> &MetaSchema {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.all_of.first().map_or(schema, resolve),
        MetaSchemaRef::Reference(name) => match SCHEMAS.schemas.get(name) {
            Some(schema) => schema,
            None => unreachable!("there is no schema {name}"),
        },
    }
}

#[cfg(test)]
mod tests {
    /// Unit tests read bodies without a router.
    pub const REGISTER: fn(&mut poem_openapi::registry::Registry) = crate::api::router::register_schemas;
}
