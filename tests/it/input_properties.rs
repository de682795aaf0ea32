//! Properties of inputs, for generated definitions and values: a command takes exactly what its schema in the document
//! says, in every way, and no value is read as anything but text.

use std::cell::Cell;

use kommando::{api, commands::Catalog, localization::Locale};
use poem::http::StatusCode;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::harness::{ANNA, Server};

/// The number of generated definitions.
const CASES: u32 = 32;
const COMMAND: &str = "generated";

/// An input of a definition, as JSON.
fn input() -> impl Strategy<Value = Value> {
    let length = (0..6u32, 0..8u32).prop_map(|(min, more)| (min, (min + more).max(1)));
    prop_oneof![
        length.clone().prop_map(|(min, max)| json!({"type": "text", "min_length": min, "max_length": max})),
        select(vec!["[a-z]+", "[A-Z]{2}-[0-9]{1,3}", "(yes|no)?", "."])
            .prop_map(|p| json!({"type": "text", "pattern": p})),
        Just(json!({"type": "text", "multiline": true})),
        (-20i64..20, 0i64..30).prop_map(|(min, more)| json!({"type": "integer", "min": min, "max": min + more})),
        Just(json!({"type": "integer"})),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "date"})),
        subsequence(vec!["a", "b c", "æ", "1", "true"], 1..=4).prop_map(|v| json!({"type": "choice", "values": v})),
        Just(json!({"type": "group"})),
        Just(json!({"type": "email"})),
        length.prop_map(|(min, max)| json!({"type": "secret", "min_length": min, "max_length": max})),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "ab",
        "yes",
        "NO-12",
        "b c",
        "æ",
        "1",
        "-7",
        "12",
        "true",
        "False",
        "2026-12-31",
        "2026-02-30",
        "anna@example.com",
        "a@b@c",
        "a@æ",
        "a@",
        "line\nbreak",
        "tab\t",
        "nul\u{0}",
        "😀",
        "12345678901234567890",
        "Head office",
    ];
    prop_oneof![
        6 => select(texts.map(Value::from).to_vec()),
        2 => (-30i64..40).prop_map(Value::from),
        1 => select(vec![json!(1.5), json!(null), json!([]), json!({}), json!(["a"]), json!(9_007_199_254_740_993_i64)]),
        1 => any::<bool>().prop_map(Value::from),
        1 => "\\PC{0,8}".prop_map(Value::from),
    ]
}

/// A definition with inputs that are called `a`, `b` and so on, some of which are optional.
fn definition() -> impl Strategy<Value = Value> {
    vec((input(), any::<bool>()), 1..5).prop_map(|inputs| {
        let names = ["a", "b", "c", "d"];
        let named = names.iter().zip(inputs).map(|(name, (mut input, is_required))| {
            input["required"] = is_required.into();
            ((*name).to_owned(), input)
        });
        let inputs: Map<String, Value> = named.collect();
        json!({
            "name": COMMAND, "display_name": "X", "allow_roles": ["Administrator"], "inputs": inputs,
            "steps": [{"message": {"text": "Done"}}],
        })
    })
}

/// Values for some of the inputs, and perhaps for one that there is not.
fn values() -> impl Strategy<Value = Value> {
    let some = subsequence(vec!["a", "b", "c", "d", "e"], 0..=5);
    (some, vec(value(), 5)).prop_map(|(names, values)| names.into_iter().map(str::to_owned).zip(values).collect())
}

/// Whether a value is one of the property. A text may be that of an integer or boolean, or the name of a group.
fn is_valid(property: &Value, value: &Value) -> bool {
    let text = value.as_str();
    let digits = || text.filter(|text| Regex::new("^-?[0-9]+$").is_ok_and(|digits| digits.is_match(text)));
    match property["type"].as_str() {
        Some("integer") if property.get("minimum").is_none() => {
            let id = value.as_i64().or_else(|| digits()?.parse().ok());
            id == Some(1) || id == Some(2) || text == Some("Head office")
        }
        Some("integer") => {
            let number = value.as_i64().or_else(|| digits()?.parse().ok());
            let (min, max) = (property["minimum"].as_i64(), property["maximum"].as_i64());
            number.is_some_and(|number| min <= Some(number) && max.is_some_and(|max| number <= max))
        }
        Some("boolean") => {
            value.is_boolean() || text.is_some_and(|text| ["true", "false"].contains(&text.to_lowercase().as_str()))
        }
        Some("string") => text.is_some_and(|text| is_valid_text(property, text)),
        other => panic!("{other:?}"),
    }
}

