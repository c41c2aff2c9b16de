//! Old images of a project: which they are, and removing them. Only references that orch gave are taken away; an image goes with
//! its last one, and never while a container is made of it.

use crate::{
    host::docker::{Connection, failure},
    model::{DockerPrune, Failure, ImageId},
    store::MadeImage,
};
use bollard::{
    errors::Error,
    query_parameters::{ListContainersOptionsBuilder, RemoveImageOptions},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

/// Removes those of `made` that are old by `settings`, but not those in `keep`. Gives the images that are gone.
///
/// # Errors
/// The engine cannot be asked, or refuses for no known reason.
pub async fn prune(
    connection: &Connection,
    made: Vec<MadeImage>,
    settings: &DockerPrune,
    keep: Vec<ImageId>,
    now: SystemTime,
) -> Result<Vec<ImageId>, Failure> {
    let failed = |error: Error| connection.failure("old images cannot be removed", &error);
    let mut kept = used(connection).await.map_err(failed)?;
    kept.extend(keep);
    let mut gone = Vec::new();
    for image in old(made, settings, &kept, now) {
        match connection.api().remove_image(&image.reference, None::<RemoveImageOptions>, None).await {
            Ok(_) => gone.push(image.id),
            // Somebody was faster.
            Err(error) if failure::is_missing(&error) => gone.push(image.id),
            // Somebody uses it since.
            Err(error) if failure::status(&error) == Some(409) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(gone)
}

/// The images that containers are made of, also those that do not run.
async fn used(connection: &Connection) -> Result<BTreeSet<ImageId>, Error> {
    let all = ListContainersOptionsBuilder::default().all(true).build();
    let containers = connection.api().list_containers(Some(all)).await?;
    Ok(containers.into_iter().filter_map(|container| Some(ImageId(container.image_id?.into()))).collect())
}

/// Those that may go: of each repository all but the newest few, and of these the old ones that nobody needs.
fn old(made: Vec<MadeImage>, settings: &DockerPrune, kept: &BTreeSet<ImageId>, now: SystemTime) -> Vec<MadeImage> {
    if settings.disable {
        return Vec::new();
    }
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let age = |image: &MadeImage| now.saturating_sub(Duration::from_secs(image.made_at_secs.try_into().unwrap_or(0)));
    let mut by_repository: BTreeMap<String, Vec<MadeImage>> = BTreeMap::new();
    for image in made {
        let repository = image.reference.rsplit_once(':').map_or(image.reference.as_str(), |(name, _)| name).to_owned();
        by_repository.entry(repository).or_default().push(image);
    }
    let recent = usize::try_from(settings.keep_recent).unwrap_or(usize::MAX);
    let older = by_repository.into_values().flat_map(|mut images| {
        images.sort_by(|a, b| (age(a), &a.reference).cmp(&(age(b), &b.reference)));
        images.into_iter().skip(recent)
    });
    older.filter(|image| age(image) > settings.max_age && !kept.contains(&image.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(number: u32, name: &str, made_at_secs: i64) -> MadeImage {
        let id = ImageId(format!("sha256:{number}").into());
        MadeImage { id, reference: format!("{name}:orch-{number}"), made_at_secs }
    }

    fn gone(made: Vec<MadeImage>, settings: &DockerPrune) -> Vec<String> {
        let kept = BTreeSet::from([ImageId("sha256:2".into())]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        old(made, settings, &kept, now).into_iter().map(|image| image.reference).collect()
    }

    #[test]
    fn the_newest_of_each_the_young_and_the_needed_stay() {
        let settings = DockerPrune { keep_recent: 2, max_age: Duration::from_secs(100), ..DockerPrune::default() };
        let mut made: Vec<_> = (1..5).map(|number| image(number, "a", i64::from(number) * 10)).collect();
        made.extend([image(5, "a", 950), image(6, "host:5000/b", 10), image(7, "host:5000/b", 9)]);
        assert_eq!(gone(made.clone(), &settings), ["a:orch-3", "a:orch-1"]);
        assert!(gone(made, &DockerPrune { disable: true, ..settings.clone() }).is_empty());
        let young = vec![image(1, "a", 950), image(2, "a", 960), image(3, "a", 970)];
        assert!(gone(young, &settings).is_empty());
    }
}
