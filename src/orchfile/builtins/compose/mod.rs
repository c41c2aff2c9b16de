//! Docker Compose: `docker_compose` and `dc_resource`.
//!
//! Compose files are interpreted by the compose tool itself (`tool`), so that every feature means what it means there; what it
//! prints is read by `config`, and becomes resources when the whole file has been evaluated (`resources`).

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

mod argument;
mod config;
mod definition;
mod depends;
mod fault;
mod reads;
mod resources;
mod tool;
mod watch;

pub(crate) use resources::declare_services;

use super::{
    dependency::Dependencies,
    link::Links,
    trigger::Mode as TriggerKind,
    unpack::{Flag, Given, Labels, Maybe, Name, Optional, PathText, Stringable, Text, TextOrList},
};
use crate::{
    diag::suggest::suggest,
    model::{ComposeProject, FilePath, InvalidName, Level, ResourceName},
    orchfile::{
        Fault,
        context::{Context, context, resolve_path, site},
        draft::{ComposeText, DraftCompose, DraftService},
        text::Site,
    },
};
use argument::ComposeFiles;
use config::Config;
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module, values::none::NoneType};

/// What compose takes for the profiles that nobody names.
const PROFILES: &str = "COMPOSE_PROFILES";

/// What one call of `docker_compose` says.
struct Call {
    name: String,
    texts: Vec<ComposeText>,
    env_file: Option<FilePath>,
    profiles: Option<Vec<String>>,
    wait: bool,
}

/// The name of a project that is called after a folder, as compose makes it.
fn name_of_folder(folder: &FilePath) -> String {
    let name = folder.as_path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

/// The folder of the first file; of the file that calls where the first is a text.
fn folder_of(texts: &[ComposeText], context: &Context<'_>) -> FilePath {
    let first = texts.first().and_then(|text| text.path.as_ref());
    first.and_then(FilePath::parent).unwrap_or_else(|| context.dir())
}

impl Call {
    /// The project with what this call adds.
    fn added_to(self, known: Option<&DraftCompose>, context: &Context<'_>) -> (ComposeProject, Vec<ComposeText>) {
        let Self { name, texts: new, env_file, profiles, wait } = self;
        let mut texts = known.map(|known| known.texts.clone()).unwrap_or_default();
        for text in new {
            if text.path.is_none() || !texts.iter().any(|known| known.path == text.path) {
                texts.push(text);
            }
        }
        let before = known.map(|known| &known.project);
        let project = ComposeProject {
            name,
            dir: before.map_or_else(|| folder_of(&texts, context), |before| before.dir.clone()),
            files: texts.iter().map(|text| text.path.clone()).collect(),
            env_file: env_file.or_else(|| before.and_then(|before| before.env_file.clone())),
            profiles: profiles.or_else(|| before.and_then(|before| before.profiles.clone())),
            wait: wait || before.is_some_and(|before| before.wait),
            config: String::new(),
        };
        (project, texts)
    }
}

/// The profiles that the environment names.
fn profiles_of_environment(project: &str, context: &Context<'_>) -> Option<Vec<String>> {
    let named = context.env(PROFILES).filter(|text| !text.trim().is_empty())?;
    context.say(Level::Info, format!("compose project `{project}`: profiles of ${PROFILES}: {named}"));
    Some(named.split(',').map(|name| name.trim().to_owned()).collect())
}

fn compose(call: Call, eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let context = context(eval);
    let place = context.draft.borrow().compose.iter().position(|known| known.project.name == call.name);
    let (mut project, texts) = {
        let draft = context.draft.borrow();
        call.added_to(place.map(|place| &draft.compose[place]), context)
    };
    let inputs = reads::watch(&project, &texts, context)?;
    project.config = tool::config(&project, &texts, inputs, site(eval).as_ref(), context)?;
    let config = config::parse(&project.config)?;
    let draft = &mut *context.draft.borrow_mut();
    let services = services(&config, &draft.compose, place, site(eval).as_ref())?;
    let at = place.map_or(draft.resources.len(), |place| draft.compose[place].at);
    let compose = DraftCompose { project, texts, services, at };
    let place = place.unwrap_or(draft.compose.len());
    draft.compose.splice(place..draft.compose.len().min(place + 1), [compose]);
    Ok(())
}

/// The services of the project at `place`, with what is known of them already.
fn services(
    config: &Config,
    all: &[DraftCompose],
    place: Option<usize>,
    site: Option<&Site>,
) -> Result<Vec<DraftService>, Fault> {
    let before = place.map_or(&[][..], |place| all[place].services.as_slice());
    let others = all.iter().enumerate().filter(|(other, _)| Some(*other) != place);
    let taken: Vec<_> = others.flat_map(|(_, other)| &other.services).map(|service| service.name.as_str()).collect();
    let service = |name: String| {
        let known = before.iter().find(|known| known.service == name).cloned();
        let service = known.map_or_else(|| DraftService::new(&name, site.cloned()).map_err(unfit_name), Ok)?;
        if taken.contains(&service.name.as_str()) { Err(taken_twice(&name)) } else { Ok(service) }
    };
    depends::dependencies_first(config).into_iter().map(service).collect()
}

fn unfit_name(invalid: InvalidName) -> Fault {
    Fault::value(format!("a service cannot be a resource: {invalid}"))
}

fn taken_twice(name: &str) -> Fault {
    Fault::new("orchfile::duplicate_name", format!("another compose project has a service `{name}` too"))
        .help("services of all projects share one namespace: give one of them another name in its compose file")
}

/// Finds the service that is called so now, in the project that is meant.
fn find<'d>(all: &'d mut [DraftCompose], name: &str, project: &str) -> Result<&'d mut DraftService, Fault> {
    let meant = |known: &DraftCompose| project.is_empty() || known.project.name == project;
    let names: Vec<String> = all
        .iter()
        .filter(|known| meant(known))
        .flat_map(|known| known.services.iter().map(|service| service.name.as_str().to_owned()))
        .collect();
    let mut services = all.iter_mut().filter(|known| meant(known)).flat_map(|known| &mut known.services);
    services.find(|service| service.name.as_str() == name).ok_or_else(|| unknown_service(name, project, &names))
}

