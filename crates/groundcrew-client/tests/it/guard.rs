use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::IntoResponse;
use groundcrew_client::{Client, ClientConfig, ClientError, Refusal, Resolving, is_public};

use crate::support::{Server, bounded, crew, listen, quick, quick_but, run_apart};

fn guarded(config: &ClientConfig) -> groundcrew_client::Builder {
    config.named("webhooks").public_only()
}

/// A name that leads outside when it is asked for the first time, and inside ever after.
fn rebinding() -> impl Fn(String) -> Resolving + Clone + Send + Sync + 'static {
    let asked = Arc::new(AtomicUsize::new(0));
    move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        let address: IpAddr = if first { [93, 184, 216, 34].into() } else { [127, 0, 0, 1].into() };
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// Field note: SSRF, check in the resolver that connects.
#[tokio::test]
async fn a_name_that_changes_its_mind_after_the_check_gains_nothing() {
    bounded(async {
        let inside = Server::saying(200, &[]).await;
        let url = format!("http://rebinding.example:{}/", inside.addr.port());

        // Control, the trap: look the name up, find it public, then call it.
        let resolver = rebinding();
        let checked = resolver("rebinding.example".into()).await.unwrap();
        assert!(checked.iter().all(|address| is_public(*address)));
        let naive = quick().named("naive").resolver(resolver).build(&crew()).unwrap();
        assert_eq!(naive.get(&url).send().await.unwrap().status(), 200);
        assert_eq!(inside.hits(), 1, "the naive check was walked around");

        let resolver = rebinding();
        resolver("rebinding.example".into()).await.unwrap();
        let client = guarded(&quick()).allow_http().resolver(resolver).build(&crew()).unwrap();
        let error = client.get(&url).send().await.unwrap_err();
        let ClientError::Blocked { refusal, .. } = &error else { panic!("{error}") };
        assert_eq!(*refusal, Refusal::Private([127, 0, 0, 1].into()));
        assert_eq!(inside.hits(), 1);
        assert!(!error.is_passing(), "and it is not tried again");
    })
    .await;
}

#[tokio::test]
async fn the_systems_names_for_this_machine_are_refused() {
    bounded(async {
        let inside = Server::saying(200, &[]).await;
        let client = guarded(&quick()).allow_http().build(&crew()).unwrap();
        for host in ["localhost", "LOCALHOST.", "localhost."] {
            let url = format!("http://{host}:{}/", inside.addr.port());
            let error = client.get(&url).send().await.unwrap_err();
            // Some systems do not know the name with the dot.
            assert!(matches!(error, ClientError::Blocked { .. } | ClientError::Connect { .. }), "{error}");
        }
        assert_eq!(inside.hits(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_address_is_refused_in_any_notation_before_anything_is_sent() {
    bounded(async {
        let inside = Server::saying(200, &[]).await;
        let port = inside.addr.port();
        let client = guarded(&quick()).allow_http().build(&crew()).unwrap();
        let unguarded = quick().named("unguarded").build(&crew()).unwrap();
        for host in
            ["127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0x7f.1", "[::ffff:127.0.0.1]"]
        {
            let url = format!("http://{host}:{port}/");
            let error = client.get(&url).send().await.unwrap_err();
            assert!(matches!(error, ClientError::Blocked { refusal: Refusal::Literal, .. }), "{error}");
            assert!(client.check_url(&url).is_err());
            assert_eq!(inside.hits(), 0);
        }
        // Control: each of the IPv4 notations does lead inside.
        for host in ["127.1", "2130706433", "0177.0.0.1", "0x7f000001"] {
            assert!(unguarded.get(format!("http://{host}:{port}/")).send().await.is_ok(), "{host}");
        }
        assert_eq!(inside.hits(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_redirect_inside_is_an_answer_and_nothing_more() {
    bounded(async {
        let inside = Server::saying(200, &[]).await;
        let to = inside.url("/latest/meta-data/");
        let outside = Server::answering(move |_, _| {
            let to = to.clone();
            async move { (axum::http::StatusCode::FOUND, [("location", to)]).into_response() }
        })
        .await;
        // The configuration allows redirects, the guard does not.
        let config = quick_but(|config| config.redirects = 5);
        let client = guarded(&config).allow_http().exempt(["127.0.0.1"]).build(&crew()).unwrap();
        let response = client.get(outside.url("/")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), inside.hits()), (302, 0));

        // By default nobody follows.
        let client = quick().named("usual").build(&crew()).unwrap();
        assert_eq!(client.get(outside.url("/")).send().await.unwrap().status(), 302);

        // Control: who follows, ends inside.
        let client = config.named("following").build(&crew()).unwrap();
        assert_eq!(client.get(outside.url("/")).send().await.unwrap().status(), 200);
        assert_eq!(inside.hits(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_exempt_host_is_called_wherever_it_leads() {
    bounded(async {
        let inside = Server::saying(200, &[]).await;
        let leads_inside = |_| -> Resolving { Box::pin(async { Ok(vec![[127, 0, 0, 1].into()]) }) };
        let client = guarded(&quick())
            .only_ports([443])
            .exempt(["Hooks.Internal.Example"])
            .resolver(leads_inside)
            .build(&crew())
            .unwrap();
        let url = |host| format!("http://{host}:{}/", inside.addr.port());
        assert!(client.get(url("hooks.internal.example")).send().await.is_ok());
        let error = client.get(url("other.example")).send().await.unwrap_err();
        assert!(matches!(error, ClientError::Blocked { refusal: Refusal::Scheme, .. }), "{error}");
        let error = client.get("https://other.example:22/").send().await.unwrap_err();
        assert!(matches!(error, ClientError::Blocked { refusal: Refusal::Port(22), .. }), "{error}");
    })
    .await;
}

/// A proxy from the environment would resolve the name by itself, behind the guard's back. The environment of a
/// process is its own, so this is tried in another one.
#[tokio::test]
async fn a_guarded_client_takes_no_proxy_from_the_environment() {
    bounded(async {
        let (listener, addr) = listen().await;
        let knocked = tokio::spawn(async move {
            let mut kinds = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut first = [0; 3];
                let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await;
                kinds.push(first);
                if &first == b"GET" {
                    break;
                }
            }
            kinds
        });
        let proxy = || format!("http://{addr}");
        let variables = vec![("HTTP_PROXY", proxy()), ("http_proxy", proxy()), ("NO_PROXY", String::new())];
        run_apart("guard::in_a_process_with_a_proxy", variables).await;
        // The guarded `POST` never came; the other client's `GET` did.
        assert_eq!(knocked.await.unwrap(), [*b"GET"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn in_a_process_with_a_proxy() {
    let config = quick_but(|config| config.max_retries = 0);
    let nowhere = |_| -> Resolving { Box::pin(async { Err(std::io::Error::other("no such name")) }) };
    let call = |client: Client, method| async move {
        client.request(method, "http://hooks.example/").send().await.unwrap_err()
    };
    let client = guarded(&config).allow_http().resolver(nowhere).build(&crew()).unwrap();
    let error = call(client, groundcrew_client::Method::POST).await;
    assert!(error.to_string().contains("no such name"), "{error}");
    let client = config.named("usual").resolver(nowhere).build(&crew()).unwrap();
    let error = call(client, groundcrew_client::Method::GET).await;
    assert!(!error.to_string().contains("no such name"), "{error}");
}
