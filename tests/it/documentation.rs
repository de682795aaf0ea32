//! The documentation is true: its links resolve, its numbers are those of the code, and its examples of commands run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use poem::http::StatusCode;

use crate::{
    architecture::sources,
    harness::{ANNA, Server},
};

/// The pages outside `docs/`.
const OTHERS: [&str; 5] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "openapi/clients/README.md"];
/// README.md is the front door, not the house.
const README_LINES: usize = 150;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    docs.chain(OTHERS.iter().map(|page| root().join(page))).collect()
}

/// The text without blocks of code, whose brackets are no links.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The targets of the links and pictures in a text.
fn links(text: &str) -> Vec<String> {
    let starts = text.match_indices("](").map(|(at, _)| &text[at + 2..]);
    starts.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|one| one.is_alphanumeric() || "-_".contains(*one)).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_of_the_documentation_resolves() {
    let mut count = 0;
    for page in pages() {
        let text = read(&page);
        for link in links(&prose(&text)) {
            if link.starts_with("https://") || link.starts_with("http://") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            assert!(target.exists(), "{}: there is no {link}", page.display());
            let has_anchor = || anchors(&read(&target)).contains(anchor);
            assert!(anchor.is_empty() || has_anchor(), "{}: there is no heading for {link}", page.display());
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn the_readme_is_short_and_names_superoffice_first() {
    let readme = read(&root().join("README.md"));
    let first = readme.lines().find(|line| !line.is_empty() && !line.starts_with('#')).expect("a sentence");
    assert!(first.contains("SuperOffice"), "{first}");
    assert!(readme.lines().count() <= README_LINES, "{}", readme.lines().count());
}

/// Sentences of pages with a number, `{}`, that is the value of a constant of the code: page, sentence, constant. Where
/// several constants have the name, the file stands before it.
const NUMBERS: [(&str, &str, &str); 58] = [
    ("docs/operating.md", "A user can have {} of each kind", "secrets/mod.rs MAX_SECRETS"),
    ("docs/operating.md", "| Requests worked on at once | {} |", "concurrency_limit.rs MAX_RUNNING"),
    (
        "docs/operating.md",
        "| Requests present at once, with those that wait | {} |",
        "concurrency_limit.rs MAX_IN_FLIGHT",
    ),
    ("docs/operating.md", "| Wait for a free slot | {} ms |", "concurrency_limit.rs MAX_WAIT"),
    ("docs/operating.md", "gives its slot to the next after {} ms", "concurrency_limit.rs PERMIT_HOLD"),
    ("docs/operating.md", "| Duration of a request | {} s |", "REQUEST_TIMEOUT"),
    ("docs/operating.md", "| Duration of a request that runs a command | {} s |", "COMMAND_TIMEOUT"),
    ("docs/operating.md", "| Head of a request | {} KiB,", "MAX_HEAD"),
    ("docs/operating.md", " KiB, within {} s |", "stream_timeouts.rs HEAD"),
    ("docs/operating.md", "| Body of a request | {} MiB,", "read_body.rs MAX_BYTES"),
    ("docs/operating.md", " MiB, within {} s, and after", "read_body.rs MAX_TIME"),
    ("docs/operating.md", "and after {} s at", "read_body.rs GRACE"),
    ("docs/operating.md", " s at {} KiB a second", "MIN_BYTES_PER_SECOND"),
    ("docs/operating.md", "reads and discards up to {} MiB more", "MAX_DISCARDED_BYTES"),
    ("docs/operating.md", " MiB more, for at most {} seconds", "MAX_DISCARD_TIME"),
    ("docs/operating.md", "| Bodies over {} KiB at once |", "MAX_SMALL_BYTES"),
    ("docs/operating.md", " KiB at once | {}, of these", "large_bodies.rs SLOTS"),
    ("docs/operating.md", "| Answer taken by the client | within {} s |", "stream_timeouts.rs READ"),
    ("docs/operating.md", "| Idle time of a connection (keep-alive) | {} s |", "server/mod.rs IDLE_TIMEOUT"),
    ("docs/operating.md", "| Tickets of a user | {};", "MAX_TICKETS_OF_A_KIND"),
    ("docs/operating.md", "| Access tokens of a user | {};", "MAX_TICKETS_OF_A_KIND"),
    ("docs/operating.md", "gives requests {} seconds to end", "DRAIN"),
    ("docs/operating.md", "sends the last spans for at most {} seconds", "LAST_SPANS"),
    ("docs/operating.md", "and {} serve background work", "BACKGROUND"),
    ("docs/operating.md", "(with {} seconds of leeway)", "LEEWAY_SECONDS"),
    ("docs/operating.md", "at most {} times a minute", "MAX_FETCHES"),
    ("docs/operating.md", "answers over {} KiB and", "MAX_RESPONSE_BYTES"),
    ("docs/operating.md", "take longer than {} seconds", "jwks_client.rs TIMEOUT"),
    ("docs/operating.md", "at most {} lines a second", "LINES_PER_SECOND"),
    ("docs/operating.md", "get 503 after {} seconds: import", "BUSY_TIMEOUT"),
    ("docs/operating.md", "temporary password once, valid for {} hours", "reset_password.rs LIFETIME"),
    ("docs/commands.md", "at most {} characters |", "MAX_NAME_LENGTH"),
    ("docs/commands.md", "valid for {} hours, shown once", "reset_password.rs LIFETIME"),
    ("docs/commands.md", "the message is cut at {} characters", "webhook_request.rs MAX_MESSAGE"),
    ("docs/commands.md", "At most {} calls to a target are in progress", "target_client.rs MAX_IN_FLIGHT"),
    ("docs/commands.md", "are in progress, {} of them deliveries", "MAX_DELIVERIES"),
    ("docs/commands.md", "After {} failures in a row", "FAILURES"),
    ("docs/commands.md", "left alone for {} seconds", "breaker.rs REST"),
    ("docs/commands.md", "answers over {} KiB are no answers", "webhook_request.rs MAX_ANSWER"),
    ("docs/api.md", "with 1 to {} visible ASCII characters", "MAX_KEY_LENGTH"),
    ("docs/api.md", "for one caller, user and command, for {} hours", "idempotency.rs LIFETIME"),
    ("docs/api.md", "expires {} hours after its last use", "TICKET_LIFETIME"),
    ("docs/api.md", "has at most {} tickets", "MAX_TICKETS_OF_A_KIND"),
    ("docs/api.md", "tickets and {} access tokens", "MAX_TICKETS_OF_A_KIND"),
    ("docs/api.md", "has 12 to {} characters", "password_policy.rs MAX_LENGTH"),
    ("docs/api.md", "has at most {} levels", "extract/bounded_json.rs MAX_DEPTH"),
    ("docs/api.md", "levels, {} members in an object", "MAX_MEMBERS"),
    ("docs/api.md", "object, {} items in a list", "MAX_ITEMS"),
    ("docs/api.md", "and {} operations in a JSON Patch", "MAX_OPERATIONS"),
    ("docs/api.md", "A page has at most {} users", "PAGE_SIZE"),
    ("docs/api.md", "An option has at most {} characters", "odata/mod.rs MAX_LENGTH"),
    ("docs/api.md", "a filter at most {} comparisons", "MAX_COMPARISONS"),
    ("docs/api.md", "A user has at most {} custom fields", "field_limits.rs FIELDS"),
    ("docs/api.md", "custom fields and {} extra fields", "field_limits.rs FIELDS"),
    ("docs/api.md", "with names of at most {} and values", "FIELD_NAME"),
    ("docs/api.md", "and values of at most {} characters", "FIELD_VALUE"),
    ("docs/testing.md", "and answered {} seconds later", "SLOW_SECONDS"),
    ("docs/testing.md", "after 30 seconds; {} at most", "MAX_SLOW_SECONDS"),
];

/// The value of a constant as it is written in the code.
fn constant(name: &str) -> String {
    let (file, name) = name.rsplit_once(' ').map_or((None, name), |(file, name)| (Some(file), name));
    let is_it = |path: &Path| file.is_none_or(|file| path.ends_with(file));
    let files = sources(&root().join("src"));
    let texts: Vec<_> = files.iter().map(PathBuf::as_path).filter(|path| is_it(path)).map(read).collect();
    let value = |line: &str| {
        let declared = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ");
        let (declared, value) = declared.strip_prefix("const ")?.split_once(" = ")?;
        (declared.split_once(':')?.0 == name).then(|| value.trim_end_matches(';').to_owned())
    };
    let mut values: Vec<_> = texts.iter().flat_map(|text| text.lines()).filter_map(value).collect();
    assert_eq!(values.len(), 1, "constants called {name}: {values:?}; name the file");
    values.remove(0)
}

/// The number of a value as prose writes it: that of `Duration::from_secs(30)`, of `1_000`, and the KiB of `64 * 1024`.
fn number(value: &str) -> String {
    let factor = match value.split_once(" * ") {
        Some(("1024", _)) => "1",
        Some((factor, _)) => factor,
        None => value,
    };
    let count: u64 = factor.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect(value);
    match count {
        0..1000 => count.to_string(),
        _ => format!("{},{:03}", count / 1000, count % 1000),
    }
}

/// The text of a page without line breaks.
fn unwrapped(page: &str) -> String {
    read(&root().join(page)).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn numbers_of_the_documentation_are_those_of_the_code() {
    for (page, sentence, name) in NUMBERS {
        let expected = sentence.replace("{}", &number(&constant(name)));
        assert!(unwrapped(page).contains(expected.trim()), "{page} should say: {expected} ({name})");
    }
}

#[test]
fn retries_of_webhooks_are_those_of_the_code() {
    let text = read(&root().join("src/webhooks/delivery_worker.rs"));
    let (_, list) = text.split_once("const RETRIES").and_then(|(_, rest)| rest.split_once("= [")).expect("the list");
    let list = list.split_once(']').expect("its end").0;
    let short = |line: &str| {
        let (unit, number) = line.trim().strip_prefix("TimeDelta::")?.split_once('(')?;
        let unit = match unit {
            "seconds" => "s",
            "minutes" => "min",
            _ => "h",
        };
        Some(format!("{} {unit}", number.trim_end_matches("),")))
    };
    let retries: Vec<_> = list.lines().filter_map(short).collect();
    let (last, others) = retries.split_last().expect("retries");
    let sentence = format!("sent again after {} and {last}", others.join(", "));
    assert!(unwrapped("docs/commands.md").contains(&sentence), "{sentence}");
}

/// An example of docs/commands.md: its definition, and the answers that stand below it.
struct Example {
    name: String,
    definition: String,
    /// The inputs, as JSON.
    body: Option<String>,
    /// What was answered, and what comes then; nothing is compared with what follows `…`.
    answers: Vec<(Option<String>, String)>,
}

fn examples() -> Vec<Example> {
    let page = read(&root().join("docs/commands.md"));
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```\n"));
    let example = |(definition, rest): (&str, &str)| {
        let name = definition.strip_prefix("name: ")?.lines().next()?.to_owned();
        let lines = rest.lines().skip_while(|line| line.is_empty()).take_while(|line| line.starts_with("- "));
        let cases = lines.map(|line| line.trim_start_matches("- ").split_once(": ").expect("a case and an answer"));
        let (bodies, cases): (Vec<_>, Vec<_>) = cases.partition(|(case, _)| *case == "body");
        let body = bodies.first().map(|(_, body)| body.trim_matches('`').to_owned());
        let answers = cases.into_iter().map(|(case, told)| {
            let given = case.strip_prefix('`').map(|given| given.trim_end_matches('`').to_owned());
            (given, told.trim_matches('`').to_owned())
        });
        Some(Example { name, definition: definition.to_owned(), body, answers: answers.collect() })
    };
    blocks.filter_map(example).collect()
}

#[tokio::test]
async fn the_examples_of_commands_do_what_the_page_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    fs::write(&secret, "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    // Nothing listens there. A delivery waits, and the command that asks first is a dry run.
    let target = format!(
        "hr: {{url: 'http://127.0.0.1:9/', secrets: [{{file: {}}}], allow_networks: [127.0.0.0/8]}}\n",
        secret.display()
    );
    let targets = folder.path().join("targets.yaml");
    fs::write(&targets, target).expect("a file");
    let settings = ["--targets", targets.to_str().expect("a path")];
    let examples = examples();
    assert_eq!(examples.len(), 11);
    for Example { name, definition, body, answers } in examples {
        assert!(!answers.is_empty(), "{name}");
        let server = Server::with_commands_and_settings(&[definition.as_str()], &settings).await;
        for (given, told) in answers {
            let query = given.map(|given| format!("?actionResult={given}")).unwrap_or_default();
            let path = format!("/api/v1/User/{ANNA}/CustomCommand/{name}{query}");
            let asks_first = definition.contains("when: sync") && !query.is_empty();
            let call = server.post(path).by("admin").header("Accept-Language", "en");
            let call = if asks_first { call.header("X-Dry-Run", "true") } else { call };
            let call = if let Some(body) = &body { call.body("application/json", body.as_str()) } else { call };
            let answer = call.send().await;
            assert_eq!(answer.status, StatusCode::OK, "{name}{query}: {}", answer.text);
            let message = answer.body["Message"].as_str().expect("a message");
            match told.strip_suffix('…') {
                _ if asks_first => {}
                Some(beginning) => assert!(message.starts_with(beginning), "{name}{query}: {message}"),
                None => assert_eq!(message, told, "{name}{query}"),
            }
        }
    }
}
