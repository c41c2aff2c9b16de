//! Tools that build and run single programs: cargo, go, make.

use super::{
    folder::{Folder, base_of, folder_of, name_of, run_in, within},
    plan::Plan,
};

pub(super) fn cargo(folder: &Folder, plan: &mut Plan) {
    const FILE: &str = "Cargo.toml";
    for dir in folder.places_of(FILE) {
        if plan.runners.is_empty() {
            cargo_in(folder, plan, dir);
        } else {
            plan.leave(&within(dir, FILE));
        }
    }
}

fn cargo_in(folder: &Folder, plan: &mut Plan, dir: &str) {
    let below = |path: &str| dir == "." || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let manifests = folder.files(|file| base_of(file) == "Cargo.toml" && below(file));
    let mut deps = vec![format!("\"{}\"", within(dir, "Cargo.toml"))];
    // Not the lock file: cargo writes it itself.
    let members = manifests.iter().map(|file| folder_of(file)).filter(|member| *member != dir).map(str::to_owned);
    let own = ["src", "tests", "benches", "examples"].map(|name| within(dir, name));
    deps.extend(own.into_iter().filter(|path| folder.has_folder(path)).map(|path| format!("\"{path}\"")));
    deps.extend(Some(within(dir, "build.rs")).filter(|path| folder.has(path)).map(|path| format!("\"{path}\"")));
    deps.extend(members.filter(|member| folder.has_folder(member)).map(|path| format!("\"{path}\"")));
    let (build, test) = (plan.name(&part(dir, "build")), plan.name(&part(dir, "test")));
    let (sources, all) = (sources(plan, dir), if manifests.len() > 1 { " --workspace" } else { "" });
    let program = within(dir, "target/debug/api");
    let place = run_in("dir", dir);
    plan.add(
        &format!(
            "Built and tested on each save. A program that serves is a resource of its own, restarted when it was linked anew:\n\
            local_resource(\"api\", serve_cmd = \"{program}\", deps = [\"{program}\"], resource_deps = [\"{build}\"])"
        ),
        &format!(
            "{sources} = [{}]\n\
            local_resource(\"{build}\", \"cargo build{all}\"{place}, deps = {sources}, ignore = [\"**/target\"])\n\
            local_resource(\"{test}\", \"cargo test{all}\"{place}, deps = {sources}, ignore = [\"**/target\"], resource_deps = [\"{build}\"])",
            deps.join(", ")
        ),
    );
    plan.say(&within(dir, "Cargo.toml"), "`cargo build` and `cargo test` run on each save");
}

/// What a part of the project in a folder of its own is called.
fn part(dir: &str, what: &str) -> String {
    if dir == "." { what.to_owned() } else { format!("{}-{what}", name_of(base_of(dir))) }
}

/// A name for the list of what is read, which no other part of the file has.
fn sources(plan: &mut Plan, dir: &str) -> String {
    plan.name(&part(dir, "sources")).replace('-', "_")
}

pub(super) fn go(folder: &Folder, plan: &mut Plan) {
    const FILE: &str = "go.mod";
    for dir in folder.places_of(FILE) {
        if plan.runners.is_empty() {
            go_in(folder, plan, dir);
        } else {
            plan.leave(&within(dir, FILE));
        }
    }
}

fn go_in(folder: &Folder, plan: &mut Plan, dir: &str) {
    let is_go = |file: &str| std::path::Path::new(file).extension().is_some_and(|extension| extension == "go");
    let below = |file: &str| match dir {
        "." => Some(file.to_owned()),
        dir => file.strip_prefix(dir)?.strip_prefix('/').map(str::to_owned),
    };
    let files: Vec<_> = folder.files(is_go).into_iter().filter_map(below).collect();
    let mut roots: Vec<_> =
        files.iter().map(|file| file.split_once('/').map_or(file.as_str(), |(top, _)| top)).collect();
    roots.sort_unstable();
    roots.dedup();
    let deps: Vec<_> = ["go.mod"].into_iter().chain(roots).map(|path| format!("\"{}\"", within(dir, path))).collect();
    let (build, test) = (plan.name(&part(dir, "build")), plan.name(&part(dir, "test")));
    let (sources, place) = (sources(plan, dir), run_in("dir", dir));
    let program = within(dir, "bin/api");
    plan.add(
        &format!(
            "Built and tested on each save. A program that serves is a resource of its own:\n\
            local_resource(\"api\", \"go build -o bin/api ./cmd/api\"{place}, deps = {sources}, outputs = [\"{program}\"], serve_cmd = \"{program}\")"
        ),
        &format!(
            "{sources} = [{}]\n\
            local_resource(\"{build}\", \"go build ./...\"{place}, deps = {sources})\n\
            local_resource(\"{test}\", \"go test ./...\"{place}, deps = {sources}, resource_deps = [\"{build}\"])",
            deps.join(", ")
        ),
    );
    plan.say(&within(dir, "go.mod"), "`go build` and `go test` run on each save");
}

pub(super) fn makefile(folder: &Folder, plan: &mut Plan) {
    let Some(file) = folder.first_of(&["Makefile", "makefile", "GNUmakefile"]) else { return };
    if !plan.runners.is_empty() {
        return plan.leave(file);
    }
    let targets = targets(&folder.text(file));
    let one_of =
        |names: &[&'static str]| names.iter().copied().find(|name| targets.iter().any(|target| target == name));
    let build = one_of(&["build", "all"]);
    let (serve, test) = (one_of(&["run", "serve", "dev", "start"]), one_of(&["test", "check"]));
    if (build, serve, test) == (None, None, None) {
        return plan.say(file, "left out, since it has no target that builds, tests or serves by its name");
    }
    if plan.has("build") {
        return plan.say(file, "left out, since the lines above build already");
    }
    let deps = if folder.has_folder("src") { format!(", deps = [\"{file}\", \"src\"]") } else { String::new() };
    let mut comment = "`deps` are what a target reads, `outputs` what it writes: then it runs when it has to.";
    let mut after = String::new();
    for (target, parameter) in [(build, "cmd"), (test, "cmd"), (serve, "serve_cmd")] {
        let Some(target) = target else { continue };
        let name = plan.name(target);
        let comment = if parameter == "serve_cmd" { "The server." } else { std::mem::take(&mut comment) };
        plan.add(comment, &format!("local_resource(\"{name}\", {parameter} = \"make {target}\"{deps}{after})"));
        if Some(target) == build {
            after = format!(", resource_deps = [\"{name}\"]");
        }
    }
    let used: Vec<_> = [build, test, serve].into_iter().flatten().map(|target| format!("`{target}`")).collect();
    plan.say(file, &format!("its targets {} are commands", used.join(", ")));
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
