//! Common mistakes in definitions, and their error messages.

use super::*;
use crate::commands::Definition;

/// Every problem of a file, as `line:column: text`.
fn problems(text: &str) -> Vec<String> {
    let read = parse(text).map_err(|problem| vec![problem]).and_then(|root| Definition::read(&root).map(drop));
    let shown = |DefinitionProblem { at, text }: DefinitionProblem| match at {
        Some((line, column)) => format!("{line}:{column}: {text}"),
        None => text,
    };
    read.err().unwrap_or_default().into_iter().map(shown).collect()
}

const HEAD: &str = "name: a\ndisplay_name: A\n";
const STEPS: &str = "steps:\n  - message: {text: Hi}\n";

/// The problems of a definition with this text from its third line on.
fn with(text: &str) -> Vec<String> {
    let steps = if text.contains("steps:") { "" } else { STEPS };
    problems(&format!("{HEAD}{text}{steps}"))
}

#[test]
fn valid_forms_have_no_problem() {
    for right in [
        "when: [not_self, {field: deleted, is: no}, {field: role, in: [Employee, \"no\"]}]\n",
        "confirm: yes_no\nquestion: \"Sure, {{ user.full_name }}?\"\n",
        "question: {en: Sure?, nb: 'Sikker, {{ user.name }}?'}\nconfirm: ok\n",
        "timeout: 500ms\nsteps:\n  - set_deleted: {value: yes}\n  - reset_password: {}\n",
        "steps: [{set_presence: {status: StatusNotAvailable, message: \"{{ caller.name }}\"}}]\n",
        "description: &text Away\ntooltip: *text\n",
        "allow_roles: []\nsteps:\n- set_field:\n    field: tooltip\n    value: |\n      Two\n      lines\n",
    ] {
        assert_eq!(with(right), [""; 0], "{right}");
    }
    assert_eq!(problems(&format!("\u{feff}{HEAD}{STEPS}")), [""; 0]);
}

