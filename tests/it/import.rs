//! Import of users, and export of executions.

use std::fs;

use kommando::users::{self, UserColumn, role};
use poem::http::StatusCode;

use crate::{
    access_ways::count,
    command_line::{Line, Said},
    harness::{ANNA, BJORN, Server},
};

fn import(line: &Line, name: &str, text: impl AsRef<[u8]>, more: &[&str]) -> Said {
    fs::write(line.folder.path().join(name), text).expect("a file");
    line.say(&[&["import", "users", name], more].concat())
}

const THREE: &str = "name,userName,firstName,lastName,email,role,rank,active\n\
                     eva,eva@example.com,Eva,Berg,eva@example.com,Administrator,3,\n\
                     \"ole\",,Ole,\"Dahl, Ola\",,,,\n\
                     kim,,,,,ExternalUser,,false\n";

#[test]
fn an_import_creates_users_and_updates_them_on_request() {
    let line = Line::new();
    let dry = import(&line, "users.csv", THREE, &["--dry-run"]);
    assert!(!dry.ok && dry.err.contains("there is no database at kommando.db"), "a dry run creates none: {}", dry.err);
    assert!(line.say(&["migrate", "up"]).ok);
    let dry = import(&line, "users.csv", THREE, &["--dry-run"]);
    assert_eq!((dry.ok, dry.out.as_str()), (true, "3 created, 0 changed, 0 unchanged (dry run: nothing was saved)\n"));
    assert_eq!(line.say(&["user", "list"]).out.lines().count(), 1, "no user was saved");

    let made = import(&line, "users.csv", THREE, &[]);
    assert_eq!((made.ok, made.out.as_str()), (true, "3 created, 0 changed, 0 unchanged\n"), "{}", made.err);
    let list = line.say(&["user", "list"]).out;
    assert!(
        list.contains("eva@example.com") && list.contains("Administrator") && list.contains("ExternalUser"),
        "{list}"
    );
    assert_eq!(list.matches("retired").count(), 1, "{list}");

    let again = import(&line, "users.csv", THREE, &[]);
    assert!(!again.ok, "{}", again.out);
    let shared =
        "users.csv:2: name: `eva` is a user already; --update changes such users (3 rows: 2 `eva`, 3 `ole`, 4 `kim`)";
    assert_eq!(again.err, format!("{shared}\nnothing was imported\n"));
    let same = import(&line, "users.csv", THREE, &["--update"]);
    assert_eq!(same.out, "0 created, 0 changed, 3 unchanged\n", "{}", same.err);
    let changed = import(&line, "more.json", r#"[{"name": "EVA", "rank": 4}, {"name": "liv"}]"#, &["--update"]);
    assert_eq!(changed.out, "1 created, 1 changed, 0 unchanged\n", "{}", changed.err);
}

#[test]
fn a_file_with_errors_imports_nothing_and_lists_each_error() {
    let line = Line::new();
    let text = "Name;Role;Rank;active;otherGroups;userName\r\n\
                eva;King;x;;;\r\n\
                007;;;perhaps;Users;\r\n\
                ole;;;;Nowhere;\r\n\
                \r\n\
                EVA;;;;;\r\n\
                two;\"a\r\nb\"\r\n\
                ;;;;;someone\r\n\
                kim;;;;;ole\r\n\
                liv;;;;;;more\r\n";
    let got = import(&line, "users.csv", text, &[]);
    assert!(!got.ok);
    for expected in [
        "users.csv:2: role: there is no role \"King\"; there are Administrator, ",
        "users.csv:2: rank: `x` is not a whole number",
        "users.csv:3: active: `perhaps` is neither true nor false",
        "users.csv:4: otherGroups: there is no group \"Nowhere\"; make it with `kommando group add Nowhere`, or import with \
         --make-groups",
        "users.csv:6: name: `EVA` has a row already, at :2",
        "users.csv:7: the row has 2 cells, but the first line has 6",
        "users.csv:9: name: it is missing",
        "users.csv:11: column G: `more` is in a column without a name; empty the cell, or name the column in line 1",
        "nothing was imported",
    ] {
        assert!(got.err.lines().any(|line| line.starts_with(expected)), "{expected}: {}", got.err);
    }
    assert_eq!(line.say(&["user", "list"]).out.lines().count(), 1, "no user was saved");

    let got = import(&line, "users.json", r#"[{"name": "eva", "king": 1, "rank": {}}, {"name": "current"}]"#, &[]);
    assert!(got.err.contains("users.json#/0: king: there is no such member"), "{}", got.err);
    assert!(got.err.contains("users.json#/0: rank: `{}` must be a text"), "{}", got.err);
    assert!(got.err.contains("users.json#/1: name: ") && got.err.contains("current"), "{}", got.err);
}

#[test]
fn an_unreadable_file_is_refused_with_the_remedy() {
    let line = Line::new();
    for (name, text, expected) in [
        (
            "users.csv",
            &b"name,salary\neva,1\n"[..],
            "users.csv:1: there is no column `salary`; known columns are name, userName",
        ),
        ("users.csv", b"name,Name\neva,ole\n", "users.csv:1: there are two columns name"),
        ("users.csv", b"name\nBj\xf8rn\n", "save it as \"CSV UTF-8\""),
        ("users.json", b"[{\"name\": \"eva\"},\n {]", "line 2"),
        ("users.json", b"{\"name\": \"eva\"}", "the file must be a list of objects"),
        ("users.csv", b"", "users.csv:1: the first line must name the columns, including the column name"),
        ("users.csv", b"firstName\tlastName\nEva\tHolm\n", "including the column name"),
        ("users.txt", b"name\neva\n", "must have the extension .csv or .json"),
    ] {
        let got = import(&line, name, text, &[]);
        assert!(!got.ok && got.err.contains(expected), "{expected}: {}", got.err);
    }
    let got = import(&line, "users.csv", b"name\neva\nBj\xf8rn\n", &[]);
    assert!(got.err.contains("users.csv:3: the file is not UTF-8 text"), "{}", got.err);
    assert!(line.say(&["import", "users", "missing.csv"]).err.contains("failed to read missing.csv"));
    let marked = import(&line, "users.csv", "\u{feff}name\neva\n", &[]);
    assert_eq!(marked.out, "1 created, 0 changed, 0 unchanged\n", "{}", marked.err);
}

/// A CSV file as a spreadsheet writes it in some language: with its separator and its words for true and false.
fn spreadsheet(sign: char, [yes, no]: [&str; 2], people: usize) -> String {
    let row = |index: usize| {
        let group = ["Field sales", "Support", "HR"][index % 3];
        let active = if index.is_multiple_of(5) { no } else { yes };
        format!("p{index};Person {index};{group};{active};;\r\n")
    };
    let rows: String = (0..people).map(row).collect();
    let text = format!("Name;Last name;Group;Active;;\r\n{rows};;;;;\r\n;;;;;\r\n");
    text.replace(';', &sign.to_string())
}

/// The variable `PEOPLE` sets the number of rows; the default is 30.
#[test]
fn a_spreadsheet_imports_users_with_their_groups() {
    let people = count("PEOPLE", 30);
    let words = [
        (';', ["WAHR", "FALSCH"]),
        (',', ["TRUE", "FALSE"]),
        ('\t', ["True", "False"]),
        (';', ["VRAI", "FAUX"]),
        (';', ["SANN", "USANN"]),
        (';', ["1", "0"]),
        (';', ["Ja", "Nej"]),
    ];
    for (sign, words) in words {
        let line = Line::new();
        let text = format!("\u{feff}{}", spreadsheet(sign, words, people));
        let refused = import(&line, "PEOPLE.CSV", &text, &[]);
        assert!(!refused.ok, "{}", refused.out);
        let lines: Vec<_> = refused.err.lines().collect();
        let first = format!(
            "PEOPLE.CSV:2: group: there is no group \"Field sales\"; make it with `kommando group add \"Field sales\"`, or import with --make-groups \
             ({} rows: 2, 5, 8, 11, 14, …)",
            people / 3
        );
        assert_eq!((lines.len(), lines[0]), (4, first.as_str()), "{}", refused.err);
        let made = import(&line, "PEOPLE.CSV", &text, &["--make-groups"]);
        let expected = format!("{people} created, 0 changed, 0 unchanged; groups created: Field sales, Support, HR\n");
        assert_eq!((made.out.as_str(), made.err.as_str()), (expected.as_str(), ""));
        let list = line.say(&["user", "list"]).out;
        assert_eq!(list.matches("retired").count(), people / 5, "{list}");
        assert_eq!(list.matches("Field sales").count(), people / 3, "{list}");
    }
}

#[test]
fn a_group_is_created_once_in_any_spelling_of_its_name() {
    let line = Line::new();
    assert!(line.say(&["migrate", "up"]).ok);
    let text = "name,group,otherGroups\neva,Sales,HR;sales\nole, SALES,\nliv,hr,Users\n";
    let made = import(&line, "users.csv", text, &["--make-groups", "--dry-run"]);
    let summary = "3 created, 0 changed, 0 unchanged; groups created: Sales, HR";
    assert_eq!(made.out, format!("{summary} (dry run: nothing was saved)\n"), "{}", made.err);
    let made = import(&line, "users.csv", text, &["--make-groups"]);
    assert_eq!(made.out, format!("{summary}\n"), "{}", made.err);
    assert_eq!(line.say(&["group", "list"]).out.lines().count(), 4);
    let long = import(&line, "users.csv", format!("name,group\nada,{}\n", "x".repeat(240)), &["--make-groups"]);
    assert!(
        long.err.contains("users.csv:2: group: `xxxxx") && long.err.contains("more than 239 characters"),
        "{}",
        long.err
    );
    assert_eq!(line.say(&["group", "list"]).out.lines().count(), 4, "a row with an error creates no group");
}

#[test]
fn an_error_shared_by_many_rows_is_printed_once() {
    let line = Line::new();
    let rows: String = (1..=300).map(|number| format!("{number},yes no\n")).collect();
    let got = import(&line, "users.csv", format!("name,active\n{rows}"), &[]);
    assert_eq!(got.err.lines().count(), 2, "{}", got.err);
    let told = "users.csv:2: active: `yes no` is neither true nor false; write true, false, yes, no, 1 or 0 \
                (300 rows: 2, 3, 4, 5, 6, …)";
    assert!(got.err.starts_with(told), "{}", got.err);
    let rows: String = (1..=300).map(|number| format!("{number}\n")).collect();
    let got = import(&line, "users.csv", format!("name\n{rows}"), &[]);
    let told = "users.csv:2: name: `1` consists of digits only; in a path that would be an id \
                (300 rows: 2 `1`, 3 `2`, 4 `3`, 5 `4`, 6 `5`, …)\n";
    assert!(got.err.starts_with(told) && got.err.lines().count() == 2, "{}", got.err);
}

#[test]
fn only_the_administrators_left_by_an_import_count() {
    let line = Line::new();
    assert!(line.say_with(&["user", "add", "ada", "--role", "Administrator", "--password-stdin"], "a long secret").ok);
    assert!(line.say_with(&["user", "add", "eva", "--password-stdin"], "a long secret").ok);
    for (text, is_fine) in [
        ("name,role\nada,Employee\nliv,Administrator\n", false),
        ("name,role,active\nada,Administrator,no\neva,Employee,\n", false),
        ("name,role,active\nada,Employee,\neva,Administrator,no\n", false),
        ("name,role\nada,Employee\neva,Administrator\n", true),
        ("name,role\nada,administrator\neva,employee\n", true),
        ("name,role,active\nada,,false\neva,Administrator,\n", true),
    ] {
        let got = import(&line, "users.csv", text, &["--update"]);
        assert_eq!(got.ok, is_fine, "{text}: {}", got.err);
        let told = "users.csv:2: name: This is the last administrator who can log in";
        assert!(is_fine || got.err.starts_with(told), "{text}: {}", got.err);
    }
    let list = line.say(&["user", "list"]).out;
    assert_eq!(list.matches("Administrator").count(), 2, "{list}");
}

#[test]
fn an_import_keeps_the_last_administrator() {
    let line = Line::new();
    assert!(import(&line, "users.csv", THREE, &[]).ok);
    let got = import(&line, "users.csv", "name,active\neva,false\n", &["--update"]);
    assert!(!got.ok && got.err.contains("users.csv:2: name: This is the last administrator"), "{}", got.err);
}

#[tokio::test]
async fn executions_are_sent_as_csv_when_accepted() {
    let definition = "name: greet\ndisplay_name: A\nallow_roles: [Administrator]\nsteps:\n  \
                      - message: {text: \"=cmd('x'), {{ user.name }}\"}\n";
    let server = Server::with_commands(&[definition]).await;
    server.execute("admin", ANNA, "greet", None).await;
    for accept in ["text/csv", "text/csv, application/json;q=0.5", "text/csv;q=0.9, application/jsonl;q=0.1"] {
        let got = server.get("/_ext/executions").by("admin").header("accept", accept).send().await;
        assert_eq!(got.header("content-type"), Some("text/csv; charset=utf-8; header=present"), "{accept}");
        let lines: Vec<_> = got.text.split("\r\n").collect();
        let head = "id,userId,user,userFullName,callerId,caller,callerFullName,applicationId,application,commandName,";
        assert!(lines[0].starts_with(head), "{}", got.text);
        assert!(lines[1].contains(",2,anna,Anna Lindqvist,1,admin,Ada Admin,,,greet,"), "{}", got.text);
        assert!(lines[1].contains("\"'=cmd('x'), anna\""), "{}", got.text);
        assert_eq!(lines[2..], [""], "{}", got.text);
    }
    let got = server.get("/_ext/executions").by("admin").header("accept", "text/*").send().await;
    assert_eq!(got.header("content-type"), Some("text/json; charset=utf-8"));
    let without = server.get("/_ext/executions").by("admin").header("accept", "text/csv;q=0").send().await;
    assert_eq!(without.header("content-type"), Some("application/json; charset=utf-8"));
    let none = server.get("/_ext/executions").by("admin").header("accept", "*/*;q=0").send().await;
    assert_eq!(none.status, StatusCode::NOT_ACCEPTABLE);
}

const TALK: &str = "name: talk\ndisplay_name: A\nallow_roles: [Administrator, Employee]\nsteps:\n  \
                    - message: {text: {en: Hello, nb: Hei}}\n";

#[tokio::test]
async fn the_query_chooses_the_one_language_of_a_table() {
    let server = Server::with_commands(&[TALK]).await;
    server.execute("admin", ANNA, "talk", None).await;
    let both = "NO:\"Hei\";US:\"Hello\"";
    for (accept, query, header, expected, content_language) in [
        ("text/csv", "", None, "Hello", Some("en")),
        ("text/csv", "", Some("nb"), "Hei", Some("nb")),
        ("text/csv", "", Some("*"), "Hello", Some("en")),
        ("text/csv", "?language=NB", Some("de"), "Hei", Some("nb")),
        ("text/csv", "?language=", Some("nb"), "Hei", Some("nb")),
        ("application/jsonl", "", None, both, None),
        ("application/jsonl", "?language=nb", None, "Hei", Some("nb")),
        ("application/json", "?language=sv", Some("nb"), "Hello", Some("sv")),
    ] {
        let call = server.get(format!("/_ext/executions{query}")).by("admin").header("accept", accept);
        let call = if let Some(header) = header { call.header("accept-language", header) } else { call };
        let got = call.send().await;
        let case = format!("{accept} {query} {header:?}: {}", got.text);
        assert_eq!(got.header("content-language"), content_language, "{case}");
        assert!(got.text.replace("\\\"", "\"").contains(expected), "{case}");
        assert!(expected == both || !got.text.contains("US:"), "{case}");
    }
    let unknown = server.get("/_ext/executions?language=klingon").by("admin").send().await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let detail = unknown.body["detail"].as_str().expect("a text");
    assert!(detail.starts_with("Parameter language: `klingon` is not one of pt-BR, "), "{detail}");
}

#[tokio::test]
async fn a_table_names_only_users_the_caller_may_read() {
    let server = Server::with_commands(&[TALK]).await;
    assert_eq!(server.execute("anna", BJORN, "talk", None).await.status, StatusCode::OK);
    let table = async || server.get("/_ext/executions").by("anna").header("accept", "text/csv").send().await.text;
    assert!(table().await.contains(",3,bjorn,Bjørn Haugen,2,anna,Anna Lindqvist,"), "{}", table().await);
    let external = role::find_by_name(server.app.store.reader(), "ExternalUser").await.expect("an answer");
    let change = vec![(UserColumn::RoleId, external.expect("a role").id.into())];
    users::set_columns(server.app.store.writer(), ANNA, change).await.expect("a change");
    assert!(table().await.contains(",3,,,2,anna,Anna Lindqvist,"), "{}", table().await);
}

#[test]
fn executions_are_exported_in_one_language_with_names() {
    let line = Line::new();
    fs::create_dir(line.folder.path().join("commands.d")).expect("a folder");
    fs::write(line.folder.path().join("commands.d/talk.yaml"), TALK).expect("a file");
    assert!(import(&line, "users.csv", THREE, &[]).ok);
    assert!(line.say(&["commands", "run", "talk", "--user", "ole", "--as", "eva"]).ok);
    let export = |words: &[&str]| line.say(&[&["executions", "export", "--format"], words].concat());
    for (words, expected) in [
        (&["csv"][..], ",Hello,"),
        (&["csv", "--language", "nb"], ",Hei,"),
        (&["csv", "--language", "fi"], ",Hello,"),
        (&["jsonl"], "\"message\":\"NO:\\\"Hei\\\";US:\\\"Hello\\\"\""),
        (&["jsonl", "--language", "nb"], "\"message\":\"Hei\""),
    ] {
        let got = export(words);
        assert!(got.out.contains(expected), "{words:?}: {}{}", got.out, got.err);
        assert!(words[0] == "jsonl" || got.out.contains(",2,ole,\"Ole Dahl, Ola\",1,eva,Eva Berg,"), "{}", got.out);
    }
    assert!(export(&["csv", "--language", "klingon"]).err.contains("`klingon` must be one of pt-BR, "));
}

#[test]
fn executions_are_exported_like_over_http() {
    let line = Line::new();
    fs::create_dir(line.folder.path().join("commands.d")).expect("a folder");
    let text = "name: greet\ndisplay_name: A\nallow_roles: [Administrator]\nsteps:\n  - message: {text: Hi}\n";
    fs::write(line.folder.path().join("commands.d/greet.yaml"), text).expect("a file");
    assert!(import(&line, "users.csv", THREE, &[]).ok);
    for user in ["eva", "ole", "ole"] {
        assert!(line.say(&["commands", "run", "greet", "--user", user, "--as", "eva"]).ok);
    }
    let export = |more: &[&str]| line.say(&[&["executions", "export", "--format"], more].concat());
    let lines = export(&["jsonl"]).out;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!((lines.lines().count(), &first["userId"], &first["outcome"]), (3, &2.into(), &"succeeded".into()));
    assert_eq!(export(&["csv"]).out.lines().count(), 4);
    for (filter, expected) in [
        (&["--user", "ole"][..], 2),
        (&["--caller", "ole"], 0),
        (&["--outcome", "Succeeded", "--command", "greet"], 3),
        (&["--to", "2020-01-01T00:00:00Z"], 0),
        (&["--from", "2020-01-01T00:00:00+01:00", "--user", "eva@example.com"], 1),
    ] {
        assert_eq!(export(&[&["jsonl"], filter].concat()).out.lines().count(), expected, "{filter:?}");
    }
    assert!(export(&["jsonl", "--user", "absent"]).err.contains("`kommando user list` shows them"));
    assert!(export(&["jsonl", "--outcome", "good"]).err.contains("must be one of asked, declined"));
}
