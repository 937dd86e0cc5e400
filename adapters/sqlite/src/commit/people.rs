//! Who wrote: reporters, their addresses, and why an address is theirs.

use feedback_core::domain::{Identity, IdentityId, IdentityLink, Reporter, Timestamp};
use rusqlite::{Connection, named_params, params};

use super::{micros, must_be_current, must_change, opt_bytes, opt_micros, run};
use crate::error::Failure;

pub(super) fn insert_reporter(conn: &Connection, reporter: &Reporter) -> Result<(), Failure> {
    let sql = "INSERT INTO reporters (id, subject_key, name, email, email_index, email_verified, phone, phone_index, language,
            merged_into, erased_at, created_at, version)
        VALUES (:id, :subject_key, :name, :email, :email_index, :email_verified, :phone, :phone_index, :language,
            :merged_into, :erased_at, :created_at, :version)";
    let params = named_params! {
        ":id": reporter.id.as_uuid().as_bytes(),
        ":subject_key": reporter.key.as_ref().map(|key| key.as_bytes()),
        ":name": opt_bytes(reporter.name.as_ref()),
        ":email": opt_bytes(reporter.email.as_ref()),
        ":email_index": reporter.email_index.as_ref().map(|index| index.as_bytes()),
        ":email_verified": reporter.email_verified,
        ":phone": opt_bytes(reporter.phone.as_ref()),
        ":phone_index": reporter.phone_index.as_ref().map(|index| index.as_bytes()),
        ":language": reporter.language.map(|language| language.code()),
        ":merged_into": reporter.merged_into.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":erased_at": opt_micros(reporter.erased_at),
        ":created_at": micros(reporter.created_at),
        ":version": reporter.version,
    };
    run(conn, sql, params, "reporter").map(|_| ())
}

pub(super) fn update_reporter(conn: &Connection, reporter: &Reporter) -> Result<(), Failure> {
    let sql =
        "UPDATE reporters SET subject_key = :subject_key, name = :name, email = :email, email_index = :email_index,
            email_verified = :email_verified, phone = :phone, phone_index = :phone_index, language = :language,
            merged_into = :merged_into, erased_at = :erased_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = reporter.id.as_uuid().as_bytes();
    let params = named_params! {
        ":id": id,
        ":subject_key": reporter.key.as_ref().map(|key| key.as_bytes()),
        ":name": opt_bytes(reporter.name.as_ref()),
        ":email": opt_bytes(reporter.email.as_ref()),
        ":email_index": reporter.email_index.as_ref().map(|index| index.as_bytes()),
        ":email_verified": reporter.email_verified,
        ":phone": opt_bytes(reporter.phone.as_ref()),
        ":phone_index": reporter.phone_index.as_ref().map(|index| index.as_bytes()),
        ":language": reporter.language.map(|language| language.code()),
        ":merged_into": reporter.merged_into.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":erased_at": opt_micros(reporter.erased_at),
        ":version": reporter.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM reporters WHERE id = ?1", id),
        "reporter",
    )
}

pub(super) fn insert_identity(conn: &Connection, identity: &Identity) -> Result<(), Failure> {
    let sql = "INSERT INTO reporter_identities (id, reporter_id, channel, connection, lookup, external_user_id, last_message_at,
            opted_out_at, created_at, version)
        VALUES (:id, :reporter_id, :channel, :connection, :lookup, :external_user_id, :last_message_at,
            :opted_out_at, :created_at, :version)";
    let params = named_params! {
        ":id": identity.id.as_uuid().as_bytes(),
        ":reporter_id": identity.reporter.as_uuid().as_bytes(),
        ":channel": identity.channel.as_str(),
        ":connection": identity.connection,
        ":lookup": identity.lookup.as_bytes(),
        ":external_user_id": identity.external_user_id.as_bytes(),
        ":last_message_at": opt_micros(identity.last_message_at),
        ":opted_out_at": opt_micros(identity.opted_out_at),
        ":created_at": micros(identity.created_at),
        ":version": identity.version,
    };
    run(conn, sql, params, "identity").map(|_| ())
}

pub(super) fn update_identity(conn: &Connection, identity: &Identity) -> Result<(), Failure> {
    // A touch raises no version, so that this update may not know of it: the later time stays.
    let sql = "UPDATE reporter_identities SET reporter_id = :reporter_id, channel = :channel, connection = :connection,
            lookup = :lookup, external_user_id = :external_user_id,
            last_message_at = max(ifnull(last_message_at, :last_message_at), ifnull(:last_message_at, last_message_at)),
            opted_out_at = :opted_out_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = identity.id.as_uuid().as_bytes();
    let params = named_params! {
        ":id": id,
        ":reporter_id": identity.reporter.as_uuid().as_bytes(),
        ":channel": identity.channel.as_str(),
        ":connection": identity.connection,
        ":lookup": identity.lookup.as_bytes(),
        ":external_user_id": identity.external_user_id.as_bytes(),
        ":last_message_at": opt_micros(identity.last_message_at),
        ":opted_out_at": opt_micros(identity.opted_out_at),
        ":version": identity.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM reporter_identities WHERE id = ?1", id),
        "identity",
    )
}

pub(super) fn touch_identity(conn: &Connection, id: IdentityId, at: Timestamp) -> Result<(), Failure> {
    // A scalar max() of NULL is NULL.
    let sql = "UPDATE reporter_identities SET last_message_at = max(ifnull(last_message_at, ?2), ?2) WHERE id = ?1";
    must_change(conn, sql, params![id.as_uuid().as_bytes(), micros(at)], "identity")
}

pub(super) fn insert_identity_link(conn: &Connection, link: &IdentityLink) -> Result<(), Failure> {
    let sql = "INSERT INTO identity_links (id, identity_id, reporter_id, kind, source_id, at, undone_at, undone_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        link.id.as_uuid().as_bytes(),
        link.identity.as_uuid().as_bytes(),
        link.reporter.as_uuid().as_bytes(),
        link.kind.as_str(),
        link.source.as_ref().map(|id| id.as_uuid().as_bytes()),
        micros(link.at),
        link.undone.map(|(at, _)| micros(at)),
        link.undone.as_ref().map(|(_, by)| by.as_uuid().as_bytes()),
    ];
    run(conn, sql, params, "identity link").map(|_| ())
}

pub(super) fn update_identity_link(conn: &Connection, link: &IdentityLink) -> Result<(), Failure> {
    let sql = "UPDATE identity_links SET undone_at = ?2, undone_by = ?3 WHERE id = ?1";
    let params = params![
        link.id.as_uuid().as_bytes(),
        link.undone.map(|(at, _)| micros(at)),
        link.undone.as_ref().map(|(_, by)| by.as_uuid().as_bytes()),
    ];
    must_change(conn, sql, params, "identity link")
}
