use feedback_core::ports::IdSource;
use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroize;

/// UUIDv7 and 256-bit secrets from the operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the hub makes ids")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn secret(&self) -> SecretString {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("an operating system without randomness cannot run a server");
        let secret = SecretString::from(hex::encode(bytes));
        bytes.zeroize();
        secret
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_has_256_bits_and_none_comes_twice() {
        let (one, other) = (RandomIds.secret(), RandomIds.secret());
        assert_eq!(one.expose_secret().len(), 64);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn ids_are_version_7_and_rise() {
        let (one, other) = (RandomIds.uuid(), RandomIds.uuid());
        assert_eq!(one.get_version_num(), 7);
        assert!(one < other);
    }
}
