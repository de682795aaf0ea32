//! The catalog of definitions in force, read from a folder or from the examples in the binary.

use std::{fmt, fs, io, path::Path, sync::Arc};

use include_dir::{Dir, File, include_dir};
use sha2::{Digest, Sha256};

use super::{
    Definition,
    document::{self, DefinitionProblem, Located, Position},
    predicate::NameKind,
};
use crate::{localization::Language, nearest};

static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/commands.d");
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];
/// File name of the JSON Schema of definitions. The first line of each example refers to it.
pub const SCHEMA_FILE: &str = "command.schema.json";

/// An example definition in the binary.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The file name without its extension.
    pub name: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

/// The examples that are in force in demo mode.
pub fn demo_examples() -> impl Iterator<Item = Example> {
    EXAMPLES.files().filter_map(example)
}

/// Further examples, which are never in force by themselves.
pub fn further_examples() -> impl Iterator<Item = Example> {
    EXAMPLES.get_dir("examples").into_iter().flat_map(Dir::files).filter_map(example)
}

fn example(file: &'static File<'_>) -> Option<Example> {
    Some(Example { name: file.path().file_stem()?.to_str()?, text: file.contents_utf8()? })
}

impl Example {
    /// The comment in the second line of the file.
    pub fn summary(&self) -> &'static str {
        self.text.lines().nth(1).unwrap_or_default().trim_start_matches("# ")
    }

    /// The text for a folder that also contains the schema, as [`SCHEMA_FILE`].
    pub fn beside_schema(&self) -> String {
        self.text.replacen("../../openapi/", "", 1).replacen("../openapi/", "", 1)
    }
}

/// A definition with its file and the hash of the file.
#[derive(Debug)]
pub struct LoadedCommand {
    pub file: String,
    pub definition: Arc<Definition>,
    /// The file's content.
    pub text: String,
    /// SHA-256 of the file, in hexadecimal.
    pub hash: String,
}

/// The definitions in force, sorted by name.
#[derive(Debug, Default)]
pub struct Catalog(Vec<Arc<LoadedCommand>>);

/// An error in a definition's file.
#[derive(Clone, Debug)]
pub struct DefinitionError {
    file: String,
    at: Option<Position>,
    problem: String,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// All errors of a set of definitions, one line each.
#[derive(Debug)]
pub struct DefinitionErrors(pub Vec<DefinitionError>);

impl fmt::Display for DefinitionErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DefinitionErrors {}

impl Catalog {
    /// The examples of `commands.d`, as they were when the binary was built.
    ///
    /// # Errors
    /// An example is invalid; a test makes sure that none is.
    pub fn examples() -> Result<Self, DefinitionErrors> {
        let text = |file: &include_dir::File<'_>| file.contents_utf8().unwrap_or_default().to_owned();
        let files = EXAMPLES.files().map(|file| (file.path().display().to_string(), Ok(text(file))));
        Self::read(files.filter(|(name, _)| is_definition(name)).collect())
    }

    /// Reads the definitions in a folder, without its subfolders.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read, a definition is invalid, or two have the same name.
    pub fn from_folder(folder: &Path) -> Result<Self, DefinitionErrors> {
        let unreadable = |error: io::Error| {
            let problem = match error.kind() {
                io::ErrorKind::NotFound => format!(
                    "there is no such folder; `kommando commands init {}` creates it with example definitions",
                    folder.display()
                ),
                _ => format!("failed to read the folder of command definitions: {error}"),
            };
            DefinitionErrors(vec![DefinitionError { file: folder.display().to_string(), at: None, problem }])
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.display().to_string();
            if is_definition(&name) && !path.is_dir() {
                files.push((name, fs::read_to_string(&path)));
            }
        }
        Self::read(files)
    }

    /// Finds a definition by its exact name.
    pub fn find(&self, name: &str) -> Option<&Arc<LoadedCommand>> {
        self.0.iter().find(|entry| entry.definition.name.as_str() == name)
    }

    /// SHA-256 over the hashes of all definitions, in hexadecimal.
    pub fn hash(&self) -> String {
        let hashes = self.0.iter().fold(Sha256::new(), |digest, entry| digest.chain_update(&entry.hash));
        hex::encode(hashes.finalize())
    }

    /// All definitions, sorted by name.
    pub fn entries(&self) -> &[Arc<LoadedCommand>] {
        &self.0
    }

