//! What is done about changed files of running containers: changed in place, or everything anew. The rules are Tilt's, and those
//! of compose's `develop.watch` where a live update says so.

use crate::model::{FilePath, LiveUpdate, RestartStep, RunStep, Sync, Trigger, Unmatched};
use std::collections::{BTreeMap, BTreeSet};

/// What changed files lead to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) way: Way,
    /// Files that nothing is done about until something else makes the image anew.
    pub(super) waiting: BTreeSet<FilePath>,
}

/// In which way containers are brought up to date.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Nothing is to be done.
    Nothing,
    /// In place.
    Update(Steps),
    /// By new images and containers: why, where steps for an update were declared.
    Full(Option<String>),
}

/// What is done in running containers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Steps {
    /// Files with their places in the container.
    pub(super) copies: Vec<(FilePath, String)>,
    /// Places in the container.
    pub(super) removals: Vec<String>,
    /// Folders in which files were removed, with their places in the container: below those of the syncs.
    pub(super) folders: Vec<(FilePath, String)>,
    pub(super) runs: Vec<RunStep>,
    pub(super) restart: bool,
}

/// Decides about changed files, each with whether it is there. `root` is where messages show paths from.
pub(super) fn plan(updates: &[LiveUpdate], changed: &BTreeMap<FilePath, bool>, root: &FilePath) -> Plan {
    if changed.is_empty() {
        return Plan { way: Way::Nothing, waiting: BTreeSet::new() };
    }
    if let Some(why) = falls_back(updates, changed.keys(), root) {
        return Plan { way: Way::Full(why), waiting: BTreeSet::new() };
    }
    let (steps, handled) = all_steps(updates, changed);
    let waiting = changed.keys().filter(|file| !handled.contains(*file)).cloned().collect();
    let way = if handled.is_empty() { Way::Nothing } else { Way::Update(steps) };
    Plan { way, waiting }
}

/// What live updates do about changed files.
pub(super) fn steps(updates: &[LiveUpdate], changed: &BTreeMap<FilePath, bool>) -> Steps {
    all_steps(updates, changed).0
}

/// The same, with the files that something is done about.
fn all_steps(updates: &[LiveUpdate], changed: &BTreeMap<FilePath, bool>) -> (Steps, BTreeSet<FilePath>) {
    let mut steps = Steps::default();
    let mut handled = BTreeSet::new();
    for update in updates {
        handled.extend(steps.add(update, changed));
    }
    (steps, handled)
}

/// Why everything is made anew, if it is; without a text where no steps were declared.
#[expect(clippy::option_option, reason = "whether, and then why")]
fn falls_back<'a>(
    updates: &[LiveUpdate],
    changed: impl Iterator<Item = &'a FilePath> + Clone,
    root: &FilePath,
) -> Option<Option<String>> {
    if updates.is_empty() {
        return Some(None);
    }
    let why = |file: &FilePath, what: &str| Some(Some(format!("{} {what}", file.display_from(root))));
    let is_fall_back = |file: &&FilePath| updates.iter().any(|update| falls_back_on(update, file));
    if let Some(file) = changed.clone().find(is_fall_back) {
        return why(file, "is in `fall_back_on`");
    }
    let all_wait = updates.iter().all(|update| update.unmatched == Unmatched::Wait);
    for file in changed {
        let mut covering = updates.iter().filter(|update| covers(update, file)).peekable();
        if covering.peek().is_none() && !all_wait {
            return why(file, "belongs to an image without `live_update`");
        }
        if covering.any(|update| update.unmatched == Unmatched::Rebuild && !names(update, file)) {
            return why(file, "matches no `sync`");
        }
    }
    None
}

/// Whether a change of that file is never made in place.
pub(super) fn falls_back_on(update: &LiveUpdate, file: &FilePath) -> bool {
    covers(update, file) && matches_any(&update.fall_back_on, file)
}

fn covers(update: &LiveUpdate, file: &FilePath) -> bool {
    update.inputs.iter().any(|inputs| inputs.contains(file))
}

/// Whether a step says what becomes of the file.
fn names(update: &LiveUpdate, file: &FilePath) -> bool {
    sync_of(update, file).is_some() || restarts_on(update, file)
}

fn sync_of<'a>(update: &'a LiveUpdate, file: &FilePath) -> Option<&'a Sync> {
    update.syncs.iter().find(|sync| sync.local.matches(file))
}

