//! From the rows to the stream: publishes what is due, and again what still waits long after.

use std::{convert::Infallible, time::Duration};

use async_nats::jetstream::message::PublishMessage;
use feedback_core::{
    domain::Queue,
    ports::{Clock, Outbox, Publication, PublishRequest},
};
use futures::future::try_join_all;
use tokio::{sync::RwLock, time::sleep};

use crate::{
    LinkError, NatsConfig,
    link::{Link, subject},
};

/// How often jobs are looked for whose time has come.
const TICK: Duration = Duration::from_secs(1);
/// The pause while a queue has no room in the stream.
const FULL: Duration = Duration::from_millis(50);
/// Jobs of one queue that are published together.
const TOGETHER: usize = 256;

/// Publishes until the link fails. What was taken from the rows and not confirmed stays in `unconfirmed`, to be published
/// under the same ids over the next link: where it had arrived, the server drops the second.
pub(crate) async fn run(
    link: &Link,
    (outbox, marking): (&dyn Outbox, &RwLock<()>),
    clock: &dyn Clock,
    config: &NatsConfig,
    unconfirmed: &mut Vec<Publication>,
    published: impl Fn(usize),
) -> Result<Infallible, LinkError> {
    loop {
        publish(link, config, unconfirmed).await?;
        published(unconfirmed.len());
        unconfirmed.clear();
        let depths = link.depths().await?;
        let room = |queue: &Queue| depths.get(queue).is_none_or(|depth| *depth < config.room as u64);
        let queues: Vec<Queue> = Queue::ALL.into_iter().filter(room).collect();
        let is_full = queues.len() < Queue::ALL.len();
        let now = clock.now();
        let request = PublishRequest {
            queues,
            limit: TOGETHER.min(config.room),
            published_before: now.minus(config.publish_again_after),
            now,
        };
        let taken = {
            let _mark = marking.write().await;
            outbox.take_unpublished(request).await
        };
        match taken {
            Ok(taken) => *unconfirmed = taken,
            // Whoever works on the rows says so.
            Err(error) => tracing::debug!(%error, "could not take jobs to publish"),
        }
        if !unconfirmed.is_empty() {
            continue;
        }
        if is_full {
            sleep(FULL).await;
        } else {
            outbox.wait_for_unpublished(TICK).await;
        }
    }
}

/// Returns once the server has stored all of them.
async fn publish(link: &Link, config: &NatsConfig, publications: &[Publication]) -> Result<(), LinkError> {
    let failed = |error: async_nats::jetstream::context::PublishError| LinkError::new("publish a job", error.kind());
    let mut stored = Vec::with_capacity(publications.len());
    for publication in publications {
        let message = PublishMessage::build()
            .payload(publication.job.as_uuid().to_string().into())
            .message_id(message_id(publication));
        let subject = subject(&config.stream, publication.queue);
        let sent = link.context.send_publish(subject, message).await.map_err(failed)?;
        stored.push(sent.into_future());
    }
    try_join_all(stored).await.map_err(failed)?;
    Ok(())
}

/// One for each publication of a job: a try that follows another is no repetition of it, and neither is a sweep.
fn message_id(publication: &Publication) -> String {
    format!(
        "{}.{}.{}",
        publication.job.as_uuid(),
        publication.attempts,
        publication.published_at.unix_micros()
    )
}
