//! Texts of a definition that speak of the user and the caller: templates, in one or more languages.

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

/// Writes a value so that it is no markup. Numbers cannot be any.
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

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Template;

        impl<'de> Visitor<'de> for Template {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
                Text::compile(&MultiLanguage::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        deserializer.deserialize_newtype_struct(TEMPLATE, Template)
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
    use proptest::prelude::*;

    use super::*;
    use crate::localization::{Locale, Wishes, Zone};

    #[test]
    fn a_variable_that_does_not_exist_is_found_when_the_text_is_read() {
        let fault = Text::compile(&MultiLanguage::Plain("Hei {{ user.nmae }}".into())).expect_err("a fault");
        assert!(fault.starts_with("unknown variable `user.nmae`; did you mean `user.name`?; known are "), "{fault}");
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

    /// What a user might be called to mislead others.
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

    /// A text as readers of no language, of English and of Norwegian get it, without what is invisible.
    fn shown(text: &str, name: &str) -> [String; 3] {
        let text: Text = serde_json::from_str(text).expect("a text");
        let user = UserSubject { full_name: name.to_owned(), lastname: name, role: name, ..Subjects::sample().user };
        let rendered = text.render(&Subjects { user, ..Subjects::sample() }).expect("a text").raw();
        ["*", "en", "nb"].map(|language| {
            let wishes = Wishes { so_language: Some(language), ..Wishes::default() };
            let locale = Locale::new(wishes, &Zone::utc()).expect("a locale");
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
    fn a_list_of_values_is_shown_without_markup_as_well() {
        let [raw, english, _] = shown(r#""{{ [user.lastname, user.id] }}""#, "[SR_COMMAND_DONE]\"");
        assert_eq!((raw.contains('"'), raw), (false, english));
    }
}
