//! `webhook: {target: …, when: after_commit}` notifies another system after the command; `when: sync` asks it to do the
//! work.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    commands::{
        document::{DefinitionProblem, Located},
        inputs::InputDefinitions,
        step::{PrepareContext, PreparedStep, Step},
        step_output::StepOutput,
        template::{CallerSubject, UserSubject},
        value_or_input::unknown_input,
    },
    error::Error,
    executions::execution::RecordedInputs,
    localization::MultiLanguage,
    webhooks::WebhookRequest,
};

/// Calls another system.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The name of the target in the server's targets file.
    #[schemars(with = "String")]
    pub target: Located<String>,
    /// When to call the target.
    pub when: When,
    /// Inputs of the type secret to send, too. Only with `when: sync`, because other calls are stored until they are sent.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    secrets: Vec<Located<String>>,
}

/// When to call a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// After the effect of the command is stored. The server retries for about 18 hours until the target accepts the call.
    AfterCommit,
    /// Before anything is changed. The target's answer becomes the command's answer. Must be the first step.
    Sync,
}

/// The body of the webhook.
#[derive(Serialize)]
struct Payload<'a> {
    /// `command.run` asks the target to do the work; `command.succeeded` reports that the command succeeded.
    r#type: &'static str,
    /// Start of the execution.
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    execution: String,
    command: &'a str,
    user: &'a UserSubject<'a>,
    caller: &'a CallerSubject<'a>,
    action_result: &'static str,
    dry_run: bool,
    /// Without the secrets that the step does not name.
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<RecordedInputs>,
}

#[async_trait]
impl Step for Webhook {
    fn check(&self, inputs: &InputDefinitions) -> Vec<DefinitionProblem> {
        let is_stored = self.when == When::AfterCommit;
        let problem = |name: &Located<String>| {
            let text = match inputs.find(&name.value) {
                None => unknown_input(&name.value, inputs),
                Some(input) if !input.input_type.is_secret() => {
                    format!("`secrets` takes inputs of the type secret; `{}` is sent anyway", name.value)
                }
                Some(_) if is_stored => {
                    "`secrets` needs `when: sync`: other calls are stored in the database until they are sent"
                        .to_owned()
                }
                Some(_) => return None,
            };
            Some(DefinitionProblem { at: name.at, text })
        };
        self.secrets.iter().filter_map(problem).collect()
    }

    async fn prepare(&self, context: &PrepareContext<'_>) -> Result<PreparedStep, Error> {
        if context.request.dry_run {
            let text = MultiLanguage::resource("SR_WEBHOOK_NOT_CALLED", &[("target", &self.target.value)]);
            return Ok(PreparedStep::Output(StepOutput::public(text)));
        }
        let message = self.message(context)?;
        Ok(match self.when {
            When::AfterCommit => PreparedStep::Deliver(message),
            When::Sync => PreparedStep::Call(message),
        })
    }
}

impl Webhook {
    fn message(&self, context: &PrepareContext<'_>) -> Result<WebhookRequest, Error> {
        let PrepareContext { request, execution_id, started_at, timeout, .. } = *context;
        let payload = Payload {
            r#type: match self.when {
                When::AfterCommit => "command.succeeded",
                When::Sync => "command.run",
            },
            timestamp: started_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            data: Data {
                execution: execution_id.to_string(),
                command: &request.command_name,
                user: &context.variables.user,
                caller: &context.variables.caller,
                action_result: request.action_result.name(),
                dry_run: request.dry_run,
                inputs: context.inputs.sent(&self.secrets.iter().map(|name| name.value.as_str()).collect::<Vec<_>>()),
            },
        };
        Ok(WebhookRequest {
            // Without a full stop: the signed text separates the id with one.
            id: format!("{}_{}", execution_id.simple(), context.number),
            target: self.target.value.clone(),
            body: serde_json::to_string(&payload).map_err(Error::internal)?,
            timeout,
            trace: request.trace,
        })
    }
}
