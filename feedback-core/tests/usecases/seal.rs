//! The seal of an approval: whatever part of what a person agreed to is changed afterwards, and into whatever, nothing leaves.

use feedback_core::{
    domain::{Change, ChangelogEntry, Channel, DeliveryMode, Identity, Notification, TemplateRef, ThreadRef, Write},
    ports::{ChangelogEntryKey, KeyScope, Place, ReporterKey, Storage, Vault},
    testing::{
        hub::{TestHub, ticket_of},
        memory::MemoryVault,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    deliver::{approved_on, notification},
    journey::stored,
    payloads,
};

/// One thing that somebody with access to the database might change.
#[derive(Debug, Clone)]
enum Tampering {
    Text(String),
    Version(u32),
    Recipient,
    Channel(Channel),
    Thread(ThreadRef),
    Mode(DeliveryMode),
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,60}",
        // What nobody would notice: a blank more, another dash, a letter of another alphabet.
        select(vec!["Listo. ", "Listo\u{a0}", "Lіsto", "listo", "Listo\n"]).prop_map(str::to_owned),
    ]
}

fn threads() -> impl Strategy<Value = ThreadRef> {
    prop_oneof![
        (
            "[TW]0[A-Z]{1,4}",
            "[CD]0[A-Z]{1,6}",
            proptest::option::of("17672256[0-9]{2}\\.[0-9]{6}")
        )
            .prop_map(|(team, channel, thread_ts)| ThreadRef::Slack {
                team,
                channel,
                thread_ts
            }),
        ("PN-[0-9]", proptest::option::of("wamid\\.[A-Z]{1,4}")).prop_map(|(phone_number_id, quoted)| {
            ThreadRef::WhatsApp {
                phone_number_id,
                quoted,
            }
        }),
        Just(ThreadRef::InApp),
        Just(ThreadRef::Backoffice),
    ]
}

fn modes() -> impl Strategy<Value = DeliveryMode> {
    prop_oneof![
        select(vec![
            DeliveryMode::ThreadReply,
            DeliveryMode::DirectMessage,
            DeliveryMode::ConversationReply,
            DeliveryMode::Email,
            DeliveryMode::Inbox,
            DeliveryMode::ByHand,
            DeliveryMode::SessionOrTemplate { template: None },
        ]),
        ("[a-z_]{1,12}", "(es|en)(_[A-Z]{2})?").prop_map(|(name, language)| DeliveryMode::SessionOrTemplate {
            template: Some(TemplateRef { name, language })
        }),
    ]
}

fn tamperings() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        texts().prop_map(Tampering::Text),
        any::<u32>().prop_map(Tampering::Version),
        Just(Tampering::Recipient),
        select(Channel::ALL.to_vec()).prop_map(Tampering::Channel),
        threads().prop_map(Tampering::Thread),
        modes().prop_map(Tampering::Mode),
    ]
}

/// Applies what somebody changed; whether anything is another than was approved.
async fn tamper(test: &TestHub, tamperings: &[Tampering], other: &Identity) -> bool {
    let approved = notification(test);
    let key = ChangelogEntryKey::Id(approved.changelog_entry);
    let entry = test.store.changelog_entry(key).await.unwrap().unwrap();
    let text = test.hub.review.content(&entry).await.unwrap().unwrap();
    let keeper = test
        .store
        .reporter(ReporterKey::Id(entry.sealed_for))
        .await
        .unwrap()
        .unwrap();
    let terms = |entry: &ChangelogEntry, notification: &Notification, text: &str| {
        let version = entry.decision.as_ref().map(|decision| decision.seen_version);
        let (thread, mode) = (notification.thread.clone(), notification.mode.clone());
        (
            version,
            notification.identity,
            notification.channel,
            thread,
            mode,
            text.to_owned(),
        )
    };
    let (mut changed_entry, mut changed, mut words) = (entry.clone(), approved.clone(), text.to_string());
    for tampering in tamperings {
        match tampering.clone() {
            Tampering::Text(text) => {
                let at = Place {
                    table: "changelog_entries",
                    column: "content",
                    row: *entry.id.as_uuid(),
                };
                let scope = KeyScope::Subject(keeper.id, keeper.key.as_ref().unwrap());
                // As good as the hub seals it itself: the vault finds nothing wrong with it.
                changed_entry.content = MemoryVault::new(7).seal(scope, at, text.as_bytes()).unwrap();
                words = text;
            }
            Tampering::Version(version) => {
                changed_entry.decision.as_mut().unwrap().seen_version = version;
            }
            Tampering::Recipient => {
                changed.identity = other.id;
                changed.reporter = other.reporter;
            }
            Tampering::Channel(channel) => changed.channel = channel,
            Tampering::Thread(thread) => changed.thread = thread,
            Tampering::Mode(mode) => changed.mode = mode,
        }
    }
    let differs = terms(&changed_entry, &changed, &words) != terms(&entry, &approved, &text);
    let change = Change::new()
        .with(Write::UpdateChangelogEntry(Box::new(changed_entry)))
        .with(Write::UpdateNotification(Box::new(changed)));
    test.store.commit(change).await.unwrap();
    differs
}

async fn sends_after(channel: Channel, tamperings: &[Tampering]) -> Option<(usize, bool)> {
    let (test, _) = approved_on(channel, TestHub::new().await).await;
    let stranger = payloads::slack("1767225500.000100", "U0EVE", "nothing to do with it");
    let stranger = ticket_of(&test.receive(Channel::Slack, stranger).await);
    let stranger = test
        .store
        .identities(stored(&test, stranger).reporter)
        .await
        .unwrap()
        .remove(0);
    if !tamper(&test, tamperings, &stranger).await {
        return None;
    }
    test.run_due_jobs().await;
    let id = notification(&test).id;
    // Whoever asks for it: the job, and then a person who wants it tried again.
    let _ = test.hub.deliver.retry(id, test.reviewer.id).await;
    test.run_due_jobs().await;
    let calls = [&test.slack, &test.intercom, &test.whatsapp, &test.email].map(|sender| sender.calls());
    Some((calls.iter().sum(), notification(&test).status.has_arrived()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn f74_whatever_part_is_changed_and_into_whatever_nothing_is_sent(
        channel in select(vec![Channel::Slack, Channel::Intercom, Channel::WhatsApp]),
        tamperings in proptest::collection::vec(tamperings(), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let after = runtime.block_on(sends_after(channel, &tamperings));
        prop_assume!(after.is_some());
        prop_assert_eq!(after, Some((0, false)));
    }
}
