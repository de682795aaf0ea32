//! The keys that an identity provider shows (a JWKS), as far as they verify signatures.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;

use super::algorithm::Algorithm;

/// So many keys are looked at.
const MOST_KEYS: usize = 100;
/// A shorter modulus can be factored some day, in bytes.
const SHORTEST_MODULUS: usize = 256;

/// A key that verifies.
pub struct Key {
    jwk: Jwk,
    verifies: DecodingKey,
}

/// What stands at the URL. Each key is read by itself: one of a kind that is unknown here spoils no other.
#[derive(Deserialize)]
struct Written {
    keys: Vec<serde_json::Value>,
}

/// The keys of a JWKS; those that cannot be used are left out.
///
/// # Errors
/// It is none.
pub fn read(body: &[u8]) -> Result<Vec<Key>, serde_json::Error> {
    let written: Written = serde_json::from_slice(body)?;
    let count = written.keys.len();
    let keys: Vec<_> = written.keys.into_iter().take(MOST_KEYS).filter_map(Key::read).collect();
    tracing::debug!(count, usable = keys.len(), "keys of the identity provider");
    Ok(keys)
}

impl Key {
    fn read(written: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(written).ok()?;
        let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|one| *one == PublicKeyUse::Signature);
        let operations = jwk.common.key_operations.as_ref();
        let verifies = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_for_signatures || !verifies || !is_public_and_strong(&jwk.algorithm) {
            return None;
        }
        Some(Self { verifies: DecodingKey::from_jwk(&jwk).ok()?, jwk })
    }

    /// Whether a token may be signed with it that says so of its key and algorithm. One that names no key may be signed
    /// with any.
    pub fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        let common = &self.jwk.common;
        let named = id.is_none() || common.key_id.as_deref() == id;
        let stated = KeyAlgorithm::from(jsonwebtoken::Algorithm::from(algorithm));
        named && algorithm.takes(&self.jwk.algorithm) && common.key_algorithm.is_none_or(|own| own == stated)
    }

    pub fn verifies(&self) -> &DecodingKey {
        &self.verifies
    }
}

fn is_public_and_strong(key: &AlgorithmParameters) -> bool {
    match key {
        AlgorithmParameters::RSA(key) => {
            let modulus = URL_SAFE_NO_PAD.decode(&key.n).unwrap_or_default();
            modulus.iter().skip_while(|byte| **byte == 0).count() >= SHORTEST_MODULUS
        }
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

    fn read_keys(keys: &[String]) -> Vec<Key> {
        read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).expect("a key set")
    }

    #[test]
    fn a_key_fits_its_own_id_and_algorithm() {
        let keys = read_keys(&[format!(r#"{{{EC},"kid":"a"}}"#)]);
        let fits = |id, algorithm| keys[0].fits(id, algorithm);
        assert!(fits(Some("a"), Algorithm::Es256) && fits(None, Algorithm::Es256));
        assert!(!fits(Some("b"), Algorithm::Es256) && !fits(Some(""), Algorithm::Es256));
        assert!(!fits(Some("a"), Algorithm::Es384) && !fits(Some("a"), Algorithm::Rs256));
        let keys = read_keys(&[format!(r#"{{{EC},"kid":"a","alg":"ES384"}}"#)]);
        assert!(!keys[0].fits(Some("a"), Algorithm::Es256));
    }

    #[test]
    fn what_is_secret_weak_unknown_or_for_something_else_is_no_key_and_spoils_none() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        let keys = read_keys(&[
            r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#.to_owned(),
            format!(r#"{{"kty":"RSA","n":"{short}","e":"AQAB"}}"#),
            r#"{"kty":"AKP","pub":"x"}"#.to_owned(),
            r#""nonsense""#.to_owned(),
            format!(r#"{{{EC},"use":"enc"}}"#),
            format!(r#"{{{EC},"key_ops":["sign"]}}"#),
            format!(r#"{{{EC},"kid":"right","use":"sig","key_ops":["verify"]}}"#),
        ]);
        let ids: Vec<_> = keys.iter().map(|key| key.jwk.common.key_id.as_deref()).collect();
        assert_eq!(ids, [Some("right")]);
    }

    #[test]
    fn what_has_no_keys_is_no_key_set() {
        for wrong in ["", "{}", "[]", "null", r#"{"keys":{}}"#, "<html>"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
