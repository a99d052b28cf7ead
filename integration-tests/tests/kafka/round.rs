//! A round: processes that decide, one that takes facts in, a producer that never stops, faults in between, and now and
//! then a look at whether everything is there, once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::faults::{Fault, Goals};
use crate::feeder::Feeder;
use crate::judge;
use crate::member::Member;
use crate::stranger::Stranger;
use crate::watcher::Watcher;
use crate::world::{CATCH_UP, GROUP, Plan, World, any_options};

/// What a round is to be.
#[derive(Clone, Debug)]
pub struct Course {
    pub name: &'static str,
    pub plan: Plan,
    /// Processes that decide, when all of them run.
    pub members: usize,
    pub seed: u64,
    pub goals: Goals,
    /// Faults between two verifications.
    pub look: u64,
    /// Facts made up beforehand, and how many of them are fed a second. When all are fed, they are fed again.
    pub facts: usize,
    pub a_second: u64,
    /// Defences of the processes that are switched off.
    pub defences_off: String,
}

/// A round under way.
pub struct Round {
    // Those who need the brokers go before them.
    pub feeder: Feeder,
    pub watcher: Watcher,
    pub members: Vec<Member>,
    pub front: Member,
    pub stranger: Stranger,
    pub world: World,
    pub dice: ChaCha8Rng,
    pub course: Course,
    pub done: Goals,
    pub verified: u64,
    began: Instant,
}

impl Round {
    /// Starts everything.
    pub fn new(course: Course) -> Round {
        let began = Instant::now();
        let mut world = World::new(course.plan.clone());
        let stock = world.stock(course.seed, course.facts);
        let servers = world.bootstrap_servers();
        let mut front = world.member("front");
        front.start(&world.running(&["report"], &servers), "");
        let names = (0..course.members).map(|number| format!("m{number}"));
        let mut round = Round {
            feeder: Feeder::new(stock, course.seed, course.a_second),
            watcher: Watcher::new(&servers, GROUP),
            members: names.map(|name| world.member(&name)).collect(),
            front,
            stranger: world.stranger(),
            world,
            dice: ChaCha8Rng::seed_from_u64(course.seed),
            course,
            done: Goals::default(),
            verified: 0,
            began,
        };
        for index in 0..round.members.len() {
            round.start(index);
        }
        round.front.wait_until_it_answers();
        round.feeder.post_to(round.front.events_url().unwrap());
        round
    }

    /// Starts a member with options that nobody chose.
    pub fn start(&mut self, index: usize) {
        let options = any_options(&mut self.dice);
        let arguments = self.world.processing(&options);
        self.members[index].start(&arguments, &self.course.defences_off);
    }

    /// Faults until the goals are reached, with verifications between them and at the end; `Err` is the first
    /// violation.
    pub fn run(&mut self) -> Result<(), String> {
        let mut since = 0;
        while let Some(fault) = self.next_fault() {
            fault.happen(self);
            self.check_processes();
            since += 1;
            if since >= self.course.look {
                self.verify()?;
                since = 0;
            }
        }
        if since > 0 {
            self.verify()?;
        }
        let violations = judge::violations(&self.stranger);
        match violations.is_empty() {
            true => {
                self.world.went_well();
                Ok(())
            }
            false => Err(violations[..violations.len().min(5)].join("\n")),
        }
    }

    /// One of those that are still due, the likelier the more of it is.
    fn next_fault(&mut self) -> Option<Fault> {
        let due = Fault::ALL.iter().flat_map(|fault| {
            let goal = fault.of(&self.course.goals);
            let left = goal.saturating_sub(fault.of(&self.done));
            std::iter::repeat_n(*fault, usize::try_from(left).unwrap())
        });
        due.choose(&mut self.dice)
    }

    fn check_processes(&mut self) {
        self.world.brokers_must_run();
        self.front.must_run();
        self.feeder.must_run();
        self.members.iter_mut().for_each(Member::must_run);
    }

    /// Ends what disturbs, waits until all is folded, and looks from all sides; then everything goes on.
    pub fn verify(&mut self) -> Result<(), String> {
        self.feeder.pause();
        if let Some(proxy) = &self.world.proxy {
            proxy.clear();
        }
        for index in 0..self.members.len() {
            if self.members[index].is_frozen() {
                self.members[index].thaw();
            }
            if !self.members[index].is_running() {
                self.start(index);
            }
        }
        let mut members: Vec<&mut Member> = self.members.iter_mut().collect();
        let took = self.world.catch_up(&mut members, CATCH_UP)?;
        self.stranger.read();
        let acknowledged = self.feeder.acknowledged();
        let violations = self.stranger.violations(acknowledged.iter());
        if !violations.is_empty() {
            let first = violations[..violations.len().min(5)].join("\n");
            return Err(format!(
                "{} violations, the first:\n{first}",
                violations.len()
            ));
        }
        self.world.verify()?;
        self.verified += 1;
        self.tell(took);
        self.feeder.go_on();
        Ok(())
    }

    fn tell(&self, took: Duration) {
        let elapsed = self.began.elapsed().as_secs_f64();
        let (done, goal) = (self.done.sum(), self.course.goals.sum());
        let left = elapsed / done.max(1) as f64 * goal.saturating_sub(done) as f64;
        let counts: BTreeMap<&str, usize> = self.stranger.counts();
        eprintln!(
            "{}: {:?} of {:?}; verified {} times, caught up in {:.1} s, {counts:?}, {elapsed:.0} s gone, about {left:.0} s to go",
            self.course.name,
            self.done,
            self.course.goals,
            self.verified,
            took.as_secs_f64()
        );
    }

    /// Some members that run, at most so many, at random.
    pub fn some_running(&mut self, at_most: usize) -> Vec<usize> {
        let members = self.members.iter().enumerate();
        let running = members.filter(|(_, member)| member.is_running() && !member.is_frozen());
        let running = running.map(|(index, _)| index);
        running.sample(&mut self.dice, at_most)
    }

    /// Waits a moment between these milliseconds.
    pub fn wait(&mut self, range: std::ops::RangeInclusive<u64>) {
        let time = self.dice.random_range(range);
        std::thread::sleep(Duration::from_millis(time));
    }
}
