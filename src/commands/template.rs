//! Templates: texts of a definition with values of the user and the caller, in one or more languages.

use std::{borrow::Cow, collections::HashSet, fmt, sync::LazyLock};

use minijinja::{Environment, Output, State, UndefinedBehavior, Value, value::Serde};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, Visitor},
};

use super::document::TEMPLATE;
use crate::{
    error::Error,
    localization::{MultiLanguage, Surroundings, verbatim},
    nearest,
    users::{Caller, User},
};

/// Limit for rendering a template, in minijinja's fuel units: far more than any message needs.
const FUEL: u64 = 50_000;

/// A text with `{{ … }}`, compiled and checked when the definition is read.
pub struct Template {
    /// The names of the compiled templates, by language.
    names: MultiLanguage,
    templates: Environment<'static>,
}

/// The variables of a template.
#[derive(Serialize)]
pub struct TemplateContext<'a> {
    pub user: UserSubject<'a>,
    pub caller: CallerSubject<'a>,
    server: ServerSubject,
}

/// The fields of a user that templates and webhooks may contain.
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

/// The fields of a caller that templates and webhooks may contain.
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

/// The names of all variables, such as `user.name`, taken from the serialized [`TemplateContext`].
static VARIABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let Ok(serde_json::Value::Object(variables)) = serde_json::to_value(TemplateContext::sample()) else {
        return Vec::new();
    };
    let fields = |(subject, fields): (&String, &serde_json::Value)| {
        let names = fields.as_object().map(|fields| fields.keys().map(|field| format!("{subject}.{field}")).collect());
        names.unwrap_or_else(Vec::new)
    };
    variables.iter().flat_map(fields).collect()
});

impl TemplateContext<'static> {
    /// Sample values to try a template on when it is read.
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

impl<'a> TemplateContext<'a> {
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

impl Template {
    fn compile(source: &MultiLanguage) -> Result<Self, String> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(FUEL));
        let surroundings = source.surroundings();
        templates.set_formatter(move |out, _: &mut State<'_, '_>, value| write_value(out, value, surroundings));
        let mut count = 0;
        let names = source.try_map(|text| {
            let name = count.to_string();
            count += 1;
            templates
                .add_template_owned(name.clone(), text.to_owned())
                .map_err(|error| format!("`{text}`: {error}"))?;
            let template = templates.get_template(&name).map_err(|error| error.to_string())?;
            check_variables(template.undeclared_variables(true))?;
            // minijinja checks filters and types only when it renders.
            template.render(Serde(TemplateContext::sample())).map_err(|error| format!("`{text}`: {error}"))?;
            Ok::<_, String>(name)
        })?;
        Ok(Self { names, templates })
    }

    /// Renders the text in each of its languages.
    ///
    /// # Errors
    /// The template exceeds its fuel limit.
    pub fn render(&self, variables: &TemplateContext<'_>) -> Result<MultiLanguage, Error> {
        self.names.try_map(|name| {
            let template = self.templates.get_template(name).map_err(Error::internal)?;
            let failed =
                |error| Error::internal(format!("failed to render the template `{}`: {error}", template.source()));
            template.render(Serde(variables)).map_err(failed)
        })
    }
}

/// Writes a value so that none of it is read as markup. Numbers need no escaping.
fn write_value(out: &mut Output<'_>, value: &Value, surroundings: Surroundings) -> Result<(), minijinja::Error> {
    if value.is_number() {
        return Ok(write!(out, "{value}")?);
    }
    let text = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
    Ok(out.write_str(&verbatim(&text, surroundings))?)
}

