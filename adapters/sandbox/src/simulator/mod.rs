//! A story of reports: the same seed tells the same story, and only ids and times are of the day.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Deserialize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Person;

mod target;

pub use target::SimulatorTarget;

/// How lively the story is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SimulatorConfig {
    /// Reports in an hour, on average. At least one.
    pub rate_per_hour: u32,
    /// How many of a hundred are a further word on an earlier report.
    pub follow_ups_percent: u32,
    /// Who tells the story.
    pub people: Vec<Person>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            rate_per_hour: 20,
            follow_ups_percent: 15,
            people: Person::demo_people(),
        }
    }
}

impl SimulatorConfig {
    /// With another number of reports in an hour.
    #[must_use]
    pub fn with_rate_per_hour(self, rate_per_hour: u32) -> Self {
        Self { rate_per_hour, ..self }
    }
}

/// How a report comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportChannel {
    /// A message in a Slack channel.
    SlackMessage,
    /// A Slack slash command.
    SlackCommand,
    /// Intercom's messenger.
    Intercom,
    /// WhatsApp.
    WhatsApp,
    /// A mail.
    Email,
}

impl ReportChannel {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SlackMessage,
        Self::SlackCommand,
        Self::Intercom,
        Self::WhatsApp,
        Self::Email,
    ];
}

/// Someone says something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Its place in the story.
    pub index: u64,
    /// How it comes in.
    pub channel: ReportChannel,
    /// Who says it.
    pub person: Person,
    /// The words.
    pub text: String,
    /// `bug`, `feature_request`, `question` or `incident`, in its author's mind.
    pub kind: String,
    /// Reports on one topic are about one thing, in other words or another language.
    pub topic: String,
    /// `es-AR`, `es-MX`, `es-ES`, `es-CO` or `en`.
    pub locale: String,
    /// The place of the report that this one adds to.
    pub follows: Option<u64>,
}

/// One hand-written report.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    locale: String,
    kind: String,
    topic: String,
    text: String,
    #[serde(default)]
    follow_up: Option<String>,
}

/// How many reports wait for a further word.
const OPEN_REPORTS: usize = 24;

/// Tells the story, report by report; it never ends.
///
/// ```
/// use feedback_sandbox::{Simulator, SimulatorConfig};
///
/// let tell = || Simulator::new(7, SimulatorConfig::default()).take(20).collect::<Vec<_>>();
/// assert_eq!(tell(), tell());
/// ```
#[derive(Debug)]
pub struct Simulator {
    rng: StdRng,
    config: SimulatorConfig,
    lines: Vec<Line>,
    /// Lines that were not told since the last shuffle.
    deck: Vec<usize>,
    /// Told reports and the further word that is still to come.
    open: VecDeque<(Report, String)>,
    next_index: u64,
}

impl Simulator {
    /// A story that depends on the seed and on the people.
    pub fn new(seed: u64, config: SimulatorConfig) -> Self {
        let lines = serde_json::from_str(include_str!("reports.json"));
        Self {
            rng: StdRng::seed_from_u64(seed),
            config,
            lines: lines.expect("a test reads the same file, which is compiled in"),
            deck: Vec::new(),
            open: VecDeque::new(),
            next_index: 0,
        }
    }

    /// One report on each channel at once, so that a demo has something to show within seconds.
    pub fn opening_burst(&mut self) -> Vec<Report> {
        ReportChannel::ALL
            .into_iter()
            .map(|channel| self.new_report(channel))
            .collect()
    }

    /// Posts the opening burst and then the story to the hub's real endpoints, until stopped.
    ///
    /// A hub that is down holds up nothing: each report is repeated on its own, as its provider would.
    pub async fn run(mut self, target: SimulatorTarget, stop: CancellationToken) {
        let target = Arc::new(target);
        let tasks = TaskTracker::new();
        let post = |report: Report| {
            let (target, stop) = (Arc::clone(&target), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(target.post(&report)).await;
            });
        };
        self.opening_burst().into_iter().for_each(&post);
        for (pause, report) in self {
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
            post(report);
        }
        tasks.close();
        tasks.wait().await;
    }

    fn new_report(&mut self, channel: ReportChannel) -> Report {
        let line = self.draw();
        let report = Report {
            index: self.next_index,
            channel,
            person: self.person_for(&line.locale),
            text: line.text,
            kind: line.kind,
            topic: line.topic,
            locale: line.locale,
            follows: None,
        };
        self.next_index += 1;
        // A slash command has no thread that a further word could go to.
        if let Some(words) = line.follow_up.filter(|_| channel != ReportChannel::SlackCommand) {
            self.open.push_back((report.clone(), words));
            if self.open.len() > OPEN_REPORTS {
                self.open.pop_front();
            }
        }
        report
    }

    fn draw(&mut self) -> Line {
        if self.deck.is_empty() {
            self.deck = (0..self.lines.len()).collect();
            self.deck.shuffle(&mut self.rng);
        }
        let drawn = self.deck.pop().unwrap_or_default();
        self.lines[drawn].clone()
    }

    /// Someone who talks like that, or anyone if nobody does.
    fn person_for(&mut self, locale: &str) -> Person {
        let speakers: Vec<&Person> = self
            .config
            .people
            .iter()
            .filter(|person| person.locale == locale)
            .collect();
        let pool = if speakers.is_empty() {
            self.config.people.iter().collect()
        } else {
            speakers
        };
        if pool.is_empty() {
            return Person::demo_people().swap_remove(0);
        }
        pool[self.rng.random_range(0..pool.len())].clone()
    }

    /// The pauses of people who do not know of each other: exponential around the mean, within reason.
    fn pause(&mut self) -> Duration {
        let mean = 3_600.0 / f64::from(self.config.rate_per_hour.max(1));
        let share: f64 = self.rng.random_range(f64::EPSILON..1.0);
        Duration::from_secs_f64((-share.ln() * mean).clamp(mean / 20.0, mean * 4.0))
    }
}

