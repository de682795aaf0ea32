//! Parses a definition file into a tree of values with positions, and reads types from the tree, reporting all
//! problems.

mod located;
mod reader;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;

use serde::de::DeserializeOwned;

pub use self::{
    located::{DefinitionProblem, Located, OR_INPUT, Position, TEMPLATE},
    tree::Node,
};

/// Maximum number of problems reported for one file.
const MAX_PROBLEMS: usize = 50;

/// Parses a file.
///
/// # Errors
/// The file is not valid YAML.
pub fn parse(text: &str) -> Result<Node, DefinitionProblem> {
    tree::parse(text)
}

/// Reads a value, or finds all problems of it.
///
/// Serde stops at the first error. To find the others, the tree is read again without the parts that were wrong.
///
/// # Errors
/// All problems of the value.
pub fn read<T: DeserializeOwned>(root: &Node) -> Result<T, Vec<DefinitionProblem>> {
    let (mut hidden, mut problems) = (Vec::new(), Vec::new());
    loop {
        let error = match reader::read(root, &hidden) {
            Ok(value) if hidden.is_empty() => return Ok(value),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let ids = error.ids.clone().unwrap_or_else(|| root.ids.clone());
        // An error of a node that contains a hidden part may only be a consequence of hiding it.
        let is_consequence = hidden.iter().any(|one| *one != ids.start && ids.contains(one));
        if !is_consequence {
            problems.push(DefinitionProblem { at: error.at, text: error.text() });
        }
        if ids == root.ids || problems.len() >= MAX_PROBLEMS {
            return Err(problems);
        }
        hidden.push(ids.start);
    }
}
