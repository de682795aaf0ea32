//! The definitions that are in force, and how they are read from a folder or from the binary itself.

use std::{fmt, fs, io, path::Path, sync::Arc};

use include_dir::{Dir, include_dir};
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

use super::Definition;

static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/commands.d");
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];

/// Further examples: the file's name without its ending, and what stands in it. They are in force nowhere.
pub fn cookbook() -> impl Iterator<Item = (&'static str, &'static str)> {
    let folder = EXAMPLES.get_dir("examples").into_iter();
    folder.flat_map(Dir::files).filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
}

/// A definition, its file, and the hash of what stands in it.
#[derive(Debug)]
pub struct Entry {
    pub file: String,
    pub definition: Arc<Definition>,
    /// SHA-256 of the file, in hexadecimal.
    pub hash: String,
}

/// The definitions that are in force, by name.
#[derive(Debug, Default)]
pub struct Catalog(Vec<Entry>);

/// A file that is no definition, and why.
#[derive(Debug)]
pub struct Fault {
    file: String,
    at: Option<Place>,
    problem: String,
}

/// Line and column, both from 1.
type Place = (u64, u64);

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
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.definition.name.as_str() == name)
    }

    /// What changes when any of the definitions does: SHA-256 over their hashes, in hexadecimal.
    pub fn hash(&self) -> String {
        let hashes = self.0.iter().fold(Sha256::new(), |digest, entry| digest.chain_update(&entry.hash));
        hex::encode(hashes.finalize())
    }

    /// All definitions, by name.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// What definitions name that is in none of these lists of all roles and all groups.
    pub fn check_names(&self, roles: &[String], groups: &[String]) -> Vec<Fault> {
        let unknown = |file: &str, kind: &str, name: &str, known: &[String]| {
            let problem = format!("there is no {kind} {name}; there are {}", known.join(", "));
            let is_known = known.iter().any(|known| known == name);
            (!is_known).then(|| Fault { file: file.to_owned(), at: None, problem })
        };
        let of_entry = |entry: &Entry| {
            let of_roles = entry.definition.roles().filter_map(|name| unknown(&entry.file, "role", name, roles));
            let of_groups = entry.definition.groups().filter_map(|name| unknown(&entry.file, "group", name, groups));
            of_roles.chain(of_groups).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_entry).collect()
    }

    /// Holds the targets of webhooks against those that are configured.
    ///
    /// # Errors
    /// A definition names another one.
    pub fn check_targets(&self, known: &[&str]) -> Result<(), Faults> {
        let targets = self.0.iter().flat_map(|entry| entry.definition.targets().map(move |target| (entry, target)));
        let unknown = targets.filter(|(_, target)| !known.contains(&target.value.as_str()));
        let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let fault = |(entry, target): (&Entry, &Spanned<String>)| Fault {
            file: entry.file.clone(),
            at: Some((target.referenced.line(), target.referenced.column())),
            problem: format!("there is no target `{}` in KOMMANDO_TARGETS; known are: {list}", target.value),
        };
        let faults: Vec<_> = unknown.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn read(mut files: Vec<(String, io::Result<String>)>) -> Result<Self, Faults> {
        files.sort_by(|one, other| one.0.cmp(&other.0));
        let (mut entries, mut faults) = (Vec::new(), Vec::new());
        for (file, text) in files {
            let text = text.map_err(|error| (None, error.to_string()));
            match text.and_then(|text| parse(&file, &text, &entries)) {
                Ok(entry) => entries.push(entry),
                Err((at, problem)) => faults.push(Fault { file, at, problem }),
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        entries.sort_by(|one, other| one.definition.name.as_str().cmp(other.definition.name.as_str()));
        Ok(Self(entries))
    }
}

fn is_definition(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn parse(file: &str, text: &str, known: &[Entry]) -> Result<Entry, (Option<Place>, String)> {
    let at_first_key = |problem: String| (place_of_first_key(text, &problem), problem);
    let definition: Definition = serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| {
        let (at, problem) = at_first_key(plain(&error.without_snippet().to_string()));
        (error.location().map(|location| (location.line(), location.column())).or(at), problem)
    })?;
    let name = definition.name.as_str();
    if let Some(other) = known.iter().find(|entry| entry.definition.name.as_str().eq_ignore_ascii_case(name)) {
        return Err(at_first_key(format!("the `name` {name} is taken by {}; rename one", other.file)));
    }
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    Ok(Entry { file: file.to_owned(), definition: Arc::new(definition), hash })
}

/// The parser's message without the place, which stands before it, and without advice to programmers.
fn plain(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    message.split(", set DuplicateKeyPolicy").next().unwrap_or_default().to_owned()
}

/// Where the key stands that a problem between keys names first, in backticks.
fn place_of_first_key(text: &str, problem: &str) -> Option<Place> {
    let key = problem.split('`').nth(1)?;
    let is_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    let line = text.lines().position(is_key)?;
    Some((line as u64 + 1, 1))
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
        assert_eq!(lines.len(), 2, "{fault}");
        assert!(lines[0].starts_with("a.yaml:4:5: ") && lines[0].contains("mesage"), "{fault}");
        assert!(lines[1].starts_with("b.yaml:1:7: ") && lines[1].contains("1st"), "{fault}");
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
