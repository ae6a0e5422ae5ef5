//! Tells Discord about the commands, when they are others than it was told before.

use sha2::{Digest as _, Sha256};

use super::front::Front;
use super::rest::RestError;

/// Why Discord was not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum RegisterError {
    #[error("the commands are not registered")]
    Discord(#[from] RestError),
    #[error("it is not known which commands are registered")]
    Database(#[from] sqlx::Error),
}

/// Registers the commands, unless they are the ones that are registered.
pub(super) async fn register(front: &Front) -> Result<(), RegisterError> {
    let definitions = front.commands.definitions();
    let application = match &front.config.application_id {
        Some(id) => id.clone(),
        None => front.rest.application().await?.id,
    };
    let guild = front.config.register_in.as_deref();
    let about = format!("commands of {application} in {}", guild.unwrap_or("all servers"));
    let fingerprint = fingerprint(&serde_json::to_string(&definitions).unwrap_or_default());
    if front.store.told(&about).await?.as_ref() == Some(&fingerprint) {
        return Ok(());
    }
    front.rest.register(&application, guild, &definitions).await?;
    front.store.tell(&about, &fingerprint).await?;
    tracing::info!(discord.commands = definitions.len(), "Discord knows the commands");
    Ok(())
}

fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
