//! Drafts what the reporter is told.

use async_trait::async_trait;
use feedback_core::ports::{ChangelogWriter, Draft, DraftRequest, PortError};

use crate::{OpenAi, mapping, prompt};

#[async_trait]
impl ChangelogWriter for OpenAi {
    #[tracing::instrument(name = "openai.draft", skip_all)]
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
        let prompt = prompt::changelog(request);
        let given = format!("{} {} {}", request.title, request.description, request.resolution_notes);
        self.ask("openai.draft", &prompt, |completion| {
            let (object, made_by) = mapping::object(completion, &self.config.model, prompt::CHANGELOG_VERSION)?;
            let text = mapping::draft(&object, &given, &self.config.link_hosts)?;
            Ok(Draft { text, made_by })
        })
        .await
    }
}
