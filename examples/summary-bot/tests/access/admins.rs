//! Those in `sign_in.admins`.

use groundcrew_testkit_discord::Discord;
use serde_json::json;

use crate::sign_in::{cookies, sign_in, with};
use crate::stage::make_key;

const BEN: &str = "100000000000000002";

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_makes_keys_in_no_name_but_their_own() {
    let discord = Discord::start().await.expect("a local Discord");
    let guild = discord.guild("Ground crew").create();
    let ada = discord.member(guild, "ada").create();
    discord.sign_in_as(ada);
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
