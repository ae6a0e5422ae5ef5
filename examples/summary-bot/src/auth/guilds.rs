//! The servers that an account is in, as Discord lists them.

use groundcrew::client::{Client, ClientError};
use groundcrew::config::Secret;
use serde::Deserialize;

/// Discord's most on a page.
const PAGE: usize = 200;
/// So many pages are read, for as many servers as a bot may want: who signs in waits for them.
const PAGES: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Guild {
    pub(super) id: String,
    pub(super) name: String,
}

/// All servers that the bot with this token is in, in the order of their ids.
pub(super) async fn of_bot(
    client: &Client,
    api: &str,
    token: &Secret<String>,
) -> Result<Vec<Guild>, ClientError> {
    let token = Secret::new(format!("Bot {}", token.expose()));
    let mut guilds: Vec<Guild> = Vec::new();
    for _ in 0..PAGES {
        let after = guilds.last().map(|last| format!("&after={}", last.id)).unwrap_or_default();
        let url = format!("{api}/api/v10/users/@me/guilds?limit={PAGE}{after}");
        let response = client.get(&url).secret_header("authorization", &token).send().await?;
        let page: Vec<Guild> = response.error_for_status()?.json().await?;
        let is_last = page.len() < PAGE;
        guilds.extend(page);
        if is_last {
            return Ok(guilds);
        }
    }
    tracing::warn!(
        guilds = guilds.len(),
        "the bot is in more servers than are read when somebody signs in; name those whose members may in \
         sign_in.guilds"
    );
    Ok(guilds)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use groundcrew::Crew;
    use groundcrew::axum::extract::{Query, State};
    use groundcrew::axum::routing::get;
    use groundcrew::axum::{self, Json, Router};
    use groundcrew::client::ClientConfig;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;

    #[derive(Deserialize)]
    struct Page {
        limit: usize,
        #[serde(default)]
        after: u64,
    }

    /// A Discord with a bot in so many servers.
    #[derive(Clone)]
    struct Discord {
        servers: u64,
        asked: Arc<AtomicUsize>,
    }

    async fn page(State(discord): State<Discord>, Query(page): Query<Page>) -> Json<Vec<Value>> {
        discord.asked.fetch_add(1, Ordering::Relaxed);
        let ids = (page.after + 1..=discord.servers).take(page.limit.min(PAGE));
        Json(ids.map(|id| json!({"id": id.to_string(), "name": "a server"})).collect())
    }

    /// The ids of all servers that are found, and how often Discord was asked.
    async fn found(servers: u64) -> (Vec<String>, usize) {
        let discord = Discord { servers, asked: Arc::default() };
        let asked = discord.asked.clone();
        let routes = Router::new().route("/api/v10/users/@me/guilds", get(page)).with_state(discord);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let api = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        let crew = Crew::builder("summary-bot", "1.0.0").build();
        let client = ClientConfig::default().named("sign_in").build(&crew).expect("a client");
        let guilds = of_bot(&client, &api, &Secret::new("token".to_owned())).await.expect("servers");
        serving.abort();
        (guilds.into_iter().map(|guild| guild.id).collect(), asked.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_bot_in_more_servers_than_fit_on_a_page_is_known_to_be_in_all() {
        for (servers, pages) in [(0, 1), (199, 1), (200, 2), (450, 3)] {
            let (ids, asked) = found(servers).await;
            let expected: Vec<String> = (1..=servers).map(|id| id.to_string()).collect();
            assert_eq!((ids, asked), (expected, pages), "{servers}");
        }
    }

    #[tokio::test]
    async fn pages_without_end_are_not_read_without_end() {
        let (ids, asked) = found(u64::MAX).await;
        assert_eq!((ids.len(), asked), (PAGES * PAGE, PAGES));
    }
}
