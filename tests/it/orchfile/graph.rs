//! What is wrong with graphs, found in about the time of their size.

use super::folder::Folder;
use orch::model::{
    Condition, Dependency, FilePath, FileSet, Kind, Local, Resource, ResourceName, TriggerMode,
    graph::{GraphFault, check},
};
use std::{collections::BTreeSet, sync::Arc};

fn resource(name: &str, waits_for: &[&str], reads: &[&str], writes: &[&str]) -> Arc<Resource> {
    let paths = |paths: &[&str]| paths.iter().map(|path| FilePath::new(format!("/p/{path}"))).collect();
    let on = |on: &&str| Dependency { on: ResourceName::parse(on).unwrap(), condition: Condition::Ready };
    Arc::new(Resource {
        name: ResourceName::parse(name).unwrap(),
        declared_at: None,
        kind: Kind::Local(Box::new(Local {
            cmd: None,
            serve: None,
            teardown: None,
            inputs: Arc::new(FileSet::of(paths(reads))),
            outputs: paths(writes),
            parallel: true,
            cancel_superseded: false,
        })),
        dependencies: waits_for.iter().map(on).collect(),
        trigger_mode: TriggerMode::Auto,
        auto_init: true,
        enabled: true,
        labels: Vec::new(),
        links: Vec::new(),
    })
}

#[test]
fn each_circle_is_found_once_and_by_its_shortest_way() {
    let faults = check(&[
        resource("out", &["a"], &[], &[]),
        resource("a", &["b", "c"], &[], &[]),
        resource("b", &["c"], &[], &[]),
        resource("c", &["a"], &[], &[]),
        resource("x", &[], &["y.txt"], &["gen"]),
        resource("y", &[], &["gen/x"], &["y.txt"]),
    ]);
    let path = |path: &str| FilePath::new(format!("/p/{path}"));
    let data = vec![Some((path("y.txt"), path("y.txt"))), Some((path("gen"), path("gen/x")))];
    let cycle = |nodes: &[usize], through| GraphFault::Cycle { nodes: nodes.to_vec(), through };
    assert_eq!(faults, [cycle(&[1, 3, 1], vec![None, None]), cycle(&[4, 5, 4], data)]);
}

#[test]
fn outputs_within_each_other_are_shared_but_neighbours_are_not() {
    let faults = check(&[
        resource("a", &[], &[], &["build", "build/own"]),
        resource("b", &[], &[], &["build-b", "build/b", "build/b/deep"]),
        resource("c", &[], &[], &["buildings"]),
        resource("d", &[], &[], &["buildings"]),
    ]);
    let shared = |first, second, path: &str| {
        let path = FilePath::new(format!("/p/{path}"));
        GraphFault::SharedOutput { first, second, path }
    };
    assert_eq!(faults, [shared(0, 1, "build/b"), shared(2, 3, "buildings")]);
}

/// Chains and fans of this size would take minutes, or the whole stack, if the search were quadratic or recursive.
#[test]
fn a_large_graph_is_checked() {
    let count = 10_000_usize;
    let name = |place: usize| format!("r{place}");
    let mut resources: Vec<_> = (0..count)
        .map(|place| {
            let (before, hub, file) = (name(place.saturating_sub(1)), name(0), format!("out/{place}"));
            let waits_for: &[&str] = if place == 0 { &[] } else { &[&before, &hub] };
            resource(&name(place), waits_for, &[&format!("out/{}", place.wrapping_sub(1))], &[&file])
        })
        .collect();
    assert_eq!(check(&resources), []);
    resources[0] = resource("r0", &["r9999"], &[], &["out/0"]);
    let faults = check(&resources);
    let [GraphFault::Cycle { nodes, .. }] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(nodes, &[0, 9_999, 0]);
}

#[test]
fn selected_are_the_named_with_all_that_they_wait_for_and_read() {
    let text = "
local_resource('gen', 'make', outputs=['gen'])
local_resource('db', serve_cmd='db')
local_resource('api', serve_cmd='api', deps=['gen'], resource_deps=['db'])
local_resource('web', serve_cmd='web', resource_deps=['api'])
";
    for (file, expected) in [("Orchfile", &["gen", "db", "api"][..]), ("Tiltfile", &["db", "api"])] {
        let loaded = Folder::with(&[(file, text)]).load_with(file, &["api"]);
        let project = loaded.project.unwrap();
        let enabled = project.resources.iter().filter(|resource| resource.enabled);
        let names: BTreeSet<_> = enabled.map(|resource| resource.name.as_str()).collect();
        assert_eq!(names, expected.iter().copied().collect());
    }
}

#[test]
fn ten_thousand_resources_are_evaluated() {
    let text = "
for i in range(10000):
    local_resource('r%d' % i, 'make', deps=['src/%d' % i], resource_deps=['r%d' % (i - 1)] if i else [])
";
    let loaded = Folder::with(&[("Orchfile", text)]).load();
    // Of so many files that are not there only some are told.
    assert_eq!((loaded.diagnostics.len(), loaded.project.map(|project| project.resources.len())), (20, Some(10_000)));
}
