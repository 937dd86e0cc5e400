//! Headless Chromium, driven as a person would use it.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::{
    BrowserLogEntry, By, ChromiumLikeCapabilities, DesiredCapabilities, Key, LoggingPrefsLogLevel, WebDriver,
    WebElement,
    error::{WebDriverError, WebDriverErrorInner},
};
use tokio::process::{Child, Command};

use crate::{host::free_address, wait::until};

/// How long a page may take to show what it should.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing of the machine's own, and nothing over the network but what a test asks for.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,900",
];

/// One person's browser, with a profile of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    // In this order: the driver ends before its folder goes.
    chromedriver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver and Chromium on free ports.
    ///
    /// # Panics
    /// If either is missing or does not start: `tests/run` installs them.
    pub async fn start() -> Self {
        // Installed once for the process; a second call only says that it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let port = free_address().port();
        let chromedriver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .arg("--log-level=SEVERE")
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver can be run: `tests/run` installs it");
        let driver = until("chromedriver and Chromium to start", PATIENCE, || async {
            let capabilities = capabilities(profile.path()).expect("flags are text");
            WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities)
                .await
                .ok()
        })
        .await;
        Self {
            driver,
            chromedriver,
            _profile: profile,
        }
    }

    /// Ends the browser, and then its driver.
    ///
    /// # Panics
    /// If they do not end when asked: something would be left running.
    pub async fn quit(self) {
        let Self {
            driver,
            mut chromedriver,
            _profile,
        } = self;
        driver.quit().await.expect("a browser ends when asked");
        chromedriver.kill().await.expect("a driver can be ended");
    }

    /// Opens an address.
    ///
    /// # Panics
    /// If the browser cannot.
    pub async fn open(&self, url: &str) {
        self.driver
            .goto(url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Makes the window as wide and as high as this, in CSS pixels.
    ///
    /// # Panics
    /// If the browser does not obey.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver
            .set_window_rect(0, 0, width, height)
            .await
            .expect("a window can be resized");
    }

    /// The path and query of the page that is shown.
    ///
    /// # Panics
    /// If the browser cannot tell.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.expect("a browser knows its address");
        url[url::Position::BeforePath..].to_owned()
    }

    /// The element that a selector finds, as soon as it is there.
    ///
    /// # Panics
    /// If it does not appear.
    pub async fn element(&self, css: &str) -> WebElement {
        until(&format!("{css} on {}", self.path().await), PATIENCE, || async {
            self.driver.find(By::Css(css)).await.ok()
        })
        .await
    }

    /// How many elements a selector finds now.
    ///
    /// # Panics
    /// If the browser cannot tell.
    pub async fn count(&self, css: &str) -> usize {
        self.driver
            .find_all(By::Css(css))
            .await
            .expect("a selector is valid")
            .len()
    }

    /// What a person reads in an element now.
    ///
    /// # Panics
    /// If the element is not there.
    pub async fn text(&self, css: &str) -> String {
        // The page may replace the element between finding and reading it.
        until(&format!("text of {css}"), PATIENCE, || async {
            self.driver.find(By::Css(css)).await.ok()?.text().await.ok()
        })
        .await
    }

    /// Waits until an element reads so.
    ///
    /// # Panics
    /// If it never does; the message says what was read last.
    pub async fn reads(&self, css: &str, words: &str) {
        let wait = until("it", PATIENCE, || async {
            self.text(css).await.contains(words).then_some(())
        });
        if tokio::time::timeout(PATIENCE - Duration::from_secs(1), wait)
            .await
            .is_err()
        {
            panic!(
                "{css} on {} does not say {words:?} but {:?}",
                self.path().await,
                self.text(css).await
            );
        }
    }

    /// Clicks the element that a selector finds, as soon as it is there.
    ///
    /// # Panics
    /// If it cannot be clicked.
    pub async fn click(&self, css: &str) {
        until(&format!("{css} to be clicked"), PATIENCE, || async {
            match self.driver.find(By::Css(css)).await.ok()?.click().await {
                Ok(()) => Some(()),
                Err(error) if matches!(&*error, WebDriverErrorInner::StaleElementReference(_)) => None,
                Err(error) => panic!("{css}: {error}"),
            }
        })
        .await;
    }

    /// Empties a field and types into it.
    ///
    /// # Panics
    /// If it is no field.
    pub async fn type_over(&self, css: &str, words: &str) {
        let field = self.element(css).await;
        field.clear().await.expect("a field can be emptied");
        field.send_keys(words).await.expect("a field takes words");
    }

    /// Presses a key where the focus is.
    ///
    /// # Panics
    /// If the browser takes no keys.
    pub async fn press(&self, key: Key) {
        let keys = self.driver.action_chain().send_keys(key);
        keys.perform().await.expect("a browser takes keys");
    }

    /// What a script returns that runs in the page, outside of the page's own policy.
    ///
    /// # Panics
    /// If the script fails.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.driver.execute(script, arguments).await;
        answer
            .unwrap_or_else(|error| panic!("{script:.200}: {error}"))
            .json()
            .clone()
    }

    /// The same for a script that calls back: its last argument is the function to call.
    ///
    /// # Panics
    /// If the script fails.
    pub async fn run_async(&self, script: &str) -> Value {
        let answer = self.driver.execute_async(script, Vec::new()).await;
        answer
            .unwrap_or_else(|error| panic!("{script:.200}: {error}"))
            .json()
            .clone()
    }

    /// What the console and the network said since the last call: refused content, errors of scripts, failed requests.
    ///
    /// # Panics
    /// If the browser keeps no log.
    pub async fn complaints(&self) -> Vec<BrowserLogEntry> {
        self.driver
            .browser_log()
            .await
            .expect("the log was asked for at the start")
    }
}

fn capabilities(profile: &Path) -> Result<thirtyfour::ChromeCapabilities, WebDriverError> {
    let mut capabilities = DesiredCapabilities::chrome();
    for flag in FLAGS {
        capabilities.add_arg(flag)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(capabilities)
}
