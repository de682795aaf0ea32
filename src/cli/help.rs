//! `kommando help TOPIC` prints a page of `docs/`, or a section of one. For subcommands, clap's own help answers.

use anyhow::{Context, bail};
use clap::Command;

const ARCHITECTURE: &str = include_str!("../../docs/architecture.md");
const API: &str = include_str!("../../docs/api.md");
const BENCHMARKS: &str = include_str!("../../docs/benchmarks.md");
const COMMANDS: &str = include_str!("../../docs/commands.md");
const COMPATIBILITY: &str = include_str!("../../docs/compatibility.md");
const OPERATING: &str = include_str!("../../docs/operating.md");
const TESTING: &str = include_str!("../../docs/testing.md");
const UPSTREAM: &str = include_str!("../../docs/upstream.md");
const VERSIONS: &str = include_str!("../../docs/versions.md");

/// The whole pages.
pub const PAGES: [(&str, &str); 9] = [
    ("api", API),
    ("architecture", ARCHITECTURE),
    ("benchmarks", BENCHMARKS),
    ("commands", COMMANDS),
    ("compatibility", COMPATIBILITY),
    ("operating", OPERATING),
    ("testing", TESTING),
    ("upstream", UPSTREAM),
    ("versions", VERSIONS),
];

/// Sections of pages: the topic, its page and its heading.
pub const SECTIONS: [(&str, &str, &str); 22] = [
    ("audit", OPERATING, "Audit chain"),
    ("authentication", API, "Authentication"),
    ("backup", OPERATING, "Backup"),
    ("clients", API, "Clients"),
    ("compose", OPERATING, "Compose"),
    ("container", OPERATING, "Container"),
    ("errors", API, "Errors"),
    ("idempotency", API, "Idempotency"),
    ("import", OPERATING, "Import users"),
    ("inputs", COMMANDS, "Inputs"),
    ("kubernetes", OPERATING, "Kubernetes"),
    ("metrics", OPERATING, "Metrics"),
    ("odata", API, "List users with OData"),
    ("package", OPERATING, "Debian package"),
    ("postgresql", OPERATING, "PostgreSQL and replicas"),
    ("proxy", OPERATING, "TLS and proxies"),
    ("recovery", OPERATING, "Recover a lost password or key"),
    ("secrets", OPERATING, "Stored secrets"),
    ("settings", OPERATING, "Settings"),
    ("systemd", OPERATING, "systemd"),
    ("upgrade", OPERATING, "Upgrade"),
    ("webhooks", COMMANDS, "Webhooks"),
];

/// The topics by name: pages in the first line, sections in the others.
pub fn topic_list() -> String {
    let pages = PAGES.map(|(name, _)| name).join(", ");
    let sections: Vec<_> = SECTIONS.iter().map(|(name, ..)| *name).collect();
    let lines = sections.chunks(10).map(|line| format!("  {}", line.join(", "))).collect::<Vec<_>>();
    format!("  {pages}\n{}", lines.join(",\n"))
}

/// The answer to `help WORD` if the word is a topic; without one, clap answers. A topic that is a subcommand as well is
/// followed by the help of the subcommand.
///
/// # Errors
/// The word is neither a topic nor a subcommand.
pub fn answer(words: &[String], mut command: Command) -> anyhow::Result<Option<String>> {
    let [first, word] = words else { return Ok(None) };
    if first != "help" || word.starts_with('-') {
        return Ok(None);
    }
    command.build();
    let subcommand = command.find_subcommand_mut(word);
    match text_of(word)? {
        Some(text) => {
            let usage = subcommand.map(|own| format!("\n# kommando {word}\n\n{}", own.render_long_help()));
            Ok(Some(format!("{text}{}", usage.unwrap_or_default())))
        }
        None if subcommand.is_none() => {
            bail!("there is neither a topic nor a command {word}; the topics are\n{}", topic_list())
        }
        None => Ok(None),
    }
}

/// The text of a topic.
fn text_of(topic: &str) -> anyhow::Result<Option<&'static str>> {
    if let Some((_, page)) = PAGES.iter().find(|(name, _)| *name == topic) {
        return Ok(Some(page));
    }
    let Some((_, page, heading)) = SECTIONS.iter().find(|(name, ..)| *name == topic) else { return Ok(None) };
    section(page, heading).with_context(|| format!("the page of the topic {topic} has no section {heading}")).map(Some)
}

