//! Compose files, Dockerfiles and Kubernetes manifests.

use super::{
    folder::{Folder, base_of, folder_of, name_of, within},
    node,
    plan::{Plan, keys_below},
};
use std::path::Path;

/// Names of compose files, in the order in which `docker compose` looks for them.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The file that `docker compose` reads besides, by the first one's name without its ending.
const OVERRIDES: [&str; 2] = [".override.yaml", ".override.yml"];

pub(super) fn compose(folder: &Folder, plan: &mut Plan) {
    let Some(file) = folder.first_of(&COMPOSE) else { return };
    let text = folder.text(file);
    plan.take(keys_below(&text, "services"));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let more = OVERRIDES.iter().map(|end| format!("{stem}{end}")).find(|name| folder.has(name));
    let call = match &more {
        Some(more) => format!("docker_compose([\"{file}\", \"{more}\"])"),
        None => format!("docker_compose(\"{file}\")"),
    };
    let files = more.map_or_else(|| file.to_owned(), |more| format!("{file} and {more}"));
    plan.add(&format!("A resource for each service of {files}; `dc_resource` says more about one."), &call);
    plan.say(&files, "`docker_compose` makes a resource of each of its services");
    // One that builds nothing brings what the project's own programs need: those are not in it.
    let builds = text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("build:"));
    if builds {
        plan.runners.push(file.to_owned());
    }
}

/// Names of overlays that are for the machine of who works on it, the best first.
const OWN_OVERLAYS: [&str; 4] = ["dev", "local", "development", "base"];

/// A kustomization, a chart, or plain manifests.
pub(super) fn kubernetes(folder: &Folder, plan: &mut Plan) {
    let kustomizations = folder.files(|file| matches!(base_of(file), "kustomization.yaml" | "kustomization.yml"));
    let charts = folder.files(|file| base_of(file) == "Chart.yaml");
    if let Some(file) = chosen(&kustomizations) {
        let dir = folder_of(file);
        let others: Vec<_> = kustomizations.iter().map(|file| folder_of(file)).filter(|other| *other != dir).collect();
        let others = if others.is_empty() { String::new() } else { format!(" Others: {}.", others.join(", ")) };
        let call = format!("k8s_yaml(kustomize(\"{dir}\"))");
        say_kubernetes(plan, file, &format!("What the kustomization of {dir} makes.{others}"), &call);
    } else if let Some(file) = charts.first() {
        let call = format!("k8s_yaml(helm(\"{}\"))", folder_of(file));
        say_kubernetes(plan, file, "What the chart makes.", &call);
    } else {
        let manifests = folder.files(|file| is_yaml(file) && is_manifest(&folder.text(file)));
        let Some(first) = manifests.first() else { return };
        let list: Vec<_> = manifests.iter().map(|file| format!("\"{file}\"")).collect();
        let call = match list.as_slice() {
            [only] => format!("k8s_yaml({only})"),
            list if list.len() < LISTED_ON_A_LINE => format!("k8s_yaml([{}])", list.join(", ")),
            list => format!("k8s_yaml([\n    {},\n])", list.join(",\n    ")),
        };
        say_kubernetes(plan, first, "The Kubernetes objects; a workload is a resource.", &call);
    }
}

/// More paths than that stand on lines of their own.
const LISTED_ON_A_LINE: usize = 4;

/// The kustomization of an overlay for development, else the first.
fn chosen<'f>(kustomizations: &[&'f str]) -> Option<&'f str> {
    let named = |name: &&str| kustomizations.iter().find(|file| base_of(folder_of(file)) == *name).copied();
    OWN_OVERLAYS.iter().find_map(named).or_else(|| kustomizations.first().copied())
}

fn say_kubernetes(plan: &mut Plan, file: &str, comment: &str, call: &str) {
    let more = "\nA context that is not on this machine must be allowed: allow_k8s_contexts(\"NAME\").";
    plan.add(&format!("{comment}{more}"), call);
    let shown = call.split_once('[').map_or_else(|| call.to_owned(), |(before, _)| format!("{before}[…])"));
    plan.say(file, &format!("`{shown}` brings it into the cluster"));
    plan.runners.push(file.to_owned());
}

fn is_yaml(file: &str) -> bool {
    let extension = Path::new(file).extension();
    extension.is_some_and(|end| end == "yaml" || end == "yml") && !file.contains("/templates/")
}

fn is_manifest(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("apiVersion:") && has("kind:") && !text.contains("{{") && !text.contains("kind: Kustomization")
}

