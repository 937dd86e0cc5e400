use feedback_sandbox::{
    ChannelAccess, EmailScope, Sandbox, SandboxConfig, SlackAuthor, SlackChannel, webhooks::signature,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, eventually, hub::TestHub, read, request, sandbox};

const JSON_UTF8: &str = "application/json; charset=utf-8";

async fn call(sandbox: &Sandbox, method: &str, arguments: &Value) -> Value {
    let token = &sandbox.config().slack.bot_token;
    let url = format!("{}/{method}", sandbox.slack_base_url());
    let post = request(Method::POST, url, token)
        .header("content-type", JSON_UTF8)
        .body(arguments.to_string());
    let (status, body) = read(post.send().await.unwrap()).await;
    assert_eq!(status, 200, "Slack's errors are HTTP 200");
    body
}

async fn get(sandbox: &Sandbox, method: &str, query: &[(&str, &str)]) -> Value {
    let token = &sandbox.config().slack.bot_token;
    let get = request(Method::GET, format!("{}/{method}", sandbox.slack_base_url()), token).query(query);
    read(get.send().await.unwrap()).await.1
}

#[tokio::test]
async fn a_post_keeps_its_thread_and_marker() {
    let sandbox = sandbox().await;
    let (root, _) = sandbox
        .slack()
        .person_posts("U0LUCIAFERN", "C0SUPPORT", "la app < se cierra");
    let arguments = json!({
        "channel": "C0SUPPORT", "thread_ts": root.ts, "text": "Listo &amp; probado",
        "metadata": {"event_type": "hub_notification", "event_payload": {"attempt": "a-1"}},
    });
    let answer = call(&sandbox, "chat.postMessage", &arguments).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["channel"], "C0SUPPORT");
    assert_eq!(answer["message"]["thread_ts"], root.ts);
    assert_eq!(answer["message"]["bot_id"], sandbox.config().slack.bot_id);
    assert!(answer.get("warning").is_none());
    let ts = answer["ts"].as_str().unwrap();
    let (seconds, micros) = ts.split_once('.').unwrap();
    assert!(seconds.len() == 10 && micros.len() == 6, "{ts}");

    let posted = sandbox.slack().app_messages();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].thread_ts.as_deref(), Some(root.ts.as_str()));
    assert_eq!(posted[0].metadata.as_ref().unwrap()["event_payload"]["attempt"], "a-1");
    assert_eq!(sandbox.slack().thread("C0SUPPORT", &root.ts).len(), 2);
}

#[tokio::test]
async fn errors_come_with_status_200_and_a_code() {
    let sandbox = sandbox().await;
    let text = "x".repeat(13_000);
    let cases = [
        (json!({"channel": "C0NOWHERE", "text": "a"}), "channel_not_found"),
        (json!({"channel": "#soporte", "text": "a"}), "channel_not_found"),
        (json!({"text": "a"}), "channel_not_found"),
        (json!({"channel": "C0PRIVATE", "text": "a"}), "not_in_channel"),
        (json!({"channel": "C0ARCHIVE", "text": "a"}), "is_archived"),
        (json!({"channel": "U0NOBODY", "text": "a"}), "channel_not_found"),
        (json!({"channel": "C0SUPPORT"}), "no_text"),
        (json!({"channel": "C0SUPPORT", "text": "  "}), "no_text"),
        (
            json!({"channel": "C0SUPPORT", "text": "a", "markdown_text": "b"}),
            "markdown_text_conflict",
        ),
        (json!({"channel": "C0SUPPORT", "markdown_text": text}), "msg_too_long"),
        (
            json!({"channel": "C0SUPPORT", "text": "a", "blocks": vec![json!({}); 51]}),
            "invalid_blocks",
        ),
        (
            json!({"channel": "C0SUPPORT", "text": "a", "metadata": {"event_type": "x"}}),
            "invalid_metadata_format",
        ),
        (
            json!({"channel": "C0SUPPORT", "text": "a", "thread_ts": 1_767_225_600.123_459}),
            "invalid_arguments",
        ),
    ];
    for (arguments, code) in cases {
        let answer = call(&sandbox, "chat.postMessage", &arguments).await;
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(code)),
            "{arguments}"
        );
    }
    assert_eq!(
        call(&sandbox, "chat.explode", &json!({})).await["error"],
        "unknown_method"
    );
    assert!(sandbox.slack().messages().is_empty());
}

