//! Old images of a project: which they are, and removing them. Only references that orch gave are taken away; an image goes with
//! its last one, and never while a container is made of it.

use crate::{
    host::docker::{Connection, failure},
    model::{DockerPrune, Failure, ImageId, ImageRef},
};
use bollard::{
    errors::Error,
    models::ImageInspect,
    query_parameters::{ListContainersOptionsBuilder, ListImagesOptions, RemoveImageOptions},
};
use std::collections::{BTreeMap, BTreeSet};

/// An image under a name that orch gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedImage {
    /// Which.
    pub id: ImageId,
    /// With its content-addressed tag.
    pub reference: String,
    /// In seconds since 1970: when it was given that name last.
    pub named_at: i64,
}

/// Removes the images of these repositories that are old by `settings`; `now` is in seconds since 1970. Gives the references
/// that are gone.
///
/// # Errors
/// The engine cannot be asked.
pub async fn prune(
    connection: &Connection,
    repositories: &BTreeSet<String>,
    settings: &DockerPrune,
    keep: &[ImageId],
    now: i64,
) -> Result<Vec<String>, Failure> {
    if settings.disable {
        return Ok(Vec::new());
    }
    let failed = |error: Error| connection.failure("old images cannot be removed", &error);
    let named = find(connection, repositories).await.map_err(failed)?;
    let mut kept = used(connection).await.map_err(failed)?;
    kept.extend(keep.iter().cloned());
    let mut gone = Vec::new();
    for image in old(named, settings, &kept, now) {
        match connection.api().remove_image(&image.reference, None::<RemoveImageOptions>, None).await {
            Ok(_) => gone.push(image.reference),
            // Somebody uses it since, or was faster.
            Err(error) if matches!(failure::status(&error), Some(404 | 409)) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(gone)
}

/// The images of these repositories that have the tag that orch gives.
async fn find(connection: &Connection, repositories: &BTreeSet<String>) -> Result<Vec<NamedImage>, Error> {
    let mut named = Vec::new();
    for image in connection.api().list_images(None::<ListImagesOptions>).await? {
        let id = ImageId(image.id.as_str().into());
        let is_ours = |reference: &&String| {
            let given =
                reference.rsplit_once(':').filter(|(name, _)| repositories.iter().any(|own| is_same(own, name)));
            given.is_some_and(|(_, tag)| tag.ends_with(&id.tag()))
        };
        let references: Vec<_> = image.repo_tags.iter().filter(is_ours).cloned().collect();
        if references.is_empty() {
            continue;
        }
        let inspected = match connection.api().inspect_image(&id.0).await {
            Ok(inspected) => inspected,
            Err(error) if failure::is_missing(&error) => continue,
            Err(error) => return Err(error),
        };
        let named_at = last_named(&inspected).unwrap_or(image.created);
        named.extend(references.into_iter().map(|reference| NamedImage { id: id.clone(), reference, named_at }));
    }
    Ok(named)
}

fn is_same(a: &str, b: &str) -> bool {
    a == b || ImageRef::parse(a).is_ok_and(|a| ImageRef::parse(b) == Ok(a))
}

/// When it was last given a name: an image that was built again from the cache keeps the day of its first build.
fn last_named(image: &ImageInspect) -> Option<i64> {
    let time = image.metadata.as_ref()?.last_tag_time?;
    Some(time.timestamp()).filter(|seconds| *seconds > 0)
}

/// The images that containers are made of, also those that do not run.
async fn used(connection: &Connection) -> Result<BTreeSet<ImageId>, Error> {
    let all = ListContainersOptionsBuilder::default().all(true).build();
    let containers = connection.api().list_containers(Some(all)).await?;
    Ok(containers.into_iter().filter_map(|container| Some(ImageId(container.image_id?.into()))).collect())
}

/// Those that may go: of each repository all but the newest few, and of these the old ones that nobody needs.
#[must_use]
pub fn old(named: Vec<NamedImage>, settings: &DockerPrune, kept: &BTreeSet<ImageId>, now: i64) -> Vec<NamedImage> {
    let max_age = i64::try_from(settings.max_age.as_secs()).unwrap_or(i64::MAX);
    let mut by_repository: BTreeMap<String, Vec<NamedImage>> = BTreeMap::new();
    for image in named {
        let repository = image.reference.rsplit_once(':').map_or(image.reference.as_str(), |(name, _)| name).to_owned();
        by_repository.entry(repository).or_default().push(image);
    }
    let recent = usize::try_from(settings.keep_recent).unwrap_or(usize::MAX);
    let newest_last = |mut images: Vec<NamedImage>| {
        images.sort_by(|a, b| (b.named_at, &b.reference).cmp(&(a.named_at, &a.reference)));
        images.into_iter().skip(recent)
    };
    let beyond = by_repository.into_values().flat_map(newest_last);
    beyond.filter(|image| now.saturating_sub(image.named_at) > max_age && !kept.contains(&image.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn image(number: u32, name: &str, named_at: i64) -> NamedImage {
        NamedImage {
            id: ImageId(format!("sha256:{number}").into()),
            reference: format!("{name}:orch-{number}"),
            named_at,
        }
    }

    #[test]
    fn the_newest_of_each_the_young_and_the_needed_stay() {
        let settings = DockerPrune { keep_recent: 2, max_age: Duration::from_secs(100), ..DockerPrune::default() };
        let named = vec![
            image(1, "a", 10),
            image(2, "a", 20),
            image(3, "a", 30),
            image(4, "a", 40),
            image(5, "a", 950),
            image(6, "host:5000/b", 10),
            image(7, "host:5000/b", 9),
        ];
        let kept = BTreeSet::from([ImageId("sha256:2".into())]);
        let gone = old(named, &settings, &kept, 1000);
        let gone: Vec<_> = gone.iter().map(|image| image.reference.as_str()).collect();
        assert_eq!(gone, ["a:orch-3", "a:orch-1"]);
        let young = old(vec![image(1, "a", 950), image(2, "a", 960), image(3, "a", 970)], &settings, &kept, 1000);
        assert!(young.is_empty(), "{young:?}");
    }
}
