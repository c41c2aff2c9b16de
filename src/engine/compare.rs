//! What the containers of a workload hold of the files and images that they are made of, against what these are now.

use super::{
    changes,
    dirt::{Mark, Saw},
    image::{self, Value},
    node::{Node, NodeId},
    plan,
    state::State,
    what::What,
};
use crate::model::{FilePath, ImageKey};
use std::collections::BTreeSet;

/// What the containers hold of a file.
pub(super) fn saw_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let containers = &state.nodes[id].workload;
    if let Some(saw) = containers.overlay.get(path) {
        return Some(*saw);
    }
    built_of(state, id, path)
}

/// What of a file is in the images of the containers; `None` for one that no image is made of.
pub(super) fn built_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let values = state.nodes[id].workload.raised.iter().flat_map(|raised| &raised.values);
    let of_file = values.filter(|(image, _)| state.nodes[*image].reads(path));
    let mut saws = of_file.map(|(_, value)| value.sight.saw(path));
    let first = saws.next()?;
    Some(if saws.all(|saw| saw == first) { first } else { Saw::Unknown })
}

/// Looks again at all files that may be others in the containers than on the disk.
pub(super) fn files(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let mut files: BTreeSet<FilePath> = node.dirt.files.keys().chain(node.workload.overlay.keys()).cloned().collect();
    for image in image::with_bases(state, &node.edges.images) {
        files.extend(state.nodes[image].making.behind.iter().filter(|path| node.reads(path)).cloned());
    }
    let mut unknown = Vec::new();
    for path in files {
        let Some(saw) = saw_of(state, id, &path) else { continue };
        if !state.contents.is_known(&path) {
            unknown.push(path);
            continue;
        }
        let same = saw == Saw::Content(state.contents.of(&path));
        let files = &mut state.node(id).dirt.files;
        if same {
            files.remove(&path);
        } else {
            files.entry(path).or_insert(Mark { by: None });
        }
    }
    state.node(id).workload.plan = None;
    changes::note_all(state, &unknown);
}

/// What was copied and has another place in the new declaration is not where it should be.
pub(super) fn mark_moved(node: &mut Node, old: &What) {
    let (old, new) = (old.live_updates().into_owned(), node.what.live_updates().into_owned());
    if old == new {
        return;
    }
    let is_moved = |path: &&FilePath| plan::places(&old, path) != plan::places(&new, path);
    let moved = node.workload.overlay.keys().filter(|path| node.reads(path)).filter(is_moved);
    let moved: Vec<FilePath> = moved.cloned().collect();
    for path in moved {
        node.workload.overlay.insert(path.clone(), Saw::Unknown);
        node.dirt.files.entry(path).or_insert(Mark { by: None });
    }
}

/// An image that it is made of was or is to be made anew.
pub(super) fn mark_image(state: &mut State, id: NodeId, image: &ImageKey) {
    let now = state.now;
    let node = state.node(id);
    if !node.dirt.is_change() {
        node.changed_at = now;
    }
    node.dirt.images.insert(image.clone());
    state.touch(id);
}

/// An image that was to be made anew is the one that its containers are made of: nothing is to be done for it.
pub(super) fn unmark_image(state: &mut State, id: NodeId, key: &ImageKey, (image, value): (NodeId, &Value)) {
    let node = state.node(id);
    // Those that a run brings to something now, or has left halfway, may be made of another; what is gone is made of nothing.
    if node.workload.outdated || node.is_running() || node.workload.there.is_empty() {
        return;
    }
    let values = node.workload.raised.iter_mut().flat_map(|raised| &mut raised.values);
    let mut made_of = values.filter(|(other, before)| *other == image && before.is_same(value));
    if let Some((_, before)) = made_of.next() {
        before.clone_from(value);
        node.dirt.images.remove(key);
        files(state, id);
        state.touch(id);
    }
}
