//! Names of users are never interpreted as markup.

use kommando::users::{self, UserColumn};
use poem::http::StatusCode;
use sea_orm::ConnectionTrait;

use crate::harness::{ANNA, Server};

const FIRST: &str = r#"NO:"Ada";US:"Ada Admin""#;
const LAST: &str = "[SR_COMMAND_DONE] [D:01/01/2020]";
const NAME: &str = "[SR_COMMAND_DONE]";

const COMMAND: &str = "name: ask\nallow_roles: [Administrator]\nconfirm: yes_no\n\
    display_name: {en: Ask, nb: Spør}\nquestion: {en: 'Is it {{ user.full_name }}?', nb: 'Er det {{ user.full_name }}?'}\n\
    steps:\n  - message: {text: {en: 'It is {{ user.full_name }}.', nb: 'Det er {{ user.full_name }}.'}}\n  \
    - note: {text: '{{ user.lastname }} [{{ user.name }}]'}\n  \
    - set_presence: {status: StatusNormal, message: {en: '{{ user.lastname }}', nb: '{{ user.lastname }}'}}\n";

/// A server on which Anna has these names.
async fn server() -> Server {
    let server = Server::with_commands(&[COMMAND]).await;
    let writer = server.app.store.writer();
    let values = vec![
        (UserColumn::Name, NAME.into()),
        (UserColumn::NickName, NAME.into()),
        (UserColumn::Tooltip, "[SR_COMMAND_DONE]".into()),
    ];
    users::set_columns(writer, ANNA, values).await.expect("a change");
    let rename =
        format!("UPDATE persons SET firstname = '{FIRST}', lastname = '{LAST}', email = '{NAME}' WHERE id = 2");
    writer.execute_unprepared(&rename).await.expect("a change");
    server
}

/// The text without the invisible character that escapes markup in user data.
fn visible(text: &str) -> String {
    text.replace('\u{2060}', "")
}

#[tokio::test]
async fn names_that_look_like_markup_are_shown_unchanged() {
    let server = server().await;
    let name = format!("{} {LAST}", FIRST.replace('"', "”"));
    let both = |en: &str, nb: &str| format!("NO:\"{nb}\";US:\"{en}\"");
    for (language, question, message) in [
        (
            "*",
            both(&format!("Is it {name}?"), &format!("Er det {name}?")),
            both(&format!("It is {name}."), &format!("Det er {name}.")),
        ),
        ("en", format!("Is it {name}?"), format!("It is {name}.")),
        ("nb", format!("Er det {name}?"), format!("Det er {name}.")),
    ] {
        let call = |path: &str| server.get(path).by("admin").header("so-language", language);
        let list = call("/api/v1/User/2/CustomCommand").send().await;
        assert_eq!(visible(list.body[0]["ActionData"].as_str().expect("a question")), question);
        let run = |answer: &str| {
            let path = format!("/api/v1/User/2/CustomCommand/ask?actionResult={answer}");
            server.post(path).by("admin").header("so-language", language).send()
        };
        let (asked, ran) = (run("Implicit").await, run("Yes").await);
        assert_eq!(visible(asked.body["Message"].as_str().expect("a question")), question);
        assert_eq!(visible(ran.body["Message"].as_str().expect("a message")), message);
        let execution = server.executions().await.pop().expect("an execution");
        let record = call(&format!("/_ext/executions/{}", execution.id)).send().await;
        assert_eq!(visible(record.body["message"].as_str().expect("a message")), message);
        let note = record.body["steps"][1]["result"].as_str().expect("a note");
        assert_eq!(visible(note), format!("{LAST} [{NAME}]"));
        let presence = call("/api/v1/User/2/UserPresenceStatus").send().await;
        let shown = if language == "*" { both(LAST, LAST) } else { LAST.to_owned() };
        assert_eq!(visible(presence.body["Message"].as_str().expect("a message")), shown, "{}", presence.text);
    }
}

#[tokio::test]
async fn names_and_addresses_are_the_same_in_every_language() {
    let server = server().await;
    let full = format!("{FIRST} {LAST}");
    for (language, tooltip) in [("*", "[SR_COMMAND_DONE]"), ("en", "Done."), ("nb", "Utført.")] {
        let call = |path: &str| server.get(path).by("admin").header("so-language", language);
        let user = call("/api/v1/User/2").send().await;
        assert_eq!(user.status, StatusCode::OK, "{}", user.text);
        let person = &user.body["Person"];
        let read = [&user.body["Name"], &user.body["NickName"], &person["Firstname"], &person["Lastname"]];
        assert_eq!(read, [NAME, NAME, FIRST, LAST]);
        assert_eq!((&person["FullName"], &person["Email"]), (&full.as_str().into(), &NAME.into()));
        // Upstream resolves the tooltip.
        assert_eq!(user.body["Tooltip"], tooltip);
        let list = call("/api/v1/User?$filter=associateDbId%20eq%202").send().await;
        let row = &list.body["value"][0];
        assert_eq!([&row["firstName"], &row["lastName"], &row["personEmail"]], [FIRST, LAST, NAME]);
        assert_eq!((&row["fullName"], &row["assocName"]), (&full.as_str().into(), &NAME.into()));
        assert_eq!(row["assocTooltip"], tooltip);
    }
}
