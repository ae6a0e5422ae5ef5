//! What the bot says to interactions.

use std::time::Duration;

use groundcrew::http::axum::http::Method;
use serde_json::{Value, json};

use super::calls::id;
use super::{Body, Call, Rest, RestError};
use crate::discord::interaction::Interaction;
use crate::discord::outgoing;
use crate::discord::reply::Reply;

/// Discord waits three seconds for the first word.
const FIRST_WORD: Duration = Duration::from_millis(2800);

// === impl Rest ===

impl Rest {
    /// The first word; what [`outgoing`] makes of it.
    pub(crate) async fn first_word(&self, interaction: &Interaction, word: &Value) -> Result<(), RestError> {
        let path = format!("/interactions/{}/{}/callback", id(&interaction.id), token(interaction));
        let call =
            Call::new(Method::POST, "POST /interactions/:id/:token/callback", &interaction.token.0, path)
                .without_token()
                .repeatable() // the second one is told that there was one
                .body(Body::Json(word.clone()))
                .within(FIRST_WORD);
        match self.send(call).await.map(drop) {
            Err(error) if error.code() == Some(40060) => Ok(()), // it is acknowledged already
            other => other,
        }
    }

    /// Puts this in the place of the first answer, whatever it was.
    pub(crate) async fn edit_answer(
        &self,
        interaction: &Interaction,
        reply: &Reply,
    ) -> Result<(), RestError> {
        let (application, token) = (id(&interaction.application_id), token(interaction));
        let path = format!("/webhooks/{application}/{token}/messages/@original");
        let template = "PATCH /webhooks/:id/:token/messages/@original";
        let call = Call::new(Method::PATCH, template, &interaction.token.0, path)
            .without_token()
            .body(Body::Files(outgoing::edit(reply), reply.files.clone()));
        self.send(call).await.map(drop)
    }

    /// Says something more.
    pub(crate) async fn say_more(&self, interaction: &Interaction, reply: &Reply) -> Result<(), RestError> {
        let path = format!("/webhooks/{}/{}", id(&interaction.application_id), token(interaction));
        let mut message = outgoing::message(reply);
        if reply.private {
            message["flags"] = json!(outgoing::EPHEMERAL);
        }
        let call = Call::new(Method::POST, "POST /webhooks/:id/:token", &interaction.token.0, path)
            .without_token()
            .body(Body::Files(message, reply.files.clone()));
        self.send(call).await.map(drop)
    }
}

/// A token as part of a path: Discord's hold nothing that would have to be written otherwise.
fn token(interaction: &Interaction) -> String {
    let safe = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '~');
    interaction.token.0.chars().filter(safe).collect()
}