impl Iterator for Simulator {
    type Item = (Duration, Report);

    fn next(&mut self) -> Option<Self::Item> {
        let pause = self.pause();
        let wants_follow_up = self.rng.random_range(0..100) < self.config.follow_ups_percent;
        if wants_follow_up && let Some((told, text)) = self.open.pop_front() {
            let report = Report {
                index: self.next_index,
                text,
                follows: Some(told.index),
                ..told
            };
            self.next_index += 1;
            return Some((pause, report));
        }
        // People write in the messenger and on the phone more often than they type commands.
        let channel = match self.rng.random_range(0..12) {
            0..4 => ReportChannel::WhatsApp,
            4..7 => ReportChannel::SlackMessage,
            7..9 => ReportChannel::Intercom,
            9..11 => ReportChannel::Email,
            _ => ReportChannel::SlackCommand,
        };
        Some((pause, self.new_report(channel)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    fn lines() -> Vec<Line> {
        serde_json::from_str(include_str!("reports.json")).unwrap()
    }

    #[test]
    fn the_reports_are_many_and_all_different() {
        let lines = lines();
        let texts: BTreeSet<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert!(texts.len() >= 60);
        assert_eq!(texts.len(), lines.len());
        for kind in ["bug", "feature_request", "question", "incident"] {
            assert!(lines.iter().filter(|line| line.kind == kind).count() >= 5, "{kind}");
        }
        let locales: BTreeSet<&str> = lines.iter().map(|line| line.locale.as_str()).collect();
        assert_eq!(locales, BTreeSet::from(["en", "es-AR", "es-CO", "es-ES", "es-MX"]));
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let tell = |seed| {
            let mut simulator = Simulator::new(seed, SimulatorConfig::default());
            let burst = simulator.opening_burst();
            (burst, simulator.take(200).collect::<Vec<_>>())
        };
        assert_eq!(tell(1), tell(1));
        assert_ne!(tell(1).1, tell(2).1);
    }

    #[test]
    fn the_burst_takes_each_channel_once() {
        let burst = Simulator::new(3, SimulatorConfig::default()).opening_burst();
        let channels: HashSet<ReportChannel> = burst.iter().map(|report| report.channel).collect();
        assert_eq!(channels.len(), 5);
        assert_eq!(burst.len(), 5);
    }

    #[test]
    fn every_report_is_told_before_any_is_repeated() {
        let config = SimulatorConfig {
            follow_ups_percent: 0,
            ..SimulatorConfig::default()
        };
        let count = lines().len();
        let texts: BTreeSet<String> = Simulator::new(5, config)
            .take(count)
            .map(|(_, report)| report.text)
            .collect();
        assert_eq!(texts.len(), count);
    }

    #[test]
    fn a_follow_up_names_an_earlier_report_of_the_same_person_and_channel() {
        let story: Vec<Report> = Simulator::new(11, SimulatorConfig::default())
            .take(300)
            .map(|(_, report)| report)
            .collect();
        let follow_ups: Vec<&Report> = story.iter().filter(|report| report.follows.is_some()).collect();
        assert!(follow_ups.len() > 5);
        for report in follow_ups {
            let told = story.iter().find(|told| Some(told.index) == report.follows).unwrap();
            assert!(told.index < report.index);
            assert_eq!((&told.person, told.channel), (&report.person, report.channel));
        }
    }

    #[test]
    fn the_rate_is_kept_on_average() {
        let config = SimulatorConfig::default().with_rate_per_hour(60);
        let total: Duration = Simulator::new(9, config).take(2_000).map(|(pause, _)| pause).sum();
        let mean = total.as_secs_f64() / 2_000.0;
        assert!((50.0..70.0).contains(&mean), "{mean}");
    }
}
