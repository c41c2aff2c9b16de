//! Tests on a real Docker Engine, and what they share: the engine, what a test leaves on it, a second engine for faults, a registry.
//!
//! A test that needs an engine begins with `let Some(engine) = Engine::shared() else { return };`. Everything that it makes carries
//! the engine's [`Engine::id`] in its name or in a label, and is removed when the `Engine` is dropped, also after a panic.

mod belongings;
mod build;
mod compose;
mod container;
mod containers;
mod e2e;
mod engine;
mod fixtures;
mod live_update;
mod registry;
mod relay;
mod second;

pub(crate) use container::Container;
pub(crate) use e2e::copy_folder;
pub(crate) use engine::{Engine, has_compose, link_plugins};
pub(crate) use registry::Registry;
pub(crate) use relay::Relay;
pub(crate) use second::{Disk, SecondEngine};

use std::{
    fs::OpenOptions,
    future::Future,
    io::Write as _,
    panic::resume_unwind,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

/// Waits for an answer of the world with one deadline; `said` is printed when it does not come.
#[track_caller]
pub(crate) fn until<T>(what: &str, said: impl FnOnce() -> String, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + crate::sandbox::DEADLINE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come\n{}", said());
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Waits for a future, wherever the caller is: also within another runtime.
pub(crate) fn block_on<F: Future + Send>(future: F) -> F::Output
where
    F::Output: Send,
{
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());
    let on_a_thread = || thread::scope(|scope| scope.spawn(|| RUNTIME.block_on(future)).join());
    on_a_thread().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Says that this test cannot run here, or fails where it must (`ORCH_TEST_REQUIRE`, which continuous integration sets).
#[track_caller]
pub(crate) fn skip(reason: &str) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("ORCH_TEST_REQUIRE").is_none(), "{reason}; `./test` sets up what the tests need");
    #[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
    {
        eprintln!("SKIPPED {name}: {reason}");
    }
    if let Some(path) = std::env::var_os("ORCH_TEST_SKIPS") {
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{name}: {reason}\n").as_bytes()).unwrap();
    }
}