fn is_valid_text(property: &Value, text: &str) -> bool {
    let count = text.chars().count() as u64;
    let is_long_enough = property["minLength"].as_u64().is_none_or(|min| min <= count);
    let is_short_enough = property["maxLength"].as_u64().is_none_or(|max| count <= max);
    let is_one_of = property["enum"].as_array().is_none_or(|values| values.iter().any(|value| value == text));
    let matches =
        property["pattern"].as_str().is_none_or(|written| Regex::new(written).expect("a pattern").is_match(text));
    let is_format = match property["format"].as_str() {
        Some("date") => text == "2026-12-31",
        Some("email") => Regex::new(r"^[^@\s\u{feff}]+@[^@\s\u{feff}]+$").expect("a pattern").is_match(text),
        _ => true,
    };
    let may_have_lines = property["format"].is_null()
        && property["enum"].is_null()
        && property["writeOnly"].is_null()
        && !property["description"].as_str().is_some_and(|text| text.contains("In one line."));
    let is_control = |character: char| character.is_control() && !(may_have_lines && "\t\r\n".contains(character));
    let is_line = may_have_lines || !text.contains(['\u{2028}', '\u{2029}']);
    is_long_enough && is_short_enough && is_one_of && matches && is_format && is_line && !text.contains(is_control)
}

/// The names of the inputs that the schema refuses.
fn refused(schema: &Value, values: &Value) -> Vec<String> {
    let (properties, values) = (schema["properties"].as_object(), values.as_object().expect("an object"));
    let properties = properties.expect("properties");
    let given = |name: &str| values.get(name).filter(|value| !value.is_null());
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| given(name).is_none()).map(str::to_owned);
    let wrong = values.keys().filter(|name| match properties.get(*name) {
        None => true,
        Some(property) => given(name).is_some_and(|value| !is_valid(property, value)),
    });
    missing.chain(wrong.cloned()).collect()
}

#[test]
fn a_command_takes_what_its_schema_says_in_every_way() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(Server::with_commands(&[]));
    let (taken, not_taken) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let end = TestRunner::new(config).run(&(definition(), vec(values(), 12)), |(definition, tries)| {
        let folder = tempfile::tempdir().expect("a folder");
        let yaml = serde_json::to_string(&definition).expect("JSON, which is YAML");
        std::fs::write(folder.path().join("a.yaml"), &yaml).expect("a file");
        let catalog =
            Catalog::from_folder(folder.path()).map_err(|error| TestCaseError::fail(format!("{error}: {yaml}")))?;
        let document = api::document_with_commands(&catalog, &Locale::english());
        let schema = &document["components"]["schemas"]["GeneratedInputs"];
        server.app.commands.replace(Some(catalog), None).expect("right definitions");
        let properties = schema["properties"].as_object().expect("properties").iter();
        let examples: Value = properties.map(|(name, property)| (name.clone(), property["example"].clone())).collect();
        for values in tries.into_iter().chain([examples]) {
            let expected = refused(schema, &values);
            let case = format!("{yaml} {values}");
            for answer in runtime.block_on(ways(&server, schema, &values)) {
                if expected.is_empty() {
                    prop_assert_eq!(answer.status, StatusCode::OK, "{}: {}", case, answer.text);
                    continue;
                }
                prop_assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}: {}", case, answer.text);
                let message = answer.error(StatusCode::BAD_REQUEST).1;
                for name in &expected {
                    prop_assert!(message.contains(&format!("`{name}` ")), "{}: {} of {}", case, message, name);
                }
            }
            let count = if expected.is_empty() { &taken } else { &not_taken };
            count.set(count.get() + 1);
        }
        Ok(())
    });
    if let Err(error) = end {
        panic!("{error}");
    }
    let (taken, not_taken) = (taken.get(), not_taken.get());
    assert!(taken > 10 && not_taken > 100, "too few cases: {taken} taken, {not_taken} not");
}

