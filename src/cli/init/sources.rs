//! Tools that build and run single programs: npm and its like, cargo, go, make.

use super::{
    folder::{Folder, base_of, folder_of, name_of},
    plan::Plan,
};
use serde_json::Value;

/// A package manager, the file by which it is known, and what it writes once everything is installed.
const PACKAGE_MANAGERS: &[(&str, &str, &str)] = &[
    ("pnpm", "pnpm-lock.yaml", "node_modules/.modules.yaml"),
    ("yarn", "yarn.lock", "node_modules/.yarn-integrity"),
    ("bun", "bun.lock", ""),
    ("npm", "package-lock.json", "node_modules/.package-lock.json"),
];

/// Scripts that start a server, the best first.
const SERVERS: &[&str] = &["dev", "start", "serve"];

pub(super) fn package_json(folder: &Folder, plan: &mut Plan) {
    const FILE: &str = "package.json";
    if !folder.has(FILE) {
        return;
    }
    if !plan.runners.is_empty() {
        return plan.leave(FILE);
    }
    let package: Value = serde_json::from_str(&folder.text(FILE)).unwrap_or_default();
    let script =
        |names: &[&str]| names.iter().copied().find(|name| package["scripts"][*name].is_string()).map(str::to_owned);
    let Some(main) = script(SERVERS).or_else(|| script(&["build"])) else {
        return plan.say(FILE, "left out, since it has no script `dev`, `start`, `serve` or `build`");
    };
    let known = PACKAGE_MANAGERS.iter().find(|(_, lock, _)| folder.has(lock));
    let (manager, lock, installed) = *known.unwrap_or(&("npm", "", "node_modules/.package-lock.json"));
    let after = install(&package, plan, manager, lock, installed);
    let is_server = main != "build";
    let name = plan.name(package["name"].as_str().map(|name| name_of(base_of(name))).as_deref().unwrap_or("app"));
    let comment = if is_server {
        "The server. If it does not reload by itself, give it `deps = [\"src\"]`: then each save restarts it."
    } else {
        "The build. It runs again when its sources change."
    };
    let kind = if is_server { "serve_cmd" } else { "cmd" };
    let deps = if is_server || !folder.has_folder("src") { "" } else { ", deps = [\"package.json\", \"src\"]" };
    plan.add(comment, &format!("local_resource(\"{name}\", {kind} = \"{manager} run {main}\"{deps}{after})"));
    let what = if is_server { "starts the server" } else { "builds" };
    plan.say(FILE, &format!("its script `{main}` {what}"));
}

/// The resource that installs what the package depends on, and how others say that they come after it.
fn install(package: &Value, plan: &mut Plan, manager: &str, lock: &str, installed: &str) -> String {
    let has_some = ["dependencies", "devDependencies"]
        .iter()
        .any(|key| package[*key].as_object().is_some_and(|it| !it.is_empty()));
    if !has_some {
        return String::new();
    }
    let name = plan.name("install");
    let lock = if lock.is_empty() { String::new() } else { format!(", \"{lock}\"") };
    let outputs = if installed.is_empty() { String::new() } else { format!(", outputs = [\"{installed}\"]") };
    plan.add(
        "What the package depends on. It is installed again when package.json or the lock file changes.",
        &format!("local_resource(\"{name}\", \"{manager} install\", deps = [\"package.json\"{lock}]{outputs})"),
    );
    format!(", resource_deps = [\"{name}\"]")
}

pub(super) fn cargo(folder: &Folder, plan: &mut Plan) {
    const FILE: &str = "Cargo.toml";
    if !folder.has(FILE) {
        return;
    }
    if !plan.runners.is_empty() {
        return plan.leave(FILE);
    }
    let manifests = folder.files(|file| base_of(file) == FILE);
    let mut deps = vec!["\"Cargo.toml\"".to_owned()];
    // Not the lock file: cargo writes it itself.
    let members = manifests.iter().map(|file| folder_of(file)).map(|dir| if dir == "." { "src" } else { dir });
    deps.extend(members.filter(|dir| folder.has_folder(dir)).map(|dir| format!("\"{dir}\"")));
    let deps = format!("sources = [{}]\n", deps.join(", "));
    let (build, test) = (plan.name("build"), plan.name("test"));
    let all = if manifests.len() > 1 { " --workspace" } else { "" };
    plan.add(
        "Built and tested on each save. A program that serves is a resource of its own, restarted when it was linked anew:\n\
        local_resource(\"api\", serve_cmd = \"target/debug/api\", deps = [\"target/debug/api\"], resource_deps = [\"build\"])",
        &format!(
            "{deps}local_resource(\"{build}\", \"cargo build{all}\", deps = sources, ignore = [\"**/target\"])\n\
            local_resource(\"{test}\", \"cargo test{all}\", deps = sources, ignore = [\"**/target\"], resource_deps = [\"{build}\"])"
        ),
    );
    plan.say(FILE, "`cargo build` and `cargo test` run on each save");
}

