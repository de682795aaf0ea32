//! No operation removes the last administrator who can log in.

use kommando::users::credential;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    access_ways::{
        Administrators, IN_PROCESS, OF_THE_OPERATOR, Way, agent, basic, can_log_in, count, server, ticket, user,
    },
    command_line::Line,
    harness::{ADMIN, ANNA, BJORN, PASSWORD, Server},
    identity_provider::{believing, provider},
};

const REFUSAL: &str = "the last administrator who can log in";

async fn delete_password(server: &Server, id: i32) {
    credential::delete_password(server.app.store.writer(), id).await.expect("a change");
}

#[tokio::test]
async fn an_administrator_who_cannot_log_in_does_not_count() {
    let server = server().await;
    let administrators = Administrators::of(&server).await;
    for way in IN_PROCESS.into_iter().chain(OF_THE_OPERATOR) {
        administrators.restore(&server).await;
        delete_password(&server, ANNA).await;
        let proof = ticket(&server, ANNA).await;
        let end = way.go(&server, &proof, ADMIN).await;
        assert!(end.as_ref().is_err_and(|told| told.to_lowercase().contains(REFUSAL)), "{way:?}: {end:?}");
        assert!(can_log_in(&server, ADMIN).await, "{way:?}");

        administrators.restore(&server).await;
        let end = way.go(&server, &basic("anna"), ADMIN).await;
        assert_eq!(end, Ok(()), "{way:?} beside another who can log in");
        assert!(!can_log_in(&server, ADMIN).await, "{way:?}");
    }
}

/// The variable `DUELS` sets how often each pair of ways runs; the default is 1.
#[tokio::test]
async fn two_administrators_removing_each_other_leave_one() {
    let server = server().await;
    let administrators = Administrators::of(&server).await;
    let in_process = IN_PROCESS
        .iter()
        .enumerate()
        .flat_map(|(index, one)| IN_PROCESS[index..].iter().map(move |other| (*one, *other)));
    let opponents = [Way::Delete, Way::AgentDeleteCredential, Way::StepDeleted, Way::CommandLine, Way::Import];
    let of_the_operator =
        [Way::CommandLine, Way::Import].into_iter().flat_map(|one| opponents.map(|other| (one, other)));
    let mut fought = 0;
    for (one, other) in in_process.chain(of_the_operator) {
        for _ in 0..count("DUELS", 1) {
            administrators.restore(&server).await;
            let (admin, anna) = (basic("admin"), basic("anna"));
            let ends = tokio::join!(one.go(&server, &admin, ANNA), other.go(&server, &anna, ADMIN));
            let mut left = Vec::new();
            for (id, name) in [(ADMIN, "admin"), (ANNA, "anna")] {
                if can_log_in(&server, id).await {
                    left.push(name);
                }
            }
            assert!(!left.is_empty(), "{one:?} against {other:?} left no administrator: {ends:?}");
            let current = server.get("/api/v1/User/current").by(left[0]).send().await;
            assert_eq!(current.status, StatusCode::OK, "{one:?} against {other:?}: {}", current.text);
            fought += 1;
        }
    }
    println!("{fought} duels");
}

#[tokio::test]
async fn without_possible_logins_administrators_may_be_edited() {
    let server = server().await;
    Administrators::of(&server).await;
    for id in [ADMIN, ANNA] {
        delete_password(&server, id).await;
    }
    let proof = ticket(&server, ADMIN).await;
    let edited = user(&server, &proof, Method::PUT, "/1", json!({"Tooltip": "x", "Name": "boss"})).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
    assert_eq!(Way::Delete.go(&server, &proof, ANNA).await, Ok(()), "another active administrator remains");
    assert!(Way::Delete.go(&server, &proof, ADMIN).await.is_err_and(|told| told.contains(REFUSAL)));
    let given =
        agent(&server, &proof, "SetPassword", json!({"AssociateId": ADMIN, "Password": "a new long password"})).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text);
}

