//! Suggests type and priority.

use async_trait::async_trait;
use feedback_core::ports::{PortError, Triage, TriageReading, TriageRequest};

use crate::{OpenAi, mapping, prompt};

#[async_trait]
impl Triage for OpenAi {
    #[tracing::instrument(name = "openai.triage", skip_all)]
    async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError> {
        let prompt = prompt::triage(request);
        self.ask("openai.triage", &prompt, |completion| {
            let (object, made_by) = mapping::object(completion, &self.config.model, prompt::TRIAGE_VERSION)?;
            let (ticket_type, priority, summary) = mapping::triage(&object)?;
            Ok(TriageReading {
                ticket_type,
                priority,
                summary,
                made_by,
            })
        })
        .await
    }
}
