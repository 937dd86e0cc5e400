//! Random histories: a store under test and the in-memory one are told the same, answer alike at every step, and hold
//! the same in the end. What the conformance suites check one promise at a time, this checks in any order.
//!
//! ```text
//! model::run(&MyHarness, Campaign { histories: 2_000, seed: 1 }).await;
//! claims::run(&MyHarness, Campaign { histories: 20, seed: 1 }).await;
//! ```

pub mod claims;
mod compare;
mod pair;
mod random;
mod steps;

use self::{pair::Pair, random::Random};
use super::conformance::custody::CustodyHarness;

/// How many histories, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// How many.
    pub histories: u64,
    /// Two campaigns of one seed are the same.
    pub seed: u64,
}

/// One step: what is done, and three numbers that choose to what.
type Step = [u8; 4];

/// Where the two stores parted.
#[derive(Debug)]
struct Difference(String);

const LONGEST: u64 = 60;

/// Runs a campaign.
///
/// # Panics
/// With the shortest history found where the store and the in-memory one differ.
pub async fn run<H: CustodyHarness>(harness: &H, campaign: Campaign) {
    let mut random = Random::new(campaign.seed);
    for number in 0..campaign.histories {
        let steps: Vec<Step> = (0..1 + random.below(LONGEST)).map(|_| random.bytes()).collect();
        if let Err(difference) = history(harness, &steps).await {
            let (steps, difference) = shorter(harness, steps, difference).await;
            panic!(
                "history {number} of seed {}: {}\nafter {} steps: {steps:?}",
                campaign.seed,
                difference.0,
                steps.len()
            );
        }
    }
}

async fn history<H: CustodyHarness>(harness: &H, steps: &[Step]) -> Result<(), Difference> {
    let fresh = harness.fresh().await;
    let mut pair = Pair::new(&*fresh.adapter);
    // A history without people would say little.
    for number in 0..3 {
        pair.step([0, number, number, 0]).await?;
    }
    for step in steps {
        pair.step(*step).await?;
    }
    pair.compare().await
}

/// Leaves out what the difference does not need: halves, quarters and at last single steps.
async fn shorter<H: CustodyHarness>(
    harness: &H,
    mut steps: Vec<Step>,
    mut difference: Difference,
) -> (Vec<Step>, Difference) {
    let mut piece = steps.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..steps.len().min(at + piece));
            match history(harness, &fewer).await {
                Err(found) => (steps, difference) = (fewer, found),
                Ok(()) => at += piece,
            }
        }
        piece /= 2;
    }
    (steps, difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{conformance::Fresh, memory::MemoryStore};

    struct Memory;

    impl CustodyHarness for Memory {
        type Adapter = MemoryStore;

        async fn fresh(&self) -> Fresh<MemoryStore> {
            Fresh::new(MemoryStore::new())
        }

        async fn files(&self, _: &MemoryStore) -> Vec<u8> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn histories_are_the_same_twice() {
        let campaign = Campaign { histories: 40, seed: 3 };
        run(&Memory, campaign).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn workers_break_no_promise_of_the_store_in_memory() {
        let campaign = Campaign { histories: 40, seed: 4 };
        claims::run(&Memory, campaign).await;
    }

    #[tokio::test]
    async fn a_store_that_forgets_is_told_by_the_fewest_steps() {
        // It refuses the first commit, with which every history begins.
        struct Forgetful;

        impl CustodyHarness for Forgetful {
            type Adapter = MemoryStore;

            async fn fresh(&self) -> Fresh<MemoryStore> {
                let store = MemoryStore::new();
                store.fail_next_commit(crate::ports::PortErrorKind::Unavailable);
                Fresh::new(store)
            }

            async fn files(&self, _: &MemoryStore) -> Vec<u8> {
                Vec::new()
            }
        }

        let steps = vec![[10, 1, 1, 1]; 7];
        let difference = history(&Forgetful, &steps).await.expect_err("a commit is lost");
        let (steps, difference) = shorter(&Forgetful, steps, difference).await;
        assert_eq!(steps, Vec::<Step>::new(), "{difference:?}");
        assert!(
            difference.0.starts_with("commit: Err(Unavailable) instead of Ok"),
            "{difference:?}"
        );
    }
}
