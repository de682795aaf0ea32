//! Patterns of texts: the part of regular expressions that means the same in Rust and in ECMAScript, so that a client can
//! check a text with the pattern in the OpenAPI document.

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{Ast, ClassBracketed, ClassSet, ClassSetItem, GroupKind, Literal, LiteralKind, parse::Parser};

/// Maximum length of a pattern, in bytes.
const MAX_LENGTH: usize = 500;
/// Maximum size of a compiled pattern, in bytes. It also limits the time of a match.
const MAX_SIZE: usize = 256 * 1024;

const TAKEN: &str = "it takes characters, `.`, classes such as `[A-Z0-9-]`, groups, `|`, and the repetitions `*`, `+`, \
    `?` and `{2,5}`";

/// A pattern that the whole text must match.
#[derive(Clone, Debug)]
pub struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// # Errors
    /// The pattern is not a regular expression, is too large, or has parts that are not taken.
    pub fn new(written: &str) -> Result<Self, String> {
        let refused = |reason: &str| format!("`pattern` {reason}");
        if written.len() > MAX_LENGTH {
            return Err(refused(&format!("has more than {MAX_LENGTH} characters")));
        }
        let unreadable = |error: &dyn std::fmt::Display| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            refused(&format!("is not a regular expression: {reason}"))
        };
        let ast = Parser::new().parse(written).map_err(|error| unreadable(error.kind()))?;
        check(&ast).map_err(|part| refused(&part))?;
        let regex = RegexBuilder::new(&anchored(written)).size_limit(MAX_SIZE).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => refused("is too large: repeat less"),
            error => unreadable(&error),
        })?;
        Ok(Self { written: written.to_owned(), regex })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The pattern as its definition has it.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The pattern for JSON Schema, which searches unless a pattern has anchors.
    pub fn anchored(&self) -> String {
        anchored(&self.written)
    }
}

fn anchored(written: &str) -> String {
    format!("^(?:{written})$")
}

/// Checks that every part means the same in both languages.
///
/// # Errors
/// The first part that does not.
fn check(ast: &Ast) -> Result<(), String> {
    match ast {
        Ast::Empty(_) | Ast::Dot(_) => Ok(()),
        Ast::Literal(literal) => check_literal(literal, false),
        Ast::ClassBracketed(class) => check_class(class),
        Ast::Repetition(repetition) if matches!(*repetition.ast, Ast::Repetition(_)) => {
            Err("repeats a repetition; put a group around the inner one".to_owned())
        }
        Ast::Repetition(repetition) if repetition.greedy => check(&repetition.ast),
        Ast::Group(group) => match &group.kind {
            GroupKind::CaptureIndex(_) => check(&group.ast),
            GroupKind::NonCapturing(flags) if flags.items.is_empty() => check(&group.ast),
            _ => Err(format!("has a group with a name or flags; {TAKEN}")),
        },
        Ast::Alternation(alternation) => alternation.asts.iter().try_for_each(check),
        Ast::Concat(concat) => concat.asts.iter().try_for_each(check),
        Ast::Assertion(_) => Err("has `^`, `$` or `\\b`; it always matches the whole text, so remove them".to_owned()),
        Ast::ClassPerl(_) | Ast::ClassUnicode(_) => {
            Err(format!("has a class such as `\\d`, which differs between languages; write `[0-9]`; {TAKEN}"))
        }
        Ast::Flags(_) | Ast::Repetition(_) => Err(format!("has a flag; {TAKEN}")),
    }
}

fn check_literal(literal: &Literal, is_in_class: bool) -> Result<(), String> {
    let character = literal.c;
    let is_taken = match literal.kind {
        LiteralKind::Verbatim => !"{}]".contains(character),
        LiteralKind::Meta => r"^$\.*+?()[]{}|".contains(character) || is_in_class && character == '-',
        _ => false,
    };
    if is_taken { Ok(()) } else { Err(format!("has an escape or a bracket that is not taken: `{character}`; {TAKEN}")) }
}

fn check_class(class: &ClassBracketed) -> Result<(), String> {
    match &class.kind {
        ClassSet::Item(item) => check_item(item),
        ClassSet::BinaryOp(_) => Err(format!("has a class with an operator; {TAKEN}")),
    }
}

fn check_item(item: &ClassSetItem) -> Result<(), String> {
    match item {
        ClassSetItem::Literal(literal) => check_literal(literal, true),
        ClassSetItem::Range(range) => check_literal(&range.start, true).and_then(|()| check_literal(&range.end, true)),
        ClassSetItem::Union(union) => union.items.iter().try_for_each(check_item),
        _ => Err(format!("has a class within a class; {TAKEN}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let pattern = Pattern::new("[A-Z]{2}-[0-9]+|x").expect("a pattern");
        for (text, is_match) in [("NO-12", true), ("x", true), ("NO-12 ", false), ("xx", false), ("no-1", false)] {
            assert_eq!(pattern.matches(text), is_match, "{text}");
        }
        assert_eq!(pattern.anchored(), "^(?:[A-Z]{2}-[0-9]+|x)$");
    }

    #[test]
    fn what_differs_between_languages_is_refused() {
        for (written, expected) in [
            ("^a$", "always matches the whole text"),
            (r"\d+", "write `[0-9]`"),
            (r"\p{L}", "write `[0-9]`"),
            ("(?i)a", "flag"),
            ("(?P<year>a)", "a name or flags"),
            ("[a&&b]", "operator"),
            ("[[:alpha:]]", "class within a class"),
            ("a+?", "flag"),
            (r"\x41", "an escape"),
            (r"\-", "an escape"),
            ("}", "a bracket"),
            ("a**", "repeats a repetition"),
            ("a{2}{3}", "repeats a repetition"),
            ("(a", "not a regular expression"),
            ("((((a{99}){99}){99}){99})", "too large"),
            (&"a".repeat(501), "more than 500"),
        ] {
            let error = Pattern::new(written).expect_err(written);
            assert!(error.starts_with("`pattern` ") && error.contains(expected), "{written}: {error}");
        }
        for written in [r"[a\-z]\.\[", "(a|b)*", "(?:a)?.", "ø{1,3}", ""] {
            assert!(Pattern::new(written).is_ok(), "{written}");
        }
    }
}
