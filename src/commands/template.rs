//! Templates: texts of a definition with values of the user and the caller, in one or more languages.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    fmt,
    sync::LazyLock,
};

use minijinja::{
    Environment, Output, State, UndefinedBehavior, Value,
    value::{Serde, ValueKind},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Visitor},
    ser::SerializeStruct,
};

use super::{
    document::{DefinitionProblem, Located, Position, TEMPLATE},
    inputs::{InputDefinitions, InputValues, ShownInputs},
    value_or_input::unknown_input,
};
use crate::{
    error::Error,
    localization::{Language, MultiLanguage, Surroundings, verbatim},
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
    /// The names of the inputs that it shows.
    inputs: BTreeSet<String>,
    at: Option<Position>,
}

/// The variables of a template.
pub struct TemplateContext<'a> {
    pub user: UserSubject<'a>,
    pub caller: CallerSubject<'a>,
    server: ServerSubject,
    inputs: ShownInputs<'a>,
}

/// The variables of a template in one language.
struct InLanguage<'a>(&'a TemplateContext<'a>, Option<Language>);

impl Serialize for InLanguage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(TemplateContext { user, caller, server, inputs }, language) = self;
        let mut variables = serializer.serialize_struct("TemplateContext", 4)?;
        variables.serialize_field("user", user)?;
        variables.serialize_field("caller", caller)?;
        variables.serialize_field("server", server)?;
        variables.serialize_field("inputs", &inputs.in_language(*language))?;
        variables.end()
    }
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

#[derive(Clone, Copy, Serialize)]
struct ServerSubject {
    version: &'static str,
}

const SERVER: ServerSubject = ServerSubject { version: env!("CARGO_PKG_VERSION") };

/// The prefix of variables with the value of an input.
const INPUTS: &str = "inputs.";
static NO_INPUTS: LazyLock<InputValues> = LazyLock::new(InputValues::default);

/// The names of all variables besides the inputs, such as `user.name`, taken from the serialized [`TemplateContext`].
static VARIABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let Ok(serde_json::Value::Object(variables)) =
        serde_json::to_value(InLanguage(&TemplateContext::sample(&NO_INPUTS), None))
    else {
        return Vec::new();
    };
    let fields = |(subject, fields): (&String, &serde_json::Value)| {
        let names = fields.as_object().map(|fields| fields.keys().map(|field| format!("{subject}.{field}")).collect());
        names.unwrap_or_else(Vec::new)
    };
    variables.iter().flat_map(fields).collect()
});

impl<'a> TemplateContext<'a> {
    /// Sample values to try a template on when it is read.
    fn sample(inputs: &'a InputValues) -> Self {
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
        let caller = CallerSubject { id: 1, name: "admin", role: "Administrator" };
        Self { user, caller, server: SERVER, inputs: ShownInputs::Values(inputs) }
    }

    pub fn new(user: &'a User, caller: &'a Caller, inputs: ShownInputs<'a>) -> Self {
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
            inputs,
        }
    }
}

