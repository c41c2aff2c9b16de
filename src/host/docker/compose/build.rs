//! Making images through the tool.

use super::{Compose, failure, feed::Feed, tool::Call};
use crate::{
    engine::BuildOrder,
    host::{
        docker::Connection,
        process::{OutputSink, Processes},
    },
    model::{ComposeBuild, Failure, ImageId},
};
use std::sync::Arc;

/// What is to be built, and with what.
pub struct Building<'a> {
    /// The engine.
    pub connection: &'a Connection,
    /// Starts the tool.
    pub processes: &'a Processes,
    /// What is to be made.
    pub order: &'a BuildOrder,
    /// Which service has it.
    pub build: &'a ComposeBuild,
    /// Where it is said what is done.
    pub sink: Arc<dyn OutputSink>,
}

impl Compose {
    /// Makes the image of a service's `build:`. The tool gives it the name that the compose file says. Dropping the future ends
    /// the build.
    ///
    /// # Errors
    /// Why there is no image.
    pub async fn build(&self, building: &Building<'_>) -> Result<ImageId, Failure> {
        let (order, service) = (building.order, &building.build.service);
        let missing = || Failure { message: format!("the service `{service}` has no compose project"), help: None };
        let project = order.compose.as_ref().ok_or_else(missing)?;
        let mut feed = Feed::new(project, service)?;
        let name = feed.bases(&order.bases, format!("{}-{service}", project.name));
        let call = Call {
            project,
            arguments: ["--progress", "plain", "build", service].map(str::to_owned).to_vec(),
            config: feed.text(),
            environment: &order.environment,
            sink: building.sink.clone(),
            turn: Arc::default(),
        };
        let result = self.tool().run(building.processes, &call).await;
        result.map_err(|fault| failure::of_build(fault, service))?;
        let image = building.connection.api().inspect_image(&name).await;
        let doing = format!("the image `{name}` that docker compose made cannot be looked at");
        let image = image.map_err(|error| building.connection.failure(&doing, &error))?;
        let nameless = || Failure { message: format!("the image `{name}` has no id"), help: None };
        image.id.map(|id| ImageId(id.into())).ok_or_else(nameless)
    }
}
