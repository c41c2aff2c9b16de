//! The thread that does what is due a moment later: writing what was gathered, showing unfinished lines, keeping the limits.
//! It sleeps while nobody says anything.

use super::{LogName, shared::Shared};
use crate::model::Level;
use std::{sync::Arc, time::Duration};

/// How long lines are gathered before they are written, and at most how long after one follower was woken the next is.
const TICK: Duration = Duration::from_millis(10);

/// Works until it is told to end.
pub(super) fn keep(shared: &Arc<Shared>) {
    shared.find_all();
    shared.trim();
    let mut is_trouble_told = false;
    while let Some(logs) = shared.pending.take(TICK) {
        for log in logs {
            if log.tick(shared) {
                shared.pending.add(log);
            }
        }
        shared.notice.wake();
        shared.trim();
        if !is_trouble_told && let Some(trouble) = shared.trouble() {
            is_trouble_told = true;
            shared.log(&LogName::Session).say(shared, None, Level::Warning, &trouble);
        }
    }
}
