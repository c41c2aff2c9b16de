//! What an image is called once it is made: its own id decides, so that the same content has the same name.

use super::{BuildFailure, Tools};
use crate::{
    engine::BuildOrder,
    host::docker::{Connection, failure},
    model::{Built, ImageId, ImageRef},
};
use bollard::{
    errors::Error,
    query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder},
};

/// Gives the image its content-addressed tag, and those that the user wants besides.
pub(super) async fn tag(
    tools: &Tools,
    order: &BuildOrder,
    extra: &[String],
    id: ImageId,
) -> Result<Built, BuildFailure> {
    let repository = &order.image.repository;
    let tag = format!("{}{}", order.image.tag_prefix, id.tag());
    give(&tools.connection, &id, repository, &tag).await?;
    for name in extra {
        let parsed = ImageRef::parse(name).ok();
        let tag = parsed.as_ref().and_then(ImageRef::tag).unwrap_or("latest");
        let repository = parsed.as_ref().map_or_else(|| name.clone(), ImageRef::name);
        give(&tools.connection, &id, &repository, tag).await?;
    }
    Ok(Built { id: Some(id), reference: format!("{repository}:{tag}") })
}

async fn give(connection: &Connection, id: &ImageId, repository: &str, tag: &str) -> Result<(), BuildFailure> {
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
    let given = connection.api().tag_image(&id.0, Some(options)).await;
    given.map_err(|error| of_engine(connection, &format!("the image cannot be called `{repository}:{tag}`"), &error))
}

/// Takes a name away that was only there until the image had its own. If that fails, it is a name too many.
pub(super) async fn take(tools: &Tools, reference: &str) {
    let options = RemoveImageOptionsBuilder::default().noprune(true).build();
    tools.connection.api().remove_image(reference, Some(options), None).await.ok();
}

/// What a plain request to the engine came to.
pub(super) fn of_engine(connection: &Connection, doing: &str, error: &Error) -> BuildFailure {
    let said = connection.failure(doing, error);
    if failure::is_lost(error) { BuildFailure::Lost(said) } else { BuildFailure::Engine(said) }
}
