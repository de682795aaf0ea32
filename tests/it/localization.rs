//! Language, culture, time zone and XML format of responses.

use std::{collections::BTreeSet, fs, path::Path};

use kommando::users::{self, UserColumn};
use poem::http::{Method, StatusCode};

use crate::architecture::sources;
use crate::harness::{ABSENT, ADMIN, ANNA, Answer, Call, Server};

const COMMANDS: &str = "/api/v1/User/2/CustomCommand";
const HELLO: &str = "/api/v1/User/2/CustomCommand/hello";

fn hello(server: &Server) -> Call<'_> {
    server.post(HELLO).by("admin")
}

fn message(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body["Message"].as_str().expect("a message")
}

#[tokio::test]
async fn texts_are_in_the_requested_language_or_raw_without_one() {
    let server = Server::demo().await;
    let raw = r#"NO:"Hei, Anna Lindqvist!";US:"Hello, Anna Lindqvist!""#;
    for (header, value, expected, language) in [
        ("accept", "*/*", raw, None),
        ("accept-language", "nb-NO, en;q=0.5", "Hei, Anna Lindqvist!", Some("nb")),
        ("accept-language", "en-GB", "Hello, Anna Lindqvist!", Some("en-GB")),
        ("accept-language", "sv", "Hello, Anna Lindqvist!", Some("sv")),
        ("accept-language", "tlh", "Hello, Anna Lindqvist!", Some("en")),
        ("accept-language", "en;q=0.3; garbage,,nb;q=0.9", "Hei, Anna Lindqvist!", Some("nb")),
        ("so-language", "no", "Hei, Anna Lindqvist!", Some("nb")),
        ("accept-language", "*", raw, None),
        ("accept-language", "", raw, None),
        ("so-language", "x", raw, None),
        ("so-language", "-", raw, None),
    ] {
        let got = hello(&server).header(header, value).send().await;
        assert_eq!(message(&got), expected, "{header}: {value}");
        assert_eq!(got.header("content-language"), language, "{header}: {value}");
        let vary = "Accept, Accept-Language, SO-Culture, SO-Language, SO-TimeZone";
        assert_eq!(got.header("vary"), Some(vary));
    }
}

#[tokio::test]
async fn so_language_overrides_accept_language_even_when_empty() {
    let server = Server::demo().await;
    let ask = |so: &'static str| hello(&server).header("accept-language", "en").header("so-language", so).send();
    assert_eq!(message(&ask("nb").await), "Hei, Anna Lindqvist!");
    assert!(message(&ask("").await).starts_with("NO:"));
}

#[tokio::test]
async fn every_text_of_a_command_is_resolved() {
    let server = Server::demo().await;
    let got = server.get(COMMANDS).by("admin").header("so-language", "nb").send().await;
    let commands = got.body.as_array().expect("a list");
    let deactivate = commands.iter().find(|command| command["Name"] == "deactivate").expect("deactivate");
    for (property, text) in [
        ("DisplayName", "Deaktiver bruker"),
        ("Description", "Avslutter brukerens tilgang."),
        ("ToolTip", "Brukeren kan ikke lenger logge inn"),
        ("ActionData", "Deaktivere Anna Lindqvist (anna)? Tilgangen avsluttes nå."),
    ] {
        assert_eq!(deactivate[property], text);
    }
}

#[tokio::test]
async fn the_servers_own_texts_exist_in_all_its_languages() {
    let server = Server::demo().await;
    for (language, expected) in [
        ("en", "The command was not run."),
        ("nb", "Kommandoen ble ikke kjørt."),
        ("sv", "Kommandot kördes inte."),
        ("da", "Kommandoen blev ikke kørt."),
        ("de", "Der Befehl wurde nicht ausgeführt."),
        ("nl", "De opdracht is niet uitgevoerd."),
        ("fr", "La commande n’a pas été exécutée."),
        ("fi", "The command was not run."),
    ] {
        let path = format!("{COMMANDS}/deactivate?actionResult=No");
        let got = server.post(path).by("admin").header("accept-language", language).send().await;
        assert_eq!(message(&got), expected, "{language}");
    }
    let user = |language: &'static str| server.get("/api/v1/User/2").by("admin").header("so-language", language).send();
    let kind = |answer: Answer| answer.body["Credentials"][0]["Type"]["DisplayType"].clone();
    assert_eq!(kind(user("fr").await), "Mot de passe");
    assert_eq!(kind(user("*").await), "[SR_CREDENTIAL_PASSWORD]");
}

