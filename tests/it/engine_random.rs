//! Thousands of simulated sessions, each from one seed: random graphs, saves, crashes, slow and failing commands, reloads,
//! stops and restarts of orch. `ORCH_SEED=N` runs one alone and prints it.

use crate::sim::{
    check,
    docker::DockerAction,
    generate::{Generator, Shelf, Taste, orchfile_of, path},
    pace::Pace,
    rng::Rng,
    session::{Setting, Sim},
    trace,
    world::Action,
};
use orch::{
    model::Project,
    snapshot::{Goal, Verdict},
};
use std::{sync::Arc, time::Duration};

/// How many seeds each test runs; together more than two thousand.
const UP_SEEDS: std::ops::Range<u64> = 0..1_800;
const DOCK_SEEDS: std::ops::Range<u64> = 300_000..301_000;
const DOCK_CI_SEEDS: std::ops::Range<u64> = 400_000..400_150;
const DOCK_DOWN_SEEDS: std::ops::Range<u64> = 500_000..500_100;
const CI_SEEDS: std::ops::Range<u64> = 100_000..100_250;
const DOWN_SEEDS: std::ops::Range<u64> = 200_000..200_100;

/// Every third session is played again.
fn setting(goal: Goal, seed: u64) -> Setting {
    let with_replay = seed.is_multiple_of(3);
    let keep_going = goal == Goal::Ci && seed.is_multiple_of(2);
    Setting { goal, cores: 2, ci_timeout: None, keep_going, with_snapshots: false, with_old_news: true, with_replay }
}

/// A session of `up`: bring it up, do things to it, let it come to rest, and again; at last end it.
fn up(seed: u64) -> Sim {
    let mut rng = Rng::new(seed);
    let taste = Taste { faults: rng.percent(70) };
    let mut generator = Generator::new(rng.fork(), taste);
    generator.switches = true;
    let mut projects = vec![generator.project()];
    for _ in 0..3 {
        let last = projects.last().expect("one").clone();
        let next = if last.resources.len() > 1 { generator.edited(&last) } else { generator.project() };
        projects.push(next);
    }
    let shelf = Shelf(projects.iter().cloned().map(Arc::new).map(Some).collect());
    let setting = setting(Goal::Up, seed);
    let mut sim = Sim::new(Pace::Seeded(rng.fork()), Box::new(shelf), setting);
    sim.world.overflows = rng.percent(30);
    for (path, content) in generator.sources() {
        sim.world.write(&path, &content);
    }
    sim.world.write(&path("Orchfile"), &orchfile_of(0));
    sim.begin();
    for _ in 0..rng.between(1, 3) {
        sim.world.mortal = true;
        let mut at = Duration::ZERO;
        for _ in 0..rng.between(1, 6) {
            let project = rng.pick(&projects).clone();
            for (wait, action) in generator.actions(&project, projects.len()) {
                at += wait;
                sim.later(at, action);
            }
        }
        let end = sim.world.now + at;
        sim.run_until(end);
        sim.world.mortal = false;
        sim.settle();
        if rng.percent(25) && !sim.is_over() {
            sim.reboot();
            sim.settle();
        }
    }
    end(&mut sim, &mut rng);
    sim.check_replay();
    sim
}

