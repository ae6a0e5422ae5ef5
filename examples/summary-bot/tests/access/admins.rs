//! Those in `sign_in.admins`.

use groundcrew_testkit_discord::{Discord, Snowflake};
use serde_json::json;

use crate::service::{self, Bot};
use crate::sign_in::{cookies, lead, refresh, sign_in, tokens, with};
use crate::stage::{ask, browse, closed, key, make_key};

const BEN: &str = "100000000000000002";

/// Somebody in the server who signs in.
async fn ada() -> (Discord, Snowflake) {
    let discord = Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    let ada = discord.member(guild, "ada").create();
    discord.sign_in_as(ada);
    (discord, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_keys_in_no_name_but_their_own() {
    let (discord, ada) = ada().await;
    let bot = with(&discord, &[], |config| config.sign_in.admins = vec![ada.to_string()]).await;
    let cookie = cookies(&sign_in(&bot).0);
    for subject in [BEN, "reports"] {
        let wanted = json!({"name": "x", "scopes": ["summaries:read"], "subject": subject});
        let refused = make_key(&bot, &cookie, &wanted);
        assert_eq!((refused.status, refused.code().as_str()), (403, "FORBIDDEN"), "{subject}");
        assert!(refused.body.contains("summary-bot keys create NAME --subject"), "{}", refused.body);
    }
    // The control: their own, with all that they may.
    let own = make_key(&bot, &cookie, &json!({"name": "x", "scopes": ["*"], "subject": ada.to_string()}));
    assert_eq!((own.status, &own.json()["subject"]), (201, &json!(ada.to_string())), "{}", own.body);
    bot.land().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_out_of_the_list_is_no_admin_any_more_however_they_come() {
    let (discord, ada) = ada().await;
    let bot = with(&discord, &[], |config| config.sign_in.admins = vec![ada.to_string()]).await;
    let cookie = cookies(&sign_in(&bot).0);
    let made = make_key(&bot, &cookie, &json!({"name": "x", "scopes": ["*"]})).json();
    let of_ada = format!("Bearer {}", made["secret"].as_str().expect("a secret"));
    let program = key(&bot, "the backup", "*").await;
    // What the operator gives somebody on the command line counts no more than what they had themselves.
    let given = key(&bot, BEN, "*").await;
    let seen = |bot: &Bot| {
        let answers = [browse(bot, "GET", "/api/v1/keys", &cookie)].into_iter();
        let answers = answers
            .chain([&of_ada, &given, &program].map(|bearer| ask(bot, "GET", "/api/v1/keys", bearer, "")));
        answers.map(|answer| answer.json()["items"].as_array().map(Vec::len)).collect::<Vec<_>>()
    };
    assert_eq!(seen(&bot), [Some(3), Some(3), Some(1), Some(3)]);
    let folder = bot.land().await;

    let mut config = service::config(&folder.path().join("bot.db"));
    lead(&mut config, &discord);
    let bot = Bot::start(config).await;
    assert_eq!(seen(&bot), [Some(1), Some(1), Some(1), Some(3)]);
    bot.land().await;
}

/// Other services, which verify them by our keys, know no list.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_tokens_of_who_is_no_admin_any_more_do_not_say_so() {
    let (discord, ada) = ada().await;
    let bot = with(&discord, &[], |config| {
        closed(config);
        config.sign_in.tokens = true;
        config.sign_in.admins = vec![ada.to_string()];
    })
    .await;
    let cookie = cookies(&sign_in(&bot).0);
    let pair = tokens(&bot, &cookie, &json!({})).json();
    assert_eq!(pair["scopes"], json!(["*"]));
    let folder = bot.land().await;

    let mut config = service::config(&folder.path().join("bot.db"));
    lead(&mut config, &discord);
    closed(&mut config);
    config.sign_in.tokens = true;
    let bot = Bot::start(config).await;
    let next = refresh(&bot, &pair["refresh_token"]);
    assert_eq!(next.status, 200, "{}", next.body);
    let scopes = next.json()["scopes"].as_array().cloned().expect("scopes");
    assert!(scopes.contains(&json!("keys:read")) && !scopes.contains(&json!("*")), "{scopes:?}");
    bot.land().await;
}