#[tokio::test]
async fn a_replay_resolves_the_raw_record_in_its_own_language() {
    let server = Server::demo().await;
    let ask =
        |language: &'static str| hello(&server).header("idempotency-key", "one").header("so-language", language).send();
    assert_eq!(message(&ask("nb").await), "Hei, Anna Lindqvist!");
    let replay = ask("en").await;
    assert_eq!((message(&replay), replay.header("idempotency-replayed")), ("Hello, Anna Lindqvist!", Some("true")));
    let executions = server.executions().await;
    assert_eq!(executions[0].message, r#"NO:"Hei, Anna Lindqvist!";US:"Hello, Anna Lindqvist!""#);
    let read = server.get(format!("/_ext/executions/{}", executions[0].id)).by("admin").header("so-language", "nb");
    assert_eq!(read.send().await.body["message"], "Hei, Anna Lindqvist!");
    let lines = server.get("/_ext/executions").by("admin").header("accept", "application/jsonl");
    let lines = lines.header("so-language", "nb").send().await;
    assert!(lines.text.contains(r#""message":"Hei, Anna Lindqvist!""#), "{}", lines.text);
    assert_eq!(lines.header("content-language"), Some("nb"));
}

#[tokio::test]
async fn definitions_may_use_multi_language_strings() {
    let server = Server::with_commands(&["name: greet\nallow_roles: [Administrator]\n\
        display_name: 'US:\"Greet\";SW:\"Hälsa\";'\ndescription: 'Now NO:\"hils\";US:\"greet\"!'\n\
        steps:\n  - message: {text: 'US:\"Hi {{ user.firstname }}\";SW:\"Hej {{ user.firstname }}\"'}\n"])
    .await;
    let list = |language: &'static str| server.get(COMMANDS).by("admin").header("so-language", language).send();
    let (raw, swedish) = (list("-").await.body, list("sv").await.body);
    assert_eq!(raw[0]["DisplayName"], r#"US:"Greet";SW:"Hälsa""#);
    assert_eq!(raw[0]["Description"], r#"Now NO:"hils";US:"greet"!"#);
    assert_eq!((&swedish[0]["DisplayName"], &swedish[0]["Description"]), (&"Hälsa".into(), &"Now greet!".into()));
    let got = server.post(format!("{COMMANDS}/greet")).by("admin").header("so-language", "sv").send().await;
    assert_eq!(message(&got), "Hej Anna");
}

#[tokio::test]
async fn values_in_texts_follow_the_culture_or_stay_encoded() {
    let raw = "[D:03/28/2019 00:00:00.0000000] [F:1234.5] [SR_COMMAND_DONE] [X]";
    let server = Server::with_commands(&[&format!(
        "name: tell\ndisplay_name: Tell\nallow_roles: [Administrator]\nsteps:\n  - message: {{text: '{raw}'}}\n"
    )])
    .await;
    for (language, culture, expected) in [
        ("en", None, "3/28/2019 1234.5 Done. [X]"),
        ("en", Some("nb-NO"), "28.03.2019 1234,5 Done. [X]"),
        ("nb", None, "28.03.2019 1234,5 Utført. [X]"),
        ("en", Some("tlh-XX"), "3/28/2019 1234.5 Done. [X]"),
        ("*", Some("nb-NO"), raw),
    ] {
        let call = server.post(format!("{COMMANDS}/tell")).by("admin").header("accept-language", language);
        let call = if let Some(culture) = culture { call.header("so-culture", culture) } else { call };
        assert_eq!(message(&call.send().await), expected, "{language} {culture:?}");
    }
    let without = server.post(format!("{COMMANDS}/tell")).by("admin").header("so-culture", "nb-NO").send().await;
    assert_eq!(message(&without), raw);
}

#[tokio::test]
async fn a_users_name_cannot_add_a_language_to_a_text() {
    let server = Server::demo().await;
    let values = vec![(UserColumn::Tooltip, "nothing".into())];
    users::set_columns(server.app.store.writer(), ANNA, values).await.expect("a change");
    let rename = "UPDATE persons SET firstname = 'A\";US:\"B[SR_COMMAND_DONE]' WHERE id = 2";
    sea_orm::ConnectionTrait::execute_unprepared(server.app.store.writer(), rename).await.expect("a change");
    let got = hello(&server).header("so-language", "nb").send().await;
    assert_eq!(message(&got), "Hei, A”;US:”B[\u{2060}SR_COMMAND_DONE] Lindqvist!");
}

/// Anna's last login in this time zone, and the `SO-TimeZone` header of the response.
async fn last_login(server: &Server, zone: Option<&str>) -> (String, Option<String>) {
    let call = server.get("/api/v1/User/2").by("admin");
    let call = if let Some(zone) = zone { call.header("so-timezone", zone) } else { call };
    let got = call.send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    (got.body["Lastlogin"].as_str().expect("a date").to_owned(), got.header("so-timezone").map(str::to_owned))
}

async fn log_in_at(server: &Server, time: &str) {
    let time: chrono::DateTime<chrono::Utc> = time.parse().expect("a time");
    let values = vec![(UserColumn::LastLogin, time.into())];
    users::set_columns(server.app.store.writer(), ANNA, values).await.expect("a change");
}

#[tokio::test]
async fn dates_are_in_the_requested_zone_named_in_the_response() {
    let server = Server::in_zone("NO").await;
    log_in_at(&server, "2002-08-07T12:52:00Z").await;
    for (zone, date, used) in [
        (None, "2002-08-07T14:52:00", "NO"),
        (Some(""), "2002-08-07T14:52:00", "NO"),
        (Some("utc"), "2002-08-07T12:52:00", "UTC"),
        (Some("UTC,includeTZOffset"), "2002-08-07T12:52:00Z", "UTC"),
        (Some("no, includeTZOffset"), "2002-08-07T14:52:00+02:00", "NO"),
        (Some("includeTZOffset"), "2002-08-07T14:52:00+02:00", "NO"),
        (Some("460"), "2002-08-07T08:52:00", "US-NY"),
        (Some("asia/tokyo,includetzoffset"), "2002-08-07T21:52:00+09:00", "Asia/Tokyo"),
    ] {
        assert_eq!(last_login(&server, zone).await, (date.to_owned(), Some(used.to_owned())), "{zone:?}");
    }
}

#[tokio::test]
async fn without_a_setting_and_a_header_dates_are_in_utc() {
    let server = Server::demo().await;
    log_in_at(&server, "2026-07-01T12:00:00Z").await;
    assert_eq!(last_login(&server, None).await, ("2026-07-01T12:00:00".to_owned(), Some("UTC".to_owned())));
    let never = server.get("/api/v1/User/2").by("admin").header("so-timezone", "NO,includeTZOffset").send().await;
    assert_eq!(never.body["Lastlogout"], "0001-01-01T01:00:00+01:00");
}

#[tokio::test]
async fn an_unknown_zone_is_refused_before_anything_runs() {
    let server = Server::demo().await;
    let got = hello(&server).header("so-timezone", "Atlantis, includeTZOffset").send().await;
    let (kind, message) = got.error(StatusCode::BAD_REQUEST);
    assert_eq!(kind, "ArgumentException");
    assert!(message.starts_with("Header SO-TimeZone: there is no time zone `Atlantis`;"), "{message}");
    assert!(server.executions().await.is_empty());
    let stranger = server.post(HELLO).header("so-timezone", "Atlantis").send().await;
    stranger.error(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn filter_times_without_offset_use_the_zone_of_the_request() {
    let server = Server::demo().await;
    hello(&server).send().await;
    let earlier = |minutes| chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
    let in_tokyo = (earlier(1) + chrono::TimeDelta::hours(9)).format("%Y-%m-%dT%H:%M:%S").to_string();
    let path = format!("/_ext/executions?from={in_tokyo}");
    for (zone, count) in [("Asia/Tokyo", 1), ("UTC", 0)] {
        let got = server.get(&path).by("admin").header("so-timezone", zone).send().await;
        assert_eq!(got.body["executions"].as_array().map(Vec::len), Some(count), "{zone}");
    }
    let wrong = server.get("/_ext/executions?from=noon").by("admin").send().await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.body["detail"], "Parameter from: `noon` is not a time such as 2026-11-23T14:52:00Z.");
}

#[tokio::test]
async fn the_time_zones_are_listed_with_this_years_rules() {
    let server = Server::demo().await;
    let got = server.get("/api/v1/TimeZone").by("anna").send().await;
    let places = got.body.as_array().expect("a list");
    let norway = places.iter().find(|place| place["TZLocationCode"] == "NO").expect("Norway");
    assert_eq!((&norway["TZLocationID"], &norway["Name"]), (&261.into(), &"Norway".into()));
    assert_eq!((&norway["TZLocationCities"], &norway["IsoNumber"]), (&"Oslo".into(), &578.into()));
    let only = |rules: &serde_json::Value| rules.as_object().expect("a map").values().next().cloned();
    let summer = only(&norway["TimeZoneDSTRules"]).expect("a rule");
    assert_eq!((&summer["TZOffset"], &summer["StartRulePattern"]), (&120.into(), &"0200 LAST-SUN-MAR".into()));
    for place in places {
        let code = place["TZLocationCode"].as_str().expect("a code");
        let accepted = server.get("/api/v1/User/current").by("anna").header("so-timezone", code).send().await;
        assert_eq!(accepted.header("so-timezone"), Some(code));
    }
}

#[tokio::test]
async fn every_text_id_is_defined_and_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut used = BTreeSet::new();
    for path in sources(&folder.join("src")).iter().filter(|path| !path.starts_with(folder.join("src/localization"))) {
        let text = fs::read_to_string(path).expect("a text");
        let is_id = |word: &&str| word.starts_with("SR_") && word.len() > 3;
        let words = text.split(|character: char| !character.is_ascii_uppercase() && character != '_');
        used.extend(words.filter(is_id).map(str::to_owned));
    }
    // The ids of column texts are built from the column names.
    used.remove("SR_COLUMN_");
    let server = Server::demo().await;
    for list in ["User", "Role"] {
        let columns = server.get(format!("/api/v1/{list}/$metadata")).by("admin").send().await.body;
        let columns = columns.as_object().expect("columns").values();
        let id = |column: &serde_json::Value| Some(column["DisplayName"].as_str()?.trim_matches(['[', ']']).to_owned());
        used.extend(columns.filter_map(id));
    }
    let english: toml::Table =
        fs::read_to_string(folder.join("localization/en.toml")).expect("a text").parse().expect("TOML");
    let known: BTreeSet<_> = english.keys().cloned().collect();
    assert_eq!(used, known);
}

#[tokio::test]
async fn a_response_is_xml_when_requested() {
    let server = Server::demo().await;
    for (accept, content_type) in
        [("application/xml", "application/xml; charset=utf-8"), ("text/xml", "text/xml; charset=utf-8")]
    {
        let got = hello(&server).header("accept", accept).header("so-language", "en").send().await;
        assert_eq!(got.header("content-type"), Some(content_type));
        let expected = concat!(
            r#"<?xml version="1.0" encoding="utf-8"?>"#,
            r#"<CommandResult xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Success>true</Success>"#,
            r#"<Message>Hello, Anna Lindqvist!</Message><Result>Implicit</Result><TableRight xsi:nil="true"/>"#,
            "<FieldProperties/></CommandResult>",
        );
        assert_eq!(got.text, expected);
    }
    let text = hello(&server).header("accept", "text/json").send().await;
    assert_eq!(text.header("content-type"), Some("text/json; charset=utf-8"));
    assert_eq!(text.body["Success"], true);
}

#[tokio::test]
async fn xml_represents_lists_and_maps_and_escapes_texts() {
    let server = Server::demo().await;
    let values = vec![
        (UserColumn::Tooltip, "<a> & \u{1}\"b\"".into()),
        (UserColumn::ExtraFields, serde_json::json!({"x&y": "1", "z": ""}).into()),
    ];
    users::set_columns(server.app.store.writer(), ANNA, values).await.expect("a change");
    let get = |path: &'static str| server.get(path).by("admin").header("accept", "application/xml").send();
    let user = get("/api/v1/User/2").await.text;
    assert!(user.contains("<UserWithLinks xmlns:xsi="), "{user}");
    for part in [
        "<Tooltip>&lt;a&gt; &amp; &quot;b&quot;</Tooltip>",
        "<ExtraFields><Entry><Key>x&amp;y</Key><Value>1</Value></Entry><Entry><Key>z</Key><Value/></Entry></ExtraFields>",
        "<Credentials><Credential><Type><DisplayType>[SR_CREDENTIAL_PASSWORD]</DisplayType>",
        r#"<Value xsi:nil="true"/>"#,
        "<LicenseOwners/>",
        "<Role><Id>2</Id>",
        "<_Links><Entry><Key>Archive</Key><Value>http://127.0.0.1:8080/api/v1/user</Value></Entry>",
    ] {
        assert!(user.contains(part), "{part} in {user}");
    }
    let list = get(COMMANDS).await.text;
    assert!(
        list.contains(
            "<ArrayOfCustomCommand xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><CustomCommand><Name>"
        ),
        "{list}"
    );
    let principal = get("/api/v1/User/currentPrincipal").await.text;
    assert!(principal.contains("<FunctionRights><string>"), "{principal}");
}

#[tokio::test]
async fn errors_are_xml_when_requested() {
    let server = Server::demo().await;
    let missing = format!("/api/v1/User/{ABSENT}");
    for (method, path, status) in [
        (Method::GET, missing.as_str(), StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/nowhere", StatusCode::NOT_FOUND),
        (Method::PUT, HELLO, StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/api/v1/User/x/CustomCommand", StatusCode::BAD_REQUEST),
    ] {
        let got = server.call(method, path).by("admin").header("accept", "text/xml").send().await;
        assert_eq!((got.status, got.header("content-type")), (status, Some("text/xml; charset=utf-8")), "{path}");
        let start = r#"<?xml version="1.0" encoding="utf-8"?><ErrorInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Error>true</Error><ErrorType>"#;
        assert!(got.text.starts_with(start) && got.text.ends_with("</Message></ErrorInfo>"), "{}", got.text);
    }
    let problem = server.get("/_ext/executions?limit=0").by("admin").header("accept", "text/xml").send().await;
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn authenticated_operations_answer_in_json_and_xml() {
    let server = Server::demo().await;
    let document = kommando::api::document();
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // Public operations do not depend on the caller, and operations with 204 have no body.
            if operation["security"].as_array().is_some_and(Vec::is_empty) || operation["responses"]["204"].is_object()
            {
                continue;
            }
            let Some(content) = operation["responses"]["200"]["content"].as_object() else {
                assert!(operation["responses"].get("204").is_some(), "{method} {path}");
                continue;
            };
            let types: Vec<_> = content.keys().map(String::as_str).take(4).collect();
            assert_eq!(types, ["application/json", "text/json", "application/xml", "text/xml"], "{method} {path}");
            let path = path
                .replace("{commandName}", "hello")
                .replace("{id}", &ADMIN.to_string())
                .replace("{associateId}", &ADMIN.to_string());
            let method = method.to_uppercase().parse().expect("a method");
            let got = server.call(method, &path).by("admin").header("accept", "application/xml").send().await;
            assert!(got.text.starts_with("<?xml ") || path.starts_with("/_ext/"), "{path}: {}", got.text);
            seen += 1;
        }
    }
    assert!(seen > 5);
}

#[tokio::test]
async fn headers_that_request_nothing_change_no_byte() {
    let server = Server::demo().await;
    for path in ["/api/v1/User/2", COMMANDS, "/api/v1/User/currentPrincipal"] {
        let plain = server.get(path).by("admin").send().await;
        let call = server.get(path).by("admin").header("accept-language", "*").header("so-culture", "nb-NO");
        let asked = call.header("so-timezone", "UTC").header("accept", "application/json").send().await;
        assert_eq!(plain.text, asked.text);
    }
    // Public pages depend on no such header.
    for path in ["/docs", "/_ext/console"] {
        assert_eq!(server.get(path).header("so-language", "nb").send().await.header("vary"), Some("Accept-Encoding"));
    }
}
