//! The import graph of the crate's files: from `use` statements and paths in code, resolved through re-exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex::Regex;

/// The path of a module below `crate`.
pub type Module = Vec<String>;

/// The import graph.
pub struct Imports {
    edges: BTreeMap<Module, BTreeSet<Module>>,
}

/// An import: its local name and the path it stands for.
struct Import {
    is_public: bool,
    name: String,
    path: Vec<String>,
}

struct Reader {
    texts: BTreeMap<Module, String>,
    imports: BTreeMap<Module, Vec<Import>>,
}

impl Imports {
    /// The graph of this crate's library, without the command line and unit tests.
    pub fn of_crate() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = super::sources(&src).into_iter().filter_map(|path| {
            let module = path.strip_prefix(&src).expect("a file below src").with_extension("");
            let segments: Vec<_> = module.iter().map(|segment| segment.to_string_lossy().into_owned()).collect();
            let name = segments.join("::").trim_end_matches("::mod").to_owned();
            let is_left_out =
                ["lib", "main"].contains(&name.as_str()) || segments[0] == "cli" || name.ends_with("tests");
            (!is_left_out).then(|| (name, fs::read_to_string(&path).expect("a text")))
        });
        Self::of(files)
    }

    /// The graph of files, given by module path and text.
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let split = |name: String| name.split("::").map(str::to_owned).collect::<Module>();
        let texts = files.into_iter().map(|(name, text)| (split(name), without_comments(&text))).collect();
        let mut reader = Reader { texts, imports: BTreeMap::new() };
        let imports = reader.texts.iter().map(|(module, text)| (module.clone(), reader.read_imports(module, text)));
        let imports = imports.collect();
        reader.imports = imports;
        let edges = reader.texts.iter().map(|(module, text)| (module.clone(), reader.imported(module, text))).collect();
        Self { edges }
    }

    /// The files that each file imports.
    pub fn edges(&self) -> &BTreeMap<Module, BTreeSet<Module>> {
        &self.edges
    }

    /// The cycles: sets of files that import each other, directly or indirectly.
    pub fn circles(&self) -> Vec<BTreeSet<String>> {
        let reachable: BTreeMap<_, _> = self.edges.keys().map(|file| (file, self.reachable(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, reached) in &reachable {
            let circle = reached.iter().filter(|other| reachable[*other].contains(*file));
            let circle: BTreeSet<_> = circle.map(|module| module.join("::")).collect();
            if !circle.is_empty() {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reachable(&self, file: &Module) -> BTreeSet<&Module> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![file]);
        while let Some(file) = open.pop() {
            for next in &self.edges[file] {
                if let Some((next, _)) = self.edges.get_key_value(next)
                    && reached.insert(next)
                {
                    open.push(next);
                }
            }
        }
        reached
    }
}

impl Reader {
    fn read_imports(&self, module: &Module, text: &str) -> Vec<Import> {
        let statement = pattern(r"(?m)^\s*(pub(?:\([^)]*\))? )?use ([^;]+);");
        let mut imports = Vec::new();
        for found in statement.captures_iter(text) {
            for (segments, alias) in paths_of_tree(&found[2]) {
                let Some(mut path) = self.absolute(module, &segments) else { continue };
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
                imports.push(Import { is_public: found.get(1).is_some(), name, path });
            }
        }
        imports
    }

    /// The files that a file imports with `use` or by a path in its code.
    fn imported(&self, module: &Module, text: &str) -> BTreeSet<Module> {
        let (mut imported, mut modules) = (BTreeSet::new(), BTreeMap::new());
        for import in &self.imports[module] {
            if import.name == "*" {
                imported.extend(self.defining(&import.path[..import.path.len() - 1], 0).map(|(file, _)| file));
            } else if let Some((file, is_module)) = self.defining(&import.path, 0) {
                if is_module {
                    modules.insert(import.name.clone(), import.path.clone());
                } else if !import.is_public {
                    imported.insert(file);
                }
            }
        }
        let code = pattern(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?use [^;]+;").replace_all(text, "");
        for path in pattern(r"[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+").find_iter(&code) {
            let segments: Vec<_> = path.as_str().split("::").map(str::to_owned).collect();
            let path = match modules.get(&segments[0]) {
                Some(known) => Some([known, &segments[1..]].concat()),
                None => self.absolute(module, &segments),
            };
            imported.extend(path.and_then(|path| self.defining(&path, 0)).map(|(file, _)| file));
        }
        imported.remove(module);
        imported
    }

    /// The path from the crate root; `None` for other crates and for items of the file itself.
    fn absolute(&self, module: &Module, segments: &[String]) -> Option<Vec<String>> {
        let mut base = module.clone();
        let rest = match segments[0].as_str() {
            "crate" => return Some(segments[1..].to_vec()),
            "self" => &segments[1..],
            "super" => {
                let ups = segments.iter().take_while(|segment| *segment == "super").count();
                base.truncate(base.len() - ups.min(base.len()));
                &segments[ups..]
            }
            first => {
                let child = [module.as_slice(), &[first.to_owned()]].concat();
                self.texts.contains_key(&child).then_some(segments)?
            }
        };
        Some([base.as_slice(), rest].concat())
    }

    /// The file that defines the item at a path, and whether the path names the file's module itself.
    fn defining(&self, path: &[String], depth: usize) -> Option<(Module, bool)> {
        let module = (1..=path.len()).rev().map(|end| &path[..end]).find(|start| self.texts.contains_key(*start))?;
        let Some(name) = path.get(module.len()) else { return Some((module.to_vec(), true)) };
        let exported = self.imports[module].iter().find(|import| import.is_public && import.name == *name);
        match exported {
            Some(import) if depth < 9 => {
                let behind = [&import.path, &path[module.len() + 1..]].concat();
                self.defining(&behind, depth + 1).or_else(|| Some((module.to_vec(), false)))
            }
            _ => Some((module.to_vec(), false)),
        }
    }
}

/// The code without comments, string literals and unit tests.
fn without_comments(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let text = pattern(r"(?m)//.*$").replace_all(text, "");
    pattern(r#""(?:\\.|[^"\\])*""#).replace_all(&text, "\"\"").into_owned()
}

/// The paths of a `use` tree with their aliases: `a::{b, c as d}` gives `a::b` and `a::c` as `d`.
fn paths_of_tree(tree: &str) -> Vec<(Vec<String>, Option<String>)> {
    let tree = tree.trim();
    let Some((start, group)) = tree.split_once('{') else {
        let (path, alias) = match tree.split_once(" as ") {
            Some((path, alias)) => (path, Some(alias.trim().to_owned())),
            None => (tree, None),
        };
        return vec![(segments(path), alias)];
    };
    let group = group.trim_end().strip_suffix('}').expect("the end of a group");
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for character in group.chars() {
        match character {
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                depth += i32::from(character == '{') - i32::from(character == '}');
                parts.last_mut().expect("a part").push(character);
            }
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    let paths = parts.flat_map(|part| paths_of_tree(part));
    paths.map(|(path, alias)| ([segments(start), path].concat(), alias)).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}