fn unknown_service(name: &str, project: &str, names: &[String]) -> Fault {
    let within = if project.is_empty() { String::new() } else { format!(" in the project `{project}`") };
    let known = match names {
        [] => "no `docker_compose` before this call declares any".to_owned(),
        [only] => format!("there is only `{only}`"),
        names => {
            let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("there are {}", quoted.join(", "))
        }
    };
    let near = suggest(name, names.iter().map(String::as_str));
    let suggestion = near.map(|near| format!("did you mean `{near}`?"));
    Fault::new("orchfile::unknown_service", format!("there is no compose service `{name}`{within}; {known}"))
        .maybe_help(suggestion.or_else(|| names.is_empty().then(|| "call `docker_compose` first".to_owned())))
        .at_literal(name)
}

/// Gives a service another name as a resource, here and where other services wait for it.
fn rename(all: &mut [DraftCompose], from: &ResourceName, to: &ResourceName) -> Result<(), Fault> {
    let mut services = all.iter().flat_map(|known| &known.services);
    if services.any(|service| service.name == *to) {
        let message = format!("the compose service `{from}` cannot be called `{to}`: there is one of that name");
        return Err(Fault::new("orchfile::duplicate_name", message)
            .help("choose another name")
            .at_argument("new_name"));
    }
    for service in all.iter_mut().flat_map(|known| &mut known.services) {
        if service.name == *from {
            service.name = to.clone();
        }
        for dependency in &mut service.dependencies {
            if dependency.on == from.as_str() {
                to.as_str().clone_into(&mut dependency.on);
            }
        }
    }
    Ok(())
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// The services of compose files, each a resource. The files are interpreted by Docker's own compose tool; several calls
    /// with one project name are one project.
    ///
    /// # Arguments
    /// * `configPaths`: compose files, later ones overriding; a blob or a dict is taken as the text of one
    /// * `env_file`: a file with the variables of the compose files, instead of `.env`
    /// * `project_name`: the name of the project; that of the first file's folder where not given
    /// * `profiles`: the profiles whose services are wanted; those of `$COMPOSE_PROFILES` where not given
    /// * `wait`: whether a start waits until the container runs and is healthy
    #[expect(non_snake_case, reason = "the name is that of the language")]
    fn docker_compose<'v>(
        configPaths: Given<'v, ComposeFiles>,
        env_file: Option<Given<'v, Maybe<PathText>>>,
        project_name: Option<Given<'v, Maybe<Stringable>>>,
        profiles: Option<Given<'v, Maybe<TextOrList>>>,
        wait: Option<Given<'v, Maybe<Flag>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let texts = reads::texts(configPaths.take("configPaths", eval)?, eval)?;
        let env_file = env_file.take_or_default("env_file", eval)?.filter(|path| !path.is_empty());
        let given = project_name.take_or_default("project_name", eval)?.filter(|name| !name.is_empty());
        let name = given.unwrap_or_else(|| name_of_folder(&folder_of(&texts, context(eval))));
        let profiles = profiles.take_or_default("profiles", eval)?;
        let call = Call {
            profiles: profiles.or_else(|| profiles_of_environment(&name, context(eval))),
            name,
            texts,
            env_file: env_file.map(|path| resolve_path(eval, &path)),
            wait: wait.take_or_default("wait", eval)?.unwrap_or(false),
        };
        compose(call, eval)?;
        Ok(NoneType)
    }

    /// Says more about a service of `docker_compose`. May be called several times: lists grow, of the rest the last word holds.
    ///
    /// # Arguments
    /// * `name`: the service, by the name that it has now
    /// * `image`: the image of a `docker_build` or `custom_build` that it is made of, whatever its `image:` says
    /// * `trigger_mode`: `TRIGGER_MODE_MANUAL` lets changes wait for the user
    /// * `resource_deps`: what must have been ready once before the first start, besides its `depends_on`
    /// * `infer_links`: whether published ports become links
    /// * `links`: where it can be looked at
    /// * `labels`: how it is grouped
    /// * `auto_init`: `False` keeps it from starting with the session
    /// * `project_name`: the compose project in which it is looked for
    /// * `new_name`: what the resource is called from now on
    fn dc_resource<'v>(
        name: Given<'v, Name>,
        image: Option<Given<'v, Maybe<Text>>>,
        trigger_mode: Option<Given<'v, TriggerKind>>,
        resource_deps: Option<Given<'v, Dependencies>>,
        infer_links: Option<Given<'v, Maybe<Flag>>>,
        links: Option<Given<'v, Links>>,
        labels: Option<Given<'v, Labels>>,
        auto_init: Option<Given<'v, Maybe<Flag>>>,
        project_name: Option<Given<'v, Stringable>>,
        new_name: Option<Given<'v, Maybe<Stringable>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let name = name.take("name", eval)?;
        let project = project_name.take_or_default("project_name", eval)?;
        let new_name = new_name.take_or_default("new_name", eval)?.filter(|name| !name.is_empty());
        let new_name = new_name.map(|name| ResourceName::parse(&name)).transpose();
        let new_name = new_name.map_err(|invalid| Fault::value(invalid.to_string()).at_argument("new_name"))?;
        let image = image.take_or_default("image", eval)?.filter(|image| !image.is_empty());
        let trigger_mode = trigger_mode.take_given("trigger_mode", eval)?;
        let dependencies = resource_deps.take_given("resource_deps", eval)?;
        let infer_links = infer_links.take_or_default("infer_links", eval)?;
        let links = links.take_or_default("links", eval)?;
        let labels = labels.take_or_default("labels", eval)?;
        let auto_init = auto_init.take_or_default("auto_init", eval)?;
        let at = site(eval);
        let all = &mut context(eval).draft.borrow_mut().compose;
        let service = find(all, name.as_str(), &project)?;
        if let Some(dependencies) = dependencies {
            service.dependencies.extend(dependencies);
            service.site = at;
        }
        service.image = image.or(service.image.take());
        service.trigger_mode = trigger_mode.or(service.trigger_mode);
        service.infer_links = infer_links.unwrap_or(service.infer_links);
        service.auto_init = auto_init.unwrap_or(service.auto_init);
        service.links.extend(links);
        service.labels.extend(labels);
        if let Some(new_name) = new_name.filter(|new_name| *new_name != name) {
            rename(all, &name, &new_name)?;
        }
        Ok(NoneType)
    }
}