/// Dockerfiles: images that manifests use, or containers of their own. What a compose file builds, it builds itself.
pub(super) fn dockerfiles(folder: &Folder, plan: &mut Plan) {
    let files = folder.files(|file| is_dockerfile(folder, file));
    let is_composed = plan.runners.iter().any(|runner| COMPOSE.contains(&runner.as_str()));
    let is_deployed = !is_composed && plan.runners.iter().any(|runner| is_yaml(runner));
    let mut used = images(folder);
    used.dedup();
    for file in &files {
        let dir = folder_of(file);
        let name = if dir == "." { folder.name() } else { name_of(base_of(dir)) };
        let only = if files.len() == 1 && used.len() == 1 { used.first() } else { None };
        let by_manifest = used.iter().find(|image| is_called(base_of(repository(image)), &name)).or(only);
        let build = |image: &str| format!("docker_build(\"{image}\", \"{dir}\"{})", dockerfile_of(file));
        match by_manifest {
            Some(image) if is_deployed => {
                plan.add(&format!("The image of {file}, for the objects above."), &build(repository(image)));
                plan.say(file, "`docker_build` makes the image that the manifests name");
            }
            _ if is_deployed => {
                plan.add(
                    &format!("What {file} makes is not built yet: write how the manifests name its image."),
                    &format!("# {}", build(&name)),
                );
                plan.say(file, "left as a comment, since no manifest names an image that is called like it");
            }
            _ if !plan.runners.is_empty() => plan.leave(file),
            _ if node::serves(folder, dir) => {
                let what = format!("{}\n# docker_container(\"{name}\", \"{name}\")", build(&name));
                plan.add(
                    &format!("The package beside {file} is served as it is; this would run it in its container:"),
                    &format!("# {what}"),
                );
                plan.say(file, "left as a comment, since the package beside it has a server of its own");
            }
            _ => container(folder, plan, file, &name, &build),
        }
    }
}

/// `Dockerfile`, or another one where a folder has none of that name.
fn is_dockerfile(folder: &Folder, file: &str) -> bool {
    let name = base_of(file);
    let is_other = (name.starts_with("Dockerfile.") && !name.ends_with("ignore")) || name.ends_with(".Dockerfile");
    name == "Dockerfile" || (is_other && !folder.has(&within(folder_of(file), "Dockerfile")))
}

fn dockerfile_of(file: &str) -> String {
    if base_of(file) == "Dockerfile" { String::new() } else { format!(", dockerfile = \"{file}\"") }
}

/// Whether an image is that of a folder: `web` and `shop-web` are of `web`.
fn is_called(image: &str, name: &str) -> bool {
    let is_end = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with(['-', '_', '.']));
    image == name || is_end(image, name) || is_end(name, image)
}

fn container(folder: &Folder, plan: &mut Plan, file: &str, name: &str, build: &dyn Fn(&str) -> String) {
    let name = plan.name(name);
    let ports = exposed(&folder.text(file));
    let ports = if ports.is_empty() { String::new() } else { format!(", ports = [{}]", ports.join(", ")) };
    let code = format!("{}\ndocker_container(\"{name}\", \"{name}\"{ports})", build(&name));
    plan.add(
        &format!("The image of {file}, and a container of it. Ports get a free one here: \"8080:80\" chooses."),
        &code,
    );
    plan.say(file, "`docker_build` makes the image, `docker_container` runs it");
}

/// The images that manifests of the folder name, and the values of charts.
fn images(folder: &Folder) -> Vec<String> {
    let mut images = Vec::new();
    for file in folder.files(is_yaml) {
        let text = folder.text(file);
        let is_values = base_of(file) == "values.yaml" && folder.has(&within(folder_of(file), "Chart.yaml"));
        if !is_values && !is_manifest(&text) {
            continue;
        }
        let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
        images.extend(lines.filter_map(|line| {
            let image =
                line.strip_prefix("image:").or_else(|| line.strip_prefix("repository:").filter(|_| is_values))?;
            let image = image.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            (!image.is_empty() && !image.contains(['{', ' '])).then(|| image.to_owned())
        }));
    }
    images.sort_unstable();
    images
}

/// An image without its tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// The ports that a Dockerfile names, but for those that are computed.
fn exposed(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("EXPOSE "));
    let ports = lines.flat_map(str::split_whitespace).filter_map(|port| port.split('/').next());
    let mut ports: Vec<_> = ports.filter(|port| port.parse::<u16>().is_ok()).map(str::to_owned).collect();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_of_a_folder() {
        assert!(is_called("web", "web") && is_called("shop-web", "web") && is_called("api", "shop-api"));
        assert!(!is_called("cobweb", "web") && !is_called("web", "api"));
        assert_eq!(
            chosen(&["base/kustomization.yaml", "overlays/dev/kustomization.yaml"]),
            Some("overlays/dev/kustomization.yaml")
        );
    }

    #[test]
    fn ports_and_repositories() {
        assert_eq!(exposed("FROM x\nEXPOSE 80 443/tcp\nEXPOSE $PORT\n"), ["80", "443"]);
        assert_eq!(repository("localhost:5000/shop/web:1.2@sha256:ab"), "localhost:5000/shop/web");
        assert_eq!(repository("localhost:5000/web"), "localhost:5000/web");
    }
}
