//! Who may review, and how they prove it.

use feedback_core::domain::{ApiToken, ApiTokenId, SecretDigest, Session, SignInLink, Timestamp, User};
use rusqlite::{Connection, params};

use super::{micros, must_change, opt_micros, run};
use crate::error::Failure;

pub(super) fn insert_user(conn: &Connection, user: &User) -> Result<(), Failure> {
    let sql = "INSERT INTO users (id, name, created_at, disabled_at) VALUES (?1, ?2, ?3, ?4)";
    let params = params![
        user.id.as_uuid().as_bytes(),
        user.name,
        micros(user.created_at),
        opt_micros(user.disabled_at)
    ];
    run(conn, sql, params, "user").map(|_| ())
}

pub(super) fn update_user(conn: &Connection, user: &User) -> Result<(), Failure> {
    let sql = "UPDATE users SET name = ?2, disabled_at = ?3 WHERE id = ?1";
    let params = params![user.id.as_uuid().as_bytes(), user.name, opt_micros(user.disabled_at)];
    must_change(conn, sql, params, "user")
}

pub(super) fn insert_api_token(conn: &Connection, token: &ApiToken) -> Result<(), Failure> {
    let sql =
        "INSERT INTO api_tokens (id, digest, name, user_id, created_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = params![
        token.id.as_uuid().as_bytes(),
        token.digest.as_bytes(),
        token.name,
        token.user.as_uuid().as_bytes(),
        micros(token.created_at),
        opt_micros(token.revoked_at),
    ];
    run(conn, sql, params, "API token").map(|_| ())
}

pub(super) fn revoke_api_token(conn: &Connection, id: ApiTokenId, at: Timestamp) -> Result<(), Failure> {
    // The first revocation stands.
    let sql = "UPDATE api_tokens SET revoked_at = ifnull(revoked_at, ?2) WHERE id = ?1";
    must_change(conn, sql, params![id.as_uuid().as_bytes(), micros(at)], "API token")
}

pub(super) fn insert_sign_in_link(conn: &Connection, link: &SignInLink) -> Result<(), Failure> {
    let sql = "INSERT INTO sign_in_links (digest, user_id, expires_at) VALUES (?1, ?2, ?3)";
    let params = params![
        link.digest.as_bytes(),
        link.user.as_uuid().as_bytes(),
        micros(link.expires_at)
    ];
    run(conn, sql, params, "sign-in link").map(|_| ())
}

pub(super) fn consume_sign_in_link(conn: &Connection, digest: &SecretDigest) -> Result<(), Failure> {
    let sql = "DELETE FROM sign_in_links WHERE digest = ?1";
    match run(conn, sql, [digest.as_bytes()], "sign-in link")? {
        0 => Err(Failure::conflict("taken", "sign-in link")),
        _ => Ok(()),
    }
}

pub(super) fn put_session(conn: &Connection, session: &Session) -> Result<(), Failure> {
    let sql = "INSERT INTO sessions (digest, user_id, created_at, seen_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (digest) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)";
    let params = params![
        session.digest.as_bytes(),
        session.user.as_uuid().as_bytes(),
        micros(session.created_at),
        micros(session.seen_at),
        micros(session.expires_at),
    ];
    run(conn, sql, params, "session").map(|_| ())
}

pub(super) fn touch_session(conn: &Connection, digest: &SecretDigest, at: Timestamp) -> Result<(), Failure> {
    let sql = "UPDATE sessions SET seen_at = max(seen_at, ?2) WHERE digest = ?1";
    run(conn, sql, params![digest.as_bytes(), micros(at)], "session").map(|_| ())
}

pub(super) fn delete_session(conn: &Connection, digest: &SecretDigest) -> Result<(), Failure> {
    run(
        conn,
        "DELETE FROM sessions WHERE digest = ?1",
        [digest.as_bytes()],
        "session",
    )
    .map(|_| ())
}
