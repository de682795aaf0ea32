//! Explains YAML syntax errors: the most common mistakes in plain words, with the right form.

use super::{DefinitionProblem, Position};

/// Explains the parser's error with the help of the line that it points to.
pub(super) fn explain(text: &str, error: &serde_saphyr::Error) -> DefinitionProblem {
    let at = error.location().map(|location| (location.line(), location.column()));
    let message = plain(&error.without_snippet().to_string());
    let line = at.and_then(|(line, _)| text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
    let without_space = key_without_space(text, at);
    let explained = without_space.map(|(position, text)| (Some(position), text));
    let (at, text) = explained.unwrap_or_else(|| (at, meaning(&message, line.unwrap_or_default()).unwrap_or(message)));
    DefinitionProblem { at, text }
}

/// The parser's message without its position, which is shown separately, and without advice to programmers.
fn plain(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    message.split(", set DuplicateKeyPolicy").next().unwrap_or_default().to_owned()
}

/// The message in words for the author of a definition; `None` for an unknown message.
fn meaning(message: &str, line: &str) -> Option<String> {
    let says = |part: &str| message.contains(part);
    let text = if says("tabs disallowed") || says("found a tab") {
        "this line is indented with a tab; YAML allows only spaces: two for each level"
    } else if says("mapping values are not allowed") {
        return Some(match text_with_colon(line) {
            Some((key, text)) => {
                format!("put quotes around a text with a colon: `{key}: \"{}\"`", text.replace('"', "'"))
            }
            None => format!("this line is indented too far; {SAME_COLUMN}"),
        });
    } else if says("did not find expected key")
        || says("did not find expected '-'")
        || says("invalid indentation")
        || says("entries are not allowed in this context")
    {
        return Some(match text_with_template(line) {
            Some((key, text)) => format!("put quotes around a text that begins with a brace: `{key}: \"{text}\"`"),
            None => format!("this line is indented differently from its neighbours; {SAME_COLUMN}"),
        });
    } else if says("after single-quoted scalar") {
        "the text in single quotes ended before this position; write a single quote within it twice ('It''s here'), or \
         put the text into double quotes (\"It's here\")"
    } else if says("after double-quoted scalar") {
        "the text in double quotes ended before this position; write a double quote within it as \\\""
    } else if says("unknown anchor") {
        "put quotes around a text that begins with `*`: \"*text*\""
    } else if says("did not find expected node content") || says("cannot start any token") || says("reserved") {
        "the text begins with a character that YAML reserves; put the text into double quotes"
    } else if says("unclosed quote") || says("unexpected document indicator") {
        "a quote opens a text here and is not closed"
    } else if says("unclosed bracket") {
        "a bracket is opened here and not closed; within brackets, quote a text with a bracket, comma or colon"
    } else if says("parsing a flow") || says("flow construct") {
        "within brackets, separate entries by commas, and quote a text with a bracket, comma or colon"
    } else if says("multiple YAML documents") {
        "a file defines one command; move the part after `---` to a file of its own"
    } else if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        return Some(format!("`{key}` is defined a second time here; keep one"));
    } else if says("budget") || says("depth") || says("nest") {
        "lists and maps are nested too deeply here"
    } else {
        return None;
    };
    Some(text.to_owned())
}

const SAME_COLUMN: &str =
    "the entries of a list or map begin in the same column, and the content of an entry two columns further right";

/// A key, and a text that contains a colon: `text: Hello: world`.
fn text_with_colon(line: &str) -> Option<(&str, &str)> {
    let (key, text) = line.trim_start().trim_start_matches("- ").split_once(": ")?;
    let text = text.split(" #").next()?.trim();
    (is_key(key) && text.contains(": ") && !text.starts_with(['"', '\'', '{', '['])).then_some((key, text))
}

/// A key, and a text that begins with a template: `text: {{ user.name }}, hello`.
fn text_with_template(line: &str) -> Option<(&str, &str)> {
    let (key, text) = line.trim_start().trim_start_matches("- ").split_once(": ")?;
    (is_key(key) && text.starts_with("{{") && !text.contains('"')).then_some((key, text.trim_end()))
}

/// A key without a space after its colon, in the line of an error or in the line before: `name:hello`.
fn key_without_space(text: &str, at: Option<Position>) -> Option<(Position, String)> {
    let end = usize::try_from(at?.0).ok()?;
    let lines = text.lines().enumerate().take(end).skip(end.saturating_sub(2));
    lines.filter_map(|(index, line)| glued(line).map(|(column, form)| ((index as u64 + 1, column), form))).next()
}

/// The column of a key without a space after its colon, and the right form.
fn glued(line: &str) -> Option<(u64, String)> {
    let trimmed = line.trim_start();
    let column = line.len() - trimmed.len() + 1;
    let (key, value) = trimmed.split_once(':')?;
    let is_glued =
        is_key(key) && value.starts_with(|first: char| !first.is_whitespace() && first != ':' && first != '/');
    is_glued.then(|| (column as u64, format!("put a space after the colon: `{key}: {value}`")))
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|one| one.is_ascii_lowercase() || one == '_')
}