impl Template {
    fn compile(source: &MultiLanguage, at: Option<Position>) -> Result<Self, String> {
        let mut inputs = BTreeSet::new();
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
            let used = check_variables(template.undeclared_variables(true))?;
            // minijinja checks filters and types only when it renders. With inputs, `check_inputs` tries the template.
            if used.is_empty() {
                let sample = TemplateContext::sample(&NO_INPUTS);
                template.render(Serde(InLanguage(&sample, None))).map_err(|error| format!("`{text}`: {error}"))?;
            }
            inputs.extend(used);
            Ok::<_, String>(name)
        })?;
        Ok(Self { names, templates, inputs, at })
    }

    /// Checks that the inputs that it shows exist, that none is a secret, and that it can show their values.
    pub fn check_inputs(&self, inputs: &InputDefinitions) -> Option<DefinitionProblem> {
        let problem = |text| Some(DefinitionProblem { at: self.at, text });
        for name in &self.inputs {
            match inputs.find(name) {
                None => return problem(unknown_input(name, inputs)),
                Some(input) if input.input_type.is_secret() => {
                    return problem(format!("the input `{name}` is a secret, which no text shows"));
                }
                Some(_) => {}
            }
        }
        if self.inputs.is_empty() {
            return None;
        }
        let samples = inputs.samples();
        let error = samples.iter().find_map(|values| self.try_render(&TemplateContext::sample(values)).err());
        problem(error?)
    }

    /// Checks that the template can be shown before the inputs have values.
    pub fn check_placeholders(&self, inputs: &InputDefinitions) -> Option<DefinitionProblem> {
        let sample = TemplateContext::sample(&NO_INPUTS);
        let shown = self.try_render(&TemplateContext { inputs: ShownInputs::Placeholders(inputs), ..sample });
        let error = shown.err()?;
        let text = format!("the list of commands shows an input of a question as `…`, which this text cannot: {error}");
        Some(DefinitionProblem { at: self.at, text })
    }

    /// Renders the text in each of its languages.
    ///
    /// # Errors
    /// [`Error::InvalidInputs`] if the template cannot show these inputs, such as a division by one that is zero, or takes
    /// too long.
    pub fn render(&self, variables: &TemplateContext<'_>) -> Result<MultiLanguage, Error> {
        self.try_render(variables).map_err(|error| {
            if self.inputs.is_empty() {
                return Error::internal(format!("failed to render the template {error}"));
            }
            tracing::warn!(cause = error, "failed to render a template with these inputs");
            let names: Vec<_> = self.inputs.iter().map(|name| format!("`{name}`")).collect();
            Error::InvalidInputs(format!("A text of the command cannot show these values of {}.", names.join(", ")))
        })
    }

    /// As [`Self::render`]. The error names the template.
    fn try_render(&self, variables: &TemplateContext<'_>) -> Result<MultiLanguage, String> {
        self.names.try_map_each(|language, name| {
            let template = self.templates.get_template(name).map_err(|error| error.to_string())?;
            let failed = |error| format!("`{}`: {error}", template.source());
            template.render(Serde(InLanguage(variables, language))).map_err(failed)
        })
    }
}

/// Writes a value so that none of it is read as markup. Numbers need no escaping.
fn write_value(out: &mut Output<'_>, value: &Value, surroundings: Surroundings) -> Result<(), minijinja::Error> {
    if value.is_number() {
        return Ok(write!(out, "{value}")?);
    }
    if value.kind() == ValueKind::Bool {
        return Ok(out.write_str(if value.is_true() { "true" } else { "false" })?);
    }
    // An input without a value.
    if value.is_none() {
        return Ok(());
    }
    let text = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
    Ok(out.write_str(&verbatim(&text, surroundings))?)
}

/// Checks the variables of a template, and returns the names of the inputs among them.
fn check_variables(used: HashSet<String>) -> Result<Vec<String>, String> {
    let (inputs, others): (Vec<_>, Vec<_>) = used.into_iter().partition(|name| name.starts_with(INPUTS));
    let known = |name: &String| VARIABLES.iter().any(|variable| variable == name);
    match others.into_iter().find(|name| !known(name)) {
        Some(unknown) => {
            let near = nearest::suggestion(&unknown, VARIABLES.iter().map(String::as_str));
            Err(format!("unknown variable `{unknown}`{near}; known are {}, and inputs.NAME", VARIABLES.join(", ")))
        }
        None => Ok(inputs.iter().map(|name| name.trim_start_matches(INPUTS).to_owned()).collect()),
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
                let Located { value, at } = Located::<MultiLanguage>::deserialize(deserializer)?;
                Template::compile(&value, at).map_err(D::Error::custom)
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
        let error = Template::compile(&MultiLanguage::Plain("Hei {{ user.nmae }}".into()), None).expect_err("an error");
        assert!(error.starts_with("unknown variable `user.nmae`; did you mean `user.name`?; known are "), "{error}");
        assert!(error.contains("user.full_name"), "{error}");
    }

    #[test]
    fn unknown_filters_and_wrong_types_are_found_when_read() {
        for text in ["{{ user.name | shout }}", "{{ user.name / 2 }}", "{{ user.id.x }}", "{{ nothing() }}"] {
            assert!(Template::compile(&MultiLanguage::Plain(text.into()), None).is_err(), "{text}");
        }
    }

    #[test]
    fn an_invalid_template_is_found_when_the_text_is_read() {
        assert!(Template::compile(&MultiLanguage::Plain("Hei {{ user.name".into()), None).is_err());
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
        let user = UserSubject {
            full_name: name.to_owned(),
            lastname: name,
            role: name,
            ..TemplateContext::sample(&NO_INPUTS).user
        };
        let rendered =
            text.render(&TemplateContext { user, ..TemplateContext::sample(&NO_INPUTS) }).expect("a text").raw();
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