#[tokio::test]
async fn only_the_bot_token_opens_the_door() {
    let sandbox = sandbox().await;
    let url = format!("{}/auth.test", sandbox.slack_base_url());
    let (_, none) = read(client().post(&url).send().await.unwrap()).await;
    assert_eq!(none, json!({"ok": false, "error": "not_authed"}));
    let (_, wrong) = read(client().post(&url).bearer_auth("xoxb-wrong").send().await.unwrap()).await;
    assert_eq!(wrong, json!({"ok": false, "error": "invalid_auth"}));
    let right = get(&sandbox, "auth.test", &[]).await;
    assert_eq!(right["bot_id"], sandbox.config().slack.bot_id);
    assert_eq!(right["team_id"], sandbox.config().slack.team_id);
}

#[tokio::test]
async fn json_without_charset_is_taken_with_a_warning() {
    let sandbox = sandbox().await;
    let url = format!("{}/chat.postMessage", sandbox.slack_base_url());
    let body = json!({"channel": "C0SUPPORT", "text": "a"});
    let post = request(Method::POST, url, &sandbox.config().slack.bot_token).json(&body);
    let (_, answer) = read(post.send().await.unwrap()).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["response_metadata"]["warnings"], json!(["missing_charset"]));
}

#[tokio::test]
async fn an_unknown_thread_does_not_fail_but_shows() {
    let sandbox = sandbox().await;
    let arguments = json!({"channel": "C0SUPPORT", "thread_ts": "1700000000.000100", "text": "a"});
    let answer = call(&sandbox, "chat.postMessage", &arguments).await;
    assert_eq!(answer["ok"], true);
    assert!(answer["message"].get("thread_ts").is_none());
}

#[tokio::test]
async fn a_post_to_a_person_opens_a_direct_message() {
    let sandbox = sandbox().await;
    let answer = call(
        &sandbox,
        "chat.postMessage",
        &json!({"channel": "U0LUCIAFERN", "text": "hola"}),
    )
    .await;
    assert_eq!(answer["channel"], "D0LUCIAFERN");
    let opened = call(&sandbox, "conversations.open", &json!({"users": "U0LUCIAFERN"})).await;
    assert_eq!(opened["channel"]["id"], "D0LUCIAFERN");
    assert_eq!(opened["already_open"], true);
}

