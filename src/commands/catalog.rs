//! The definitions that are in force, and how they are read from a folder or from the binary itself.

use std::{fmt, fs, io, path::Path, sync::Arc};

use include_dir::{Dir, File, include_dir};
use sha2::{Digest, Sha256};

use super::{
    Definition,
    document::{self, Located, Place, Problem},
    predicate::NameKind,
};
use crate::nearest;

static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/commands.d");
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];
/// The name of the JSON Schema of definitions, as the first line of the examples names it.
pub const SCHEMA_FILE: &str = "command.schema.json";

/// An example that this program ships.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// What stands in the file, as it is written into another folder.
    pub text: &'static str,
}

/// The examples that the demo serves.
pub fn demo_examples() -> impl Iterator<Item = Example> {
    EXAMPLES.files().filter_map(example)
}

/// Further examples, which are in force nowhere.
pub fn further_examples() -> impl Iterator<Item = Example> {
    EXAMPLES.get_dir("examples").into_iter().flat_map(Dir::files).filter_map(example)
}

fn example(file: &'static File<'_>) -> Option<Example> {
    Some(Example { name: file.path().file_stem()?.to_str()?, text: file.contents_utf8()? })
}

impl Example {
    /// What it says of itself, in its second line.
    pub fn summary(&self) -> &'static str {
        self.text.lines().nth(1).unwrap_or_default().trim_start_matches("# ")
    }

    /// The file for a folder that has the schema beside it, under [`SCHEMA_FILE`].
    pub fn beside_schema(&self) -> String {
        self.text.replacen("../../openapi/", "", 1).replacen("../openapi/", "", 1)
    }
}

/// A definition, its file, and the hash of what stands in it.
#[derive(Debug)]
pub struct LoadedCommand {
    pub file: String,
    pub definition: Arc<Definition>,
    /// SHA-256 of the file, in hexadecimal.
    pub hash: String,
}

/// The definitions that are in force, by name.
#[derive(Debug, Default)]
pub struct Catalog(Vec<Arc<LoadedCommand>>);

/// Something that is wrong with a file.
#[derive(Clone, Debug)]
pub struct Fault {
    file: String,
    at: Option<Place>,
    problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// Everything that is wrong with a set of definitions, a line each.
#[derive(Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl Catalog {
    /// The examples that the repository ships in `commands.d`, as they were when this program was built.
    ///
    /// # Errors
    /// One of them is wrong; a test sees to it that none is.
    pub fn examples() -> Result<Self, Faults> {
        let text = |file: &include_dir::File<'_>| file.contents_utf8().unwrap_or_default().to_owned();
        let files = EXAMPLES.files().map(|file| (file.path().display().to_string(), Ok(text(file))));
        Self::read(files.filter(|(name, _)| is_definition(name)).collect())
    }

