//! What tests have on an engine: found by the id in its names and labels, and removed.

use super::{Container, block_on};
use bollard::{
    Docker,
    query_parameters::{
        ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptions, RemoveContainerOptionsBuilder,
        RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
    },
};
use regex::Regex;
use std::{collections::HashMap, fmt};

/// One thing on an engine, by the name or id to remove it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Belonging {
    Container { id: String, name: String },
    Network { id: String, name: String },
    Volume(String),
    Image(String),
}

impl fmt::Display for Belonging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { name, .. } => write!(f, "container {name}"),
            Self::Network { name, .. } => write!(f, "network {name}"),
            Self::Volume(name) => write!(f, "volume {name}"),
            Self::Image(name) => write!(f, "image {name}"),
        }
    }
}

/// The id of the `count`th test of a process. No id is a part of another.
pub(super) fn id_of_test(pid: u32, count: u32) -> String {
    format!("orchtest{pid}n{count}z")
}

/// The containers in whose names or labels `is_ours` finds its mark.
pub(super) fn containers(docker: &Docker, is_ours: impl Fn(&str) -> bool) -> Vec<Container> {
    let found = all(docker, is_ours).into_iter().filter_map(|it| match it {
        Belonging::Container { id, .. } => Some(id),
        _ => None,
    });
    // One that goes away meanwhile is no longer there.
    let inspected = found.filter_map(|id| block_on(docker.inspect_container(&id, None)).ok());
    let mut containers: Vec<_> = inspected.map(Container::of).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    containers
}

/// All in whose names or labels `is_ours` finds its mark, in the order in which it can be removed.
pub(super) fn all(docker: &Docker, is_ours: impl Fn(&str) -> bool) -> Vec<Belonging> {
    let marked = |names: &[String], labels: Option<&HashMap<String, String>>| {
        names.iter().chain(labels.into_iter().flat_map(HashMap::values)).any(|text| is_ours(text))
    };
    let (containers, networks, volumes, images) = block_on(async {
        let stopped_too = ListContainersOptionsBuilder::default().all(true).build();
        let also_untagged = ListImagesOptionsBuilder::default().all(true).build();
        let containers = docker.list_containers(Some(stopped_too)).await.unwrap_or_default();
        let networks = docker.list_networks(None).await.unwrap_or_default();
        let volumes = docker
            .list_volumes(None::<ListVolumesOptions>)
            .await
            .ok()
            .and_then(|found| found.volumes)
            .unwrap_or_default();
        let images = docker.list_images(Some(also_untagged)).await.unwrap_or_default();
        (containers, networks, volumes, images)
    });
    let mut found = Vec::new();
    for it in containers {
        let (names, id) = (it.names.unwrap_or_default(), it.id.unwrap_or_default());
        if marked(&names, it.labels.as_ref()) {
            let name = names.first().map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default();
            found.push(Belonging::Container { id, name });
        }
    }
    for it in networks {
        let (name, id) = (it.name.unwrap_or_default(), it.id.unwrap_or_default());
        if marked(std::slice::from_ref(&name), it.labels.as_ref()) {
            found.push(Belonging::Network { id, name });
        }
    }
    for it in volumes {
        if marked(std::slice::from_ref(&it.name), Some(&it.labels)) {
            found.push(Belonging::Volume(it.name));
        }
    }
    for mut it in images {
        // What an engine before 23 calls an image without a name.
        it.repo_tags.retain(|tag| tag != "<none>:<none>");
        let with_a_label = marked(&[], Some(&it.labels)) && it.repo_tags.is_empty();
        found.extend(with_a_label.then(|| Belonging::Image(it.id.clone())));
        found.extend(it.repo_tags.into_iter().filter(|tag| is_ours(tag)).map(Belonging::Image));
    }
    found
}

/// Removes all of it.
pub(super) fn remove(docker: &Docker, is_ours: impl Fn(&str) -> bool) {
    // The first round may meet what something else still uses.
    for _ in 0..2 {
        for it in all(docker, &is_ours) {
            block_on(remove_one(docker, &it));
        }
    }
}

async fn remove_one(docker: &Docker, it: &Belonging) {
    match it {
        Belonging::Container { id, .. } => {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            docker.remove_container(id, Some(options)).await.ok();
        }
        Belonging::Network { id, .. } => drop(docker.remove_network(id).await.ok()),
        Belonging::Volume(name) => {
            let options = RemoveVolumeOptionsBuilder::default().force(true).build();
            docker.remove_volume(name, Some(options)).await.ok();
        }
        Belonging::Image(name) => {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            docker.remove_image(name, Some(options), None).await.ok();
        }
    }
}

/// Removes what tests left whose process was killed before it could.
pub(super) fn remove_of_dead_tests(docker: &Docker) {
    let id = Regex::new(r"orchtest(\d+)n\d+z").unwrap();
    remove(docker, |text| {
        id.captures(text).is_some_and(|found| !std::path::Path::new(&format!("/proc/{}", &found[1])).exists())
    });
}
