//! Enabling and disabling resources of the running session: what users switch stands over what the Orchfile selects, until the
//! Orchfile gets other arguments.

use super::{edges, evaluation, reload, state::State, verdict};
use crate::{
    model::{Level, Project, ResourceName, graph},
    snapshot::words,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Makes these part of the session, with all that they need, and with what was taken out along with them; with `only`, nothing
/// else is.
pub(super) fn enable(state: &mut State, names: &[ResourceName], alone: bool, only: bool) {
    let Some(project) = state.project.clone() else { return };
    let mut wanted = places_of(&project, names);
    if !alone {
        wanted = reach(&Waits::of(&project), wanted, Waits::needs);
        if !only {
            wanted.extend(taken_along_with(state, &project, names, &wanted));
        }
    }
    let mut taken_along = state.taken_along.clone();
    taken_along.retain(|name, _| !only && !wanted.iter().any(|place| project.resources[*place].name == *name));
    for (place, resource) in project.resources.iter().enumerate() {
        if wanted.contains(&place) || only && resource.enabled && !is_everybodys(&project, place) {
            state.switched.insert(resource.name.clone(), wanted.contains(&place));
        }
    }
    apply(state, &project, taken_along);
}

/// Takes these out of the session, with all that cannot be without them: that comes back with them.
pub(super) fn disable(state: &mut State, names: &[ResourceName], alone: bool) {
    let Some(project) = state.project.clone() else { return };
    let asked = places_of(&project, names);
    let mut unwanted = asked.clone();
    let mut taken_along = state.taken_along.clone();
    if !alone {
        let waits = Waits::of(&project);
        for place in &asked {
            for along in reach(&waits, [*place].into(), Waits::needed_by) {
                unwanted.insert(along);
                let resource = &project.resources[along];
                // What somebody had disabled by itself stays so.
                if resource.enabled || taken_along.contains_key(&resource.name) {
                    let with = taken_along.entry(resource.name.clone()).or_default();
                    with.insert(project.resources[*place].name.clone());
                }
            }
        }
    }
    for place in unwanted {
        state.switched.insert(project.resources[place].name.clone(), false);
    }
    names.iter().for_each(|name| _ = taken_along.remove(name));
    apply(state, &project, taken_along);
}

/// What was taken out along with these, and with nothing else that stays out.
fn taken_along_with(
    state: &State,
    project: &Project,
    names: &[ResourceName],
    wanted: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let resources = project.resources.iter().enumerate();
    let comes: BTreeSet<&ResourceName> = resources
        .filter(|(place, resource)| resource.enabled || wanted.contains(place))
        .map(|(_, resource)| &resource.name)
        .collect();
    let comes_back = |with: &BTreeSet<ResourceName>| {
        with.iter().any(|name| names.contains(name)) && with.iter().all(|name| comes.contains(name))
    };
    let along: Vec<ResourceName> =
        state.taken_along.iter().filter(|(_, with)| comes_back(with)).map(|(name, _)| name.clone()).collect();
    places_of(project, &along)
}

/// Evaluates the Orchfile with other arguments; what they select counts from then on.
pub(super) fn set_args(state: &mut State, args: Vec<String>) {
    if state.is_ending() {
        return;
    }
    let text = if args.is_empty() { "no arguments".to_owned() } else { format!("arguments {}", args.join(" ")) };
    state.say_session(Level::Info, format!("evaluates the Orchfile with {text}: asked for"));
    state.args = Arc::new(args);
    state.switched.clear();
    show_taken_along(state, BTreeMap::new());
    evaluation::begin(state);
}

/// The project as the Orchfile gives it, with what users switched.
pub(super) fn effective(project: &Arc<Project>, switched: &BTreeMap<ResourceName, bool>) -> Arc<Project> {
    let differs = |resource: &Arc<crate::model::Resource>| {
        switched.get(&resource.name).is_some_and(|enabled| *enabled != resource.enabled)
    };
    if !project.resources.iter().any(differs) {
        return project.clone();
    }
    let mut project = Project::clone(project);
    for resource in project.resources.iter_mut().filter(|resource| differs(resource)) {
        let other = Arc::make_mut(resource);
        other.enabled = !other.enabled;
    }
    Arc::new(project)
}

/// Brings into force what was switched, and says what that changed.
fn apply(state: &mut State, before: &Arc<Project>, taken_along: BTreeMap<ResourceName, BTreeSet<ResourceName>>) {
    let Some(evaluated) = state.evaluated.clone() else { return };
    if state.is_ending() {
        return;
    }
    show_taken_along(state, taken_along);
    let project = effective(&evaluated, &state.switched);
    say(state, before, &project);
    reload::apply(state, &project);
    evaluation::watch(state);
    verdict::on_loaded(state);
}

/// Notes what was taken out along with what, and has the rows made anew that show it.
fn show_taken_along(state: &mut State, new: BTreeMap<ResourceName, BTreeSet<ResourceName>>) {
    let old = std::mem::replace(&mut state.taken_along, new);
    let names: BTreeSet<&ResourceName> = old.keys().chain(state.taken_along.keys()).collect();
    let differs = names.into_iter().filter(|name| old.get(*name) != state.taken_along.get(*name));
    let ids: Vec<_> = differs.filter_map(|name| state.resource(name)).collect();
    ids.into_iter().for_each(|id| edges::show(state, id));
}

fn say(state: &mut State, before: &Project, after: &Project) {
    for enabled in [true, false] {
        let changed = before.resources.iter().zip(&after.resources);
        let changed = changed.filter(|(old, new)| old.enabled != new.enabled && new.enabled == enabled);
        let names: Vec<&str> = changed.map(|(_, new)| new.name.as_str()).collect();
        if !names.is_empty() {
            let what = if enabled { "enabled" } else { "disabled" };
            state.say_session(Level::Info, format!("{what} {}: asked for", words::first_of(&names)));
        }
    }
}

/// Namespaces and configuration are everybody's, as is what objects of the API made.
fn is_everybodys(project: &Project, place: usize) -> bool {
    let resource = &project.resources[place];
    resource.kind.kube().is_some_and(|kube| kube.before_others) || project.of_api.contains(&resource.name)
}

fn places_of(project: &Project, names: &[ResourceName]) -> BTreeSet<usize> {
    let names: BTreeSet<&ResourceName> = names.iter().collect();
    (0..project.resources.len()).filter(|place| names.contains(&project.resources[*place].name)).collect()
}

/// For each resource those that it waits for, and those that wait for it.
struct Waits {
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
}

impl Waits {
    /// What somebody declared; and what is read of others, where naming a resource brings that too.
    fn of(project: &Project) -> Self {
        let count = project.resources.len();
        let mut waits = Self { needs: vec![Vec::new(); count], needed_by: vec![Vec::new(); count] };
        let places: BTreeMap<&ResourceName, usize> =
            project.resources.iter().enumerate().map(|(place, resource)| (&resource.name, place)).collect();
        for (to, resource) in project.resources.iter().enumerate() {
            for dependency in &resource.dependencies {
                places.get(&dependency.on).into_iter().for_each(|from| waits.add(*from, to));
            }
        }
        if project.mode.selects_writers() {
            graph::data_edges(&project.resources).iter().for_each(|edge| waits.add(edge.from, edge.to));
        }
        waits
    }

    fn add(&mut self, from: usize, to: usize) {
        self.needs[to].push(from);
        self.needed_by[from].push(to);
    }

    fn needs(&self, place: usize) -> &[usize] {
        &self.needs[place]
    }

    fn needed_by(&self, place: usize) -> &[usize] {
        &self.needed_by[place]
    }
}

/// These and all that can be reached from them that way.
fn reach(waits: &Waits, from: BTreeSet<usize>, way: fn(&Waits, usize) -> &[usize]) -> BTreeSet<usize> {
    let mut next: Vec<usize> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(place) = next.pop() {
        if reached.insert(place) {
            next.extend(way(waits, place));
        }
    }
    reached
}
