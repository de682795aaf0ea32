//! Credentials with random mutations are refused.

use chrono::Utc;
use kommando::users::{application, ticket};
use poem::http::StatusCode;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::EntityTrait;
use secrecy::ExposeSecret;

use crate::{
    harness::ADMIN,
    identity_provider::{believing, provider},
    issuer::{SigningKey, claims_but},
};

const MUTATIONS: usize = 10_000;

/// Changes one to three characters.
fn mutate(original: &str, random: &mut StdRng) -> String {
    let mut mutated: Vec<char> = original.chars().collect();
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(0..mutated.len());
        let other = char::from(random.random_range(0x21..0x7f_u8));
        match random.random_range(0..5) {
            0 => mutated[place] = other,
            1 => mutated.insert(place, other),
            2 if mutated.len() > 1 => drop(mutated.remove(place)),
            3 => {
                let another = random.random_range(0..mutated.len());
                mutated.swap(place, another);
            }
            _ => mutated.truncate(place.max(1)),
        }
    }
    mutated.into_iter().collect()
}

/// Whether a mutation changed nothing: the scheme is case-insensitive, and a swap may exchange equal characters.
fn means_the_same(mutated: &str, original: &str) -> bool {
    mutated.eq_ignore_ascii_case(original) && mutated.split(' ').next_back() == original.split(' ').next_back()
}

#[tokio::test]
async fn ten_thousand_mutated_credentials_are_refused() {
    let issuer = provider().await;
    let server = believing(&issuer, &["--guess-limits", "1000000,1000000,1000000"]).await;
    let db = server.app.store.writer();
    let ticket = ticket::issue(db, ADMIN, None).await.expect("a ticket").0;
    let token = ticket::issue_access_token(db, ADMIN, None).await.expect("a token");
    let (app, _) = application::add(db, "app", true).await.expect("an application");
    let jwt = SigningKey::ec().sign(&claims_but("admin", "exp", (Utc::now().timestamp() + 3600).into()));
    let right = [
        format!("SoTicket {}", ticket.expose_secret()),
        format!("Bearer {}", token.expose_secret()),
        format!("Bearer {jwt}"),
    ];
    let ask = |authorization: &str| {
        let call = server.get("/api/v1/User/currentPrincipal").header("authorization", authorization);
        call.header("so-apptoken", app.expose_secret()).send()
    };
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..MUTATIONS {
        let original = &right[round % right.len()];
        let mutated = mutate(original, &mut random);
        if !means_the_same(&mutated, original) {
            let got = ask(&mutated).await;
            assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{mutated} for {original}");
        }
    }
    assert_eq!(ticket::Entity::find().all(db).await.expect("rows").len(), 2, "no ticket was created or ended");
    for original in &right {
        assert_eq!(ask(original).await.status, StatusCode::OK, "{original} is valid");
    }
}
