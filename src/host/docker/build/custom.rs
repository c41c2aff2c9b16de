//! Images that a command of the user's makes. The command is told what to call the image, or says what it called it.
#![expect(clippy::disallowed_methods, reason = "reads the reference that the command writes")]

use super::{BuildFailure, Log, Tools, private::unique_name, tag, turns::Taking};
use crate::{
    engine::{BuildOrder, CommandSpec},
    host::{
        docker::failure::is_missing,
        process::{Kind, Spawn},
    },
    model::{Built, CustomBuild, CustomOutput, Exit, Failure, FilePath, ImageId, ImageRef},
};
use std::{collections::BTreeMap, fs, io};

/// What a tag of the command's own begins with, where the user gives none.
const TAG: &str = "orch-build-";

/// Runs the command and finds the image.
pub(super) async fn build(
    tools: &Tools,
    order: &BuildOrder,
    custom: &CustomBuild,
    log: &Log,
) -> Result<Built, BuildFailure> {
    let name = &order.image.key;
    match &custom.output {
        CustomOutput::Local { tag: given } => {
            let expected = Expected::new(order, given.as_deref());
            run(tools, order, custom, expected.variables(), log).await?;
            let id = inspect(tools, &expected.reference()).await?.ok_or_else(|| not_there(order, &expected))?;
            let built = tag::tag(tools, order, &[], id).await?;
            if given.is_none() {
                tag::take(tools, &expected.reference()).await;
            }
            if order.image.push && !custom.disable_push {
                super::registry::push(tools, &built, log).await?;
            }
            Ok(built)
        }
        CustomOutput::Elsewhere { tag } => {
            let expected = Expected::new(order, tag.as_deref());
            run(tools, order, custom, expected.variables(), log).await?;
            Ok(Built { id: None, reference: expected.reference() })
        }
        CustomOutput::Reference { file, elsewhere } => {
            forget(file)?;
            run(tools, order, custom, BTreeMap::new(), log).await?;
            let reference = written(file, name.as_str())?;
            match inspect(tools, &reference).await? {
                None if !elsewhere => Err(written_in_vain(file, &reference)),
                id => Ok(Built { id, reference }),
            }
        }
    }
}

/// What the image is to be called.
struct Expected {
    /// With its registry, without a tag.
    repository: String,
    tag: String,
    /// The registry that the project's images are kept in.
    registry: Option<String>,
}

impl Expected {
    fn new(order: &BuildOrder, tag: Option<&str>) -> Self {
        let image = &order.image;
        let key = ImageRef::parse(image.key.as_str());
        let own = key.map_or_else(|_| image.key.to_string(), |key| key.familiar_name());
        // Images of a registry have one part below it.
        let registry = image.repository.rsplit_once('/').map(|(registry, _)| registry.to_owned());
        let registry = registry.filter(|_| image.repository != own);
        match tag {
            Some(tag) => Self { repository: own, tag: tag.to_owned(), registry },
            None => Self {
                repository: image.repository.clone(),
                tag: format!("{}{TAG}{}", image.tag_prefix, &unique_name()[..16]),
                registry,
            },
        }
    }

