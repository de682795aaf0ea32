//! The definitions that are in force, and how they are read from a folder or from the binary itself.

use std::{fmt, fs, io, path::Path};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::Definition;

static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/commands.d");
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];

/// A definition and the content hash of its file.
#[derive(Debug)]
pub struct Entry {
    pub definition: Definition,
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
    line: Option<u64>,
    problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
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
            Faults(vec![Fault { file: folder.display().to_string(), line: None, problem }])
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.display().to_string();
            if is_definition(&name) && path.is_file() {
                files.push((name, fs::read_to_string(&path)));
            }
        }
        Self::read(files)
    }

    /// The definition of exactly this name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.definition.name.as_str() == name)
    }

    /// All definitions, by name.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    fn read(mut files: Vec<(String, io::Result<String>)>) -> Result<Self, Faults> {
        files.sort_by(|one, other| one.0.cmp(&other.0));
        let mut faults = Vec::new();
        let mut entries: Vec<(String, Entry)> = Vec::new();
        for (file, text) in files {
            let read = text.map_err(|error| (None, error.to_string())).and_then(|text| parse(&text));
            let taken = |entry: &Entry| {
                let name = entry.definition.name.as_str();
                let same = |other: &&(String, Entry)| other.1.definition.name.as_str().eq_ignore_ascii_case(name);
                entries.iter().find(same).map(|(file, _)| format!("the name `{name}` is taken by {file}; rename one"))
            };
            match read.and_then(|entry| taken(&entry).map_or(Ok(entry), |problem| Err((None, problem)))) {
                Ok(entry) => entries.push((file, entry)),
                Err((line, problem)) => faults.push(Fault { file, line, problem }),
            }
        }
        if faults.is_empty() { Ok(Self::sorted(entries)) } else { Err(Faults(faults)) }
    }

    fn sorted(entries: Vec<(String, Entry)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
        entries.sort_by(|one, other| one.definition.name.as_str().cmp(other.definition.name.as_str()));
        Self(entries)
    }
}

fn is_definition(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn parse(text: &str) -> Result<Entry, (Option<u64>, String)> {
    let definition = serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| {
        (error.location().map(|location| location.line()), error.without_snippet().to_string())
    })?;
    let hash = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Entry { definition, hash })
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
        assert_eq!(fault.expect_err("a fault"), "b.yaml: the name `Hello` is taken by a.yaml; rename one");
    }

    #[test]
    fn every_fault_is_told_with_file_and_line() {
        let misspelt = HELLO.replace("message", "mesage");
        let fault = read(&[("a.yaml", &misspelt), ("b.yaml", "name: 1st\n")]).expect_err("two faults");
        let lines: Vec<_> = fault.lines().collect();
        assert_eq!(lines.len(), 2, "{fault}");
        assert!(lines[0].starts_with("a.yaml:4: ") && lines[0].contains("mesage"), "{fault}");
        assert!(lines[1].starts_with("b.yaml:1: ") && lines[1].contains("1st"), "{fault}");
    }

    #[test]
    fn a_question_and_its_buttons_belong_together() {
        let asked = format!("{HELLO}question: Sure?\n");
        assert!(read(&[("a.yaml", &asked)]).expect_err("a fault").contains("`question` without `confirm`"));
        let buttons = format!("{HELLO}confirm: yes_no\n");
        assert!(read(&[("a.yaml", &buttons)]).expect_err("a fault").contains("`confirm` without `question`"));
        assert!(read(&[("a.yaml", &format!("{asked}confirm: yes_no\n"))]).is_ok());
    }
}
