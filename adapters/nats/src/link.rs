//! A connection, with the stream and its consumers in place: one for each queue, shared by all hosts.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{
    Event,
    jetstream::{
        Context, ContextBuilder,
        consumer::{AckPolicy, PullConsumer, pull},
        stream::{self, RetentionPolicy, StorageType},
    },
};
use feedback_core::domain::Queue;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::{LinkError, NatsConfig};

/// How long the server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// When a message that a host took and did not acknowledge goes to another. The host acknowledges once its claim is
/// committed, which takes a moment: from then on the job's lease carries the work.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// A message that old tells of nothing that was not published again.
const MAX_AGE: Duration = Duration::from_secs(3600);

pub(crate) struct Link {
    pub(crate) context: Context,
    pub(crate) consumers: Vec<(Queue, PullConsumer)>,
    pub(crate) lost: Arc<Notify>,
    stream: String,
}

/// The subject that tells of a queue's jobs.
pub(crate) fn subject(stream: &str, queue: Queue) -> String {
    format!("{stream}.{}", queue.as_str())
}

impl Link {
    /// Connects, and makes stream and consumers where they are missing. What an administrator made stays as it is.
    pub(crate) async fn open(config: &NatsConfig) -> Result<Self, LinkError> {
        let failed = |error: crate::ConfigError| LinkError::new("connect to NATS", error);
        let lost = Arc::new(Notify::new());
        let noticed = Arc::clone(&lost);
        let options = config.options().map_err(failed)?.event_callback(move |event| {
            let noticed = Arc::clone(&noticed);
            async move {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    noticed.notify_one();
                }
            }
        });
        let client = options.connect(config.servers().map_err(failed)?).await;
        let client = client.map_err(|error| LinkError::new("connect to NATS", error.kind()))?;
        let context = ContextBuilder::new()
            .timeout(ANSWER_LIMIT)
            .ack_timeout(ANSWER_LIMIT)
            .backpressure_on_inflight(true)
            .build(client);
        let wanted = stream::Config {
            name: config.stream.clone(),
            description: Some("Ids of the feedback hub's jobs that are due; the rows are in its database".to_owned()),
            subjects: vec![format!("{}.*", config.stream)],
            // A message is gone once a host has looked after it.
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            max_age: MAX_AGE,
            num_replicas: 1,
            ..stream::Config::default()
        };
        let made = context.get_or_create_stream(wanted).await;
        let made = made.map_err(|error| LinkError::new("make the stream", error.kind()))?;
        let mut consumers = Vec::with_capacity(Queue::ALL.len());
        for queue in Queue::ALL {
            let name = queue.as_str();
            let wanted = pull::Config {
                durable_name: Some(name.to_owned()),
                filter_subject: subject(&config.stream, queue),
                ack_policy: AckPolicy::Explicit,
                ack_wait: ACK_WAIT,
                max_ack_pending: -1,
                ..pull::Config::default()
            };
            let consumer = made.get_or_create_consumer(name, wanted).await;
            let consumer = consumer.map_err(|error| LinkError::new("make a consumer", error.kind()))?;
            consumers.push((queue, consumer));
        }
        Ok(Self {
            context,
            consumers,
            lost,
            stream: config.stream.clone(),
        })
    }

    /// How many messages the stream holds of each queue. An error also where there is no stream any more.
    pub(crate) async fn depths(&self) -> Result<HashMap<Queue, u64>, LinkError> {
        let asked = serde_json::json!({ "subjects_filter": format!("{}.*", self.stream) });
        let answer: StreamInfo = self
            .context
            .request(format!("STREAM.INFO.{}", self.stream), &asked)
            .await
            .map_err(|error| LinkError::new("ask for the stream", error.kind()))?;
        let Some(state) = answer.state else {
            return Err(LinkError::new("ask for the stream", "it is gone"));
        };
        let of = |queue: Queue| state.subjects.get(&subject(&self.stream, queue)).copied();
        Ok(Queue::ALL
            .into_iter()
            .map(|queue| (queue, of(queue).unwrap_or(0)))
            .collect())
    }
}

/// What is read of the server's answer; an error has no state.
#[derive(Deserialize)]
struct StreamInfo {
    state: Option<StreamState>,
}

#[derive(Deserialize)]
struct StreamState {
    #[serde(default)]
    subjects: HashMap<String, u64>,
}
