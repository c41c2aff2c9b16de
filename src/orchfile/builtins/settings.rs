//! Settings of the whole project. What Tilt has and orch does not need is accepted and kept for `orch eval`.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use super::{
    duration,
    unpack::{CommandLine, Flag, Given, Integer, Maybe, Optional, PathText, Text, TextDict, TextOrList},
    version,
};
use crate::{
    diag::suggest::did_you_mean,
    model::{DockerPrune, IgnoreRule},
    orchfile::{
        Fault,
        context::{Context, context, resolve_path, site},
    },
};
use serde_json::{Value as Json, json};
use starlark::{
    collections::SmallMap,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, none::NoneType},
};
use std::{sync::Arc, time::Duration};

/// Tilt's feature flags with their defaults.
const FEATURES: [(&str, bool); 5] = [
    ("bulk_disable_resources", false),
    ("cluster_refresh", false),
    ("disable_resources", true),
    ("snapshots", true),
    ("update_history", false),
];
/// Flags that Tilt once had.
const OBSOLETE_FEATURES: [&str; 6] =
    ["events", "facets", "labels", "live_update_v2", "multiple_containers_per_pod", "offline_snapshot_creation"];

fn accept(context: &Context<'_>, key: &str, value: Json) {
    context.draft.borrow_mut().settings.accepted.insert(key.to_owned(), value);
}

/// Adds to an accepted setting that is an object.
fn accept_in(context: &Context<'_>, key: &str, name: &str, value: Json) {
    let accepted = &mut context.draft.borrow_mut().settings.accepted;
    accepted.entry(key.to_owned()).or_insert_with(|| json!({}))[name] = value;
}

fn set_feature(name: &str, on: bool, eval: &Evaluator<'_, '_, '_>) -> Result<NoneType, Fault> {
    if OBSOLETE_FEATURES.contains(&name) {
        let message = format!("`{name}` is no feature any more");
        context(eval).warn(site(eval).as_ref(), "orchfile::deprecated", message, Some("remove the call".to_owned()));
        return Ok(NoneType);
    }
    let unknown = || {
        let known = FEATURES.iter().map(|(name, _)| *name);
        Fault::value(format!("there is no feature `{name}`")).maybe_help(did_you_mean(name, known))
    };
    let (_, default) = FEATURES.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    if on != *default {
        accept_in(context(eval), "features", name, json!(on));
    }
    Ok(NoneType)
}

fn duration_of<'v>(
    given: Option<Given<'v, Maybe<Text>>>,
    name: &str,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<Option<Duration>, Fault> {
    let Some(text) = given.take_or_default(name, eval)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let invalid = || {
        Fault::value(format!("`{text}` is no duration"))
            .help("write it as \"30s\", \"5m\" or \"1h30m\"")
            .at_argument(name)
    };
    duration::parse(&text).map(Some).ok_or_else(invalid)
}

fn positive(number: i64, name: &str) -> Result<u32, Fault> {
    let invalid = || Fault::value(format!("`{name}` must be at least 1, and {number} was given")).at_argument(name);
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(invalid)
}

fn add_unused_images(context: &Context<'_>, names: Vec<String>) {
    let accepted = &mut context.draft.borrow_mut().settings.accepted;
    let list = accepted.entry("suppress_unused_image_warnings".to_owned()).or_insert_with(|| json!([]));
    if let Json::Array(list) = list {
        list.extend(names.into_iter().map(Json::String));
    }
}

fn not_negative(number: i64, name: &str) -> Result<u32, Fault> {
    let invalid = || Fault::value(format!("`{name}` cannot be {number}")).at_argument(name);
    u32::try_from(number).map_err(|_| invalid())
}

