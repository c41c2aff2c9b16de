//! What a simulated command or server does, as its own words say it: a command of the tests is a list of words like
//! `dur=100 in=src out=gen/a.txt exit=1`. Words that nobody knows are part of the definition and do nothing else.

use orch::{
    engine::CommandSpec,
    model::{Command, FilePath},
};
use std::time::Duration;

/// The behaviour of a command, a server or an `exec` probe.
#[expect(clippy::struct_excessive_bools, reason = "each is one word of a script")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    /// `dur=MS`: how long a command takes.
    pub(crate) duration: u64,
    /// `exit=N`: with which code it ends.
    pub(crate) exit: i32,
    /// `in=PATH`: files and folders that it reads, in the first two thirds of its time.
    pub(crate) reads: Vec<FilePath>,
    /// `out=PATH`: files that it writes, in the last third of its time, also when it fails after that.
    pub(crate) writes: Vec<FilePath>,
    /// `coarse`: only the first character of each file that it reads matters.
    pub(crate) coarse: bool,
    /// `fails-on=TEXT`: exit code 1 if something that it reads holds that.
    pub(crate) fails_on: Option<String>,
    /// `missing`: there is no such program.
    pub(crate) missing: bool,
    /// `deaf`: does not end when asked to.
    pub(crate) deaf: bool,
    /// `stop=MS`: how long it takes to end once it was asked to.
    pub(crate) stop: u64,
    /// `leaves=MS`: a successful command leaves something running, for that long if nobody ends it.
    pub(crate) leaves: Option<u64>,
    /// `dies=MS`: a server ends by itself after that.
    pub(crate) dies: Option<u64>,
    /// `says=MS`: a server says its ready line after that.
    pub(crate) says: Option<u64>,
    /// `ok=MS`: checks pass once the server is that old.
    pub(crate) ok: u64,
    /// `sick=FROM-TO`: checks fail again at that age.
    pub(crate) sick: Option<(u64, u64)>,
    /// `hangs`: a check takes its whole timeout.
    pub(crate) hangs: bool,
    /// `count=N`: a service has that many containers.
    pub(crate) count: u64,
    /// `nocopy`: no file can be copied into a container.
    pub(crate) no_copy: bool,
    /// `only-in=N`: a step of a live update fails only in that one of the containers; they count from 0.
    pub(crate) only_in: Option<u64>,
    /// `stamps`: what a build makes is another thing each time.
    pub(crate) stamps: bool,
    /// All of it, what its results are made from.
    pub(crate) text: String,
}

impl Script {
    pub(crate) fn of_spec(spec: &CommandSpec) -> Self {
        Self::parse(&spec.argv, &spec.dir)
    }

    pub(crate) fn of_command(command: &Command) -> Self {
        Self::parse(&command.argv, &command.dir)
    }

    pub(crate) fn parse(argv: &[String], dir: &FilePath) -> Self {
        let text = argv.join(" ");
        let mut script = Self {
            duration: 100,
            exit: 0,
            reads: Vec::new(),
            writes: Vec::new(),
            coarse: false,
            fails_on: None,
            missing: false,
            deaf: false,
            stop: 10,
            leaves: None,
            dies: None,
            says: None,
            ok: 0,
            sick: None,
            hangs: false,
            count: 1,
            no_copy: false,
            only_in: None,
            stamps: false,
            text: text.clone(),
        };
        text.split_whitespace().for_each(|word| script.take(word, dir));
        script
    }

    fn take(&mut self, word: &str, dir: &FilePath) {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let millis = || value.parse().unwrap_or_else(|_| panic!("`{word}` is no number"));
        match key {
            "dur" => self.duration = millis(),
            "exit" => self.exit = value.parse().unwrap_or_else(|_| panic!("`{word}` is no exit code")),
            "in" => self.reads.push(dir.join(value)),
            "out" => self.writes.push(dir.join(value)),
            "coarse" => self.coarse = true,
            "fails-on" => self.fails_on = Some(value.to_owned()),
            "missing" => self.missing = true,
            "deaf" => self.deaf = true,
            "stop" => self.stop = millis(),
            "leaves" => self.leaves = Some(millis()),
            "dies" => self.dies = Some(millis()),
            "says" => self.says = Some(millis()),
            "ok" => self.ok = millis(),
            "sick" => {
                let (from, to) = value.split_once('-').unwrap_or_else(|| panic!("`{word}` needs FROM-TO"));
                let millis = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{word}` needs milliseconds"));
                self.sick = Some((millis(from), millis(to)));
            }
            "hangs" => self.hangs = true,
            "count" => self.count = millis(),
            "nocopy" => self.no_copy = true,
            "stamps" => self.stamps = true,
            "only-in" => self.only_in = Some(millis()),
            _ => {}
        }
    }

    /// How long it takes to end when it is asked to, and killed after `grace`.
    pub(crate) fn time_to_stop(&self, grace: Duration) -> Duration {
        if self.deaf { grace } else { grace.min(Duration::from_millis(self.stop)) }
    }

    /// Whether it writes something that it reads.
    pub(crate) fn feeds_itself(&self) -> bool {
        self.writes.iter().any(|path| self.reads.iter().any(|root| path.is_within(root)))
    }

    /// Whether a check passes on a server of that age in milliseconds.
    pub(crate) fn passes_at(&self, age: u64) -> bool {
        age >= self.ok && !self.sick.is_some_and(|(from, to)| (from..to).contains(&age))
    }
}
