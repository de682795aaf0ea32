//! Writes response bodies as XML. The document's schemas supply what JSON lacks: the element names of list items, and
//! which objects are maps.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use quick_xml::escape::escape;
use serde_json::Value;

use crate::api::openapi::schema_registry::{ANYTHING, resolve};

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
const INSTANCE: &str = r#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

/// The XML of a value of this schema. The root element has the schema's name, the others have the names of properties.
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
    content(xml, resolve(schema), value);
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
        (Value::String(text), ..) => xml.push_str(&escaped(text)),
        (Value::Array(items), schema, _) => {
            let schema = schema.as_deref().unwrap_or(&ANYTHING);
            let name = name(schema);
            items.iter().for_each(|item| element(xml, &name, "", schema, item));
        }
        (Value::Object(members), _, None) if !schema.properties.is_empty() => {
            for (name, schema) in &schema.properties {
                if let Some(value) = members.get(*name) {
                    element(xml, name, "", schema, value);
                }
            }
        }
        (Value::Object(members), _, schema) => {
            let schema = schema.as_deref().unwrap_or(&ANYTHING);
            for (key, value) in members {
                xml.extend(["<Entry><Key>", &escaped(key), "</Key>"]);
                element(xml, "Value", "", schema, value);
                xml.push_str("</Entry>");
            }
        }
    }
}

/// Escapes a text for use between tags. XML parsers turn an unescaped carriage return into a line feed.
fn escaped(text: &str) -> String {
    escape(&allowed(text)).replace('\r', "&#13;")
}

/// Removes the characters that XML does not allow, even escaped.
fn allowed(text: &str) -> String {
    let is_allowed = |character: &char| !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_allowed).collect()
}

/// The element name of a value of this schema. Upstream uses .NET's type names.
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
        (.., "") => "anyType".to_owned(),
        (.., kind) => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_without_a_schema_is_written_by_its_json_type() {
        let value = json!({"a": [1, "<", null, {"b": true}], "c": "\u{0}x\u{ffff}\t\r\n"});
        let xml = write(&ANYTHING, &value);
        let body = xml.strip_prefix(DECLARATION).and_then(|xml| xml.strip_prefix(&format!("<anyType{INSTANCE}>")));
        let expected = concat!(
            "<Entry><Key>a</Key><Value><anyType>1</anyType><anyType>&lt;</anyType><anyType xsi:nil=\"true\"/><anyType>",
            "<Entry><Key>b</Key><Value>true</Value></Entry></anyType></Value></Entry>",
            "<Entry><Key>c</Key><Value>x\t&#13;\n</Value></Entry></anyType>",
        );
        assert_eq!(body, Some(expected));
    }
}