/// The answers to the same values as a body and, if all are texts, numbers or booleans, as `name=value`. The value of a
/// secret is not in the query.
async fn ways(server: &Server, schema: &Value, values: &Value) -> Vec<crate::harness::Answer> {
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/{COMMAND}");
    let mut answers = vec![server.post(&path).by("admin").json(values.clone()).send().await];
    let members = values.as_object().expect("an object");
    if members.values().any(|value| value.is_array() || value.is_object() || value.is_null()) {
        return answers;
    }
    let is_text_only = |value: &Value, name: &str| !value.is_string() && schema["properties"][name]["type"] == "string";
    // A number is no text in JSON, but every `name=value` is one.
    if members.iter().any(|(name, value)| is_text_only(value, name)) {
        return answers;
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let texts: Vec<_> = members.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    let body = json!({"CommandName": COMMAND, "User": {"AssociateId": ANNA}, "AdditionalData": texts});
    answers.push(server.post("/api/v1/Agents/User/ExecuteUserCommand").by("admin").json(body).send().await);
    let is_secret = |name: &str| schema["properties"][name]["writeOnly"] == true;
    if !members.keys().any(|name| is_secret(name)) {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let query: Vec<_> = texts.iter().map(|text| format!("additionalData={}", encode(text))).collect();
        answers.push(server.post(format!("{path}?{}", query.join("&"))).by("admin").send().await);
    }
    answers
}

const SAY: &str = "
name: say
display_name: Say
allow_roles: [Administrator]
confirm: ok
question: '{{ inputs.text }}?'
inputs:
  text: {type: text, max_length: 300, multiline: true}
steps:
  - message: {text: '{{ inputs.text }}'}
  - note: {text: 'Noted: {{ inputs.text }}'}
  - set_presence: {status: StatusNormal, message: 'x'}
";

const HOSTILE: [&str; 16] = [
    "{{ user.email }}",
    "{% for i in range(9) %}x{% endfor %}",
    "[SR_COMMAND_DONE]",
    "NO:\"en\";US:\"two\"",
    "[D:01/01/2020] [F:1.5]",
    "=HYPERLINK(\"http://example.com\")",
    "+1+1",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "'; DROP TABLE executions; --",
    "\\u0000 \\n %00 %0d%0a",
    "a\r\n{\"level\":\"ERROR\"}",
    "a,b;c\t\"d\"",
    "${jndi:ldap://127.0.0.1/a}",
    "../../etc/passwd",
    "\u{202e}reversed\u{202c}",
];

#[tokio::test]
async fn no_value_is_read_as_anything_but_text() {
    let server = Server::with_commands(&[SAY]).await;
    for text in HOSTILE {
        let path = format!("/api/v1/User/{ANNA}/CustomCommand/say");
        for (query, expected) in [("", format!("{text}?")), ("?actionResult=Ok", text.to_owned())] {
            let call = server.post(format!("{path}{query}")).by("admin").header("accept-language", "en");
            let answer = call.json(json!({"text": text})).send().await;
            let message = answer.body["Message"].as_str().expect("a message").replace('\u{2060}', "");
            assert_eq!(message, expected.replace('"', "”"), "{text}");
        }
    }
    let executions = server.executions().await;
    let recorded: Vec<_> = executions
        .iter()
        .skip(1)
        .step_by(2)
        .map(|execution| execution.inputs.as_ref().expect("inputs").0["text"].as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(recorded, HOSTILE);
    let csv = server.get("/_ext/executions?limit=1000").by("admin").header("accept", "text/csv").send().await;
    let mut reader = csv::Reader::from_reader(csv.text.as_bytes());
    let column = reader.headers().expect("a head").iter().position(|name| name == "inputs").expect("the inputs");
    let cells: Vec<_> = reader.records().map(|record| record.expect("a record")[column].to_owned()).collect();
    assert_eq!(cells.len(), executions.len());
    for (cell, execution) in cells.iter().zip(executions.iter().rev()) {
        let read: Value = serde_json::from_str(cell.trim_start_matches('\u{feff}')).expect("JSON");
        assert_eq!(read, serde_json::to_value(&execution.inputs).expect("JSON"), "{cell}");
    }
    let history =
        server.get(format!("/_ext/audit?subject={ANNA}&limit=100")).by("admin").header("accept", "application/jsonl");
    for line in history.send().await.text.lines() {
        let entry: Value = serde_json::from_str(line).expect("one line for each entry");
        assert!(entry["action"].is_string());
    }
    server.verify(None).await;
}