#[test]
fn a_mistake_is_reported_with_its_position_and_the_right_form() {
    for (text, at, part) in [
        // Indentation.
        ("steps:\n  - message:\n    text: Hi\n", "5:5", "`text` belongs to `message`: indent it by two more spaces"),
        ("steps:\n\t- message: {text: Hi}\n", "4:", "this line is indented with a tab"),
        (
            "steps:\n  message: {text: Hi}\n",
            "4:3",
            "`steps` is a list: begin each of its entries with a dash, `- message: …`",
        ),
        ("steps:\n  -message: {text: Hi}\n", "4:3", "put a space after the dash: `- message"),
        (
            "steps:\n  - message: {text: Hi}\n    note: {text: Ho}\n",
            "5:5",
            "`note` is a step of its own: begin it with a dash",
        ),
        ("steps:\n- message: {text: Hi}\n  - note: {text: Ho}\n", "5:", "indented differently"),
        ("question:\n  en: Sure?\n nb: Sikker?\n", "5:", "begin in the same column"),
        ("timeout:30s\n", "3:1", "put a space after the colon: `timeout: 30s`"),
        // Quoting.
        ("steps:\n  - message: {text: {{ user.name }}}\n", "4:", "put quotes around a text that begins with a brace"),
        ("steps:\n  - message: {text: Hello, {{ user.name }}!}\n", "4:", "quote a text"),
        (
            "steps:\n  - message:\n      text: {{ user.name }}, hello\n",
            "5:",
            "put quotes around a text that begins with a brace: `text: \"{{ user.name }}, hello\"`",
        ),
        ("steps:\n  - message: {text: {en: Hello, dear you}}\n", "4:", "put quotes around a text with a comma"),
        (
            "steps:\n  - message:\n      text: Hello: world\n",
            "5:",
            "put quotes around a text with a colon: `text: \"Hello: world\"`",
        ),
        ("steps:\n  - message: {text: 'It's here'}\n", "4:", "write a single quote within it twice"),
        ("steps:\n  - message: {text: *bold*}\n", "4:", "put quotes around a text that begins with `*`"),
        ("steps:\n  - message: {text: \"Hi}\n", "4:", "a quote opens a text here"),
        ("steps:\n  - message: {text: Hi\n", "4:", "a bracket is opened here and not closed"),
        // Yes and no.
        ("confirm: yes\nquestion: Sure?\n", "3:10", "`yes` is unknown here; did you mean `yes_no`?"),
        ("confirm: true\nquestion: Sure?\n", "3:10", "known are none, ok, ok_cancel, yes_no"),
        ("when: [{field: name, is: no}]\n", "3:8", "quote a number, and words such as `no` and `yes`"),
        ("when: [{field: group, in: [NO, SE]}]\n", "3:8", "words such as `no` and `yes`"),
        ("steps:\n  - set_deleted: {value: \"yes\"}\n", "4:26", "`value` must be true or false, without quotes"),
        ("steps:\n  - set_field: {field: tooltip, value: off}\n", "4:16", "this field takes a text: quote a number"),
        // Forms.
        ("when: not_self\n", "3:7", "`when` is a list: `when: [not_self]`"),
        ("allow_roles: Administrator\n", "3:14", "`allow_roles: [Administrator]`"),
        ("when:\n", "3:", "`when` is empty"),
        ("when:\n  - deleted: false\n", "4:5", "name the field to test: `{field: deleted, is: …}`"),
        ("when:\n  - {field: deleted, ist: false}\n", "4:22", "`ist` is unknown here; did you mean `is`?"),
        ("steps:\n  - set_deleted: true\n", "4:18", "with its parameters: `set_deleted: {value: true}`"),
        ("steps:\n  - reset_password\n", "4:5", "`reset_password: {}`"),
        ("steps:\n  - reset_password:\n", "4:", "`reset_password: {}`"),
        (
            "steps:\n  - webhook: {target: hr}\n",
            "4:14",
            "`webhook` lacks `when`: `webhook: {target: …, when: …, secrets: …}`",
        ),
        ("timeout: 30\n", "3:10", "such as 30s"),
        // Words.
        ("allow_role: [Administrator]\n", "3:1", "`allow_role` is unknown here; did you mean `allow_roles`?"),
        ("when: [not-self]\n", "3:8", "did you mean `not_self`?"),
        ("steps:\n  - Message: {text: Hi}\n", "4:5", "did you mean `message`?"),
        ("steps:\n  - message: {txt: Hi}\n", "4:15", "did you mean `text`?"),
        ("steps:\n  - message: {text: 'Hi {{ user.nmae }}'}\n", "4:21", "did you mean `user.name`?"),
        ("steps:\n  - set_presence: {status: StatusNotAvailabel}\n", "4:28", "did you mean `StatusNotAvailable`?"),
        // Templates where none are allowed.
        ("steps:\n  - set_field: {field: tooltip, value: 'Left {{ now }}'}\n", "4:40", "`value` takes no template"),
        ("steps:\n  - set_role: {role: '{{ caller.role }}'}\n", "4:22", "`role` takes no template"),
        ("allow_roles: ['{% raw %}x']\n", "3:15", "takes no template"),
        ("description: {en: 'On {{ user.name }}'}\n", "3:19", "takes no template"),
        ("when: [{field: name, is: '{{ caller.name }}'}]\n", "3:26", "takes no template"),
        // Files.
        ("name: b\n", "3:1", "`name` is defined a second time"),
        ("---\nname: b\n", "", "a file defines one command"),
    ] {
        let found = with(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(at) && found[0].contains(part), "{text}: {found:?}");
    }
    for (text, part) in [
        ("", "the file is empty"),
        ("# nothing\n", ""),
        ("- a\n", "a definition is a map"),
        ("name:a\ndisplay_name: A\n", "`name: a`"),
    ] {
        let found = problems(text);
        assert!(!found.is_empty() && found[0].contains(part), "{text}: {found:?}");
    }
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let text = "nme: a\nwhen:\n  - not-self\n  - {field: deleted, is: maybe}\n  - {field: shoe_size, is: 1}\nallow_roles: Administrator\n\
                confirm: perhaps\nsteps:\n  - mesage: {text: Hi}\n  - set_field: {field: rank, value: high}\n  \
                - message: {text: '{{ user.nmae }}'}\n  - webhook: {target: hr, when: later}\n";
    let found = problems(text);
    let positions: Vec<_> = found.iter().map(|one| one.split(": ").next().expect("a position")).collect();
    let expected = ["1:1", "3:5", "4:5", "5:13", "6:14", "7:10", "9:5", "10:16", "11:21", "12:33", "1:1"];
    assert_eq!(positions, expected, "{found:#?}");
    assert!(found[0].contains("did you mean `name`?"), "{found:#?}");
    assert!(found[10].contains("`display_name` is missing"), "{found:#?}");
}

#[test]
fn deep_and_endless_files_are_refused() {
    let deep = format!("{HEAD}steps: {}{}\n", "[".repeat(2000), "]".repeat(2000));
    assert!(!problems(&deep).is_empty());
    let found = problems(&format!("{HEAD}steps:\n{}", "  - dance: {}\n".repeat(1000)));
    assert_eq!(found.len(), 50);
}