/// A section of the second level, up to the next one.
fn section(page: &'static str, heading: &str) -> Option<&'static str> {
    let line = format!("## {heading}\n");
    let start = page.find(&format!("\n{line}"))? + 1;
    let end = page[start + line.len()..].find("\n## ").map_or(page.len(), |end| start + line.len() + end + 1);
    Some(&page[start..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Parser, error::ErrorKind};
    use kommando::{api, config::Config};

    use super::*;
    use crate::{CommandLine, command_line};

    /// Every command line on a page, in blocks and between backticks, up to what a shell takes for something else.
    fn lines(text: &str) -> Vec<Vec<String>> {
        let mut lines: Vec<&str> = text.split('`').filter(|part| part.starts_with("kommando ")).collect();
        let blocks = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        lines.extend(blocks.filter(|line| line.starts_with("kommando ")));
        let words = |line: &str| {
            let own = line.lines().next().unwrap_or_default().split(['|', '>', '#']).next().unwrap_or_default();
            shlex::split(own).unwrap_or_default()
        };
        lines.into_iter().map(words).collect()
    }

    #[test]
    fn every_command_line_on_a_page_is_one() {
        let mut seen = 0;
        for (topic, text) in PAGES {
            for words in lines(text) {
                seen += 1;
                if let ["help", word] = words[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    assert!(word == "TOPIC" || text_of(word).is_ok_and(|text| text.is_some()), "{topic}: {words:?}");
                    continue;
                }
                // In a sentence, a command may be named without what it is to work on.
                if let Err(error) = CommandLine::try_parse_from(&words) {
                    let is_named = matches!(
                        error.kind(),
                        ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    );
                    assert!(is_named || !error.use_stderr(), "{topic}: {words:?}: {error}");
                }
            }
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn every_setting_on_a_page_is_one() {
        let known = Config::variables();
        for (topic, text) in PAGES {
            let words = text.split(|one: char| !(one.is_ascii_uppercase() || one == '_'));
            let named: BTreeSet<_> = words.filter(|word| word.starts_with("KOMMANDO_") && word.len() > 9).collect();
            for name in named {
                // One variable of the tests stands on a page.
                let is_known = known.contains(name) || name == "KOMMANDO_TEST_POSTGRES";
                assert!(is_known, "{topic}: {name}");
            }
        }
    }

    /// Whether a path is one of the document; each placeholder stands for one segment.
    fn is_served(path: &str, templates: &[String]) -> bool {
        let path = path.trim_end_matches(['.', ',', ';', ':']);
        let is_same = |template: &str| {
            let (known, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            known.len() == given.len()
                && known.iter().zip(&given).all(|(known, given)| known.starts_with('{') || known == given)
        };
        templates.iter().any(|template| is_same(template))
    }

    #[test]
    fn every_path_on_a_page_is_served() {
        let document = api::document();
        let mut templates: Vec<_> = document["paths"].as_object().expect("paths").keys().cloned().collect();
        // Pages, and what the document says in words only.
        let agents = ["User", "MDO", "Archive", "Associate"].map(|agent| format!("/api/v1/Agents/{agent}/"));
        templates.extend(agents);
        templates.extend(["/_ext/console", "/_ext/", "/health/", "/api/v1/User/{userName}"].map(str::to_owned));
        let mut seen = 0;
        for (topic, text) in PAGES.iter().filter(|(topic, _)| !["compatibility", "upstream"].contains(topic)) {
            for part in text.split(|one: char| one.is_whitespace() || "`?'\"()|".contains(one)) {
                if ["/_ext/", "/api/v1/", "/health/"].iter().any(|start| part.starts_with(start)) && !part.contains('…')
                {
                    seen += 1;
                    assert!(is_served(part, &templates), "{topic}: {part}");
                }
            }
        }
        assert!(seen > 40, "{seen}");
    }

    #[test]
    fn every_section_of_a_topic_is_on_its_page() {
        for (topic, ..) in SECTIONS {
            let text = text_of(topic).expect("a section").expect("a topic");
            assert!(
                text.starts_with("## ") && text.matches("\n## ").count() == 0 && text.lines().count() > 5,
                "{topic}"
            );
        }
    }

    #[test]
    fn a_topic_is_printed_with_the_command_of_the_same_name() {
        let ask = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            answer(&words, command_line(None))
        };
        assert!(ask(&["help", "systemd"]).expect("an answer").is_some_and(|text| text.starts_with("## systemd\n")));
        let both = ask(&["help", "backup"]).expect("an answer").expect("a text");
        assert!(both.starts_with("## Backup\n") && both.contains("Usage: kommando backup [OPTIONS] <FILE>"), "{both}");
        assert!(
            both.contains("--database-url") && !both.contains("--listen"),
            "settings that backup does not need: {both}"
        );
        for words in [&["help", "user"][..], &["help"], &["help", "user", "add"], &["serve"]] {
            assert_eq!(ask(words).expect("an answer"), None);
        }
        let error = ask(&["help", "nothing"]).expect_err("an error").to_string();
        assert!(
            error.contains("the topics are\n  api, architecture, ") && error.contains("upgrade, webhooks"),
            "{error}"
        );
    }
}