/// Where a file goes in the containers; nowhere if no `sync` names it.
pub(super) fn places(updates: &[LiveUpdate], file: &FilePath) -> Vec<String> {
    let covering = updates.iter().filter(|update| covers(update, file));
    covering.filter_map(|update| Some(target(sync_of(update, file)?, file))).collect()
}

fn restarts_on(update: &LiveUpdate, file: &FilePath) -> bool {
    match &update.restart {
        RestartStep::On(triggers) => matches_any(triggers, file),
        RestartStep::Never | RestartStep::Always => false,
    }
}

fn matches_any(triggers: &[Trigger], file: &FilePath) -> bool {
    triggers.iter().any(|trigger| trigger.matches(file))
}

impl Steps {
    /// Adds what one live update does about the files that it names; tells which.
    fn add(&mut self, update: &LiveUpdate, changed: &BTreeMap<FilePath, bool>) -> Vec<FilePath> {
        let (mut synced, mut handled) = (Vec::new(), Vec::new());
        for (file, is_there) in changed.iter().filter(|(file, _)| covers(update, file)) {
            if let Some(sync) = sync_of(update, file) {
                self.copy(file, target(sync, file), *is_there);
                if !is_there {
                    self.folders_of(update, sync, file);
                }
                synced.push(file);
            }
            if names(update, file) {
                handled.push(file.clone());
            }
            self.restart |= restarts_on(update, file);
        }
        let is_due =
            |run: &&RunStep| run.triggers.is_empty() || synced.iter().any(|file| matches_any(&run.triggers, file));
        if !synced.is_empty() {
            self.runs.extend(update.runs.iter().filter(is_due).cloned());
            self.restart |= update.restart == RestartStep::Always;
        }
        handled
    }

