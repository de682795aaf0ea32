//! Texts of a definition that speak of the user and the caller: templates, in one or more languages.

use std::{borrow::Cow, collections::HashSet, fmt, sync::LazyLock};

use minijinja::{Environment, Output, State, UndefinedBehavior, Value, escape_formatter, value::Serde};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    error::Error,
    localization::MultiLanguage,
    users::{Caller, User},
};

/// What a template may cost to render, in minijinja's units: far more than any message needs.
const FUEL: u64 = 50_000;

/// A text with `{{ … }}` in it, checked when it is read.
pub struct Text {
    /// The names of the compiled templates, by language.
    names: MultiLanguage,
    templates: Environment<'static>,
}

/// What a template can speak of.
#[derive(Serialize)]
pub struct Subjects<'a> {
    pub user: UserSubject<'a>,
    pub caller: CallerSubject<'a>,
    server: ServerSubject,
}

/// The fields of a user that leave the database.
#[derive(Serialize)]
pub struct UserSubject<'a> {
    id: i32,
    name: &'a str,
    user_name: &'a str,
    full_name: String,
    firstname: &'a str,
    lastname: &'a str,
    email: &'a str,
    role: &'a str,
    group: &'a str,
}

/// The same of the caller.
#[derive(Serialize)]
pub struct CallerSubject<'a> {
    id: i32,
    name: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
struct ServerSubject {
    version: &'static str,
}

const SERVER: ServerSubject = ServerSubject { version: env!("CARGO_PKG_VERSION") };

/// The variables that exist, such as `user.name`, taken from the subjects themselves.
static VARIABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let Ok(serde_json::Value::Object(subjects)) = serde_json::to_value(Subjects::sample()) else { return Vec::new() };
    let fields = |(subject, fields): (&String, &serde_json::Value)| {
        let names = fields.as_object().map(|fields| fields.keys().map(|field| format!("{subject}.{field}")).collect());
        names.unwrap_or_else(Vec::new)
    };
    subjects.iter().flat_map(fields).collect()
});

impl Subjects<'static> {
    /// Somebody, to try a template on when it is read.
    fn sample() -> Self {
        let user = UserSubject {
            id: 2,
            name: "anna",
            user_name: "anna@example.com",
            full_name: "Anna Lindqvist".to_owned(),
            firstname: "Anna",
            lastname: "Lindqvist",
            email: "anna@example.com",
            role: "Employee",
            group: "Head office",
        };
        Self { user, caller: CallerSubject { id: 1, name: "admin", role: "Administrator" }, server: SERVER }
    }
}

impl<'a> Subjects<'a> {
    pub fn new(user: &'a User, caller: &'a Caller) -> Self {
        let person = user.person.as_ref();
        Self {
            user: UserSubject {
                id: user.user.id,
                name: &user.user.name,
                user_name: &user.user.user_name,
                full_name: user.full_name(),
                firstname: person.map_or("", |person| &person.firstname),
                lastname: person.map_or("", |person| &person.lastname),
                email: person.map_or("", |person| &person.email),
                role: &user.role.name,
                group: &user.group.name,
            },
            caller: CallerSubject { id: caller.user_id, name: &caller.name, role: &caller.role },
            server: SERVER,
        }
    }
}

impl Text {
    fn compile(source: &MultiLanguage) -> Result<Self, String> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(FUEL));
        templates.set_formatter(without_quotes);
        let mut count = 0;
        let names = source.try_map(|text| {
            let name = count.to_string();
            count += 1;
            templates
                .add_template_owned(name.clone(), text.to_owned())
                .map_err(|error| format!("`{text}`: {error}"))?;
            let template = templates.get_template(&name).map_err(|error| error.to_string())?;
            check_variables(template.undeclared_variables(true))?;
            // Filters and types are looked at only when a template is filled in.
            template.render(Serde(Subjects::sample())).map_err(|error| format!("`{text}`: {error}"))?;
            Ok::<_, String>(name)
        })?;
        Ok(Self { names, templates })
    }

    /// Fills the text in, in every language it has.
    ///
    /// # Errors
    /// The template asks for more than a text may cost.
    pub fn render(&self, subjects: &Subjects<'_>) -> Result<MultiLanguage, Error> {
        self.names.try_map(|name| {
            let template = self.templates.get_template(name).map_err(Error::internal)?;
            let unfit = |error| Error::internal(format!("`{}` cannot be filled in: {error}", template.source()));
            template.render(Serde(subjects)).map_err(unfit)
        })
    }
}

/// A double quote in a name would end a text within a multi-language string, or begin one.
fn without_quotes(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if text.contains('"') => Ok(out.write_str(&text.replace('"', "”"))?),
        _ => escape_formatter(out, state, value),
    }
}

fn check_variables(used: HashSet<String>) -> Result<(), String> {
    let known = |name: &String| VARIABLES.iter().any(|variable| variable == name);
    match used.into_iter().find(|name| !known(name)) {
        Some(unknown) => Err(format!("unknown variable `{unknown}`; known are {}", VARIABLES.join(", "))),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::compile(&MultiLanguage::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// In a file, a template is a text like any other.
impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        MultiLanguage::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<MultiLanguage>()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_does_not_exist_is_found_when_the_text_is_read() {
        let fault = Text::compile(&MultiLanguage::Plain("Hei {{ user.nmae }}".into())).expect_err("a fault");
        assert!(fault.starts_with("unknown variable `user.nmae`; known are "), "{fault}");
        assert!(fault.contains("user.full_name"), "{fault}");
    }

    #[test]
    fn a_filter_that_does_not_exist_and_a_wrong_type_are_found_when_the_text_is_read() {
        for text in ["{{ user.name | shout }}", "{{ user.name / 2 }}", "{{ user.id.x }}", "{{ nothing() }}"] {
            assert!(Text::compile(&MultiLanguage::Plain(text.into())).is_err(), "{text}");
        }
    }

    #[test]
    fn a_template_that_cannot_be_parsed_is_found_when_the_text_is_read() {
        assert!(Text::compile(&MultiLanguage::Plain("Hei {{ user.name".into())).is_err());
    }
}