    /// The definitions in a folder, not in folders within it.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read, a definition is wrong, or two have the same name.
    pub fn from_folder(folder: &Path) -> Result<Self, Faults> {
        let unreadable = |error: io::Error| {
            let problem = format!("the folder of command definitions cannot be read: {error}");
            Faults(vec![Fault { file: folder.display().to_string(), at: None, problem }])
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

    /// The definition of exactly this name.
    pub fn find(&self, name: &str) -> Option<&Arc<LoadedCommand>> {
        self.0.iter().find(|entry| entry.definition.name.as_str() == name)
    }

    /// What changes when any of the definitions does: SHA-256 over their hashes, in hexadecimal.
    pub fn hash(&self) -> String {
        let hashes = self.0.iter().fold(Sha256::new(), |digest, entry| digest.chain_update(&entry.hash));
        hex::encode(hashes.finalize())
    }

    /// All definitions, by name.
    pub fn entries(&self) -> &[Arc<LoadedCommand>] {
        &self.0
    }

    /// What definitions name that is in none of these lists of all roles and all groups.
    pub fn check_names(&self, roles: &[String], groups: &[String]) -> Vec<Fault> {
        let fault = |entry: &LoadedCommand, (kind, name): &(NameKind, Located<String>)| {
            let known = match kind {
                NameKind::Role => roles,
                NameKind::Group => groups,
            };
            let (kind, Located { value: name, at }) = (kind.word(), name);
            let near = nearest::suggestion(name, known.iter().map(String::as_str));
            let problem = format!("there is no {kind} {name}{near}; there are {}", known.join(", "));
            (!known.contains(name)).then(|| Fault { file: entry.file.clone(), at: *at, problem })
        };
        let of_entry = |entry: &Arc<LoadedCommand>| {
            entry.definition.names.iter().filter_map(|name| fault(entry, name)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_entry).collect()
    }

    /// Holds the targets of webhooks against those that are configured.
    ///
    /// # Errors
    /// A definition names another one.
    pub fn check_targets(&self, known: &[String]) -> Result<(), Faults> {
        let targets = self.0.iter().flat_map(|entry| entry.definition.targets().map(move |target| (entry, target)));
        let unknown = targets.filter(|(_, target)| !known.contains(&target.value));
        let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let fault = |(entry, target): (&Arc<LoadedCommand>, &Located<String>)| {
            let near = nearest::suggestion(&target.value, known.iter().map(String::as_str));
            let problem = format!("there is no target `{}` in KOMMANDO_TARGETS{near}; known are: {list}", target.value);
            Fault { file: entry.file.clone(), at: target.at, problem }
        };
        let faults: Vec<_> = unknown.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn read(mut files: Vec<(String, io::Result<String>)>) -> Result<Self, Faults> {
        files.sort_by(|one, other| one.0.cmp(&other.0));
        let (mut entries, mut faults) = (Vec::new(), Vec::new());
        for (file, text) in files {
            let text = text.map_err(|error| vec![Problem { at: None, text: error.to_string() }]);
            match text.and_then(|text| parse(&file, &text, &entries)) {
                Ok(entry) => entries.push(entry),
                Err(problems) => {
                    let fault = |Problem { at, text }| Fault { file: file.clone(), at, problem: text };
                    faults.extend(problems.into_iter().map(fault));
                }
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        entries.sort_by(|one, other| one.definition.name.as_str().cmp(other.definition.name.as_str()));
        Ok(Self(entries.into_iter().map(Arc::new).collect()))
    }
}

fn is_definition(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn parse(file: &str, text: &str, known: &[LoadedCommand]) -> Result<LoadedCommand, Vec<Problem>> {
    let root = document::parse(text).map_err(|problem| vec![problem])?;
    let definition = Definition::read(&root)?;
    let name = definition.name.as_str();
    if let Some(other) = known.iter().find(|entry| entry.definition.name.as_str().eq_ignore_ascii_case(name)) {
        let at = root.keys().find(|(key, _)| *key == "name").map(|(_, at)| at);
        return Err(vec![Problem { at, text: format!("the `name` {name} is taken by {}; rename one", other.file) }]);
    }
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    Ok(LoadedCommand { file: file.to_owned(), definition: Arc::new(definition), hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Catalog, String> {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned()))).collect();
        Catalog::read(files).map_err(|faults| faults.to_string())
    }

    const HELLO: &str = "name: hello\ndisplay_name: Hello\nsteps:\n  - message: {text: Hi}\n";

    #[test]
    fn the_examples_are_definitions() {
        let examples = Catalog::examples().expect("the shipped examples");
        let names: Vec<_> = examples.entries().iter().map(|entry| entry.definition.name.as_str()).collect();
        assert_eq!(names, ["about", "deactivate", "hello", "reactivate", "reset-password", "set-away"]);
    }

    #[test]
    fn names_that_differ_only_by_case_are_refused() {
        let fault = read(&[("a.yaml", HELLO), ("b.yaml", &HELLO.replace("name: hello", "name: Hello"))]);
        assert_eq!(fault.expect_err("a fault"), "b.yaml:1:1: the `name` Hello is taken by a.yaml; rename one");
    }

    #[test]
    fn every_fault_is_told_with_file_and_line() {
        let misspelt = HELLO.replace("message", "mesage");
        let fault = read(&[("a.yaml", &misspelt), ("b.yaml", "name: 1st\n")]).expect_err("two faults");
        let lines: Vec<_> = fault.lines().collect();
        assert_eq!(lines.len(), 4, "{fault}");
        assert_eq!(lines[0], "a.yaml:4:5: `mesage` is unknown here; did you mean `message`?");
        assert!(lines[1].starts_with("b.yaml:1:7: ") && lines[1].contains("1st"), "{fault}");
        assert_eq!(lines[2..], ["b.yaml:1:1: `display_name` is missing", "b.yaml:1:1: `steps` is missing"]);
    }

    #[test]
    fn a_question_and_its_buttons_belong_together() {
        let asked = format!("{HELLO}question: Sure?\n");
        let fault = read(&[("a.yaml", &asked)]).expect_err("a fault");
        assert!(fault.starts_with("a.yaml:5:1: `question` without `confirm`"), "{fault}");
        let buttons = format!("{HELLO}confirm: yes_no\n");
        assert!(read(&[("a.yaml", &buttons)]).expect_err("a fault").contains("`confirm` without `question`"));
        assert!(read(&[("a.yaml", &format!("{asked}confirm: yes_no\n"))]).is_ok());
    }
}
