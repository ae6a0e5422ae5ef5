//! `/forget-me`: takes whoever asks out of all that is stored.

use super::{Acknowledgement, Answering, Command, Definition, Front, Interaction, Reply, Task, invalid};
use crate::discord::access::Level;
use crate::discord::definition::Opt;
use crate::workshop::storage_problem;

/// `/forget-me`.
pub(super) struct Forget;

// === impl Forget ===

impl Command for Forget {
    fn name(&self) -> &'static str {
        "forget-me"
    }

    fn definition(&self) -> Option<Definition> {
        let sure = Opt::flag("sure", "Yes, in all servers, and it cannot be undone").required();
        let words =
            "Erase what I keep of you: words, name, requests, opinions, keys, webhooks, your schedules";
        Some(Definition::slash("forget-me", words).option(sure).also_in_private())
    }

    fn level(&self, _interaction: &Interaction) -> Level {
        // Nobody takes this from anybody.
        Level::None
    }

    fn acknowledge(&self, _interaction: &Interaction) -> Acknowledgement {
        Acknowledgement::Think { private: true }
    }

    fn run<'a>(&'a self, front: &'a Front, task: &'a Task) -> Answering<'a> {
        Box::pin(async move {
            if task.interaction.flag("sure") != Some(true) {
                return Err(invalid("nothing was erased: say that you are sure"));
            }
            let erased = front.caretaker.erase(&task.interaction.user.id).await;
            let erased = erased.map_err(|error| storage_problem(&error))?;
            tracing::info!(?erased, "somebody had themselves erased");
            let words = format!(
                "Done. Summaries that only you could read: {} deleted. Summaries that you are gone from: {}. Opinions \
                 deleted: {}. Keys, sessions and webhooks of yours: {} deleted. Schedules that read as \
                 you: {} deleted. What you write from now on can be summarised again; whoever runs this server can leave \
                 you out with `/config set excluded_users`.",
                erased.private_summaries_deleted,
                erased.summaries_changed,
                erased.opinions_deleted,
                erased.accounts_deleted + erased.webhooks_deleted,
                erased.schedules_deleted,
            );
            Ok(Reply::text(words).private().into())
        })
    }
}
