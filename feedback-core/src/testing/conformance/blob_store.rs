//! The promises of [`BlobStore`].

use std::{future::Future, process::ExitCode, sync::Arc};

use super::{Check, Fresh, checks, run_checks};
use crate::ports::{BlobStore, PortErrorKind};

/// Makes stores for the checks.
pub trait BlobStoreHarness: Send + Sync + 'static {
    /// The store under test.
    type Store: BlobStore;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Store>> + Send;

    /// The store of `fresh` once more, as after a restart: it sees what the first one stored.
    fn reopened(&self, fresh: &Fresh<Self::Store>) -> impl Future<Output = Arc<Self::Store>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: BlobStoreHarness>(harness: H) -> ExitCode {
    run_checks(harness, "blob_store", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: BlobStoreHarness>() -> &'static [Check<H>] {
    checks![
        what_was_put_is_given_back_whole_and_to_the_byte,
        what_is_not_there_is_not_found,
        the_same_key_and_bytes_twice_leave_one_blob,
        a_later_put_replaces_an_earlier_one,
        deleting_is_for_good_and_deleting_nothing_is_fine,
        keys_do_not_meet,
        a_key_that_is_none_is_refused_by_every_call,
        a_store_that_is_opened_again_has_everything,
        a_reader_beside_a_writer_sees_one_whole_blob,
        debug_and_errors_show_no_content,
    ]
}

const KEY: &str = "attachments/018f7c60-0000-7000-8000-000000000001";

/// Bytes that are no text and have no repetition that a compressing store could hide behind.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

async fn what_was_put_is_given_back_whole_and_to_the_byte<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    for length in [0, 1, 4096, 300_001, 10 * 1024 * 1024 + 64] {
        let bytes = noise(length, 7);
        fresh.adapter.put(KEY, bytes.clone()).await.expect("is stored");
        assert!(
            fresh.adapter.get(KEY).await.expect("is there") == bytes,
            "{length} bytes came back as others"
        );
    }
}

async fn what_is_not_there_is_not_found<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let error = fresh.adapter.get(KEY).await.expect_err("nothing was put");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
    fresh.adapter.put(KEY, vec![1]).await.expect("is stored");
    // A folder of blobs is no blob.
    let error = fresh.adapter.get("attachments").await.expect_err("that is a folder");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
}

async fn the_same_key_and_bytes_twice_leave_one_blob<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    for _ in 0..2 {
        fresh.adapter.put(KEY, b"once".to_vec()).await.expect("is stored");
    }
    assert_eq!(fresh.adapter.get(KEY).await.expect("is there"), b"once");
    fresh.adapter.delete(KEY).await.expect("is removed");
    assert!(fresh.adapter.get(KEY).await.is_err(), "there was one");
}

async fn a_later_put_replaces_an_earlier_one<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    fresh.adapter.put(KEY, noise(5000, 1)).await.expect("is stored");
    fresh.adapter.put(KEY, b"short".to_vec()).await.expect("is stored");
    assert_eq!(fresh.adapter.get(KEY).await.expect("is there"), b"short");
}

async fn deleting_is_for_good_and_deleting_nothing_is_fine<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    fresh.adapter.delete(KEY).await.expect("nothing to do");
    fresh.adapter.put(KEY, vec![1]).await.expect("is stored");
    fresh.adapter.delete(KEY).await.expect("is removed");
    fresh.adapter.delete(KEY).await.expect("nothing to do");
    let error = fresh.adapter.get(KEY).await.expect_err("it is gone");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
    let error = harness.reopened(&fresh).await.get(KEY).await.expect_err("it is gone");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
}

async fn keys_do_not_meet<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let keys = ["a", "a-b", "b/a", "b/aa", "b-a/a", "c/b/a", "a_b"];
    for key in keys {
        fresh
            .adapter
            .put(key, key.as_bytes().to_vec())
            .await
            .expect("is stored");
    }
    fresh.adapter.delete("b/a").await.expect("is removed");
    for key in keys.into_iter().filter(|key| *key != "b/a") {
        assert_eq!(fresh.adapter.get(key).await.expect("is there"), key.as_bytes(), "{key}");
    }
}

async fn a_key_that_is_none_is_refused_by_every_call<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    for key in [
        "",
        "/",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a//b",
        "a/",
        "a.b",
        "a b",
        "a\0b",
        "a%2f..",
        "a#1",
    ] {
        let refused = [
            fresh.adapter.put(key, vec![1]).await.err(),
            fresh.adapter.get(key).await.err(),
            fresh.adapter.delete(key).await.err(),
        ];
        for error in refused {
            let kind = error.map(|error| error.kind());
            assert_eq!(kind, Some(PortErrorKind::Rejected), "{key:?}");
        }
    }
}

async fn a_store_that_is_opened_again_has_everything<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let bytes = noise(70_000, 3);
    fresh.adapter.put(KEY, bytes.clone()).await.expect("is stored");
    let again = harness.reopened(&fresh).await;
    assert!(again.get(KEY).await.expect("is there") == bytes);
}

async fn a_reader_beside_a_writer_sees_one_whole_blob<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (first, second) = (noise(400_000, 1), noise(250_000, 2));
    fresh.adapter.put(KEY, first.clone()).await.expect("is stored");
    let writer = {
        let (store, first, second) = (Arc::clone(&fresh.adapter), first.clone(), second.clone());
        tokio::spawn(async move {
            for round in 0..20 {
                let bytes = if round % 2 == 0 { &second } else { &first };
                store.put(KEY, bytes.clone()).await.expect("is stored");
            }
        })
    };
    while !writer.is_finished() {
        let seen = fresh.adapter.get(KEY).await.expect("there is always one");
        assert!(seen == first || seen == second, "{} bytes of two blobs", seen.len());
    }
    writer.await.expect("every put worked");
}

async fn debug_and_errors_show_no_content<H: BlobStoreHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    fresh
        .adapter
        .put(KEY, b"Ana Example wrote this".to_vec())
        .await
        .expect("is stored");
    let error = fresh.adapter.put("../up", b"Ana Example".to_vec()).await;
    let error = error.expect_err("the key is none");
    let shown = format!("{:?} {error} {error:?}", fresh.adapter);
    assert!(!shown.contains("Ana"), "{shown}");
}
