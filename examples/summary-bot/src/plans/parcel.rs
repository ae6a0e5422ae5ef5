//! What is sent, as it is when its turn comes.

use groundcrew::jobs::JobError;

use super::mail::Mail;
use super::{Brief, Content, Post, Poster, Undelivered};
use crate::clerk::{Desk, not_stored};
use crate::discord::render;
use crate::discord::reply::Reply;
use crate::document::Document;
use crate::order::Origin;

/// What is sent.
pub(super) enum Parcel {
    Summary(Box<Document>),
    /// Something about a schedule, and what that schedule does.
    Notice {
        text: String,
        brief: Box<Brief>,
    },
}

// === impl Parcel ===

impl Parcel {
    /// `None` where the summary or the schedule is gone, or the schedule does not send there any more.
    pub(super) async fn of(post: &Post, desk: &Desk) -> Result<Option<Self>, JobError> {
        let current = desk.plans.current(post.plan).await?.map(|job| job.brief);
        let Some(brief) = current.filter(|brief| brief.destinations.contains(&post.destination)) else {
            return Ok(None);
        };
        match &post.content {
            Content::Summary(id) => {
                let Some(json) = desk.store.get(*id).await.map_err(not_stored)? else { return Ok(None) };
                let document = serde_json::from_str(&json).map_err(JobError::fail)?;
                Ok(Some(Self::Summary(Box::new(document))))
            }
            Content::Notice(text) => Ok(Some(Self::Notice { text: text.clone(), brief: Box::new(brief) })),
        }
    }

    pub(super) fn mail(&self, to: &str, id: String) -> Mail {
        match self {
            Self::Summary(document) => Mail::of(document, to, id),
            Self::Notice { text, .. } => Mail::notice(text, to, id),
        }
    }

    /// As messages for this channel: nothing that not all who read there may see.
    pub(super) async fn replies(
        &self,
        poster: &dyn Poster,
        channel: &str,
    ) -> Result<Vec<Reply>, Undelivered> {
        let origin = self.origin();
        if origin.sources().is_empty() {
            // Made before origins named all their channels.
            return Err(Undelivered::for_good("it is not known who can read all that it is about"));
        }
        match (self, poster.less_open(channel, &origin).await?) {
            (Self::Summary(document), None) => Ok(render::messages(document)),
            (Self::Summary(_), Some(source)) => {
                let words = format!("not everybody who reads it can read the channel {source}");
                Err(Undelivered::for_good(words))
            }
            (Self::Notice { text, .. }, None) => Ok(Reply::text(render::cut(text, render::CONTENT)).into()),
            // The reason may name what they do not see.
            (Self::Notice { brief, .. }, Some(_)) => {
                let name = brief.name.trim();
                Ok(Reply::text(format!("The schedule “{name}” is paused; `/schedule list` says why.")).into())
            }
        }
    }

    /// What it is about.
    fn origin(&self) -> Origin {
        match self {
            Self::Summary(document) => document.origin.clone(),
            Self::Notice { brief, .. } => Origin {
                guild_id: Some(brief.guild_id.clone()),
                channels: brief.channels.clone(),
                ..Origin::default()
            },
        }
    }
}
