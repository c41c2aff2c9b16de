//! Packages of npm and its like: what they depend on, and the script that serves or builds.

use super::{
    folder::{Folder, base_of, name_of, run_in, within},
    plan::Plan,
};
use serde_json::Value;

const FILE: &str = "package.json";

/// A package manager, the file by which it is known, and what it writes once everything is installed.
const PACKAGE_MANAGERS: &[(&str, &str, &str)] = &[
    ("pnpm", "pnpm-lock.yaml", "node_modules/.modules.yaml"),
    ("yarn", "yarn.lock", "node_modules/.yarn-integrity"),
    ("bun", "bun.lock", ""),
    ("bun", "bun.lockb", ""),
    ("npm", "package-lock.json", "node_modules/.package-lock.json"),
];

/// Scripts that start a server, the best first.
const SERVERS: &[&str] = &["dev", "start", "serve"];

/// How the packages of a folder are installed.
struct Manager {
    name: &'static str,
    lock: &'static str,
    installed: &'static str,
}

impl Manager {
    fn of(folder: &Folder, dir: &str) -> Self {
        let known = PACKAGE_MANAGERS.iter().find(|(_, lock, _)| folder.has(&within(dir, lock)));
        let (name, lock, installed) = *known.unwrap_or(&("npm", "", "node_modules/.package-lock.json"));
        Self { name, lock, installed }
    }
}

/// The package of the folder, or those below it: the members of a workspace, or single ones.
pub(super) fn packages(folder: &Folder, plan: &mut Plan) {
    if folder.has(FILE) && server(&read(folder, ".")).is_none() && !is_runner_there(plan) {
        return workspace(folder, plan);
    }
    for dir in folder.places_of(FILE) {
        let file = within(dir, FILE);
        if is_runner_there(plan) {
            plan.leave(&file);
            continue;
        }
        let package = read(folder, dir);
        let manager = Manager::of(folder, dir);
        if serve(plan, &package, &manager, dir, |plan| install(&package, plan, &manager, dir)) {
            continue;
        }
        build(folder, plan, &package, dir);
    }
}

/// Whether a package of this folder has a server.
pub(super) fn serves(folder: &Folder, dir: &str) -> bool {
    server(&read(folder, dir)).is_some()
}

fn is_runner_there(plan: &Plan) -> bool {
    !plan.runners.is_empty()
}

/// The packages below one that serves nothing itself: installed at the top, served each in its folder.
fn workspace(folder: &Folder, plan: &mut Plan) {
    let root = read(folder, ".");
    let manager = Manager::of(folder, ".");
    let members = folder.files(|file| base_of(file) == FILE && file != FILE);
    let members: Vec<_> = members.iter().map(|file| super::folder::folder_of(file)).collect();
    let mut after = None;
    for dir in members {
        let package = read(folder, dir);
        let is_member = root["workspaces"] != Value::Null || folder.has("pnpm-workspace.yaml");
        let own = Manager::of(folder, dir);
        if is_member {
            let install = |plan: &mut Plan| {
                after.get_or_insert_with(|| install_resource(plan, &manager, "."));
                after.clone().unwrap_or_default()
            };
            serve(plan, &package, &manager, dir, install);
        } else {
            serve(plan, &package, &own, dir, |plan| install(&package, plan, &own, dir));
        }
    }
    if after.is_none() {
        build(folder, plan, &root, ".");
    }
}

fn read(folder: &Folder, dir: &str) -> Value {
    serde_json::from_str(&folder.text(&within(dir, FILE))).unwrap_or_default()
}

fn script(package: &Value, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| package["scripts"][*name].is_string())
}

fn server(package: &Value) -> Option<&'static str> {
    script(package, SERVERS)
}

fn name(package: &Value, dir: &str) -> String {
    let own = package["name"].as_str().map(|name| name_of(base_of(name)));
    own.unwrap_or_else(|| if dir == "." { "app".to_owned() } else { name_of(base_of(dir)) })
}

/// Declares the server of a package; whether it has one.
fn serve(
    plan: &mut Plan,
    package: &Value,
    manager: &Manager,
    dir: &str,
    install: impl FnOnce(&mut Plan) -> String,
) -> bool {
    let Some(script) = server(package) else { return false };
    let after = install(plan);
    let name = plan.name(&name(package, dir));
    let src = within(dir, "src");
    let comment = format!(
        "The server. If it does not reload by itself, give it `deps = [\"{src}\"]`: then each save restarts it."
    );
    let command = format!("{} run {script}", manager.name);
    let place = run_in("serve_dir", dir);
    plan.add(&comment, &format!("local_resource(\"{name}\", serve_cmd = \"{command}\"{place}{after})"));
    plan.say(&within(dir, FILE), &format!("its script `{script}` starts the server"));
    true
}

fn build(folder: &Folder, plan: &mut Plan, package: &Value, dir: &str) {
    let file = within(dir, FILE);
    if package.is_null() {
        return plan.say(&file, "left out, since it is no JSON");
    }
    if script(package, &["build"]).is_none() {
        return plan.say(&file, "left out, since it has no script `dev`, `start`, `serve` or `build`");
    }
    let manager = Manager::of(folder, dir);
    let after = install(package, plan, &manager, dir);
    let name = plan.name(&name(package, dir));
    let src = within(dir, "src");
    let deps = if folder.has_folder(&src) { format!(", deps = [\"{file}\", \"{src}\"]") } else { String::new() };
    let (command, place) = (format!("{} run build", manager.name), run_in("dir", dir));
    plan.add(
        "The build. It runs again when its sources change.",
        &format!("local_resource(\"{name}\", cmd = \"{command}\"{place}{deps}{after})"),
    );
    plan.say(&file, "its script `build` builds");
}

/// The resource that installs what the package depends on, and how others say that they come after it.
fn install(package: &Value, plan: &mut Plan, manager: &Manager, dir: &str) -> String {
    let has_some = ["dependencies", "devDependencies"]
        .iter()
        .any(|key| package[*key].as_object().is_some_and(|it| !it.is_empty()));
    if has_some { install_resource(plan, manager, dir) } else { String::new() }
}

fn install_resource(plan: &mut Plan, manager: &Manager, dir: &str) -> String {
    let wanted = if dir == "." { "install".to_owned() } else { format!("{}-install", name_of(base_of(dir))) };
    let name = plan.name(&wanted);
    let quoted = |file: &str| format!("\"{}\"", within(dir, file));
    let lock = if manager.lock.is_empty() { String::new() } else { format!(", {}", quoted(manager.lock)) };
    let outputs = match manager.installed {
        "" => String::new(),
        installed => format!(", outputs = [{}]", quoted(installed)),
    };
    plan.add(
        "What the package depends on. It is installed again when package.json or the lock file changes.",
        &format!(
            "local_resource(\"{name}\", \"{} install\"{}, deps = [{}{lock}]{outputs})",
            manager.name,
            run_in("dir", dir),
            quoted(FILE)
        ),
    );
    format!(", resource_deps = [\"{name}\"]")
}