fn check_variables(used: HashSet<String>) -> Result<(), String> {
    let known = |name: &String| VARIABLES.iter().any(|variable| variable == name);
    match used.into_iter().find(|name| !known(name)) {
        Some(unknown) => {
            let near = nearest::suggestion(&unknown, VARIABLES.iter().map(String::as_str));
            Err(format!("unknown variable `{unknown}`{near}; known are {}", VARIABLES.join(", ")))
        }
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TemplateVisitor;

        impl<'de> Visitor<'de> for TemplateVisitor {
            type Value = Template;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Template, D::Error> {
                Template::compile(&MultiLanguage::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        deserializer.deserialize_newtype_struct(TEMPLATE, TemplateVisitor)
    }
}

/// In the JSON Schema, a template is a text like any other.
impl JsonSchema for Template {
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

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::localization::{Locale, LocalePreferences, Zone};

    #[test]
    fn an_unknown_variable_is_found_when_the_text_is_read() {
        let error = Template::compile(&MultiLanguage::Plain("Hei {{ user.nmae }}".into())).expect_err("an error");
        assert!(error.starts_with("unknown variable `user.nmae`; did you mean `user.name`?; known are "), "{error}");
        assert!(error.contains("user.full_name"), "{error}");
    }

    #[test]
    fn unknown_filters_and_wrong_types_are_found_when_read() {
        for text in ["{{ user.name | shout }}", "{{ user.name / 2 }}", "{{ user.id.x }}", "{{ nothing() }}"] {
            assert!(Template::compile(&MultiLanguage::Plain(text.into())).is_err(), "{text}");
        }
    }

    #[test]
    fn an_invalid_template_is_found_when_the_text_is_read() {
        assert!(Template::compile(&MultiLanguage::Plain("Hei {{ user.name".into())).is_err());
    }

    /// Names with markup that could mislead readers.
    fn any_name() -> impl Strategy<Value = String> {
        let pieces = vec![
            "[",
            "]",
            "\"",
            ":",
            ";",
            "US",
            "US:",
            "US:\"",
            "NO:\"x\";",
            "SR_COMMAND_DONE",
            "[SR_COMMAND_DONE]",
            "D:",
            "01/01/2020",
            "[D:01/01/2020]",
            "[F:",
            "1.5",
            "{{ user.email }}",
            "{% raw %}",
            "\u{2060}",
            "Ada",
            " ",
        ];
        let made = prop::collection::vec(prop::sample::select(pieces), 0..6).prop_map(|pieces| pieces.concat());
        prop_oneof![made, ".{0,20}"]
    }

    /// A text as shown without a language, in English and in Norwegian, without invisible characters.
    fn shown(text: &str, name: &str) -> [String; 3] {
        let text: Template = serde_json::from_str(text).expect("a text");
        let user =
            UserSubject { full_name: name.to_owned(), lastname: name, role: name, ..TemplateContext::sample().user };
        let rendered = text.render(&TemplateContext { user, ..TemplateContext::sample() }).expect("a text").raw();
        ["*", "en", "nb"].map(|language| {
            let preferences = LocalePreferences { so_language: Some(language), ..LocalePreferences::default() };
            let locale = Locale::new(preferences, &Zone::utc()).expect("a locale");
            locale.resolve(&rendered).replace('\u{2060}', "")
        })
    }

    proptest! {
        #[test]
        fn a_value_is_shown_as_it_is_in_every_language(name in any_name()) {
            for (template, expected) in [
                (r#""Is it {}?""#, ["Is it {}?"; 3]),
                (r#""{}{}""#, ["{}{}"; 3]),
                (r#""[{}] [[{}] {}]""#, ["[{}] [[{}] {}]"; 3]),
                (r#""[SR_{}] [D:{}] [SR_COMMAND_DONE{}""#, ["[SR_{}] [D:{}] [SR_COMMAND_DONE{}"; 3]),
                (r#""{}:\"x\" \"{}\" U{}\"""#, [r#"{}:"x" "{}" U{}""#; 3]),
                (
                    r#""{} [SR_COMMAND_DONE] {}""#,
                    ["{} [SR_COMMAND_DONE] {}", "{} Done. {}", "{} Utført. {}"],
                ),
                (
                    r#"{"en": "Is it {}?", "nb": "Er det {} [F:1.5]?"}"#,
                    [r#"NO:"Er det {} [F:1.5]?";US:"Is it {}?""#, "Is it {}?", "Er det {} 1,5?"],
                ),
                (
                    r#""NO:\"{}\";US:\"{}!\"""#,
                    [r#"NO:"{}";US:"{}!""#, "{}!", "{}"],
                ),
                (
                    r#""Now NO:\"{}\";US:\"{}!\" ({})""#,
                    [r#"Now NO:"{}";US:"{}!" ({})"#, "Now {}! ({})", "Now {} ({})"],
                ),
            ] {
                let name_shown = name.replace('"', "”").replace('\u{2060}', "");
                for variable in ["{{ user.full_name }}", "{{ user.lastname }}", "{{ user.role }}"] {
                    let shown = shown(&template.replace("{}", variable), &name);
                    prop_assert_eq!(shown, expected.map(|expected| expected.replace("{}", &name_shown)));
                }
            }
        }
    }

    #[test]
    fn a_list_of_values_is_shown_without_markup() {
        let [raw, english, _] = shown(r#""{{ [user.lastname, user.id] }}""#, "[SR_COMMAND_DONE]\"");
        assert_eq!((raw.contains('"'), raw), (false, english));
    }
}
