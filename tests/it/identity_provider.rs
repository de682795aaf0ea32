//! JWTs of an identity provider as Bearer tokens, and invalid ones.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, Header, jwk::Jwk};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{ADMIN, ANNA, Answer, Server},
    issuer::{AUDIENCE, ISSUER, Issuer, RSA_PUBLIC_PEM, Shows, SigningKey, claims, claims_but, part, sign_with_secret},
};

const CURRENT: &str = "/api/v1/User/current";
/// The limit of key fetches in a minute.
const MAX_FETCHES: usize = 6;

pub async fn provider() -> Issuer {
    Issuer::start(Shows::keys(&[SigningKey::rsa(), SigningKey::ec()])).await
}

/// A server that trusts this provider.
pub async fn believing(issuer: &Issuer, words: &[&str]) -> Server {
    let url = issuer.url();
    let own = ["--oidc-issuer", ISSUER, "--oidc-audience", "other,kommando", "--oidc-jwks-url", &url];
    Server::with_settings(&own.iter().chain(words).copied().collect::<Vec<_>>()).await
}

async fn with(server: &Server, token: &str) -> Answer {
    server.get(CURRENT).header("authorization", &format!("Bearer {token}")).send().await
}

#[tokio::test]
async fn a_jwt_authenticates_the_user_it_names() {
    let issuer = provider().await;
    let server = believing(&issuer, &[]).await;
    let (rsa, ec, now) = (SigningKey::rsa(), SigningKey::ec(), Utc::now().timestamp());
    let without_key = Header { kid: None, ..ec.header() };
    let access = Header { typ: Some("at+jwt".to_owned()), ..ec.header() };
    for token in [
        rsa.sign(&claims("anna")),
        ec.sign(&claims("anna")),
        ec.sign(&claims("anna@example.com")),
        ec.sign(&claims_but("anna", "aud", json!(["another", AUDIENCE]))),
        ec.sign(&claims_but("anna", "nbf", (now - 5).into())),
        ec.sign_with(&without_key, &claims("anna")),
        ec.sign_with(&access, &claims("anna")),
    ] {
        let got = with(&server, &token).await;
        assert_eq!((got.status, &got.body["AssociateId"]), (StatusCode::OK, &ANNA.into()), "{}", got.text);
    }
    assert_eq!(issuer.asked(), 1, "the keys are fetched once");
}

#[tokio::test]
async fn a_jwt_caller_has_the_rights_of_the_user() {
    let server = believing(&provider().await, &[]).await;
    let bearer = format!("Bearer {}", SigningKey::ec().sign(&claims("anna")));
    let own = server.get("/api/v1/User/currentToken").header("authorization", &bearer).send().await;
    assert_eq!(own.body, bearer["Bearer ".len()..], "a JWT caller gets its own token back");
    let run = server.post("/api/v1/User/2/CustomCommand/hello").header("authorization", &bearer).send().await;
    assert_eq!(run.status, StatusCode::OK);
    assert_eq!(server.executions().await[0].caller_id, ANNA);
    let others = server.get("/_ext/webhooks").header("authorization", &bearer).send().await;
    assert_eq!(others.status, StatusCode::FORBIDDEN, "the role comes from the database, not from the token");
    let out = server.call(Method::DELETE, "/_ext/session").header("authorization", &bearer).send().await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    server.execute("admin", ANNA, "deactivate", Some("Yes")).await;
    let got = server.get(CURRENT).header("authorization", &bearer).send().await;
    got.error(StatusCode::UNAUTHORIZED);
}

/// A token built from its parts.
fn forge(header: Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", part(&header), part(claims))
}

/// Tokens signed with HMAC, with the public key in several encodings as the secret.
fn signed_with_what_is_public(right: &Value) -> Vec<String> {
    let shown = SigningKey::rsa().shown();
    let modulus = shown["n"].as_str().expect("a modulus").to_owned();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &modulus).expect("bytes");
    let pem = RSA_PUBLIC_PEM.as_bytes();
    let secrets: [&[u8]; 6] =
        [pem, pem.trim_ascii_end(), modulus.as_bytes(), &decoded, shown.to_string().as_bytes(), b""]
            .map(|x| x.to_vec())
            .map(Vec::leak)
            .map(|x| &*x);
    let algorithms = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    let forge = |secret: &&[u8], algorithm| {
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(algorithm) };
        sign_with_secret(&header, right, secret)
    };
    secrets.iter().flat_map(|secret| algorithms.map(|algorithm| forge(secret, algorithm))).collect()
}

