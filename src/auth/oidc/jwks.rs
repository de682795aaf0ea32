//! Parses an identity provider's JWKS and keeps the keys that can verify signatures.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;

use super::algorithm::Algorithm;

/// Further keys are ignored.
const MAX_KEYS: usize = 100;
/// RSA keys below 2048 bits are too weak, and those above 8192 bits too slow.
const MODULUS_BYTES: RangeInclusive<usize> = 256..=1024;

/// A public key that verifies signatures.
pub struct SigningKey {
    jwk: Jwk,
    decoding_key: DecodingKey,
}

/// The JSON at the URL. Each key is parsed separately, so that an unknown key type does not invalidate the others.
#[derive(Deserialize)]
struct RawJwks {
    keys: Vec<serde_json::Value>,
}

/// The usable keys of a JWKS.
///
/// # Errors
/// The body is not a JWKS.
pub fn read(body: &[u8]) -> Result<Vec<SigningKey>, serde_json::Error> {
    let raw: RawJwks = serde_json::from_slice(body)?;
    let count = raw.keys.len();
    let keys: Vec<_> = raw.keys.into_iter().take(MAX_KEYS).filter_map(SigningKey::read).collect();
    tracing::debug!(count, usable = keys.len(), "keys of the identity provider");
    Ok(keys)
}

impl SigningKey {
    fn read(json: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|key| *key == PublicKeyUse::Signature);
        let operations = jwk.common.key_operations.as_ref();
        let can_verify = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_for_signatures || !can_verify || !is_public_and_usable(&jwk.algorithm) {
            return None;
        }
        Some(Self { decoding_key: DecodingKey::from_jwk(&jwk).ok()?, jwk })
    }

    /// Whether this key may verify a token with this `kid` and `alg`. Without a `kid` every key of the algorithm fits.
    pub fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        let common = &self.jwk.common;
        let has_id = id.is_none() || common.key_id.as_deref() == id;
        let wanted = KeyAlgorithm::from(jsonwebtoken::Algorithm::from(algorithm));
        has_id && algorithm.takes(&self.jwk.algorithm) && common.key_algorithm.is_none_or(|own| own == wanted)
    }

    pub fn decoding_key(&self) -> &DecodingKey {
        &self.decoding_key
    }
}

fn is_public_and_usable(key: &AlgorithmParameters) -> bool {
    match key {
        AlgorithmParameters::RSA(key) => {
            let modulus = URL_SAFE_NO_PAD.decode(&key.n).unwrap_or_default();
            MODULUS_BYTES.contains(&modulus.iter().skip_while(|byte| **byte == 0).count())
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

    fn read_keys(keys: &[String]) -> Vec<SigningKey> {
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
    fn unusable_keys_are_skipped() {
        let (short, long) = (URL_SAFE_NO_PAD.encode([0xff; 128]), URL_SAFE_NO_PAD.encode([0xff; 1025]));
        let keys = read_keys(&[
            r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#.to_owned(),
            format!(r#"{{"kty":"RSA","n":"{short}","e":"AQAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{long}","e":"AQAB"}}"#),
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
    fn a_body_without_keys_is_rejected() {
        for wrong in ["", "{}", "[]", "null", r#"{"keys":{}}"#, "<html>"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
