//! Where schedules post.

use std::sync::Arc;

use super::atlas::Atlas;
use super::front::Front;
use super::reply::Reply;
use super::rest::{Rest, RestError};
use crate::Origin;
use crate::plans::{Looked, Poster, Posting, Undelivered};

/// Posts into Discord's channels.
pub(crate) struct Board {
    rest: Rest,
    atlas: Arc<Atlas>,
}

// === impl Board ===

impl Board {
    pub(crate) fn of(front: &Front) -> Self {
        Self { rest: front.rest.clone(), atlas: front.atlas.clone() }
    }
}

impl Poster for Board {
    fn post<'a>(&'a self, channel: &'a str, reply: &'a Reply, nonce: &'a str) -> Posting<'a> {
        Box::pin(async move {
            self.rest.post(channel, reply, nonce).await.map(drop).map_err(|error| undelivered(&error))
        })
    }

    fn less_open<'a>(&'a self, there: &'a str, origin: &'a Origin) -> Looked<'a> {
        Box::pin(async move {
            let Some(guild) = origin.guild_id.as_deref() else { return Ok(None) };
            let found = self.atlas.channel(guild, there).await.map_err(|error| undelivered(&error))?;
            // Another server has other readers, who may read nothing of this one.
            let elsewhere = || Undelivered::for_good("it is no channel of this server that I see");
            let there = found.ok_or_else(elsewhere)?;
            let closed = self.atlas.less_open(guild, &there, origin.sources().into_iter()).await;
            closed.map_err(|error| undelivered(&error))
        })
    }
}

fn undelivered(error: &RestError) -> Undelivered {
    let words = error.to_string();
    if error.is_passing() { Undelivered::for_now(words) } else { Undelivered::for_good(words) }
}