/// Ends a session in one of the ways that a user has.
fn end(sim: &mut Sim, rng: &mut Rng) {
    use orch::engine::Request;
    let teardown = rng.percent(30);
    if rng.percent(30) {
        let wait = Duration::from_millis(rng.below(100));
        sim.later(wait, Action::Ask(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
    }
    if !sim.is_over() {
        sim.shut_down(teardown);
    }
    let unexpected = sim.world.finished.is_none() && sim.faults.is_empty();
    if unexpected {
        sim.faults.push("the session did not end".to_owned());
    }
}

fn once(seed: u64, goal: Goal) -> Sim {
    let mut rng = Rng::new(seed);
    let taste = Taste { faults: rng.percent(50) };
    let mut generator = Generator::new(rng.fork(), taste);
    let project = generator.project();
    let shelf = Shelf(vec![Some(Arc::new(project))]);
    let mut sim = Sim::new(Pace::Seeded(rng.fork()), Box::new(shelf), setting(goal, seed));
    for (path, content) in generator.sources() {
        sim.world.write(&path, &content);
    }
    sim.world.write(&path("Orchfile"), &orchfile_of(0));
    sim.begin();
    sim.settle();
    sim.check_replay();
    if sim.world.finished.is_none() && sim.faults.is_empty() {
        sim.faults.push(format!("`{goal:?}` came to no end"));
    }
    sim
}

fn ci(seed: u64) -> Sim {
    let mut sim = once(seed, Goal::Ci);
    judge(&mut sim);
    sim
}

/// Whether the verdict of `ci` is what the facts say.
fn judge(sim: &mut Sim) {
    let verdict = sim.world.finished.clone();
    let expected = crate::sim::check::verdict(&sim.world.facts);
    match verdict {
        Some(Verdict::Succeeded) if !expected.is_empty() => {
            sim.faults.push(format!("`ci` succeeded in spite of {expected:?}"));
        }
        Some(Verdict::Failed(troubles)) if expected.is_empty() => {
            sim.faults.push(format!("`ci` failed without need: {troubles:?}"));
        }
        None if sim.faults.is_empty() => sim.faults.push("`ci` came to no end".to_owned()),
        _ => {}
    }
}

fn down(seed: u64) -> Sim {
    let mut sim = once(seed, Goal::Down);
    let missing = crate::sim::check::teardowns_missing(&sim.world.facts);
    if !missing.is_empty() && sim.faults.is_empty() {
        sim.faults.push(format!("`down` did not run the teardown of {missing:?}"));
    }
    sim
}

/// A session of `up` with images and containers.
fn dock(seed: u64) -> Sim {
    let mut rng = Rng::new(seed);
    let taste = Taste { faults: rng.percent(70) };
    let mut generator = Generator::new(rng.fork(), taste);
    generator.switches = true;
    let mut projects = vec![generator.fleet()];
    for _ in 0..3 {
        let last = projects.last().expect("one").clone();
        let next = if last.resources.len() > 1 { generator.refitted(&last) } else { generator.fleet() };
        projects.push(next);
    }
    let mut sim = harbour(&mut rng, &mut generator, &projects, setting(Goal::Up, seed));
    sim.world.overflows = rng.percent(30);
    sim.begin();
    for _ in 0..rng.between(1, 3) {
        sim.world.mortal = true;
        sim.world.docker.flaky = taste.faults && rng.percent(30);
        let mut at = Duration::ZERO;
        for _ in 0..rng.between(1, 6) {
            let project = rng.pick(&projects).clone();
            for (wait, action) in generator.dock_actions(&project, projects.len()) {
                at += wait;
                sim.later(at, action);
            }
        }
        let end = sim.world.now + at;
        sim.run_until(end);
        sim.world.mortal = false;
        sim.world.docker.flaky = false;
        sim.settle();
        if sim.world.docker.down && !sim.is_over() {
            sim.later(Duration::ZERO, Action::Docker(DockerAction::Up));
            sim.settle();
        }
        if rng.percent(30) && !sim.is_over() {
            sim.reboot_quietly();
        }
    }
    let containers = sim.world.docker.containers.len();
    end(&mut sim, &mut rng);
    let is_known = sim.world.facts.project.is_some() && !sim.world.facts.hurried;
    if sim.faults.is_empty() && sim.world.facts.teardown && is_known {
        sim.faults.extend(check::leftovers(&sim.world, false).first().map(|left| format!("`down` left {left}")));
    } else if sim.faults.is_empty() && !sim.world.facts.teardown && sim.world.docker.containers.len() < containers {
        sim.faults.push("the end of a session removed containers".to_owned());
    }
    sim.check_replay();
    sim
}

fn dock_ci(seed: u64) -> Sim {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(rng.fork(), Taste { faults: rng.clone().percent(50) });
    let project = generator.fleet();
    let mut sim = harbour(&mut rng, &mut generator, &[project], setting(Goal::Ci, seed));
    sim.begin();
    sim.settle();
    judge(&mut sim);
    sim.check_replay();
    sim
}

/// A session of `up`, and then `orch down`.
fn dock_down(seed: u64) -> Sim {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(rng.fork(), Taste { faults: rng.clone().percent(50) });
    let project = generator.fleet();
    let mut sim = harbour(&mut rng, &mut generator, &[project], setting(Goal::Up, seed));
    sim.begin();
    let end = sim.world.now + Duration::from_millis(rng.below(5000));
    sim.run_until(end);
    sim.reboot_for(Goal::Down);
    sim.settle();
    if sim.faults.is_empty() && sim.world.finished.is_none() {
        sim.faults.push("`down` came to no end".to_owned());
    } else if sim.faults.is_empty() {
        sim.faults.extend(check::leftovers(&sim.world, false).first().map(|left| format!("`down` left {left}")));
    }
    sim
}

/// A world with the files that images are made of.
fn harbour(rng: &mut Rng, generator: &mut Generator, projects: &[Project], setting: Setting) -> Sim {
    let shelf = Shelf(projects.iter().cloned().map(Arc::new).map(Some).collect());
    let mut sim = Sim::new(Pace::Seeded(rng.fork()), Box::new(shelf), setting);
    for (path, content) in generator.sources().into_iter().chain(generator.image_sources()) {
        sim.world.write(&path, &content);
    }
    sim.world.write(&path("Orchfile"), &orchfile_of(0));
    sim
}

#[expect(clippy::print_stdout, reason = "whoever runs one seed wants to read it")]
fn run_all(seeds: std::ops::Range<u64>, session: fn(u64) -> Sim) {
    if let Some(seed) = std::env::var("ORCH_SEED").ok().and_then(|text| text.parse::<u64>().ok()) {
        if (seeds.start..seeds.start + 100_000).contains(&seed) {
            let sim = session(seed);
            println!("{}", trace::compact(&sim.log, usize::MAX));
            assert!(sim.faults.is_empty(), "seed {seed}: {}", sim.faults.join("\n"));
        }
        return;
    }
    let count = std::env::var("ORCH_SEEDS").ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = count.map_or(seeds.clone(), |count| seeds.start..seeds.start + count);
    let mut failed = Vec::new();
    let mut first = None;
    for seed in seeds {
        let sim = session(seed);
        if let Some(fault) = sim.faults.first() {
            failed.push(format!("seed {seed}: {fault}"));
            first.get_or_insert_with(|| trace::compact(&sim.log, 60));
        }
    }
    let Some(first) = first else { return };
    let (count, shown) = (failed.len(), failed[..failed.len().min(20)].join("\n"));
    panic!(
        "{count} sessions went wrong:\n{shown}\nthe end of the first:\n{first}\nrun one again with ORCH_SEED=<seed>"
    );
}

#[test]
fn sessions_of_up_keep_every_promise() {
    run_all(UP_SEEDS, up);
}

#[test]
fn sessions_with_docker_keep_every_promise() {
    run_all(DOCK_SEEDS, dock);
}

#[test]
fn sessions_of_ci_with_docker_answer_what_is_true() {
    run_all(DOCK_CI_SEEDS, dock_ci);
}

#[test]
fn sessions_of_down_with_docker_leave_nothing() {
    run_all(DOCK_DOWN_SEEDS, dock_down);
}

#[test]
fn sessions_of_ci_answer_what_is_true() {
    run_all(CI_SEEDS, ci);
}

#[test]
fn sessions_of_down_tear_all_down() {
    run_all(DOWN_SEEDS, down);
}