    /// Adds the folders of a removed file that may have gone with it. One into which another sync leads stays.
    fn folders_of(&mut self, update: &LiveUpdate, sync: &Sync, file: &FilePath) {
        let above = std::iter::successors(file.parent(), FilePath::parent);
        for folder in above.take_while(|folder| *folder != sync.local.path && folder.is_within(&sync.local.path)) {
            let place = target(sync, &folder);
            let is_shared =
                update.syncs.iter().any(|other| FilePath::new(&other.remote).is_within(&FilePath::new(&place)));
            let folder = (folder, place);
            if !is_shared && !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
    }

    fn copy(&mut self, file: &FilePath, target: String, is_there: bool) {
        if is_there {
            let copy = (file.clone(), target);
            if !self.copies.contains(&copy) {
                self.copies.push(copy);
            }
        } else if !self.removals.contains(&target) {
            self.removals.push(target);
        }
    }
}

/// Where the file goes in the container.
fn target(sync: &Sync, file: &FilePath) -> String {
    let below = file.as_path().strip_prefix(sync.local.path.as_path()).unwrap_or(file.as_path());
    let name = if below.as_os_str().is_empty() {
        if !sync.remote.ends_with('/') {
            return sync.remote.clone();
        }
        file.as_path().file_name().unwrap_or_default().to_string_lossy()
    } else {
        below.to_string_lossy()
    };
    format!("{}/{name}", sync.remote.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileSet, ImageKey};
    use std::sync::Arc;

    fn path(text: &str) -> FilePath {
        FilePath::new("/p").join(text)
    }

    fn trigger(text: &str) -> Trigger {
        Trigger { path: path(text), ignore: Vec::new() }
    }

    fn run(word: &str, triggers: &[&str]) -> RunStep {
        RunStep {
            argv: vec![word.to_owned()],
            triggers: triggers.iter().map(|text| trigger(text)).collect(),
            echo_off: false,
            user: None,
            dir: None,
            env: Vec::new(),
        }
    }

    /// The live update of an image made of the files at these places.
    fn update(inputs: &[&str], syncs: &[(&str, &str)]) -> LiveUpdate {
        let sync = |(local, remote): &(&str, &str)| Sync { local: trigger(local), remote: (*remote).to_owned() };
        LiveUpdate {
            image: Some(ImageKey("app".into())),
            inputs: vec![Arc::new(FileSet::of(inputs.iter().map(|text| path(text)).collect()))],
            initial_sync: false,
            fall_back_on: Vec::new(),
            syncs: syncs.iter().map(sync).collect(),
            runs: Vec::new(),
            restart: RestartStep::Never,
            unmatched: Unmatched::Rebuild,
        }
    }

    /// `file` is there, `-file` is gone.
    fn decide(updates: &[LiveUpdate], changed: &[&str]) -> Plan {
        let file = |text: &&str| match text.strip_prefix('-') {
            Some(gone) => (path(gone), false),
            None => (path(text), true),
        };
        plan(updates, &changed.iter().map(file).collect(), &path("."))
    }

    #[track_caller]
    fn steps(updates: &[LiveUpdate], changed: &[&str]) -> Steps {
        match decide(updates, changed).way {
            Way::Update(steps) => steps,
            way => panic!("{way:?}"),
        }
    }

    #[track_caller]
    fn full(updates: &[LiveUpdate], changed: &[&str], why: &str) {
        assert_eq!(decide(updates, changed).way, Way::Full(Some(why.to_owned())));
    }

    fn copied(steps: &Steps) -> Vec<String> {
        steps.copies.iter().map(|(from, to)| format!("{} {to}", from.display_from(&path(".")))).collect()
    }

    fn runs(steps: &Steps) -> Vec<&str> {
        steps.runs.iter().map(|run| run.argv[0].as_str()).collect()
    }

    #[test]
    fn a_folder_is_mirrored_and_a_file_goes_where_it_is_said() {
        let one = update(&["src", "go.mod", "x"], &[("src", "/app"), ("go.mod", "/etc/"), ("x", "/y")]);
        let steps = steps(&[one], &["src/a/b.c", "go.mod", "x"]);
        assert_eq!(copied(&steps), ["go.mod /etc/go.mod", "src/a/b.c /app/a/b.c", "x /y"]);
    }

    #[test]
    fn a_slash_after_a_folder_makes_no_difference_and_the_root_has_one() {
        let one = update(&["src", "lib"], &[("src", "/app/"), ("lib", "/")]);
        assert_eq!(copied(&steps(&[one], &["src/a", "lib/b"])), ["lib/b /b", "src/a /app/a"]);
    }

    #[test]
    fn the_first_sync_that_matches_wins() {
        let one = update(&["src"], &[("src/gen", "/gen"), ("src", "/app"), ("src/gen/late", "/late")]);
        assert_eq!(
            copied(&steps(&[one], &["src/gen/late/x", "src/y"])),
            ["src/gen/late/x /gen/late/x", "src/y /app/y"]
        );
    }

    #[test]
    fn what_is_gone_is_removed() {
        let steps = steps(&[update(&["src"], &[("src", "/app")])], &["-src/a", "src/b"]);
        assert_eq!((copied(&steps), steps.removals), (vec!["src/b /app/b".to_owned()], vec!["/app/a".to_owned()]));
    }

    #[test]
    fn folders_of_removed_files_may_go_but_not_the_synced_one_nor_one_that_others_lead_to() {
        let one = update(&["src"], &[("src/own", "/app/a/gen"), ("src", "/app")]);
        let steps = steps(&[one], &["-src/a/b/c", "-src/a/d", "-src/own/e/f", "-src/g", "src/h/i"]);
        let folders: Vec<_> =
            steps.folders.iter().map(|(from, to)| (from.display_from(&path(".")).clone(), to.as_str())).collect();
        let expected = [("src/a/b", "/app/a/b"), ("src/own/e", "/app/a/gen/e")];
        assert_eq!(folders, expected.map(|(from, to)| (from.to_owned(), to)));
    }

    #[test]
    fn what_matches_no_sync_makes_all_anew() {
        let one = update(&["."], &[("src", "/app")]);
        full(std::slice::from_ref(&one), &["src/a", "Makefile"], "Makefile matches no `sync`");
        full(&[one], &["srcs/a"], "srcs/a matches no `sync`");
    }

    #[test]
    fn fall_back_on_comes_first() {
        let mut one = update(&["."], &[("src", "/app")]);
        one.fall_back_on = vec![trigger("src/go.mod"), trigger("src/vendor")];
        full(&[one.clone()], &["Makefile", "src/go.mod"], "src/go.mod is in `fall_back_on`");
        full(&[one.clone()], &["src/vendor/a/b"], "src/vendor/a/b is in `fall_back_on`");
        assert_eq!(copied(&steps(&[one], &["src/go.mod2"])), ["src/go.mod2 /app/go.mod2"]);
    }

    #[test]
    fn runs_go_by_what_was_copied() {
        let mut one = update(&["."], &[("src", "/app")]);
        one.runs = vec![run("always", &[]), run("deps", &["src/package.json"]), run("css", &["src/css", "src/x"])];
        assert_eq!(runs(&steps(&[one.clone()], &["src/a"])), ["always"]);
        assert_eq!(runs(&steps(&[one.clone()], &["src/css/a/b"])), ["always", "css"]);
        assert_eq!(runs(&steps(&[one], &["-src/package.json", "src/x"])), ["always", "deps", "css"]);
    }

    #[test]
    fn a_restart_comes_after_each_update_or_when_its_files_changed() {
        let mut one = update(&["."], &[("src", "/app")]);
        assert!(!steps(&[one.clone()], &["src/a"]).restart);
        one.restart = RestartStep::Always;
        assert!(steps(&[one.clone()], &["src/a"]).restart);
        one.restart = RestartStep::On(vec![trigger("src/conf"), trigger("conf")]);
        assert!(!steps(&[one.clone()], &["src/a"]).restart);
        assert!(steps(&[one.clone()], &["src/conf/x"]).restart);
        // A file that only says restart is copied nowhere.
        let only = steps(&[one], &["conf"]);
        assert!(only.restart && only.copies.is_empty());
    }

    #[test]
    fn a_file_of_an_image_without_steps_makes_all_anew() {
        let one = update(&["app"], &[("app", "/app")]);
        full(&[one], &["base/x"], "base/x belongs to an image without `live_update`");
        assert_eq!(decide(&[], &["x"]).way, Way::Full(None));
    }

    #[test]
    fn each_image_does_its_own_and_a_shared_file_goes_to_both() {
        let mut app = update(&["app", "shared"], &[("app", "/app"), ("shared", "/app/shared")]);
        let mut base = update(&["base", "shared"], &[("base", "/base"), ("shared", "/base/shared")]);
        app.runs = vec![run("app", &[])];
        base.runs = vec![run("base", &[])];
        base.restart = RestartStep::Always;
        let only = steps(&[app.clone(), base.clone()], &["app/x"]);
        assert_eq!((runs(&only), only.restart), (vec!["app"], false));
        let both = steps(&[app.clone(), base.clone()], &["shared/x"]);
        assert_eq!(copied(&both), ["shared/x /app/shared/x", "shared/x /base/shared/x"]);
        assert_eq!((runs(&both), both.restart), (vec!["app", "base"], true));
        // One that does not know the file makes all anew.
        base.syncs.remove(1);
        full(&[app, base], &["shared/x"], "shared/x matches no `sync`");
    }

    #[test]
    fn what_watch_rules_do_not_name_waits() {
        let mut one = update(&["."], &[("src", "/app")]);
        one.unmatched = Unmatched::Wait;
        let nothing = decide(&[one.clone()], &["README"]);
        assert_eq!((nothing.way, nothing.waiting), (Way::Nothing, BTreeSet::from([path("README")])));
        let some = decide(&[one.clone()], &["README", "src/a"]);
        assert_eq!(some.waiting, BTreeSet::from([path("README")]));
        assert!(matches!(some.way, Way::Update(steps) if copied(&steps) == ["src/a /app/a"]));
        // The rules name fewer files than the image is made of.
        one.inputs = update(&["src"], &[]).inputs;
        assert_eq!(decide(&[one.clone()], &["README"]).way, Way::Nothing);
        // A rebuild rule still holds.
        one.fall_back_on = vec![trigger("src/package.json")];
        full(&[one], &["src/package.json"], "src/package.json is in `fall_back_on`");
    }

    #[test]
    fn ignored_files_of_a_rule_do_not_match_it() {
        use crate::model::IgnoreRule;
        let mut one = update(&["src"], &[("src", "/app")]);
        one.unmatched = Unmatched::Wait;
        let rule = IgnoreRule::new(path("src"), vec!["node_modules".to_owned()]);
        one.syncs[0].local.ignore = vec![Arc::new(rule)];
        assert_eq!(decide(&[one.clone()], &["src/node_modules/x"]).way, Way::Nothing);
        assert_eq!(copied(&steps(&[one], &["src/y"])), ["src/y /app/y"]);
    }

    #[test]
    fn nothing_changed_is_nothing_to_do() {
        assert_eq!(decide(&[update(&["src"], &[])], &[]).way, Way::Nothing);
    }
}
