//! Scripted AI: answers from rules until it is told otherwise, records what it was asked, fails on command.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    domain::{Language, ModelUse, Priority, Scrubbed, TicketType},
    ports::{
        ChangelogWriter, Draft, DraftRequest, Embedder, PortError, PortErrorKind, Triage, TriageReading, TriageRequest,
    },
    testing::conformance::ai::{AiHarness, AiUnderTest},
};

/// Answers that wait for their call, and calls that were made.
#[derive(Debug)]
struct Script<Asked, Answer> {
    state: Mutex<(VecDeque<Step<Answer>>, Vec<Asked>)>,
}

#[derive(Debug)]
enum Step<Answer> {
    Answer(Answer),
    Fail(PortErrorKind),
}

impl<Asked, Answer> Default for Script<Asked, Answer> {
    fn default() -> Self {
        Self {
            state: Mutex::new((VecDeque::new(), Vec::new())),
        }
    }
}

impl<Asked: Clone, Answer> Script<Asked, Answer> {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<Step<Answer>>, Vec<Asked>)> {
        // A check that panicked elsewhere leaves whole values behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn then(&self, step: Step<Answer>) {
        self.lock().0.push_back(step);
    }

    fn asked(&self) -> Vec<Asked> {
        self.lock().1.clone()
    }

    /// Records the call and gives the scripted answer, `None` where nothing is scripted.
    fn take(&self, asked: Asked, operation: &'static str) -> Result<Option<Answer>, PortError> {
        let mut state = self.lock();
        state.1.push(asked);
        match state.0.pop_front() {
            Some(Step::Fail(kind)) => Err(PortError::new(kind, operation).with_reason("scripted")),
            Some(Step::Answer(answer)) => Ok(Some(answer)),
            None => Ok(None),
        }
    }
}

fn scripted_model() -> ModelUse {
    ModelUse {
        model: "scripted".to_owned(),
        prompt_version: "1".to_owned(),
        input_tokens: 0,
        output_tokens: 0,
    }
}

/// A [`Triage`] for tests of a host or a use case. Unscripted calls repeat what the rules read.
///
/// ```
/// use feedback_core::{ports::PortErrorKind, testing::memory::ai::ScriptedTriage};
/// let triage = ScriptedTriage::default();
/// triage.then_fail(PortErrorKind::Unavailable); // the first call fails, the second answers
/// ```
#[derive(Debug, Default)]
pub struct ScriptedTriage(Script<TriageRequest, TriageReading>);

impl ScriptedTriage {
    /// The next unscripted call gives this reading.
    pub fn then_read(&self, ticket_type: TicketType, priority: Priority, summary: impl Into<String>) {
        let summary = summary.into();
        self.0.then(Step::Answer(TriageReading {
            ticket_type,
            priority,
            summary,
            made_by: scripted_model(),
        }));
    }

    /// The next unscripted call fails like this.
    pub fn then_fail(&self, kind: PortErrorKind) {
        self.0.then(Step::Fail(kind));
    }

    /// What was asked, oldest first.
    pub fn asked(&self) -> Vec<TriageRequest> {
        self.0.asked()
    }
}

#[async_trait]
impl Triage for ScriptedTriage {
    async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError> {
        let scripted = self.0.take(request.clone(), "scripted.triage")?;
        Ok(scripted.unwrap_or_else(|| TriageReading {
            ticket_type: request.inferred.ticket_type,
            priority: request.inferred.priority,
            summary: request.text.truncated(500).to_string(),
            made_by: scripted_model(),
        }))
    }
}

/// A [`ChangelogWriter`] for tests. Unscripted calls give a sentence that names the title.
#[derive(Debug, Default)]
pub struct ScriptedWriter(Script<DraftRequest, String>);

impl ScriptedWriter {
    /// The next unscripted call gives this text.
    pub fn then_write(&self, text: impl Into<String>) {
        self.0.then(Step::Answer(text.into()));
    }

