//! `kommando help TOPIC`: what does not fit a line beside an option. Of anything else, clap's own help tells.

use anyhow::bail;
use clap::Command;

/// The topics and their texts.
pub const TOPICS: [(&str, &str); 10] = [
    ("authentication", include_str!("authentication.md")),
    ("backup", include_str!("backup.md")),
    ("commands", include_str!("commands.md")),
    ("compatibility", include_str!("../../../openapi/COMPATIBILITY.md")),
    ("container", include_str!("container.md")),
    ("import", include_str!("import.md")),
    ("systemd", include_str!("systemd.md")),
    ("testing", include_str!("testing.md")),
    ("upgrade", include_str!("upgrade.md")),
    ("webhooks", include_str!("webhooks.md")),
];

/// The names of the topics, as a line.
pub fn names() -> String {
    TOPICS.map(|(name, _)| name).join(", ")
}

/// The answer to `help WORD` where the word is a topic; nothing leaves it to clap. A topic that is a word of the command
/// line, too, is told as both.
///
/// # Errors
/// The word is neither.
pub fn answer(words: &[String], mut command: Command) -> anyhow::Result<Option<String>> {
    let [first, word] = words else { return Ok(None) };
    if first != "help" || word.starts_with('-') {
        return Ok(None);
    }
    command.build();
    let own = command.find_subcommand_mut(word);
    match TOPICS.iter().find(|(name, _)| name == word) {
        Some((_, text)) => {
            let own = own.map(|own| format!("\n# kommando {word}\n\n{}", own.render_long_help()));
            Ok(Some(format!("{text}{}", own.unwrap_or_default())))
        }
        None if own.is_none() => bail!("there is neither a topic nor a command {word}; topics are {}", names()),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};
    use kommando::{api, config::Config};

    use super::*;
    use crate::CommandLine;

    /// Every command line in a text, in blocks and between backticks, up to what a shell takes for something else.
    fn lines(text: &str) -> Vec<Vec<String>> {
        let mut lines: Vec<&str> = text.split('`').filter(|part| part.starts_with("kommando ")).collect();
        lines.extend(text.lines().filter(|line| line.starts_with("kommando ")));
        let words = |line: &str| {
            let own = line.lines().next().unwrap_or_default().split(['|', '>', '#']).next().unwrap_or_default();
            own.split_whitespace().map(str::to_owned).collect()
        };
        lines.into_iter().map(words).collect()
    }

    #[test]
    fn every_command_line_in_a_topic_is_one() {
        let mut seen = 0;
        for (topic, text) in TOPICS {
            for words in lines(text) {
                seen += 1;
                if let ["help", word] = words[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    assert!(TOPICS.iter().any(|(name, _)| *name == word), "{topic}: {words:?}");
                    continue;
                }
                // In a sentence, a command may be named without what it is to work on.
                if let Err(error) = CommandLine::try_parse_from(&words) {
                    let is_named = error.kind() == clap::error::ErrorKind::MissingRequiredArgument;
                    assert!(is_named || !error.use_stderr(), "{topic}: {words:?}: {error}");
                }
            }
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn every_setting_in_a_topic_is_one() {
        let known = Config::variables();
        for (topic, text) in TOPICS {
            let words = text.split(|one: char| !(one.is_ascii_uppercase() || one == '_'));
            let named: BTreeSet<_> = words.filter(|word| word.starts_with("KOMMANDO_") && word.len() > 9).collect();
            for name in named {
                assert!(known.contains(name.trim_end_matches("_FILE")), "{topic}: {name}");
            }
        }
    }

    #[test]
    fn every_path_in_a_topic_is_one_that_is_served() {
        let document = api::document();
        let paths = document["paths"].as_object().expect("paths");
        for (topic, text) in TOPICS {
            for part in text.split(|one: char| one.is_whitespace() || "`?".contains(one)) {
                let is_ours = ["/_ext/", "/api/v1/", "/health/"].iter().any(|start| part.starts_with(start));
                let is_told = topic != "compatibility" && is_ours;
                assert!(!is_told || paths.contains_key(part), "{topic}: {part}");
            }
        }
    }

    #[test]
    fn a_topic_that_is_a_command_is_told_as_both_and_what_is_neither_is_refused() {
        let ask = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            answer(&words, CommandLine::command())
        };
        assert!(ask(&["help", "systemd"]).expect("an answer").is_some_and(|text| text.starts_with("# systemd\n")));
        let both = ask(&["help", "backup"]).expect("an answer").expect("a text");
        assert!(both.starts_with("# Backup\n") && both.contains("Usage: kommando backup [OPTIONS] <FILE>"), "{both}");
        for words in [&["help", "user"][..], &["help"], &["help", "user", "add"], &["serve"]] {
            assert_eq!(ask(words).expect("an answer"), None);
        }
        let fault = ask(&["help", "nothing"]).expect_err("a fault");
        assert!(fault.to_string().contains("topics are authentication, backup, "), "{fault}");
    }
}