/// Tokens of an attacker without a key of the provider.
fn forged() -> Vec<(&'static str, String)> {
    let (rsa, ec, admin) = (SigningKey::rsa(), SigningKey::ec(), claims("admin"));
    let right = ec.sign(&claims("anna"));
    let [header, body, signature]: [&str; 3] = right.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let mut forged = vec![
        ("no token", "nonsense".to_owned()),
        ("two parts", format!("{header}.{body}")),
        ("no signature", format!("{header}.{body}.")),
        ("four parts", format!("{right}.{signature}")),
        ("another's claims", format!("{header}.{}.{signature}", part(&admin))),
        ("another header", forge(json!({"alg": "RS256", "kid": "rsa"}), &claims("anna"), signature)),
        ("a foreign key", SigningKey::foreign().sign(&admin)),
        ("a key for something else", forge(json!({"alg": "RS256", "kid": "ec"}), &admin, signature)),
        ("an algorithm that is not allowed", rsa.sign_with(&Header { alg: Algorithm::PS256, ..rsa.header() }, &admin)),
        ("an extension", ec.sign_with(&Header { crit: Some(vec!["x".to_owned()]), ..ec.header() }, &admin)),
        ("a header that is no object", format!("{}.{body}.{signature}", part(&json!([])))),
        ("a header without algorithm", forge(json!({"kid": "ec"}), &admin, signature)),
        ("padding", format!("{header}=.{body}.{signature}")),
        ("an end", format!("{right}=")),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        forged.push(("no algorithm", forge(json!({"alg": none, "kid": "ec"}), &admin, "")));
        forged.push(("no algorithm, and a signature", forge(json!({"alg": none, "kid": "ec"}), &admin, signature)));
    }
    for kid in ["../../../../etc/passwd", "/dev/null", "..%2f..", "ec\u{0}", "' OR 1=1 --", "http://127.0.0.1/", ""] {
        let header = Header { kid: Some(kid.to_owned()), ..ec.header() };
        forged.push(("a path as its key", ec.sign_with(&header, &admin)));
        let nothing = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        forged.push(("a path as its key, and an empty secret", sign_with_secret(&nothing, &admin, b"")));
    }
    let foreign = SigningKey::foreign();
    let own: Jwk = serde_json::from_value(foreign.shown()).expect("a key");
    forged.push(("its own key", foreign.sign_with(&Header { jwk: Some(own), ..foreign.header() }, &admin)));
    let elsewhere = Some("http://127.0.0.1:1/keys".to_owned());
    let header = Header { jku: elsewhere.clone(), x5u: elsewhere, ..foreign.header() };
    forged.push(("a place of its own", foreign.sign_with(&header, &admin)));
    forged.extend(signed_with_what_is_public(&admin).into_iter().map(|token| ("key confusion", token)));
    forged
}

/// Claims that the provider signed but that this server must refuse.
fn unfit() -> Vec<(&'static str, Value)> {
    let now = Utc::now().timestamp();
    let but = |claim: &str, value: Value| claims_but("anna", claim, value);
    vec![
        ("expired", but("exp", (now - 60).into())),
        ("no end", but("exp", Value::Null)),
        ("an end that is no time", but("exp", "tomorrow".into())),
        ("an end before time began", but("exp", (-1).into())),
        ("not valid yet", but("nbf", (now + 120).into())),
        ("a begin that is no time", but("nbf", "today".into())),
        ("for another audience", but("aud", "another".into())),
        ("for an empty audience", but("aud", json!([]))),
        ("for a number", but("aud", 7.into())),
        ("without an audience", but("aud", Value::Null)),
        ("of another issuer", but("iss", "https://elsewhere.example.com/".into())),
        ("of almost the same issuer", but("iss", ISSUER.trim_end_matches('/').into())),
        ("without an issuer", but("iss", Value::Null)),
        ("without a name", but("preferred_username", Value::Null)),
        ("with an empty name", but("preferred_username", "".into())),
        ("with a number as a name", but("preferred_username", ANNA.into())),
        ("with two names", but("preferred_username", json!(["anna", "admin"]))),
        ("of an absent user", claims("absent")),
        ("of a name in other letters", claims("ａｎｎａ")),
        ("of a name in capitals", claims("ANNA")),
        ("of an address in another case", claims("Anna@example.com")),
        ("of a name with a long s for an s", claims("chriſ")),
        ("of a name with a blank", claims("anna ")),
        ("of a name with something invisible", claims("anna\u{200b}")),
        ("of a retired user", claims("dora")),
        ("of a long name", claims(&"x".repeat(5000))),
        ("of nothing", json!({})),
        ("of no claims", json!("anna")),
    ]
}

