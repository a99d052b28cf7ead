//! Several projectors on one PostgreSQL.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use afterword_log::{Log, Partition};
use afterword_readmodel::{
    Projector, ProjectorOptions, ProjectorStatistics, ReadModelError, Scorecard,
};
use afterword_schemas::records::{Criterion, Reaction, RefusalReason};
use support::gaps::{GappyLog, Markers};
use support::logs::{Fault, FaultyLog};
use support::world::{DAY, Dice, NOON, World, append, append_settings, settings};
use support::{Kind, Place, Publications};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PARTITIONS: u32 = 6;
const ZONES: [&str; 5] = [
    "Asia/Kolkata",
    "Pacific/Auckland",
    "America/St_Johns",
    "UTC",
    "Europe/Berlin",
];

/// A projector at work, whose partitions the test decides.
struct Member {
    assign: watch::Sender<BTreeSet<Partition>>,
    stop: watch::Sender<bool>,
    statistics: Arc<ProjectorStatistics>,
    running: JoinHandle<Result<(), ReadModelError>>,
}

impl Member {
    async fn start(place: &Place, log: Arc<dyn Log>, batch_bytes: usize) -> Member {
        let (assign, partitions) = watch::channel(BTreeSet::new());
        let options = ProjectorOptions {
            batch_bytes,
            publish_interval: Duration::from_millis(5),
            partitions: Some(partitions),
            ..ProjectorOptions::default()
        };
        let database = place.database().await;
        let mut projector = Projector::start(database, log, options).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let statistics = projector.statistics();
        let running = tokio::spawn(async move { projector.run(stopped).await });
        Member {
            assign,
            stop,
            statistics,
            running,
        }
    }

    fn assign(&self, partitions: impl IntoIterator<Item = u32>) {
        let partitions = partitions.into_iter().map(Partition).collect();
        self.assign.send_replace(partitions);
    }

    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.running.await.unwrap().unwrap();
    }
}

/// Writes outputs of workspaces that come one after the other, each with settings put just before its first output, and
/// again, with another zone, before a later one: every projector must know them in time, whoever stores them.
struct Traffic {
    world: World,
    dice: Dice,
    phase: usize,
    written: usize,
    repeated: usize,
}

impl Traffic {
    fn new(seed: u64) -> Traffic {
        Traffic {
            world: World::new(PARTITIONS),
            dice: Dice::new(seed),
            phase: 0,
            written: 0,
            repeated: 0,
        }
    }

    fn next(&mut self, log: &dyn Log) {
        let (world, dice) = (&mut self.world, &mut self.dice);
        let from = NOON + self.phase as i64 * DAY;
        // The present workspace begins; the one before moves to another zone, from this phase's times on.
        let zone = |dice: &mut Dice| *dice.of(&ZONES);
        let workspace = |phase: usize| format!("w{phase}");
        append_settings(log, &settings(&workspace(self.phase), 1, 0, zone(dice)));
        if let Some(before) = self.phase.checked_sub(1) {
            append_settings(log, &settings(&workspace(before), 2, from, zone(dice)));
        }
        for _ in 0..60 {
            let of = self.phase - dice.below(self.phase.min(3) + 1);
            let conversation = format!("c{of}-{}", dice.below(25));
            let at = from + dice.below(DAY as usize) as i64;
            match dice.below(10) {
                0..=3 => world.ask(
                    &workspace(of),
                    &conversation,
                    dice.of::<&str>(&["ann", "Bo"]),
                    at,
                ),
                4 => world.decline(&workspace(of), &conversation, &[Criterion::Stale], at),
                5 => world.refuse(&workspace(of), &conversation, RefusalReason::Locked, at),
                6 => world.comment(&conversation, "so so", at),
                _ => world.rate(&conversation, *dice.of(Reaction::ALL), at),
            }
        }
        self.phase += 1;
        append(log, &world.made[self.written..]);
        if dice.below(3) == 0 {
            append(log, &world.made[self.written..]);
            self.repeated += world.made.len() - self.written;
        }
        self.written = world.made.len();
    }
}

#[derive(Debug, Default)]
struct Counts {
    moves: usize,
    overlaps: usize,
    sessions_killed: usize,
}