    fn reference(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let path =
            ImageRef::parse(&self.repository).map_or_else(|_| self.repository.clone(), |name| name.path().to_owned());
        let mut variables =
            vec![("EXPECTED_REF", self.reference()), ("EXPECTED_IMAGE", path), ("EXPECTED_TAG", self.tag.clone())];
        if let Some(registry) = &self.registry {
            variables.extend([("REGISTRY_HOST", registry.clone()), ("EXPECTED_REGISTRY", registry.clone())]);
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

async fn run(
    tools: &Tools,
    order: &BuildOrder,
    custom: &CustomBuild,
    expected: BTreeMap<String, String>,
    log: &Log,
) -> Result<(), BuildFailure> {
    let command = &custom.command;
    let mut env = order.environment.clone();
    for (number, key) in custom.image_deps.iter().enumerate() {
        let reference = order.bases.get(key).map(|built| built.reference.clone());
        env.insert(format!("TILT_IMAGE_{number}"), reference);
        env.insert(format!("TILT_IMAGE_MAP_{number}"), Some(key.to_string()));
    }
    let own = command.env.iter().map(|(name, value)| (name.clone(), value.clone()));
    env.extend(expected.into_iter().chain(own).map(|(name, value)| (name, Some(value))));
    let spec = CommandSpec { argv: command.argv.clone(), dir: command.dir.clone(), env };
    let spawn =
        Spawn { own_sessions: false, defaults: tools.defaults, ..Spawn::new(&spec, Kind::Command, order.grace) };
    let turn = tools.turns.take(&order.image.key).await;
    let running = tools.processes.spawn(spawn, log.sink());
    let mut taking = Taking { running: running.clone(), grace: order.grace, turn: Some(turn) };
    let ended = running.ended().await;
    taking.turn = None;
    if ended.leftovers {
        // A build daemon, for instance: it lives as long as orch does.
        tokio::spawn(async move {
            running.leftovers_ended().await;
            drop(taking);
        });
    }
    let name = &order.image.key;
    let failure = |message| Err(BuildFailure::Recipe(Failure { message, help: None }));
    match ended.exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code) => failure(format!("the command that builds `{name}` ended with exit code {code}")),
        Exit::Signal(signal) => failure(format!("the command that builds `{name}` was ended by signal {signal}")),
        Exit::Stopped => failure(format!("the command that builds `{name}` was stopped")),
        Exit::NotStarted(failure) => Err(BuildFailure::Recipe(failure)),
    }
}

/// The id of an image, if the engine has it.
async fn inspect(tools: &Tools, reference: &str) -> Result<Option<ImageId>, BuildFailure> {
    match tools.connection.api().inspect_image(reference).await {
        Ok(image) => Ok(image.id.map(|id| ImageId(id.into()))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => {
            Err(tag::of_engine(&tools.connection, &format!("the image `{reference}` cannot be looked at"), &error))
        }
    }
}

fn not_there(order: &BuildOrder, expected: &Expected) -> BuildFailure {
    let name = &order.image.key;
    BuildFailure::Recipe(Failure {
        message: format!(
            "the command that builds `{name}` succeeded, and there is no image `{}`",
            expected.reference()
        ),
        help: Some(
            "let it build the image `$EXPECTED_REF`; if it pushes it instead, say `skips_local_docker=True`".to_owned(),
        ),
    })
}

fn written_in_vain(file: &FilePath, reference: &str) -> BuildFailure {
    let help = "let it write what it made; if that is in a registry alone, say `skips_local_docker=True`";
    BuildFailure::Recipe(Failure {
        message: format!("the command wrote `{reference}` to `{file}`, and there is no such image"),
        help: Some(help.to_owned()),
    })
}

/// So that what an earlier run wrote is not taken for what this one did.
fn forget(file: &FilePath) -> Result<(), BuildFailure> {
    match fs::remove_file(file.as_path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let message = format!("`{file}`, where the command is to write its reference, cannot be removed: {error}");
            Err(BuildFailure::Recipe(Failure { message, help: None }))
        }
        _ => Ok(()),
    }
}

fn written(file: &FilePath, name: &str) -> Result<String, BuildFailure> {
    let failure = |message| {
        BuildFailure::Recipe(Failure {
            message,
            help: Some("let the command write a reference with its tag, as in `registry/name:tag`".to_owned()),
        })
    };
    let text = fs::read_to_string(file.as_path()).map_err(|error| {
        failure(format!("the command that builds `{name}` wrote no reference to `{file}`: {error}"))
    })?;
    let reference = text.trim();
    match ImageRef::parse(reference) {
        Ok(parsed) if parsed.is_exact() => Ok(reference.to_owned()),
        Ok(_) => Err(failure(format!("`{reference}`, which the command wrote to `{file}`, has no tag"))),
        Err(why) => Err(failure(format!("what the command wrote to `{file}` is no reference: {why}"))),
    }
}
