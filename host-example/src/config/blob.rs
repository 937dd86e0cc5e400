//! `BLOB_URL` and `BLOB`: where the bytes of attachments are kept.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["endpoint", "region", "access_key_id", "secret_access_key"];

/// `BLOB_URL` and `BLOB`.
#[derive(Debug, Default)]
pub(crate) struct BlobSettings {
    /// `file:///folder` or `s3://bucket/prefix`, where configured.
    pub(crate) url: Option<String>,
    /// Where the S3 API is, unless it is Amazon's.
    pub(crate) endpoint: Option<String>,
    /// S3's region.
    pub(crate) region: Option<String>,
    /// S3's access key.
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    pub(crate) secret_access_key: Option<SecretString>,
}

impl BlobSettings {
    pub(super) fn read(source: &mut Source) -> Self {
        let url = source.text("", "blob_url");
        let blob = Self {
            endpoint: source.url("blob", "endpoint"),
            region: source.text("blob", "region"),
            access_key_id: source.text("blob", "access_key_id"),
            secret_access_key: source.text("blob", "secret_access_key").map(SecretString::from),
            url,
        };
        let is_s3 = match blob.url.as_deref() {
            None => false,
            Some(url) if url.starts_with("s3://") => true,
            Some(url) if url.starts_with("file:///") => false,
            Some(_) => {
                source.wrong("BLOB_URL must be file:///folder or s3://bucket/prefix");
                return blob;
            }
        };
        for (name, missing) in [
            ("BLOB.ACCESS_KEY_ID", blob.access_key_id.is_none()),
            ("BLOB.SECRET_ACCESS_KEY", blob.secret_access_key.is_none()),
        ] {
            if is_s3 && missing {
                source.wrong(format!("{name} is missing"));
            }
        }
        blob
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, problems_of};

    #[test]
    fn attachments_are_beside_the_database_unless_they_are_in_a_bucket_with_its_keys() {
        let beside = Settings::from_pairs(&[("FEEDBACK_DATABASE_URL", "sqlite:///var/lib/hub/f.db")]).unwrap();
        assert_eq!(
            beside.blob_url_or_default().unwrap(),
            "file:///var/lib/hub/feedback-attachments"
        );
        assert_eq!(
            problems_of(&[("FEEDBACK_BLOB_URL", "s3://files/hub")]),
            ["BLOB.ACCESS_KEY_ID is missing", "BLOB.SECRET_ACCESS_KEY is missing"]
        );
        assert_eq!(
            problems_of(&[("FEEDBACK_BLOB_URL", "/var/files")]),
            ["BLOB_URL must be file:///folder or s3://bucket/prefix"]
        );
    }
}