#[tokio::test]
async fn every_invalid_jwt_gets_the_same_answer() {
    let issuer = provider().await;
    let server = believing(&issuer, &[]).await;
    let wrong = server.get(CURRENT).basic("anna", "wrong").send().await;
    let unfit = unfit().into_iter().map(|(what, claims)| (what, SigningKey::ec().sign(&claims)));
    for (what, token) in forged().into_iter().chain(unfit) {
        let got = with(&server, &token).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{what}: {token}");
        assert_eq!(got.text, wrong.text, "{what}");
        assert_eq!(got.headers.get_all("www-authenticate"), wrong.headers.get_all("www-authenticate"), "{what}");
    }
    assert!(issuer.asked() <= MAX_FETCHES, "{}", issuer.asked());
    assert_eq!(with(&server, &SigningKey::ec().sign(&claims("anna"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_jwt_with_a_repeated_member_is_refused() {
    let issuer = provider().await;
    let server = believing(&issuer, &["--oidc-claim", "email"]).await;
    let ec = SigningKey::ec();
    let header = serde_json::to_string(&ec.header()).expect("JSON");
    let mut right = claims_but("anna", "email", "anna@example.com".into());
    right["email_verified"] = true.into();
    right["nbf"] = right["iat"].clone();
    assert_eq!(with(&server, &ec.sign_text(&header, &right.to_string())).await.status, StatusCode::OK);
    // Both copies are valid; the token is refused only because of the repetition.
    let twice = |json: &str, name: &str| {
        let value = &serde_json::from_str::<Value>(json).expect("JSON")[name];
        assert!(!value.is_null(), "{name}");
        format!(r#"{{"{name}":{value},{}"#, &json[1..])
    };
    let members = right.as_object().expect("an object").keys();
    let claims = members.map(|name| (name.clone(), header.clone(), twice(&right.to_string(), name)));
    let headers = ["alg", "kid", "typ"].map(|name| (name.to_owned(), twice(&header, name), right.to_string()));
    let wrong = server.get(CURRENT).basic("anna", "wrong").send().await;
    let mut refused = 0;
    for (name, header, claims) in claims.chain(headers) {
        let got = with(&server, &ec.sign_text(&header, &claims)).await;
        assert_eq!((got.status, &got.text), (StatusCode::UNAUTHORIZED, &wrong.text), "{name}: {header} {claims}");
        refused += 1;
    }
    assert!(refused >= 11, "{refused}");
}

fn unknown_key(number: usize) -> String {
    let ec = SigningKey::ec();
    ec.sign_with(&Header { kid: Some(format!("unknown {number}")), ..ec.header() }, &claims("anna"))
}

#[tokio::test]
async fn unknown_keys_cause_few_fetches_of_the_key_set() {
    let issuer = provider().await;
    let server = believing(&issuer, &[]).await;
    assert_eq!(with(&server, &SigningKey::ec().sign(&claims("anna"))).await.status, StatusCode::OK);
    assert_eq!(issuer.asked(), 1);
    assert_eq!(with(&server, &unknown_key(0)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(issuer.asked(), 2);
    let tokens: Vec<_> = (1..60).map(unknown_key).collect();
    let answers = join_all(tokens.iter().map(|token| with(&server, token))).await;
    assert!(answers.iter().all(|got| got.status == StatusCode::UNAUTHORIZED));
    assert!(issuer.asked() <= MAX_FETCHES, "{}", issuer.asked());
    assert_eq!(with(&server, &SigningKey::ec().sign(&claims("anna"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn concurrent_first_tokens_fetch_the_keys_at_most_twice() {
    let issuer = provider().await;
    let server = believing(&issuer, &[]).await;
    let token = SigningKey::ec().sign(&claims("anna"));
    let answers = join_all((0..40).map(|_| with(&server, &token))).await;
    assert!(answers.iter().all(|got| got.status == StatusCode::OK));
    assert!(issuer.asked() <= 2, "{}", issuer.asked());
}

#[tokio::test]
async fn a_rotated_key_is_accepted_and_the_old_one_refused() {
    let issuer = Issuer::start(Shows::keys(&[SigningKey::rsa()])).await;
    let server = believing(&issuer, &[]).await;
    let (old, new) = (SigningKey::rsa().sign(&claims("anna")), SigningKey::ec().sign(&claims("anna")));
    assert_eq!(with(&server, &old).await.status, StatusCode::OK);
    assert_eq!(with(&server, &new).await.status, StatusCode::UNAUTHORIZED);
    issuer.show(Shows::keys(&[SigningKey::ec()]));
    assert_eq!(with(&server, &new).await.status, StatusCode::OK);
    assert_eq!(with(&server, &old).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_unreachable_provider_is_a_503_and_known_keys_stay_valid() {
    let issuer = Issuer::start(Shows::Status(500)).await;
    let server = believing(&issuer, &[]).await;
    let token = SigningKey::ec().sign(&claims("anna"));
    let got = with(&server, &token).await;
    assert_eq!(got.error(StatusCode::SERVICE_UNAVAILABLE).0, "SoServerException");
    assert_eq!(got.header("retry-after"), Some("10"));
    assert_eq!(with(&server, "nonsense").await.status, StatusCode::UNAUTHORIZED, "an invalid token needs no key");
    assert_eq!(server.get(CURRENT).by("anna").send().await.status, StatusCode::OK, "passwords need no provider");

    issuer.show(Shows::keys(&[SigningKey::ec()]));
    assert_eq!(with(&server, &token).await.status, StatusCode::OK);
    let elsewhere = Issuer::start(Shows::keys(&[SigningKey::ec(), SigningKey::rsa()])).await;
    let huge = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(10 * 1024 * 1024));
    for shows in [Shows::Redirect(elsewhere.url()), Shows::Body(huge), Shows::Body("<html>".to_owned())] {
        issuer.show(shows.clone());
        assert_eq!(
            with(&server, &SigningKey::rsa().sign(&claims("anna"))).await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(with(&server, &token).await.status, StatusCode::OK, "{shows:?}");
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    assert!(issuer.asked() <= MAX_FETCHES, "{}", issuer.asked());
}

#[tokio::test]
async fn a_silent_provider_times_out_and_delays_no_other_caller() {
    let issuer = provider().await;
    let server = believing(&issuer, &[]).await;
    let token = SigningKey::ec().sign(&claims("anna"));
    assert_eq!(with(&server, &token).await.status, StatusCode::OK);
    issuer.show(Shows::Silence);
    let unknown = unknown_key(0);
    let started = std::time::Instant::now();
    let waits = async { (with(&server, &unknown).await.status, started.elapsed()) };
    let goes_on = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        (with(&server, &token).await.status, started.elapsed())
    };
    let ((waited, after), (went_on, meanwhile)) = tokio::join!(waits, goes_on);
    assert_eq!((waited, went_on), (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK));
    assert!((4..9).contains(&after.as_secs()) && meanwhile.as_secs() < 4, "{after:?} {meanwhile:?}");
}

#[tokio::test]
async fn another_claim_may_name_the_user_and_emails_are_verified() {
    let server = believing(&provider().await, &["--oidc-claim", "email"]).await;
    let ec = SigningKey::ec();
    for (verified, status) in [
        (json!(true), StatusCode::OK),
        (json!(false), StatusCode::UNAUTHORIZED),
        (json!("false"), StatusCode::UNAUTHORIZED),
        (Value::Null, StatusCode::UNAUTHORIZED),
    ] {
        let mut claims = claims_but("admin", "email_verified", verified.clone());
        claims["email"] = "anna@example.com".into();
        let got = with(&server, &ec.sign(&claims)).await;
        assert_eq!(got.status, status, "{verified}");
        assert!(status != StatusCode::OK || got.body["AssociateId"] == ANNA);
    }
}

#[tokio::test]
async fn other_algorithms_are_accepted_when_configured() {
    let server = believing(&provider().await, &["--oidc-algorithms", "PS256"]).await;
    let rsa = SigningKey::rsa();
    let pss = Header { alg: Algorithm::PS256, ..rsa.header() };
    // The provider's key is declared for RS256.
    assert_eq!(with(&server, &rsa.sign_with(&pss, &claims("anna"))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(with(&server, &rsa.sign(&claims("anna"))).await.status, StatusCode::UNAUTHORIZED);
    let mut shown = rsa.shown();
    shown.as_object_mut().expect("an object").remove("alg");
    let issuer = Issuer::start(Shows::Body(json!({"keys": [shown]}).to_string())).await;
    let server = believing(&issuer, &["--oidc-algorithms", "PS256"]).await;
    assert_eq!(with(&server, &rsa.sign_with(&pss, &claims("anna"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_signature_is_verified_with_the_algorithm_that_the_header_names() {
    const RSA: [Algorithm; 6] =
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
    let mut rsa = SigningKey::rsa().shown();
    rsa.as_object_mut().expect("an object").remove("alg");
    // Some providers write a leading zero.
    let modulus = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().expect("a number")).expect("base64");
    rsa["n"] = URL_SAFE_NO_PAD.encode([&[0], &modulus[..]].concat()).into();
    let (ec384, ed) = (SigningKey::ec384(), SigningKey::ed());
    let keys = json!({"keys": [rsa, SigningKey::ec().shown(), ec384.shown(), ed.shown()]});
    let issuer = Issuer::start(Shows::Body(keys.to_string())).await;
    let all = "RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,EdDSA";
    let server = believing(&issuer, &["--oidc-algorithms", all]).await;
    let sign = |key: &SigningKey, named: Algorithm, used: Algorithm| {
        let header = Header { alg: named, ..key.header() };
        key.sign_as(used, &serde_json::to_string(&header).expect("JSON"), &claims("anna").to_string())
    };
    let same = |key: SigningKey| sign(&key, key.algorithm, key.algorithm);
    for token in [same(SigningKey::ec()), same(ec384), same(ed)] {
        assert_eq!(with(&server, &token).await.status, StatusCode::OK, "{token}");
    }
    for named in RSA {
        for used in RSA {
            let expected = if named == used { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            let got = with(&server, &sign(&SigningKey::rsa(), named, used)).await;
            assert_eq!(got.status, expected, "{named:?}, signed with {used:?}");
        }
    }
}

#[tokio::test]
async fn without_a_provider_every_jwt_is_refused() {
    let server = Server::demo().await;
    let got = with(&server, &SigningKey::ec().sign(&claims("admin"))).await;
    assert_eq!(got.error(StatusCode::UNAUTHORIZED).0, "SoSessionException");
    assert_eq!(server.user(ADMIN).await.user.last_login, None);
}

#[tokio::test]
async fn online_a_jwt_needs_a_granted_application() {
    let issuer = provider().await;
    let server = believing(&issuer, &["--installation", "online"]).await;
    let bearer = format!("Bearer {}", SigningKey::ec().sign(&claims("anna")));
    let (app, _) =
        kommando::users::application::add(server.app.store.writer(), "partner", true).await.expect("a token");
    let ask = |path: &'static str| server.get(path).header("authorization", &bearer);
    assert_eq!(ask("/api/v1/User/currentPrincipal").send().await.status, StatusCode::OK);
    assert_eq!(ask(CURRENT).send().await.status, StatusCode::FORBIDDEN);
    let through = ask(CURRENT).header("so-apptoken", secrecy::ExposeSecret::expose_secret(&app));
    assert_eq!(through.send().await.status, StatusCode::OK);
}
