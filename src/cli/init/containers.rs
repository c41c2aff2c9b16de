//! Compose files, Dockerfiles and Kubernetes manifests.

use super::{
    folder::{Folder, base_of, folder_of, name_of},
    plan::{Plan, keys_below},
};
use std::path::Path;

/// Names of compose files, in the order in which `docker compose` looks for them.
const COMPOSE: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

pub(super) fn compose(folder: &Folder, plan: &mut Plan) {
    let Some(file) = folder.first_of(&COMPOSE) else { return };
    plan.take(keys_below(&folder.text(file), "services"));
    plan.add(
        &format!("A resource for each service of {file}; `dc_resource` says more about one."),
        &format!("docker_compose(\"{file}\")"),
    );
    plan.say(file, "`docker_compose` makes a resource of each of its services");
    plan.runners.push(file.to_owned());
}

/// A kustomization, a chart, or plain manifests.
pub(super) fn kubernetes(folder: &Folder, plan: &mut Plan) {
    let kustomizations = folder.files(|file| matches!(base_of(file), "kustomization.yaml" | "kustomization.yml"));
    let charts = folder.files(|file| base_of(file) == "Chart.yaml");
    if let Some(file) = kustomizations.first() {
        let (dir, call) = (folder_of(file), format!("k8s_yaml(kustomize(\"{}\"))", folder_of(file)));
        say_kubernetes(plan, file, &format!("What the kustomization of {dir} makes."), &call);
    } else if let Some(file) = charts.first() {
        let call = format!("k8s_yaml(helm(\"{}\"))", folder_of(file));
        say_kubernetes(plan, file, "What the chart makes.", &call);
    } else {
        let manifests = folder.files(|file| is_yaml(file) && is_manifest(&folder.text(file)));
        let Some(first) = manifests.first() else { return };
        let list: Vec<_> = manifests.iter().map(|file| format!("\"{file}\"")).collect();
        let call = format!("k8s_yaml([{}])", list.join(", "));
        say_kubernetes(plan, first, "The Kubernetes objects; a workload is a resource.", &call);
    }
}

fn say_kubernetes(plan: &mut Plan, file: &str, comment: &str, call: &str) {
    let more = "\nA context that is not on this machine must be allowed: allow_k8s_contexts(\"NAME\").";
    plan.add(&format!("{comment}{more}"), call);
    plan.say(file, &format!("`{}` brings it into the cluster", call.split('[').next().unwrap_or(call)));
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
    let files = folder.files(|file| base_of(file) == "Dockerfile");
    if files.is_empty() {
        return;
    }
    let is_composed = plan.runners.iter().any(|runner| COMPOSE.contains(&runner.as_str()));
    let used = images(folder);
    for file in files {
        let dir = folder_of(file);
        let name = if dir == "." { folder.name() } else { name_of(base_of(dir)) };
        let by_manifest = used.iter().find(|image| base_of(repository(image)) == name);
        if let Some(image) = by_manifest {
            let call = format!("docker_build(\"{}\", \"{dir}\")", repository(image));
            plan.add(&format!("The image of {file}, for the objects above."), &call);
            plan.say(file, "`docker_build` makes the image that the manifests name");
        } else if is_composed || !plan.runners.is_empty() {
            plan.leave(file);
        } else {
            container(folder, plan, file, dir, &name);
        }
    }
}

fn container(folder: &Folder, plan: &mut Plan, file: &str, dir: &str, name: &str) {
    let name = plan.name(name);
    let ports = exposed(&folder.text(file));
    let ports = if ports.is_empty() { String::new() } else { format!(", ports = [{}]", ports.join(", ")) };
    let code = format!("docker_build(\"{name}\", \"{dir}\")\ndocker_container(\"{name}\", \"{name}\"{ports})");
    plan.add(
        &format!("The image of {file}, and a container of it. Ports get a free one here: \"8080:80\" chooses."),
        &code,
    );
    plan.say(file, "`docker_build` makes the image, `docker_container` runs it");
}

/// The images that manifests of the folder name.
fn images(folder: &Folder) -> Vec<String> {
    let mut images = Vec::new();
    for file in folder.files(is_yaml) {
        let text = folder.text(file);
        if !is_manifest(&text) {
            continue;
        }
        let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
        images.extend(lines.filter_map(|line| {
            let image = line.strip_prefix("image:")?.trim().trim_matches(['"', '\'']);
            (!image.is_empty()).then(|| image.to_owned())
        }));
    }
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
    fn ports_and_repositories() {
        assert_eq!(exposed("FROM x\nEXPOSE 80 443/tcp\nEXPOSE $PORT\n"), ["80", "443"]);
        assert_eq!(repository("localhost:5000/shop/web:1.2@sha256:ab"), "localhost:5000/shop/web");
        assert_eq!(repository("localhost:5000/web"), "localhost:5000/web");
    }
}