/// A number, where 0 is as good as none.
fn amount<'v>(
    given: Option<Given<'v, Integer>>,
    name: &str,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<Option<u32>, Fault> {
    let number = not_negative(given.take_or_default(name, eval)?, name)?;
    Ok(Some(number).filter(|number| *number > 0))
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// What no resource watches, as patterns like those of `.dockerignore`, relative to the folder of the calling file. Several
    /// calls add up.
    ///
    /// # Arguments
    /// * `ignore`: the patterns
    fn watch_settings<'v>(
        ignore: Option<Given<'v, TextOrList>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let patterns = ignore.take_or_default("ignore", eval)?;
        if !patterns.is_empty() {
            let rule = IgnoreRule::new(context(eval).dir(), patterns);
            context(eval).draft.borrow_mut().settings.watch_ignore.push(Arc::new(rule));
        }
        Ok(NoneType)
    }

    /// How updates are made.
    ///
    /// # Arguments
    /// * `max_parallel_updates`: how many may run at once
    /// * `k8s_upsert_timeout_secs`: how long applying one resource may take; 30 where not given
    /// * `suppress_unused_image_warnings`: names of images that may be unused; `"*"` stands for all
    /// * `k8s_server_side_apply`: has no effect; objects are always applied on the server
    fn update_settings<'v>(
        max_parallel_updates: Option<Given<'v, Maybe<Integer>>>,
        k8s_upsert_timeout_secs: Option<Given<'v, Maybe<Integer>>>,
        suppress_unused_image_warnings: Option<Given<'v, TextOrList>>,
        k8s_server_side_apply: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let context = context(eval);
        if let Some(number) = max_parallel_updates.take_or_default("max_parallel_updates", eval)? {
            let number = positive(number, "max_parallel_updates")?;
            context.draft.borrow_mut().settings.max_parallel_updates = Some(number);
        }
        if let Some(seconds) = k8s_upsert_timeout_secs.take_or_default("k8s_upsert_timeout_secs", eval)? {
            let seconds = positive(seconds, "k8s_upsert_timeout_secs")?;
            accept(context, "k8s_upsert_timeout_secs", json!(seconds));
        }
        if suppress_unused_image_warnings.is_some() {
            let names = suppress_unused_image_warnings.take_or_default("suppress_unused_image_warnings", eval)?;
            add_unused_images(context, names);
        }
        if let Some(word) = k8s_server_side_apply.take_given("k8s_server_side_apply", eval)? {
            if !matches!(word.as_str(), "true" | "false" | "auto") {
                let message = format!("`{word}` does not say whether the server applies");
                let help = "use \"true\", \"false\" or \"auto\"";
                return Err(Fault::value(message).help(help).at_argument("k8s_server_side_apply").into());
            }
            accept(context, "k8s_server_side_apply", json!(word));
        }
        Ok(NoneType)
    }

    /// How `orch ci` judges. Durations are written as `"30s"` or `"5m"`.
    ///
    /// # Arguments
    /// * `k8s_grace_period`: how long pods may fail (crash, have an image that cannot be pulled) before that is the answer
    /// * `timeout`: for all of `orch ci`
    /// * `readiness_timeout`: for each server to become ready
    fn ci_settings<'v>(
        k8s_grace_period: Option<Given<'v, Maybe<Text>>>,
        timeout: Option<Given<'v, Maybe<Text>>>,
        readiness_timeout: Option<Given<'v, Maybe<Text>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let grace = duration_of(k8s_grace_period, "k8s_grace_period", eval)?;
        let timeout = duration_of(timeout, "timeout", eval)?;
        let readiness_timeout = duration_of(readiness_timeout, "readiness_timeout", eval)?;
        let ci = &mut context(eval).draft.borrow_mut().settings.ci;
        ci.k8s_grace_period = grace.or(ci.k8s_grace_period);
        ci.timeout = timeout.or(ci.timeout);
        ci.readiness_timeout = readiness_timeout.or(ci.readiness_timeout);
        Ok(NoneType)
    }

    /// Which versions the file is for. A constraint is about the version of Tilt whose language orch speaks.
    ///
    /// # Arguments
    /// * `check_updates`: accepted, without effect
    /// * `constraint`: such as `">=0.30.0"`; each version needs all three numbers
    fn version_settings<'v>(
        check_updates: Option<Given<'v, Flag>>,
        constraint: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        if check_updates.take_given("check_updates", eval)? == Some(false) {
            accept(context(eval), "check_updates", json!(false));
        }
        let constraint = constraint.take_or_default("constraint", eval)?;
        if constraint.is_empty() {
            return Ok(NoneType);
        }
        let spoken = version::SPOKEN;
        match version::meets(&spoken, &constraint) {
            Ok(true) => Ok(NoneType),
            Ok(false) => {
                let message =
                    format!("the file wants Tilt `{constraint}`, and orch speaks the language of Tilt {spoken}");
                Err(Fault::new("orchfile::version", message).at_argument("constraint").into())
            }
            Err(reason) => {
                let message = format!("`{constraint}` is no constraint of versions: {reason}");
                Err(Fault::value(message).at_argument("constraint").into())
            }
        }
    }

    /// Accepted, without effect: orch reports nothing to anybody.
    fn analytics_settings<'v>(enable: Given<'v, Flag>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let word = if enable.take("enable", eval)? { "in" } else { "out" };
        accept(context(eval), "analytics", json!(word));
        Ok(NoneType)
    }

    /// Accepted, without effect.
    fn set_team<'v>(team_id: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let team = team_id.take("team_id", eval)?;
        if team.is_empty() {
            return Err(Fault::value("`team_id` is empty").at_argument("team_id").into());
        }
        let before = context(eval).draft.borrow().settings.accepted.get("team").cloned();
        if let Some(before) = before {
            return Err(Fault::value(format!("the team is set twice, to {before} and \"{team}\"")).into());
        }
        accept(context(eval), "team", json!(team));
        Ok(NoneType)
    }

    /// Accepted for Kubernetes: whether the values of Secrets may be shown.
    fn secret_settings<'v>(
        disable_scrub: Given<'v, Flag>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let disable = disable_scrub.take("disable_scrub", eval)?;
        accept(context(eval), "disable_scrub", json!(disable));
        Ok(NoneType)
    }

    /// When old images of the project are removed. What is not given keeps Tilt's default.
    ///
    /// # Arguments
    /// * `disable`: whether nothing is removed
    /// * `max_age_mins`: younger images stay; 360 where not given, or 0
    /// * `num_builds`: after how many builds; else it goes by time
    /// * `interval_hrs`: how often; 1 where not given
    /// * `keep_recent`: so many of each image stay, however old; 2 where not given
    fn docker_prune_settings<'v>(
        disable: Option<Given<'v, Flag>>,
        max_age_mins: Option<Given<'v, Integer>>,
        num_builds: Option<Given<'v, Integer>>,
        interval_hrs: Option<Given<'v, Integer>>,
        keep_recent: Option<Given<'v, Integer>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let disable = disable.take_or_default("disable", eval)?;
        let max_age = amount(max_age_mins, "max_age_mins", eval)?;
        let builds = amount(num_builds, "num_builds", eval)?;
        let interval = amount(interval_hrs, "interval_hrs", eval)?;
        let keep = keep_recent.take_given("keep_recent", eval)?;
        if builds.is_some() && interval.is_some() {
            let message = "`num_builds` and `interval_hrs` both say when images are removed";
            return Err(Fault::value(message).help("give one of them").into());
        }
        let prune = &mut context(eval).draft.borrow_mut().settings.docker_prune;
        let default = DockerPrune::default();
        *prune = DockerPrune {
            disable,
            max_age: max_age.map_or(default.max_age, |mins| Duration::from_mins(mins.into())),
            builds: builds.unwrap_or(default.builds),
            interval: interval.map_or(default.interval, |hours| Duration::from_hours(hours.into())),
            keep_recent: match keep {
                Some(keep) => not_negative(keep, "keep_recent")?,
                None => default.keep_recent,
            },
        };
        Ok(NoneType)
    }

    /// Accepted, without effect.
    fn disable_snapshots<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        Ok(set_feature("snapshots", false, eval)?)
    }

    /// Accepted, without effect.
    fn enable_feature<'v>(msg: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        Ok(set_feature(&msg.take("msg", eval)?, true, eval)?)
    }

    /// Accepted, without effect.
    fn disable_feature<'v>(msg: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        Ok(set_feature(&msg.take("msg", eval)?, false, eval)?)
    }

    /// Accepted, without effect.
    fn experimental_telemetry_cmd<'v>(
        cmd: Given<'v, CommandLine>,
        cmd_bat: Option<Value<'v>>,
        period: Option<Given<'v, Maybe<Text>>>,
        dir: Option<Given<'v, Maybe<PathText>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = cmd_bat;
        duration_of(period, "period", eval)?;
        let empty = || Fault::value("the command is empty").at_argument("cmd");
        let mut telemetry = json!({ "argv": cmd.take("cmd", eval)?.ok_or_else(empty)? });
        if let Some(dir) = dir.take_or_default("dir", eval)? {
            telemetry["dir"] = json!(resolve_path(eval, &dir).display_from(&context(eval).root));
        }
        accept(context(eval), "telemetry", telemetry);
        Ok(NoneType)
    }

    /// Accepted, without effect.
    fn experimental_metrics_settings<'v>(
        #[starlark(kwargs)] settings: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = settings;
        let message = "`experimental_metrics_settings` has no effect";
        context(eval).warn(site(eval).as_ref(), "orchfile::deprecated", message, Some("remove the call".to_owned()));
        Ok(NoneType)
    }

    /// Accepted, without effect.
    fn experimental_analytics_report<'v>(
        tags: Given<'v, TextDict>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        tags.take("tags", eval)?;
        Ok(NoneType)
    }
}
