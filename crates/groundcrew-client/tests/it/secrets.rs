use std::time::Duration;

use groundcrew_client::ClientError;
use groundcrew_config::Secret;
use groundcrew_testkit::proxy::{FaultProxy, Mode};

use crate::support::{Server, bounded, client, crew, quick, quick_but};

/// The trap: the library's errors show the whole URL, and that of a webhook is a secret.
#[tokio::test]
async fn no_error_shows_a_path_a_query_a_password_or_a_token() {
    bounded(async {
        let server = Server::answering(|_, _| std::future::pending()).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        let client = client(&quick_but(|config| config.max_retries = 0));
        let guarded = quick().named("guarded").public_only().build(&crew()).unwrap();
        let secret = Secret::new("hunter2".to_owned());
        let url = format!("http://hunter2:hunter2@{}/hunter2?key=hunter2#hunter2", proxy.addr());
        let errors = async |expected: fn(&ClientError) -> bool| {
            let request = client.post(&url).bearer(&secret).body("hunter2");
            assert!(!format!("{request:?}").contains("hunter2"));
            let error = request.send().await.unwrap_err();
            assert!(expected(&error), "{error}");
            error
        };
        let mut all = vec![
            errors(ClientError::is_timeout).await,
            client.get("http://hunter2:hun ter2@[/").send().await.unwrap_err(),
            client.get("hunter2://x/").send().await.unwrap_err(),
            guarded.get(&url).send().await.unwrap_err(),
            client.get(&url).header("x", "hunter2\n").send().await.unwrap_err(),
            client.get(&url).bearer(&Secret::new("hunter2\n".into())).send().await.unwrap_err(),
            client.get("http://no-such-host.invalid/hunter2").send().await.unwrap_err(),
        ];
        proxy.set(Mode::Refuse).await;
        all.push(errors(|error| matches!(error, ClientError::Connect { .. })).await);
        proxy.set(Mode::Cut).await;
        all.push(errors(|_| true).await);
        for error in all {
            assert!(!format!("{error} {error:?} {error:#?}").contains("hunter2"), "{error:?}");
        }

        // Control: what the bare library says.
        let bare = reqwest::Client::builder().timeout(Duration::from_millis(100)).build().unwrap();
        let error = bare.get(&url).send().await.unwrap_err();
        assert!(error.to_string().contains("key=hunter2"), "{error}");
    })
    .await;
}