#[tokio::test]
async fn a_thread_is_read_back_in_pages_with_metadata_on_request() {
    let sandbox = sandbox().await;
    let (root, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "raíz");
    for number in 0..4 {
        let arguments = json!({
            "channel": "C0SUPPORT", "thread_ts": root.ts, "text": format!("respuesta {number}"),
            "metadata": {"event_type": "t", "event_payload": {"n": number}},
        });
        assert_eq!(call(&sandbox, "chat.postMessage", &arguments).await["ok"], true);
    }
    let mut texts = Vec::new();
    let mut cursor = String::new();
    loop {
        let query = [
            ("channel", "C0SUPPORT"),
            ("ts", root.ts.as_str()),
            ("limit", "2"),
            ("include_all_metadata", "true"),
            ("cursor", cursor.as_str()),
        ];
        let page = get(&sandbox, "conversations.replies", &query).await;
        for message in page["messages"].as_array().unwrap() {
            texts.push(message["text"].as_str().unwrap().to_owned());
            if message["text"] != "raíz" {
                assert!(message["metadata"]["event_payload"]["n"].is_number());
                assert_eq!(message["parent_user_id"], "U0LUCIAFERN");
            } else {
                assert_eq!(message["reply_count"], 4);
                assert_eq!(message["thread_ts"], message["ts"]);
            }
        }
        if page["has_more"] == false {
            break;
        }
        page["response_metadata"]["next_cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
    }
    assert_eq!(
        texts,
        ["raíz", "respuesta 0", "respuesta 1", "respuesta 2", "respuesta 3"]
    );

    let plain = get(
        &sandbox,
        "conversations.replies",
        &[("channel", "C0SUPPORT"), ("ts", &root.ts)],
    )
    .await;
    assert!(plain["messages"][1].get("metadata").is_none());
    let history = get(&sandbox, "conversations.history", &[("channel", "C0SUPPORT")]).await;
    assert_eq!(
        history["messages"].as_array().unwrap().len(),
        1,
        "replies are not in the channel"
    );
    let unknown = get(
        &sandbox,
        "conversations.replies",
        &[("channel", "C0SUPPORT"), ("ts", "1.000000")],
    )
    .await;
    assert_eq!(unknown["error"], "thread_not_found");
}

#[tokio::test]
async fn history_is_newest_first_and_bounded() {
    let sandbox = sandbox().await;
    let posts: Vec<String> = (0..3)
        .map(|n| {
            sandbox
                .slack()
                .person_posts("U0LUCIAFERN", "C0PRODUCT", &format!("m{n}"))
                .0
                .ts
        })
        .collect();
    let newest = get(
        &sandbox,
        "conversations.history",
        &[("channel", "C0PRODUCT"), ("limit", "2")],
    )
    .await;
    assert_eq!(newest["messages"][0]["text"], "m2");
    assert_eq!(newest["has_more"], true);
    let after_first = get(
        &sandbox,
        "conversations.history",
        &[("channel", "C0PRODUCT"), ("oldest", &posts[0])],
    )
    .await;
    assert_eq!(after_first["messages"].as_array().unwrap().len(), 2);
    let query = [
        ("channel", "C0PRODUCT"),
        ("oldest", posts[0].as_str()),
        ("inclusive", "true"),
    ];
    assert_eq!(
        get(&sandbox, "conversations.history", &query).await["messages"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let refused = get(&sandbox, "conversations.history", &[("channel", "C0PRIVATE")]).await;
    assert_eq!(refused["error"], "not_in_channel");
}

#[tokio::test]
async fn the_directory_shows_email_only_with_the_scope() {
    let sandbox = sandbox().await;
    let shown = get(&sandbox, "users.info", &[("user", "U0LUCIAFERN")]).await;
    assert_eq!(shown["user"]["profile"]["email"], "lucia.fernandez@tienda1.example");
    assert_eq!(shown["user"]["profile"]["display_name"], "");
    let found = get(
        &sandbox,
        "users.lookupByEmail",
        &[("email", "LUCIA.fernandez@tienda1.example")],
    )
    .await;
    assert_eq!(found["user"]["id"], "U0LUCIAFERN");
    assert_eq!(
        get(&sandbox, "users.info", &[("user", "U0X")]).await["error"],
        "user_not_found"
    );
    assert_eq!(
        get(&sandbox, "users.lookupByEmail", &[("email", "a@b.example")]).await["error"],
        "users_not_found"
    );

    let mut config = SandboxConfig::demo();
    config.slack.email_scope = EmailScope::Missing;
    let sandbox = Sandbox::start(config).await.unwrap();
    let shown = get(&sandbox, "users.info", &[("user", "U0LUCIAFERN")]).await;
    assert_eq!(shown["ok"], true);
    assert!(shown["user"]["profile"].get("email").is_none());
    let refused = get(&sandbox, "users.lookupByEmail", &[("email", "a@b.example")]).await;
    assert_eq!(
        (&refused["error"], &refused["needed"]),
        (&json!("missing_scope"), &json!("users:read.email"))
    );
}

#[tokio::test]
async fn a_response_url_takes_five_answers() {
    let sandbox = sandbox().await;
    let (command, _) = sandbox
        .slack()
        .person_commands("U0LUCIAFERN", "C0SUPPORT", "/feedback", "no imprime");
    for number in 0..6 {
        let kind = if number == 0 { "in_channel" } else { "ephemeral" };
        let body = json!({"response_type": kind, "text": format!("gracias {number}")});
        let response = client().post(&command.response_url).json(&body).send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        if number < 5 {
            assert_eq!((status, text.as_str()), (200, "ok"));
        } else {
            assert_eq!(status, 404);
            assert!(text.contains("used_url"));
        }
    }
    assert_eq!(sandbox.slack().answers().len(), 5);
    let public: Vec<_> = sandbox
        .slack()
        .messages()
        .into_iter()
        .filter(|m| m.author == SlackAuthor::ResponseUrl)
        .collect();
    assert_eq!(public.len(), 1);
    let unknown = format!("{}x", command.response_url);
    assert_eq!(
        client()
            .post(unknown)
            .json(&json!({"text": "a"}))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_response_url_expires_after_half_an_hour() {
    let sandbox = sandbox().await;
    let (command, _) = sandbox
        .slack()
        .person_commands("U0LUCIAFERN", "C0SUPPORT", "/feedback", "no imprime");
    sandbox.advance_clock(std::time::Duration::from_secs(31 * 60));
    let response = client()
        .post(&command.response_url)
        .json(&json!({"text": "tarde"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("expired_url"));
}

#[tokio::test]
async fn a_message_is_announced_signed_and_repeated_with_retry_headers() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    hub.answer(&[503]);
    sandbox.connect(&url);
    let (report, inbound) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "¿hola?");
    let delivery = sandbox.deliver(&inbound).await;
    assert!(delivery.is_accepted());
    assert_eq!(delivery.attempts, 2);
    let received = hub.received("/webhooks/slack");
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("x-slack-retry-num"), "");
    assert_eq!(received[1].header("x-slack-retry-num"), "1");
    assert_eq!(received[1].header("x-slack-retry-reason"), "http_error");
    assert_eq!(received[0].body, received[1].body);
    for webhook in received {
        let timestamp: i64 = webhook.header("x-slack-request-timestamp").parse().unwrap();
        let expected = signature::slack(&sandbox.config().slack.signing_secret, timestamp, &webhook.body);
        assert_eq!(webhook.header("x-slack-signature"), expected);
        assert_eq!(webhook.json()["event"]["ts"], report.ts);
    }
}

#[tokio::test]
async fn a_slash_command_is_not_repeated() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    hub.answer(&[503, 503]);
    sandbox.connect(&url);
    let (_, inbound) = sandbox
        .slack()
        .person_commands("U0LUCIAFERN", "C0SUPPORT", "/feedback", "x");
    assert_eq!(sandbox.deliver(&inbound).await.attempts, 1);
}

#[tokio::test]
async fn the_apps_own_posts_come_back_as_bot_messages() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    sandbox.connect(&url);
    call(
        &sandbox,
        "chat.postMessage",
        &json!({"channel": "C0SUPPORT", "text": "hola"}),
    )
    .await;
    eventually("the echo", || !hub.received("/webhooks/slack").is_empty()).await;
    let event = &hub.received("/webhooks/slack")[0].json()["event"];
    assert_eq!(event["bot_id"], sandbox.config().slack.bot_id);
    assert_eq!(event["user"], sandbox.config().slack.bot_user_id);
    assert!(event.get("subtype").is_none());
}

#[tokio::test]
async fn a_channel_can_change_while_the_hub_runs() {
    let sandbox = sandbox().await;
    let channel = SlackChannel {
        access: ChannelAccess::Archived,
        ..SlackChannel::joined("C0SUPPORT", "soporte")
    };
    sandbox.slack().put_channel(channel);
    let answer = call(
        &sandbox,
        "chat.postMessage",
        &json!({"channel": "C0SUPPORT", "text": "a"}),
    )
    .await;
    assert_eq!(answer["error"], "is_archived");
}
