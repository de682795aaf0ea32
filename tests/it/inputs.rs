//! The inputs of commands: what they take, in every way in which a caller can give them, and where their values are.

use kommando::executions::execution::Outcome;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, BJORN, Server};

/// A command with an input of every type.
pub const EVERY_TYPE: &str = "
name: every-type
display_name: Every type
allow_roles: [Administrator, UserAdmin]
inputs:
  line: {type: text, min_length: 3, max_length: 20, pattern: '[a-z ]+'}
  lines: {type: text, multiline: true, required: false}
  count: {type: integer, min: 1, max: 5}
  sure: {type: boolean}
  until: {type: date, not_before: 2026-01-01, not_after: 2027-12-31}
  kind: {type: choice, values: {full: {en: Full time, nb: Heltid}, part: {en: Part time, nb: Deltid}}}
  manager: {type: user}
  group: {type: group}
  role: {type: role}
  mail: {type: email}
  pin: {type: secret, min_length: 4}
  weeks: {type: integer, default: 2}
steps:
  - message:
      text:
        en: '{{ inputs.line }}|{{ inputs.lines }}|{{ inputs.count + 1 }}|{{ inputs.sure }}|{{ inputs.until }}|{{ inputs.kind
          }}|{{ inputs.manager }}|{{ inputs.group }}|{{ inputs.role }}|{{ inputs.mail }}|{{ inputs.weeks }}'
        nb: '{{ inputs.kind }}'
";

fn values() -> Value {
    json!({
        "line": "left early", "count": 3, "sure": true, "until": "2026-12-31", "kind": "part", "manager": BJORN,
        "group": 2, "role": 2, "mail": "anna@example.com", "pin": "s3cr3t-pin",
    })
}

const SHOWN: &str = "left early||4|true|2026-12-31|Part time|Bjørn Haugen|Field sales|Employee|anna@example.com|2";

async fn run(server: &Server, command: &str, body: Value) -> Answer {
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/{command}");
    server.post(path).by("admin").header("accept-language", "en").json(body).send().await
}

