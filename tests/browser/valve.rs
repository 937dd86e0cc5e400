//! From a report to the answer that its reporter reads.

use std::time::Duration;

use feedback_tests::{browser::Browser, wait::until};

use crate::reviewer::{
    assert_no_complaints, demo, demo_for, page_of, resolve, signed_in, ticket_from_slack, write_down,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_takes_a_report_all_the_way() {
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    until("the opening burst on the list", Duration::from_secs(30), || async {
        let channels = browser.text("#tickets").await;
        ["Slack", "Intercom", "WhatsApp"]
            .iter()
            .all(|channel| channels.contains(channel))
            .then_some(())
    })
    .await;

    let ticket = ticket_from_slack(&host).await;
    let path = format!("/tickets/{}", ticket["number"]);
    browser.click(&format!("#tickets a[href='{path}']")).await;
    assert_eq!(browser.path().await, path);
    browser.reads("#triage", "AI suggestion").await;
    browser.click("#triage button").await;
    browser.reads("#triage", "by You").await;
    browser.reads("#head", "Triaged").await;
    browser.reads("#valve", "A draft comes by itself").await;

    // Nobody touches the page from here on, until the draft is there.
    resolve(&host, &ticket).await;
    browser.reads("#valve", "Nothing is sent before you approve it.").await;
    browser.reads("#news", "Changed: Message to the reporter.").await;
    browser.reads("#timeline", "Message to the reporter drafted").await;

    let words = "Ya está resuelto: probalo otra vez. ¡Gracias por avisar!";
    browser.type_over("#valve textarea", words).await;
    browser.click("#valve button.primary").await;
    browser.reads("#valve", "Approved by You").await;
    browser.reads("#valve .deliveries", "Sent").await;
    browser.reads("#timeline", "Closed: the reporter was told").await;
    browser.open(&format!("{}/notifications", host.url)).await;
    browser.reads("#deliveries", &format!("#{}", ticket["number"])).await;
    assert_no_complaints(&browser).await;

    browser
        .open(host.outside.as_deref().expect("a demo has a sandbox"))
        .await;
    browser.reads("body", words).await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_types_outlives_what_happens_meanwhile() {
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    let ticket = ticket_from_slack(&host).await;
    browser.open(&page_of(&host, &ticket)).await;
    browser.click("#valve form button").await;
    browser.type_over("#valve textarea", "Half a sentence, and th").await;

    // A colleague saves another text meanwhile.
    let api = host.api();
    let id = ticket["id"].as_str().expect("an id");
    let edit = serde_json::json!({"version": 1, "content": "What the colleague wrote."});
    let path = format!("/api/tickets/{id}/update_changelog");
    let (status, body) = api.call(reqwest::Method::PATCH, &path, Some(&edit)).await;
    assert!(status.is_success(), "{status} {body}");
    browser
        .reads("#news", "Changed meanwhile: Message to the reporter.")
        .await;
    browser.reads("#timeline", "Draft edited").await;
    assert_eq!(value_of(&browser, "#valve textarea").await, "Half a sentence, and th");

    // It is not approved over the colleague's head, and still not lost.
    browser.click("#valve button.primary").await;
    browser.reads("main", "The draft changed since you opened it.").await;
    assert_eq!(value_of(&browser, "main textarea").await, "Half a sentence, and th");
    assert!(api.all(&format!("/api/notifications?ticket_id={id}")).await.is_empty());
    browser.click("main a.button").await;
    assert_eq!(value_of(&browser, "#valve textarea").await, "What the colleague wrote.");
    browser.quit().await;
}

async fn value_of(browser: &Browser, css: &str) -> String {
    let value = browser.element(css).await.value().await.expect("a field has a value");
    value.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_approve_at_once_one_is_told_that_the_other_was_faster() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("two.db").display().to_string();
    let (host, [rita, sam]) = demo_for(["Rita", "Sam"], &database).await;
    let (rita, sam) = tokio::join!(signed_in(&rita), signed_in(&sam));
    let ticket = ticket_from_slack(&host).await;
    let page = page_of(&host, &ticket);
    rita.open(&page).await;
    rita.click("#valve form button").await;
    rita.reads("#valve", "Version 1").await;
    sam.open(&page).await;

    tokio::join!(rita.click("#valve button.primary"), sam.click("#valve button.primary"));
    let told = until("an answer in both browsers", Duration::from_secs(30), || async {
        let (to_rita, to_sam) = (rita.text("main").await, sam.text("main").await);
        let sees_winner = |text: &str, name: &str| text.contains(&format!("Approved by {name}"));
        let lost_to = |text: &str, name: &str| text.contains(&format!("{name} has decided already: approved."));
        match () {
            () if lost_to(&to_rita, "Sam") && sees_winner(&to_sam, "Sam") => Some("Rita"),
            () if lost_to(&to_sam, "Rita") && sees_winner(&to_rita, "Rita") => Some("Sam"),
            () => None,
        }
    })
    .await;
    let api = host.api();
    let path = format!("/api/notifications?ticket_id={}", ticket["id"].as_str().expect("an id"));
    assert_eq!(
        api.all(&path).await.len(),
        1,
        "{told} was told, and the reporter hears it once"
    );
    tokio::join!(rita.quit(), sam.quit());
}

#[tokio::test(flavor = "multi_thread")]
async fn f86_hostile_words_of_a_customer_are_words_and_nothing_else() {
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    let words = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    let ticket = write_down(&host, words, "<b onclick=alert(1)>Eve</b>").await;
    for page in ["/tickets".to_owned(), format!("/tickets/{}", ticket["number"])] {
        browser.open(&format!("{}{page}", host.url)).await;
        browser.reads("main", words).await;
        browser.reads("main", "<b onclick=alert(1)>Eve</b>").await;
        assert_eq!(
            browser
                .count("main script, main img, main b, main [onclick], main [onerror]")
                .await,
            0,
            "{page}"
        );
        // What the script refreshes goes the same way.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(browser.count("main script, main img, main b").await, 0, "{page}");
        let title = browser.run("return document.title", Vec::new()).await;
        assert_ne!(title, "owned", "{page}");
    }
    assert_no_complaints(&browser).await;
    browser.quit().await;
}