pub(super) fn go(folder: &Folder, plan: &mut Plan) {
    const FILE: &str = "go.mod";
    if !folder.has(FILE) {
        return;
    }
    if !plan.runners.is_empty() {
        return plan.leave(FILE);
    }
    let files = folder.files(|file| std::path::Path::new(file).extension().is_some_and(|extension| extension == "go"));
    let mut roots: Vec<_> = files.iter().map(|file| file.split_once('/').map_or(*file, |(top, _)| top)).collect();
    roots.sort_unstable();
    roots.dedup();
    let roots: Vec<_> = roots.iter().map(|root| format!("\"{root}\"")).collect();
    let (build, test) = (plan.name("build"), plan.name("test"));
    plan.add(
        "Built and tested on each save. A program that serves is a resource of its own:\n\
        local_resource(\"api\", \"go build -o bin/api ./cmd/api\", deps = sources, outputs = [\"bin/api\"], serve_cmd = \"bin/api\")",
        &format!(
            "sources = [\"go.mod\"{}{}]\n\
            local_resource(\"{build}\", \"go build ./...\", deps = sources)\n\
            local_resource(\"{test}\", \"go test ./...\", deps = sources, resource_deps = [\"{build}\"])",
            if roots.is_empty() { "" } else { ", " },
            roots.join(", ")
        ),
    );
    plan.say(FILE, "`go build` and `go test` run on each save");
}

pub(super) fn makefile(folder: &Folder, plan: &mut Plan) {
    let Some(file) = folder.first_of(&["Makefile", "makefile", "GNUmakefile"]) else { return };
    if !plan.runners.is_empty() {
        return plan.leave(file);
    }
    let targets = targets(&folder.text(file));
    let one_of =
        |names: &[&'static str]| names.iter().copied().find(|name| targets.iter().any(|target| target == name));
    let (build, serve) = (one_of(&["build", "all"]), one_of(&["run", "serve", "dev", "start"]));
    if (build, serve) == (None, None) {
        return plan.say(file, "left out, since it has no target `build`, `all`, `run`, `serve`, `dev` or `start`");
    }
    if plan.has("build") {
        return plan.say(file, "left out, since the lines above build already");
    }
    let deps = if folder.has_folder("src") { format!(", deps = [\"{file}\", \"src\"]") } else { String::new() };
    let hint = "`deps` are what the target reads, `outputs` what it writes: then it runs when it has to.";
    if let Some(target) = build {
        let name = plan.name(target);
        plan.add(hint, &format!("local_resource(\"{name}\", \"make {target}\"{deps})"));
    }
    if let Some(target) = serve {
        let name = plan.name(target);
        let after = build.map(|build| format!(", resource_deps = [\"{build}\"]")).unwrap_or_default();
        plan.add("The server.", &format!("local_resource(\"{name}\", serve_cmd = \"make {target}\"{deps}{after})"));
    }
    let used: Vec<_> = build.into_iter().chain(serve).map(|target| format!("`{target}`")).collect();
    plan.say(file, &format!("its targets {} are commands", used.join(" and ")));
}

/// The targets of a makefile that have a plain name.
fn targets(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '.']));
    let heads = lines.filter_map(|line| line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')));
    let names = heads.flat_map(|(names, _)| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    names.filter(|name| !name.contains(['%', '$', '=', '/'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_a_makefile() {
        let text = "X := 1\n.PHONY: all run\nall: build\nbuild clean: main.c\n\tcc main.c\nrun:\n%.o: %.c\n";
        assert_eq!(targets(text), ["all", "build", "clean", "run"]);
    }
}
