//! Carriers as XML. The document's schemas tell what JSON does not: what the items of a list are called, and which
//! objects are maps.

use std::sync::LazyLock;

use poem_openapi::{
    OpenApi,
    registry::{MetaSchema, MetaSchemaRef, Registry},
};
use quick_xml::escape::escape;
use serde_json::Value;

use super::Operations;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
const INSTANCE: &str = r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

/// The schemas of all carriers.
static SCHEMAS: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new();
    Operations::register(&mut registry);
    registry
});

/// The XML of a value of this schema: the root has the carrier's name, elements those of properties.
pub fn write(schema: &MetaSchemaRef, value: &Value) -> String {
    let mut xml = DECLARATION.to_owned();
    element(&mut xml, &name(schema), INSTANCE, schema, value);
    xml
}

fn element(xml: &mut String, name: &str, attributes: &str, schema: &MetaSchemaRef, value: &Value) {
    let nil = if value.is_null() { r#" xsi:nil="true""# } else { "" };
    xml.extend(["<", name, attributes, nil]);
    let start = xml.len();
    xml.push('>');
    content(xml, described(schema), value);
    if xml.len() == start + 1 {
        xml.replace_range(start.., "/>");
    } else {
        xml.extend(["</", name, ">"]);
    }
}

fn content(xml: &mut String, schema: &MetaSchema, value: &Value) {
    match (value, &schema.items, &schema.additional_properties) {
        (Value::Null, ..) => {}
        (Value::Bool(_) | Value::Number(_), ..) => xml.push_str(&value.to_string()),
        (Value::String(text), ..) => xml.push_str(&escape(&allowed(text))),
        (Value::Array(items), Some(schema), _) => {
            let name = name(schema);
            items.iter().for_each(|item| element(xml, &name, "", schema, item));
        }
        (Value::Object(members), _, Some(schema)) => {
            for (key, value) in members {
                xml.extend(["<Entry><Key>", &escape(&allowed(key)), "</Key>"]);
                element(xml, "Value", "", schema, value);
                xml.push_str("</Entry>");
            }
        }
        (Value::Object(members), ..) => {
            for (name, schema) in &schema.properties {
                if let Some(value) = members.get(*name) {
                    element(xml, name, "", schema, value);
                }
            }
        }
        (Value::Array(_), None, _) => unreachable!("a list whose schema is none"),
    }
}

/// The text without the characters that XML cannot have, not even escaped.
fn allowed(text: &str) -> String {
    let is_allowed = |character: &char| !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_allowed).collect()
}

/// The schema itself, behind references and what is said beside them.
fn described(schema: &MetaSchemaRef) -> &MetaSchema {
    match schema {
        MetaSchemaRef::Inline(schema) => schema.all_of.first().map_or(schema, described),
        MetaSchemaRef::Reference(name) => match SCHEMAS.schemas.get(name) {
            Some(schema) => schema,
            None => unreachable!("there is no schema {name}"),
        },
    }
}

/// What .NET calls a value of this schema: that is how upstream names elements.
fn name(schema: &MetaSchemaRef) -> String {
    let schema = match schema {
        MetaSchemaRef::Reference(name) => return name.clone(),
        MetaSchemaRef::Inline(schema) => schema,
    };
    match (schema.all_of.first(), &schema.items, schema.ty) {
        (Some(schema), ..) => name(schema),
        (_, Some(items), _) => format!("ArrayOf{}", name(items)),
        (.., "integer") => "int".to_owned(),
        (.., "number") => "double".to_owned(),
        (.., kind) => kind.to_owned(),
    }
}