    /// The next unscripted call fails like this.
    pub fn then_fail(&self, kind: PortErrorKind) {
        self.0.then(Step::Fail(kind));
    }

    /// What was asked, oldest first.
    pub fn asked(&self) -> Vec<DraftRequest> {
        self.0.asked()
    }
}

#[async_trait]
impl ChangelogWriter for ScriptedWriter {
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
        let scripted = self.0.take(request.clone(), "scripted.draft")?;
        let text = scripted.unwrap_or_else(|| {
            let title: String = request
                .title
                .as_str()
                .chars()
                .filter(|c| !matches!(c, '<' | '>'))
                .take(200)
                .collect();
            match request.language {
                Language::English => format!("What you told us is solved: {title}"),
                Language::Spanish => format!("Lo que nos contaste está resuelto: {title}"),
            }
        });
        Ok(Draft {
            text,
            made_by: scripted_model(),
        })
    }
}

/// Length of the vectors of [`ScriptedEmbedder`].
const DIMENSIONS: usize = 64;

/// An [`Embedder`] for tests: words as places in a vector, so that texts with the same words lie close.
#[derive(Debug, Default)]
pub struct ScriptedEmbedder(Script<Vec<Scrubbed>, ()>);

impl ScriptedEmbedder {
    /// The next unscripted call fails like this.
    pub fn then_fail(&self, kind: PortErrorKind) {
        self.0.then(Step::Fail(kind));
    }

    /// What was asked, oldest first.
    pub fn asked(&self) -> Vec<Vec<Scrubbed>> {
        self.0.asked()
    }
}

#[async_trait]
impl Embedder for ScriptedEmbedder {
    fn model(&self) -> &str {
        "scripted-words-1"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn threshold(&self) -> f32 {
        0.6
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        self.0.take(texts.to_vec(), "scripted.embed")?;
        Ok(texts.iter().map(|text| words_vector(text.as_str())).collect())
    }
}

fn words_vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let place = word
            .to_lowercase()
            .bytes()
            .fold(17_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        vector[place % DIMENSIONS] += 1.0;
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

/// The fakes as the AI suite wants them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScriptedAi;

#[async_trait]
impl AiHarness for ScriptedAi {
    async fn fresh(&self) -> AiUnderTest {
        AiUnderTest {
            triage: Arc::new(ScriptedTriage::default()),
            writer: Arc::new(ScriptedWriter::default()),
            embedder: Arc::new(ScriptedEmbedder::default()),
            provider: None,
            secrets: Vec::new(),
            guard: Box::new(()),
        }
    }

    fn has_provider(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::logic::infer::infer;

    fn request() -> TriageRequest {
        let text = Scrubbed::from_scrubber("La pantalla no abre".to_owned());
        TriageRequest {
            inferred: infer(text.as_str()),
            text,
            language: Some(Language::Spanish),
        }
    }

    #[tokio::test]
    async fn scripted_answers_come_in_order_and_then_the_rules_again() {
        let triage = ScriptedTriage::default();
        triage.then_fail(PortErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(2)),
        });
        triage.then_read(TicketType::Question, Priority::P4, "asks");
        assert!(triage.read(&request()).await.is_err());
        assert_eq!(triage.read(&request()).await.unwrap().summary, "asks");
        assert_eq!(
            triage.read(&request()).await.unwrap().ticket_type,
            request().inferred.ticket_type
        );
        assert_eq!(triage.asked().len(), 3);
    }

    #[tokio::test]
    async fn texts_with_the_same_words_lie_close() {
        let texts = ["login page down", "down: the login page", "invoice total wrong"];
        let texts = texts.map(|text| Scrubbed::from_scrubber(text.to_owned()));
        let vectors = ScriptedEmbedder::default().embed(&texts).await.unwrap();
        let cosine = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum::<f32>();
        assert!(cosine(0, 1) > 0.8 && cosine(0, 2) < 0.5);
    }
}
