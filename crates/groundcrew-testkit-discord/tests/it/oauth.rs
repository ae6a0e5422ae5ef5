//! Signing in with Discord.

use crate::raw::{Scene, json_of};
use groundcrew_testkit::http::{self, Response};
use serde_json::json;

const CALLBACK: &str = "http://127.0.0.1:9/back";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn consent(scene: &Scene, more: &str) -> Response {
    let id = scene.discord.application_id();
    let path = format!(
        "/oauth2/authorize?response_type=code&client_id={id}&scope=identify%20guilds&state=s1\
         &redirect_uri={CALLBACK}&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
    );
    http::get(scene.addr(), &path).await.unwrap()
}

fn code(response: &Response) -> String {
    let location = response.header("location").unwrap();
    assert!(location.starts_with(CALLBACK) && location.ends_with("&state=s1"), "{location}");
    location.split(['=', '&']).nth(1).unwrap().to_owned()
}

async fn redeem(scene: &Scene, code: &str, verifier: &str, secret: &str) -> Response {
    let id = scene.discord.application_id();
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&client_id={id}\
         &client_secret={secret}&code_verifier={verifier}"
    );
    scene.send("POST", "/api/oauth2/token", "", "application/x-www-form-urlencoded", &form).await
}

#[tokio::test]
async fn who_agrees_comes_back_with_a_code_that_is_good_once() {
    let scene = Scene::new().await;
    scene.discord.sign_in_as(scene.ada);
    let code = code(&consent(&scene, "").await);
    let secret = scene.discord.client_secret();
    let tokens = json_of(&redeem(&scene, &code, VERIFIER, &secret).await);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let me = json_of(&scene.rest_as(&bearer, "GET", "/users/@me", None).await);
    assert_eq!((&me["id"], me.get("email")), (&json!(scene.ada), None));
    let guilds = json_of(&scene.rest_as(&bearer, "GET", "/users/@me/guilds", None).await);
    assert_eq!(guilds[0]["id"], json!(scene.guild));
    let again = redeem(&scene, &code, VERIFIER, &secret).await;
    assert_eq!((again.status, &json_of(&again)["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn servers_are_listed_in_pages() {
    let scene = Scene::new().await;
    let more = [(); 2].map(|()| scene.discord.guild("Ops").create());
    let page = async |query: String| {
        let page = json_of(&scene.rest("GET", &format!("/users/@me/guilds{query}"), None).await);
        page.as_array().unwrap().iter().map(|guild| guild["id"].clone()).collect::<Vec<_>>()
    };
    let [second, third] = more.map(|guild| json!(guild));
    assert_eq!(page(String::new()).await, [json!(scene.guild), second.clone(), third.clone()]);
    assert_eq!(page("?limit=2".to_owned()).await, [json!(scene.guild), second]);
    assert_eq!(page(format!("?limit=2&after={}", more[0])).await, [third]);
}

#[tokio::test]
async fn a_wrong_verifier_a_wrong_secret_and_a_refusal_give_nothing() {
    let scene = Scene::new().await;
    scene.discord.sign_in_as(scene.ada);
    let secret = scene.discord.client_secret();
    let wrong = redeem(&scene, &code(&consent(&scene, "").await), "wrong", &secret).await;
    assert_eq!(json_of(&wrong)["error"], "invalid_grant");
    let wrong = redeem(&scene, &code(&consent(&scene, "").await), VERIFIER, "wrong").await;
    assert_eq!((wrong.status, &json_of(&wrong)["error"]), (401, &json!("invalid_client")));
    scene.discord.refuse_sign_in();
    let refused = consent(&scene, "").await;
    assert!(refused.header("location").unwrap().contains("error=access_denied"));
}

#[tokio::test]
async fn nobody_is_redirected_to_a_place_that_was_not_agreed_on() {
    let scene = Scene::new().await;
    scene.discord.sign_in_as(scene.ada);
    let id = scene.discord.application_id();
    let path = format!(
        "/oauth2/authorize?response_type=code&client_id={id}&scope=identify&redirect_uri=https://evil.example/"
    );
    assert_eq!(http::get(scene.addr(), &path).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_renewed_token_replaces_the_old_pair_and_a_revoked_one_is_gone() {
    let scene = Scene::new().await;
    scene.discord.sign_in_as(scene.ada);
    let (id, secret) = (scene.discord.application_id(), scene.discord.client_secret());
    let code = code(&consent(&scene, "").await);
    let first = json_of(&redeem(&scene, &code, VERIFIER, &secret).await);
    let form = |rest: String| format!("client_id={id}&client_secret={secret}&{rest}");
    let post = |path: &'static str, body: String| async {
        let scene = &scene;
        let body = body;
        scene.send("POST", path, "", "application/x-www-form-urlencoded", &body).await
    };
    let refresh = first["refresh_token"].as_str().unwrap();
    let renewal = form(format!("grant_type=refresh_token&refresh_token={refresh}"));
    let second = json_of(&post("/api/oauth2/token", renewal.clone()).await);
    assert_eq!(post("/api/oauth2/token", renewal).await.status, 400);
    let ask = |token: &serde_json::Value| {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let scene = &scene;
        async move { scene.rest_as(&bearer, "GET", "/users/@me", None).await.status }
    };
    assert_eq!(ask(&first["access_token"]).await, 401);
    assert_eq!(ask(&second["access_token"]).await, 200);
    let token = second["access_token"].as_str().unwrap();
    post("/api/oauth2/token/revoke", form(format!("token={token}"))).await;
    assert_eq!(ask(&second["access_token"]).await, 401);
}

#[tokio::test]
async fn without_a_test_the_page_asks_who_it_is_to_be() {
    let scene = Scene::new().await;
    let page = consent(&scene, "").await;
    assert!(page.status == 200 && page.text().contains("ada"), "{}", page.text());
    let chosen = consent(&scene, &format!("&local_user={}", scene.ada)).await;
    assert_eq!(code(&chosen).len(), 30);
}