/// The inputs as `name=value`.
fn texts(values: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.as_object().expect("an object").iter().map(|(name, value)| format!("{name}={}", text(value))).collect()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn every_type_is_taken_in_every_way() {
    let server = Server::with_commands(&[EVERY_TYPE]).await;
    let names = json!({"manager": "bjorn", "group": "field sales", "role": "employee", "COUNT": "3"});
    let mut by_name = values();
    let members = by_name.as_object_mut().expect("an object");
    members.remove("count");
    members.extend(names.as_object().expect("an object").clone());
    for body in [values(), by_name] {
        let answer = run(&server, "every-type", body).await;
        assert_eq!((answer.status, &answer.body["Message"]), (StatusCode::OK, &json!(SHOWN)), "{}", answer.text);
    }
    let agent = "/api/v1/Agents/User/ExecuteUserCommand";
    let body = json!({"CommandName": "every-type", "User": {"AssociateId": ANNA}, "AdditionalData": texts(&values())});
    let answer = server.post(agent).by("admin").header("accept-language", "en").json(body).send().await;
    assert_eq!(answer.body["Message"], SHOWN, "{}", answer.text);
    // A secret must not be in the URL.
    let mut open = values();
    open.as_object_mut().expect("an object").remove("pin");
    let query: Vec<_> = texts(&open).iter().map(|text| format!("additionalData={}", encoded(text))).collect();
    let query = query.join("&");
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/every-type?{query}");
    let answer =
        server.post(path).by("admin").header("accept-language", "en").json(json!({"pin": "1234"})).send().await;
    assert_eq!(answer.body["Message"], SHOWN, "{}", answer.text);
    let path = format!("{agent}?commandName=every-type&{query}&additionalData=pin=1234");
    let answer = server.post(path).by("admin").json(json!({"AssociateId": ANNA})).send().await;
    let (_, message) = answer.error(StatusCode::BAD_REQUEST);
    assert!(message.contains("`pin` is a secret; send it in the body"), "{message}");
    let answer = server.post(format!("/api/v1/User/{ANNA}/CustomCommand/every-type"));
    let answer = answer.by("admin").header("accept-language", "nb").json(values()).send().await;
    assert_eq!(answer.body["Message"], "Deltid");
}

#[tokio::test]
async fn every_error_of_the_inputs_is_named_at_once() {
    let server = Server::with_commands(&[EVERY_TYPE]).await;
    let answer =
        run(&server, "every-type", json!({"line": "NO", "count": 6, "until": "2028-01-01", "mial": "x"})).await;
    let (kind, message) = answer.error(StatusCode::BAD_REQUEST);
    assert_eq!(kind, "ArgumentException");
    assert!(
        message.starts_with("Bad request. Entity to save is not in request body. `line` takes a text"),
        "{message}"
    );
    for expected in [
        "with 3 to 20 characters that matches `[a-z ]+`.",
        "`count` takes an integer from 1 to 5.",
        "`sure` is missing; it takes true or false.",
        "takes a date as YYYY-MM-DD, not before 2026-01-01, not after 2027-12-31.",
        "`kind` is missing; it takes one of full, part.",
        "`mial` is unknown; did you mean `mail`?",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
    for (name, value) in [
        ("manager", json!(4711)),
        ("manager", json!("nobody")),
        ("group", json!(99)),
        ("group", json!("Nowhere")),
        ("role", json!("King")),
        ("pin", json!("123")),
        ("pin", json!(1234)),
        ("sure", json!("perhaps")),
        ("mail", json!("anna")),
        ("lines", json!(["a"])),
        ("line", json!("zero\u{0}byte")),
    ] {
        let mut values = values();
        values[name] = value;
        let answer = run(&server, "every-type", values).await;
        let (_, message) = answer.error(StatusCode::BAD_REQUEST);
        assert!(message.contains(&format!("body. `{name}` takes")), "{name}: {message}");
        assert!(!message.contains("1234"), "{message}");
    }
    assert!(server.executions().await.is_empty(), "nothing was recorded");
    let answer = run(&server, "every-type", json!([1])).await;
    assert!(answer.error(StatusCode::BAD_REQUEST).1.contains("it must be an object"));
}

#[tokio::test]
async fn a_command_without_inputs_refuses_them() {
    let server = Server::demo().await;
    for body in [json!({}), Value::Null] {
        assert_eq!(run(&server, "hello", body).await.status, StatusCode::OK);
    }
    let answer = run(&server, "hello", json!({"reason": "x"})).await;
    let (_, message) = answer.error(StatusCode::BAD_REQUEST);
    assert!(message.ends_with("`reason` is unknown; the command takes no inputs."), "{message}");
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/hello?additionalData=reason");
    let answer = server.post(path).by("admin").send().await;
    assert!(answer.error(StatusCode::BAD_REQUEST).1.contains("write it as name=value"));
}

const MOVE: &str = "
name: move
display_name: Move
allow_roles: [Administrator, Employee]
confirm: yes_no
question: 'Move {{ user.name }} to {{ inputs.group }} as {{ inputs.role }}, because {{ inputs.reason }}?'
inputs:
  group: {type: group}
  role: {type: role, default: Employee}
  reason: {type: text, required: false}
  nick: {type: text, required: false}
steps:
  - set_group: {group: {input: group}}
  - set_role: {role: {input: role}}
  - note: {text: 'Reason: {{ inputs.reason }}'}
";

#[tokio::test]
async fn inputs_are_checked_before_the_question_which_shows_them() {
    let server = Server::with_commands(&[MOVE]).await;
    let listed = server.get(format!("/api/v1/User/{ANNA}/CustomCommand")).by("admin").send().await;
    assert_eq!(listed.body[0]["ActionData"], "Move anna to … as Employee, because …?");
    let fields = &listed.body[0]["FieldProperties"];
    assert_eq!(fields["group"]["FieldRight"]["Mask"], "Update, UIHintMandatory");
    assert_eq!((&fields["group"]["FieldType"], &fields["group"]["FieldLength"]), (&json!("System.Int32"), &json!(4)));
    assert_eq!(fields["reason"]["FieldRight"]["Mask"], "Update");
    assert_eq!(
        (&fields["reason"]["FieldType"], &fields["reason"]["FieldLength"]),
        (&json!("System.String"), &json!(254))
    );
    assert_eq!(run(&server, "move", json!({})).await.status, StatusCode::BAD_REQUEST);
    let body = json!({"group": 2, "reason": "[SR_COMMAND_DONE] {{ user.email }}"});
    let asked = run(&server, "move", body.clone()).await;
    let question = "Move anna to Field sales as Employee, because [SR_COMMAND_DONE] {{ user.email }}?";
    assert_eq!(asked.body["Message"].as_str().map(|text| text.replace('\u{2060}', "")), Some(question.to_owned()));
    assert_eq!(asked.body["Result"], "Implicit");
    let done = run(&server, "move?actionResult=Yes", body).await;
    assert_eq!(done.body["Success"], true, "{}", done.text);
    let user = server.user(ANNA).await;
    assert_eq!((user.group.name.as_str(), user.role.name.as_str()), ("Field sales", "Employee"));
    let [first, last] = &server.executions().await[..] else { panic!("two executions") };
    assert_eq!((first.outcome, last.outcome), (Outcome::Asked, Outcome::Succeeded));
    let recorded = json!({
        "group": {"id": 2, "name": "Field sales"}, "role": {"id": 2, "name": "Employee"},
        "reason": "[SR_COMMAND_DONE] {{ user.email }}",
    });
    for execution in [first, last] {
        assert_eq!(serde_json::to_value(&execution.inputs).expect("JSON"), recorded);
    }
    server.verify(None).await;
    let one = server.get(format!("/_ext/executions/{}", last.id)).by("admin").send().await;
    assert_eq!(one.body["inputs"], recorded);
    let csv = server.get("/_ext/executions").by("admin").header("accept", "text/csv").send().await;
    assert!(csv.text.lines().next().expect("a head").contains(",inputs,"), "{}", csv.text);
}

#[tokio::test]
async fn nobody_gives_a_role_above_the_own() {
    let server = Server::with_commands(&[MOVE]).await;
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/move?actionResult=Yes");
    for role in [json!(1), json!("Administrator")] {
        let answer = server.post(&path).by("bjorn").json(json!({"group": 1, "role": role})).send().await;
        let (_, message) = answer.error(StatusCode::FORBIDDEN);
        assert!(message.ends_with("You cannot give a role that outranks your own."), "{message}");
        assert_eq!(answer.header("x-command-outcome"), Some("denied"));
    }
    assert_eq!(server.post(&path).by("bjorn").json(json!({"group": 1})).send().await.status, StatusCode::OK);
    assert_eq!(server.user(ANNA).await.role.name, "Employee");
}

#[tokio::test]
async fn a_key_belongs_to_its_inputs() {
    let server = Server::with_commands(&[MOVE]).await;
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/move?actionResult=Yes");
    let send = |body: Value, extra: &str| {
        let call = server.post(format!("{path}{extra}")).by("admin").header("idempotency-key", "k1");
        call.json(body).send()
    };
    let first = send(json!({"group": 2, "reason": "a"}), "").await;
    assert_eq!(first.body["Success"], true, "{}", first.text);
    for (body, extra) in [
        (json!({"reason": "a", "group": 2, "nick": null}), ""),
        (json!({"Group": "2", "reason": "a"}), ""),
        (json!({"reason": "a"}), "&additionalData=group=2"),
    ] {
        let again = send(body.clone(), extra).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{body} {extra}: {}", again.text);
    }
    for body in [json!({"group": 1, "reason": "a"}), json!({"group": 2}), json!({})] {
        let other = send(body.clone(), "").await;
        let (_, message) = other.error(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(message.contains("other inputs"), "{body}: {message}");
    }
    assert_eq!(server.executions().await.len(), 1);
}

#[tokio::test]
async fn a_confirmation_is_bound_to_its_question() {
    let bound = MOVE.replace("confirm: yes_no", "confirm: yes_no\nconfirm_binding: required");
    let other = MOVE.replace("name: move", "name: move2").replace("display_name: Move", "display_name: Move2");
    let server = Server::with_commands(&[&bound, &other, EVERY_TYPE]).await;
    let body = json!({"group": 2});
    let asked = run(&server, "move", body.clone()).await;
    let token = asked.header("x-confirmation").expect("a token").to_owned();
    let answer = |user: i32, command: &str, answer: &str, body: Value, token: Option<&str>| {
        let path = format!("/api/v1/User/{user}/CustomCommand/{command}?actionResult={answer}");
        let call = server.post(path).by("admin").json(body);
        match token {
            Some(token) => call.header("x-confirmation", token).send(),
            None => call.send(),
        }
    };
    let without = answer(ANNA, "move", "Yes", body.clone(), None).await;
    assert!(without.error(StatusCode::BAD_REQUEST).1.contains("X-Confirmation"));
    for (user, command, body) in
        [(BJORN, "move", body.clone()), (ANNA, "move2", body.clone()), (ANNA, "move", json!({"group": 1}))]
    {
        for given in ["Yes", "No"] {
            let refused = answer(user, command, given, body.clone(), Some(&token)).await;
            assert!(refused.error(StatusCode::CONFLICT).1.contains("another question"), "{user} {command} {given}");
        }
    }
    let unreadable = answer(ANNA, "move", "Yes", body.clone(), Some("abc")).await;
    assert!(unreadable.error(StatusCode::BAD_REQUEST).1.contains("Parameter X-Confirmation"));
    let unasked = answer(ANNA, "every-type", "Implicit", values(), Some(&token)).await;
    assert!(unasked.error(StatusCode::CONFLICT).1.contains("leave out X-Confirmation"), "{}", unasked.text);
    let done = answer(ANNA, "move", "Yes", body.clone(), Some(&token)).await;
    assert_eq!((done.status, &done.body["Success"]), (StatusCode::OK, &json!(true)), "{}", done.text);
    assert_eq!(done.header("x-confirmation"), None);
    let optional = answer(ANNA, "move2", "Yes", body, None).await;
    assert_eq!(optional.status, StatusCode::OK, "{}", optional.text);
}

const FIELDS: &str = "
name: fields
display_name: Fields
allow_roles: [Administrator]
inputs:
  tip: {type: text}
  rank: {type: integer, min: 0, max: 100}
  away: {type: boolean}
  status: {type: choice, values: [StatusNormal, StatusNotAvailable]}
  password: {type: secret}
steps:
  - set_field: {field: tooltip, value: {input: tip}}
  - set_field: {field: rank, value: {input: rank}}
  - set_field: {field: is_on_travel, value: {input: away}}
  - set_presence: {status: {input: status}, message: 'Says {{ inputs.tip }}'}
  - reset_password: {password: {input: password}}
";

#[tokio::test]
async fn steps_take_the_values_of_inputs() {
    let server = Server::with_commands(&[FIELDS]).await;
    let values = |password: &str| json!({"tip": "On leave", "rank": 7, "away": true, "status": "StatusNotAvailable", "password": password});
    let short = run(&server, "fields", values("short")).await;
    let (_, message) = short.error(StatusCode::BAD_REQUEST);
    assert!(message.contains("`password` is not a password"), "{message}");
    let done = run(&server, "fields", values("a long enough one")).await;
    assert_eq!((&done.body["Success"], done.header("x-shown-once")), (&json!(true), None), "{}", done.text);
    let user = server.user(ANNA).await.user;
    assert_eq!((user.tooltip.as_str(), user.rank, user.is_on_travel), ("On leave", 7, true));
    assert_eq!(user.presence_message, "Says On leave");
    let me = server.get("/api/v1/User/currentPrincipal").basic("anna", "a long enough one").send().await;
    assert_eq!(me.status, StatusCode::FORBIDDEN, "the password is temporary: {}", me.text);
    let [execution] = &server.executions().await[..] else { panic!("one execution") };
    let text = serde_json::to_string(execution).expect("JSON");
    assert!(!text.contains("a long enough one"), "{text}");
}