/// Deals the partitions out anew: most to one projector, some to two who both believe it is theirs, some to none.
fn deal(members: &[Member], dice: &mut Dice, counts: &mut Counts) {
    let mut hands = vec![BTreeSet::new(); members.len()];
    for partition in 0..PARTITIONS {
        let chosen = dice.below(members.len());
        match dice.below(8) {
            0 => continue,
            1 | 2 => {
                hands[(chosen + 1) % members.len()].insert(partition);
                counts.overlaps += 1;
            }
            _ => {}
        }
        hands[chosen].insert(partition);
    }
    for (member, hand) in members.iter().zip(hands) {
        let before = member.assign.borrow().clone();
        let hand: BTreeSet<_> = hand.into_iter().map(Partition).collect();
        counts.moves += hand.difference(&before).count();
        member.assign.send_replace(hand);
    }
}

async fn wait_until_projected(members: &[Member], log: &Arc<dyn Log>) {
    for (index, member) in members.iter().enumerate() {
        let own = |partition: &u32| *partition as usize % members.len() == index;
        member.assign((0..PARTITIONS).filter(own));
    }
    let began = Instant::now();
    loop {
        let lags = members.iter().flat_map(|member| {
            let positions = member.statistics.positions().len();
            let lag = member.statistics.lag(log.as_ref()).unwrap();
            let expected = 4 * (PARTITIONS as usize).div_ceil(members.len());
            lag.into_iter()
                .map(|(_, lag)| lag)
                .chain([u64::from(positions > expected + 1)])
        });
        if lags.sum::<u64>() == 0 {
            return;
        }
        for member in members {
            assert!(!member.running.is_finished(), "a projector gave up");
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it never came to its end: {:?}",
            members
                .iter()
                .map(|member| member.statistics.snapshot().waiting)
                .collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn share(count: usize, seed: u64, phases: usize) {
    let place = Place::new(Kind::Postgres, PARTITIONS);
    let log: Arc<dyn Log> = GappyLog::new(&place.log, Markers::Passed);
    let mut members = Vec::new();
    for index in 0..count {
        let batch_bytes = [3_000, 20_000, 1 << 20][index % 3];
        members.push(Member::start(&place, Arc::clone(&log), batch_bytes).await);
    }
    let (mut traffic, mut dice) = (Traffic::new(seed), Dice::new(seed + 1));
    let mut counts = Counts::default();
    for phase in 0..phases {
        traffic.next(place.log.as_ref());
        deal(&members, &mut dice, &mut counts);
        tokio::time::sleep(Duration::from_millis(dice.below(150) as u64)).await;
        if phase % 4 == 3 {
            let one = "application_name = 'afterword' ORDER BY random() LIMIT 1";
            let busy = "state <> 'idle'";
            let which = *dice.of(&[one, busy]);
            counts.sessions_killed += place.server.as_ref().unwrap().terminate(which);
        }
    }
    wait_until_projected(&members, &log).await;
    let snapshots: Vec<_> = members
        .iter()
        .map(|member| member.statistics.snapshot())
        .collect();
    for member in members {
        member.stop().await;
    }

    // Before the other publishes, with revisions of its own.
    let published = place.publications();
    let alone = place.beside(Kind::Sqlite);
    let options = ProjectorOptions::default();
    let started = Projector::start(alone.database().await, Arc::clone(&log), options);
    started.await.unwrap().drain().await.unwrap();
    let (found, expected) = (place.tables().await, alone.tables().await);
    assert_eq!(found, expected);
    assert_reports_are_equal(&place, &published, &alone, phases).await;
    println!(
        "{count} projectors, seed {seed}: {} outputs, {} of them repeated in the log, {} rows; {counts:?}; \
         {} scorecards in {} records, {} older behind a newer one and made good",
        traffic.written,
        traffic.repeated,
        expected.len(),
        published.latest.len(),
        published.records,
        published.older_after_newer,
    );
    for snapshot in snapshots {
        let sum = |of: fn(&afterword_readmodel::TopicCounts) -> u64| {
            snapshot.topics[1..].iter().map(of).sum::<u64>()
        };
        println!(
            "  applied {}, repeated {}, transactions {}, partitions lost {}, scorecards published {}",
            sum(|topic| topic.applied),
            sum(|topic| topic.repeated),
            snapshot.transactions,
            snapshot.partitions_lost,
            snapshot.scorecards_published,
        );
        assert!(snapshot.transactions > 0, "each had its share");
    }
}

/// What managers see is the same, in the same order, and what is published is what is stored.
async fn assert_reports_are_equal(
    shared: &Place,
    published: &Publications,
    alone: &Place,
    phases: usize,
) {
    let (shared_reports, alone_reports) = (shared.database().await, alone.database().await);
    let workspaces = shared_reports.workspaces(1_000).await.unwrap();
    assert_eq!(workspaces, alone_reports.workspaces(1_000).await.unwrap());
    assert_eq!(workspaces.len(), phases);
    let published = published.latest.values().cloned();
    let mut published: BTreeSet<_> = published.map(key_and_sums).collect();
    for workspace in &workspaces {
        assert_eq!(
            shared_reports.totals(workspace).await.unwrap(),
            alone_reports.totals(workspace).await.unwrap()
        );
        let found = shared_reports.scorecards(workspace, 1_000).await.unwrap();
        let expected = alone_reports.scorecards(workspace, 1_000).await.unwrap();
        let without_revision = |mut card: Scorecard| {
            card.revision = 0;
            card
        };
        for card in &found {
            assert!(published.remove(&format!("{card:?}")), "{card:?}");
        }
        let found: Vec<_> = found.into_iter().map(without_revision).collect();
        let expected: Vec<_> = expected.into_iter().map(without_revision).collect();
        assert_eq!(found, expected);
        for conversation in 0..5 {
            let conversation = format!("c{}-{conversation}", &workspace[1..]);
            let of = |reports: afterword_readmodel::ReportDatabase| {
                let (workspace, conversation) = (workspace.clone(), conversation.clone());
                async move { reports.story(&workspace, &conversation).await.unwrap() }
            };
            let found = serde_json::to_string(&of(shared_reports.clone()).await).unwrap();
            let expected = serde_json::to_string(&of(alone_reports.clone()).await).unwrap();
            assert_eq!(found, expected);
        }
    }
    assert_eq!(published, BTreeSet::new());
}

fn key_and_sums(card: afterword_schemas::records::TeammateScorecard) -> String {
    format!("{:?}", Scorecard::from(card))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_share_partitions_that_move() {
    share(2, 21, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_share_partitions_that_move() {
    for seed in [31, 32] {
        share(3, seed, 40).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_at_the_same_time_never_put_an_older_revision_behind_a_newer_one() {
    let place = Place::new(Kind::Postgres, PARTITIONS);
    let mut members = Vec::new();
    for index in 0..3 {
        // So that others could come in between, if they were let.
        let slow = FaultyLog::new(&place.log, Fault::Slow);
        let member = Member::start(&place, slow, 1_000).await;
        member.assign([index * 2, index * 2 + 1]);
        members.push(member);
    }
    let mut world = World::new(PARTITIONS);
    for number in 0..600 {
        let written = world.made.len();
        world.ask("w1", &format!("c{number}"), "ann", NOON);
        append(place.log.as_ref(), &world.made[written..]);
        if number % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let database = place.database().await;
    let began = Instant::now();
    while database.totals("w1").await.unwrap().asked < 600 {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for member in members {
        member.stop().await;
    }
    let (published, records) = place.published();
    let stored = place
        .rows("SELECT revision, published_revision, requests FROM scorecards")
        .await;
    let card = &published[0].1;
    let expected = format!("{0} | {0} | 600", card.revision);
    assert_eq!((stored, card.requests), (vec![expected], 600));
    println!(
        "{records} publications of revisions up to {}",
        card.revision
    );
    assert!(records > 10, "the publishers took turns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_lost_its_turn_makes_its_late_append_good() {
    let place = Place::new(Kind::Postgres, 1);
    let mut world = World::new(1);
    world.ask("w1", "c1", "ann", NOON);
    append(place.log.as_ref(), &world.made);
    let held = FaultyLog::new(&place.log, Fault::Hold);
    let log = Arc::clone(&held) as Arc<dyn Log>;
    let database = place.database().await;
    let late = tokio::spawn(async move {
        let started = Projector::start(database, log, ProjectorOptions::default());
        started.await.unwrap().drain().await
    });
    while !held.has_held() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The first revision is on its way; its transaction, and with it the turn, is lost.
    let killed = place
        .server
        .as_ref()
        .unwrap()
        .terminate("state = 'idle in transaction'");
    assert_eq!(killed, 1);
    let written = world.made.len();
    world.ask("w1", "c2", "ann", NOON);
    append(place.log.as_ref(), &world.made[written..]);
    place.drain().await.unwrap();
    assert_eq!(place.published().0[0].1.revision, 2);
    held.set(Fault::None);
    late.await.unwrap().unwrap();
    let published = place.publications();
    assert_eq!(published.latest.values().next().unwrap().requests, 2);
    assert_eq!(
        (published.records, published.older_after_newer),
        (4, 1),
        "the first and the second by the other, the first too late, and the second again"
    );
}