    /// Finds names of roles and groups that do not exist. `roles` and `groups` are the names of all that exist.
    pub fn check_names(&self, roles: &[String], groups: &[String]) -> Vec<DefinitionError> {
        let unknown_name = |entry: &LoadedCommand, (kind, name): &(NameKind, Located<String>)| {
            let known = match kind {
                NameKind::Role => roles,
                NameKind::Group => groups,
            };
            let (kind, Located { value: name, at }) = (kind.word(), name);
            let near = nearest::suggestion(name, known.iter().map(String::as_str));
            let problem = format!("there is no {kind} {name}{near}; there are {}", known.join(", "));
            (!known.contains(name)).then(|| DefinitionError { file: entry.file.clone(), at: *at, problem })
        };
        let of_entry = |entry: &Arc<LoadedCommand>| {
            entry.definition.names.iter().filter_map(|name| unknown_name(entry, name)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_entry).collect()
    }

    /// The language nearest to this one that a text of a definition has; American English if none has.
    pub fn nearest_language(&self, wanted: Language) -> Language {
        let has = |language: &Language| self.0.iter().any(|command| command.definition.has_language(*language));
        wanted.nearest().into_iter().find(has).unwrap_or(Language::US)
    }

    /// Checks that every webhook target is configured.
    ///
    /// # Errors
    /// A definition names an unknown target.
    pub fn check_targets(&self, known: &[String]) -> Result<(), DefinitionErrors> {
        let targets = self.0.iter().flat_map(|entry| entry.definition.targets().map(move |target| (entry, target)));
        let unknown = targets.filter(|(_, target)| !known.contains(&target.value));
        let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let error = |(entry, target): (&Arc<LoadedCommand>, &Located<String>)| {
            let near = nearest::suggestion(&target.value, known.iter().map(String::as_str));
            let problem = format!("there is no target `{}` in KOMMANDO_TARGETS{near}; known are: {list}", target.value);
            DefinitionError { file: entry.file.clone(), at: target.at, problem }
        };
        let errors: Vec<_> = unknown.map(error).collect();
        if errors.is_empty() { Ok(()) } else { Err(DefinitionErrors(errors)) }
    }

    fn read(mut files: Vec<(String, io::Result<String>)>) -> Result<Self, DefinitionErrors> {
        files.sort_by(|one, other| one.0.cmp(&other.0));
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        for (file, text) in files {
            let text = text.map_err(|error| vec![DefinitionProblem { at: None, text: error.to_string() }]);
            match text.and_then(|text| parse(&file, &text, &entries)) {
                Ok(entry) => entries.push(entry),
                Err(problems) => {
                    let error =
                        |DefinitionProblem { at, text }| DefinitionError { file: file.clone(), at, problem: text };
                    errors.extend(problems.into_iter().map(error));
                }
            }
        }
        if !errors.is_empty() {
            return Err(DefinitionErrors(errors));
        }
        entries.sort_by(|one, other| one.definition.name.as_str().cmp(other.definition.name.as_str()));
        Ok(Self(entries.into_iter().map(Arc::new).collect()))
    }
}

fn is_definition(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn parse(file: &str, text: &str, known: &[LoadedCommand]) -> Result<LoadedCommand, Vec<DefinitionProblem>> {
    let root = document::parse(text).map_err(|problem| vec![problem])?;
    let definition = Definition::read(&root)?;
    let name = definition.name.as_str();
    if let Some(other) = known.iter().find(|entry| entry.definition.name.as_str().eq_ignore_ascii_case(name)) {
        let at = root.keys().find(|(key, _)| *key == "name").map(|(_, at)| at);
        return Err(vec![DefinitionProblem {
            at,
            text: format!("the `name` {name} is taken by {}; rename one", other.file),
        }]);
    }
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    Ok(LoadedCommand { file: file.to_owned(), definition: Arc::new(definition), text: text.to_owned(), hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Catalog, String> {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned()))).collect();
        Catalog::read(files).map_err(|errors| errors.to_string())
    }

    const HELLO: &str = "name: hello\ndisplay_name: Hello\nsteps:\n  - message: {text: Hi}\n";

    #[test]
    fn the_examples_are_valid() {
        let examples = Catalog::examples().expect("the shipped examples");
        let names: Vec<_> = examples.entries().iter().map(|entry| entry.definition.name.as_str()).collect();
        assert_eq!(names, ["about", "deactivate", "hello", "reactivate", "reset-password", "set-away"]);
    }

    #[test]
    fn names_that_differ_only_by_case_are_refused() {
        let error = read(&[("a.yaml", HELLO), ("b.yaml", &HELLO.replace("name: hello", "name: Hello"))]);
        assert_eq!(error.expect_err("an error"), "b.yaml:1:1: the `name` Hello is taken by a.yaml; rename one");
    }

    #[test]
    fn every_error_has_its_file_and_line() {
        let misspelt = HELLO.replace("message", "mesage");
        let error = read(&[("a.yaml", &misspelt), ("b.yaml", "name: 1st\n")]).expect_err("two errors");
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert_eq!(lines[0], "a.yaml:4:5: `mesage` is unknown here; did you mean `message`?");
        assert!(lines[1].starts_with("b.yaml:1:7: ") && lines[1].contains("1st"), "{error}");
        assert_eq!(lines[2..], ["b.yaml:1:1: `display_name` is missing", "b.yaml:1:1: `steps` is missing"]);
    }

    #[test]
    fn question_and_confirm_need_each_other() {
        let asked = format!("{HELLO}question: Sure?\n");
        let error = read(&[("a.yaml", &asked)]).expect_err("an error");
        assert!(error.starts_with("a.yaml:5:1: `question` without `confirm`"), "{error}");
        let buttons = format!("{HELLO}confirm: yes_no\n");
        assert!(read(&[("a.yaml", &buttons)]).expect_err("an error").contains("`confirm` without `question`"));
        assert!(read(&[("a.yaml", &format!("{asked}confirm: yes_no\n"))]).is_ok());
    }

    #[test]
    fn faults_of_inputs_have_their_line_and_a_remedy() {
        let file = |inputs: &str, steps: &str, more: &str| {
            format!(
                "name: x\ndisplay_name: X\nallow_roles: [Administrator]\n{more}inputs:\n  a: {inputs}\nsteps:\n  - {steps}\n"
            )
        };
        let message = "message: {text: Hi}";
        for (inputs, steps, expected) in [
            ("{type: txt}", message, "`txt` is unknown here; did you mean `text`?"),
            ("{label: A}", message, "`a` lacks `type`"),
            (
                "{type: integer, min_length: 3}",
                message,
                "`min_length` is no limit of the type integer, which takes min, max",
            ),
            ("{type: integer, min: 3, max: 2}", message, "`min` 3 is greater than `max` 2"),
            ("{type: text, min_length: 300}", message, "`min_length` 300 is greater than `max_length` 254"),
            ("{type: text, min_length: 300, max_length: 400}", "note: {text: Hi}", ""),
            ("{type: choice, values: [NO, SE], default: NO}", message, "put quotes around this `default`"),
            ("{type: date, not_before: 0, default: 2026-12-31}", message, "all as dates, or all as days from today"),
            ("{type: date, not_before: 0, default: -1}", message, "not between `not_before` and `not_after`"),
            ("{type: text, max_length: 20000}", message, "a text has at most 10000 characters"),
            ("{type: text, pattern: '(a'}", message, "`pattern` is not a regular expression"),
            ("{type: choice}", message, "an input of the type choice needs `values`"),
            ("{type: choice, values: [b, b]}", message, "`values` has b twice"),
            (
                "{type: choice, values: {b: B}, default: c}",
                message,
                "the input takes one of b, and its default is another value",
            ),
            ("{type: integer, max: 5, default: 6}", message, "the input takes an integer from"),
            ("{type: text, default: hi, required: true}", message, "remove `required` or `default`"),
            ("{type: secret, default: hi}", message, "takes no default"),
            (
                "{type: date, not_before: soon}",
                message,
                "`not_before` is a date such as 2026-12-31, or a number of days",
            ),
            ("{type: date, not_before: 5, not_after: 2}", message, "later than"),
            ("{type: text}", "message: {text: '{{ inputs.b }}'}", "the command has no input `b`"),
            ("{type: secret}", "message: {text: '{{ inputs.a }}'}", "the input `a` is a secret, which no text shows"),
            ("{type: text}", "message: {text: '{{ inputs.a + 1 }}'}", "unsupported types string and number"),
            (
                "{type: text}",
                "set_group: {group: {input: a}}",
                "the step takes an input of the type group; the input `a` has the type text",
            ),
            ("{type: group}", "set_role: {role: {input: a}}", "takes an input of the type role"),
            (
                "{type: group, required: false}",
                "set_group: {group: {input: a}}",
                "may be missing, but the step needs it",
            ),
            ("{type: group}", "set_group: {group: {inptu: a}}", "`inptu` is unknown here; did you mean `input`?"),
            ("{type: integer}", "set_field: {field: rank, value: {input: a}}", "`min` and `max` of 32 bits"),
            ("{type: boolean}", "set_field: {field: tooltip, value: {input: a}}", "the type text, email or choice"),
            ("{type: choice, values: [Here]}", "set_presence: {status: {input: a}}", "a choice of presence statuses"),
            ("{type: text}", "reset_password: {password: {input: a}}", "the type secret"),
            (
                "{type: secret}",
                "webhook: {target: hr, when: after_commit, secrets: [a]}",
                "`secrets` needs `when: sync`",
            ),
        ] {
            let found = read(&[("a.yaml", &file(inputs, steps, ""))]).map(drop).err().unwrap_or_default();
            match expected {
                "" => assert_eq!(found, "", "{inputs}"),
                expected => {
                    let has_line = ["a.yaml:5:", "a.yaml:7:"].iter().any(|line| found.starts_with(line));
                    assert!(has_line && found.contains(expected), "{inputs} {steps}: {found}");
                }
            }
        }
        let question = "confirm: ok\nquestion: '{{ inputs.a - 2 }} weeks?'\n";
        let found =
            read(&[("a.yaml", &file("{type: integer}", message, question))]).expect_err("a question that calculates");
        assert!(found.starts_with("a.yaml:5:11: the list of commands shows an input of a question as `…`"), "{found}");
        let two = file("{type: text}\n  A: {type: text}", message, "");
        assert!(read(&[("a.yaml", &two)]).expect_err("two names").contains("differ in case and `_` only"));
        let bound = format!("{HELLO}confirm_binding: required\n");
        assert!(read(&[("a.yaml", &bound)]).expect_err("no question").contains("there is no question to bind to"));
    }
}