#[test]
fn a_new_installation_is_edited_from_the_command_line() {
    let line = Line::new();
    let import = |text: &str| {
        std::fs::write(line.folder.path().join("users.csv"), text).expect("a file");
        line.say(&["import", "users", "users.csv", "--update"])
    };
    assert!(import("name,role\neva,Administrator\nole,Administrator\n").ok);
    let ended = line.say(&["user", "deactivate", "eva"]);
    assert!(ended.ok, "{}", ended.err);
    let last = line.say(&["user", "deactivate", "ole"]);
    assert!(!last.ok && last.err.contains("`kommando user add NAME --role Administrator`"), "{}", last.err);
    assert!(line.say_with(&["user", "set-password", "ole", "--password-stdin"], "correct horse battery").ok);
    assert!(line.say(&["user", "reactivate", "eva"]).ok);
    let last = import("name,active\nole,false\n");
    assert!(!last.ok && last.err.contains("the last administrator who can log in"), "{}", last.err);
}

#[tokio::test]
async fn an_administrator_with_a_temporary_password_does_not_count() {
    let server = server().await;
    Administrators::of(&server).await;
    assert_eq!(Way::StepPassword.go(&server, &basic("admin"), ANNA).await, Ok(()));
    let proof = ticket(&server, ANNA).await;
    for way in [Way::Delete, Way::StepPassword, Way::AgentDeleteCredential] {
        let end = way.go(&server, &proof, ADMIN).await;
        assert!(end.as_ref().is_err_and(|told| told.to_lowercase().contains(REFUSAL)), "{way:?}: {end:?}");
    }
    let dry = server.post(format!("/api/v1/User/{ADMIN}/CustomCommand/step3")).header("authorization", &proof);
    let dry = dry.header("x-dry-run", "true").send().await;
    assert_eq!(dry.header("x-command-outcome"), Some("failed"), "a dry run fails, too: {}", dry.text);
}

#[tokio::test]
async fn users_known_to_the_identity_provider_can_log_in() {
    let issuer = provider().await;
    let delete = json!({"UserId": ADMIN, "CredentialType": "CRM5/PASSWORD"});
    let server = believing(&issuer, &[]).await;
    let deleted = agent(&server, &basic("admin"), "DeleteCredential", delete.clone()).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text);

    let server = believing(&issuer, &["--oidc-claim", "email"]).await;
    let nameless = json!({"UserName": ""});
    let proof = ticket(&server, ADMIN).await;
    let renamed = user(&server, &proof, Method::PUT, "/1", nameless.clone()).await;
    assert_eq!(renamed.status, StatusCode::OK, "with a password: {}", renamed.text);
    let refused = agent(&server, &proof, "DeleteCredential", delete.clone()).await;
    assert!(refused.error(StatusCode::FORBIDDEN).1.contains(REFUSAL), "without an address, no login");
    user(&server, &proof, Method::PUT, "/1", json!({"UserName": "ada@example.com"})).await;
    let deleted = agent(&server, &proof, "DeleteCredential", delete).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text);
    let proof = ticket(&server, ADMIN).await;
    let refused = user(&server, &proof, Method::PUT, "/1", nameless).await;
    assert!(refused.error(StatusCode::FORBIDDEN).1.contains(REFUSAL), "the address is the only way to log in");
}

#[tokio::test]
async fn last_administrator_checks_follow_password_changes() {
    let server = Server::demo().await;
    let administrators = Administrators::of(&server).await;
    let is_listed = async || server.listed("anna", ADMIN).await.contains(&"deactivate".to_owned());
    assert!(is_listed().await);
    for change in [Value::Null, json!("temporary")] {
        administrators.restore(&server).await;
        assert!(is_listed().await, "{change}");
        let proof = ticket(&server, ANNA).await;
        match change {
            Value::Null => delete_password(&server, ANNA).await,
            _ => {
                let reset = server.execute("admin", ANNA, "reset-password", Some("Ok")).await;
                assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
            }
        }
        // The password change may have ended the ticket.
        drop(proof);
        let proof = ticket(&server, ANNA).await;
        let listed = server.get("/api/v1/User/1/CustomCommand").header("authorization", &proof).send().await;
        assert!(!listed.text.contains("\"deactivate\""), "{}", listed.text);
        let run = server.post("/api/v1/User/1/CustomCommand/deactivate?actionResult=Yes");
        let run = run.header("authorization", &proof).send().await;
        assert!(run.error(StatusCode::FORBIDDEN).1.contains(REFUSAL), "{}", run.text);
    }
    assert_eq!(server.execute("admin", BJORN, "deactivate", Some("Yes")).await.status, StatusCode::OK);
    assert_eq!(server.get("/api/v1/User/current").basic("admin", PASSWORD).send().await.status, StatusCode::OK);
}
