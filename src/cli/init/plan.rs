//! What is to be written, and what is said about it.

use super::folder::Folder;
use std::collections::BTreeSet;

/// An Orchfile that is being put together.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What was found and why the file says what it says, a line each.
    pub(super) said: Vec<String>,
    loads: Vec<String>,
    parts: Vec<String>,
    /// The files that say how the system runs: where there is one, single programs are left to it.
    pub(super) runners: Vec<String>,
    names: BTreeSet<String>,
}

impl Plan {
    /// Says what was found and what comes of it.
    pub(super) fn say(&mut self, found: &str, what: &str) {
        self.said.push(format!("found {found}: {what}"));
    }

    /// Says what was found and is left to what says how the system runs.
    pub(super) fn leave(&mut self, found: &str) {
        let runners = self.runners.join(" and ");
        self.say(found, &format!("left out, since {runners} tells what runs"));
    }

    /// Adds a `load`.
    pub(super) fn load(&mut self, line: &str) {
        self.loads.push(line.to_owned());
    }

    /// Adds calls with a comment before them.
    pub(super) fn add(&mut self, comment: &str, code: &str) {
        let comment: String =
            comment.lines().filter(|line| !line.is_empty()).map(|line| format!("# {line}\n")).collect();
        let code: Vec<_> = code.trim_end().lines().map(broken).collect();
        self.parts.push(format!("{comment}{}\n", code.join("\n")));
    }

    /// A name for a resource that no other has yet.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut count = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}-{count}");
            count += 1;
        }
        name
    }

    /// Whether a resource has that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Takes names that a file gives.
    pub(super) fn take(&mut self, names: Vec<String>) {
        self.names.extend(names);
    }

    /// A start for who has nothing that can be read.
    pub(super) fn or_a_start(&mut self) {
        if !self.parts.is_empty() {
            return;
        }
        self.said.push("found nothing that says what runs here: the file holds a first resource to change".to_owned());
        self.add(
            "A command that runs when what it reads (`deps`) changes, and a server that is restarted after it.\n\
            Say what it writes (`outputs`), and it runs only when it has to.",
            "local_resource(\n    \"hello\",\n    cmd = \"echo 'hello: say in the Orchfile what runs here'\",\n    # deps = [\"src\"],\n    \
            # outputs = [\"build\"],\n    # serve_cmd = \"./server\",\n)",
        );
    }

    /// The whole file.
    pub(super) fn text(&self) -> String {
        let head = "# What runs here. `orch up` brings it to life and keeps it true; `orch docs` explains each name.\n";
        let loads = self.loads.concat();
        let parts = [head.to_owned(), loads].into_iter().chain(self.parts.iter().cloned());
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// A longer call has a line for each of its arguments.
const LINE_MAX: usize = 120;

fn broken(line: &str) -> String {
    let parts = line.split_once('(').and_then(|(head, rest)| Some((head, rest.strip_suffix(')')?)));
    let Some((head, arguments)) = parts.filter(|_| line.len() > LINE_MAX && !line.starts_with('#')) else {
        return line.to_owned();
    };
    let mut open = 0_usize;
    let mut lines = vec![String::new()];
    for letter in arguments.chars() {
        match letter {
            '[' | '(' => open += 1,
            ']' | ')' => open = open.saturating_sub(1),
            ',' if open == 0 => {
                lines.push(String::new());
                continue;
            }
            _ => {}
        }
        lines.last_mut().map(|line| line.push(letter)).unwrap_or_default();
    }
    let lines: String = lines.iter().map(|line| format!("    {},\n", line.trim())).collect();
    format!("{head}(\n{lines})")
}

/// A file of process-compose, or else a Procfile.
pub(super) fn processes(folder: &Folder, plan: &mut Plan) {
    let names = ["process-compose.yaml", "process-compose.yml"];
    if let Some(file) = folder.first_of(&names) {
        let text = folder.text(file);
        let clash = keys_below(&text, "processes").into_iter().find(|name| plan.has(name));
        if let Some(name) = clash {
            plan.say(file, &format!("left out, since {} has a `{name}`, too", plan.runners.join(" and ")));
            return;
        }
        plan.take(keys_below(&text, "processes"));
        plan.load("load(\"@std//process_compose.star\", \"process_compose\")\n");
        let call = if file == "process-compose.yaml" { String::new() } else { format!("\"{file}\"") };
        plan.add(&format!("A resource for each process of {file}."), &format!("process_compose({call})"));
        plan.say(file, "`process_compose()` makes a resource of each of its processes");
        plan.runners.push(file.to_owned());
        if folder.has("Procfile") {
            plan.leave("Procfile");
        }
    } else if folder.has("Procfile") {
        let text = folder.text("Procfile");
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let names: Vec<_> = lines.filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect();
        if let Some(name) = names.iter().find(|name| plan.has(name)) {
            plan.say("Procfile", &format!("left out, since {} has a `{name}`, too", plan.runners.join(" and ")));
            return;
        }
        if names.is_empty() {
            plan.say("Procfile", "left out, since there is no process in it");
            return;
        }
        plan.take(names);
        plan.load("load(\"@std//procfile.star\", \"procfile\")\n");
        plan.add("A server for each line of the Procfile, with a PORT of its own.", "procfile()");
        plan.say("Procfile", "`procfile()` makes a server of each of its lines");
        plan.runners.push("Procfile".to_owned());
    }
}

/// The keys one level below a key of a YAML text, as people indent it.
pub(super) fn keys_below(text: &str, key: &str) -> Vec<String> {
    let head = format!("{key}:");
    let below = text.lines().skip_while(|line| line.trim_end() != head).skip(1);
    let block = below.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '#']));
    let mut indent = None;
    let mut keys = Vec::new();
    for line in block.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let depth = line.len() - line.trim_start().len();
        if depth == *indent.get_or_insert(depth)
            && let Some((name, _)) = line.trim().split_once(':')
        {
            keys.push(name.trim_matches(['"', '\'']).to_owned());
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_yaml_text() {
        let text = "version: 1\nservices:\n  # first\n  db:\n    image: x\n\n  \"web\":\n    ports:\n      - 80:80\nvolumes:\n  data:\n";
        assert_eq!(keys_below(text, "services"), ["db", "web"]);
        assert_eq!(keys_below(text, "volumes"), ["data"]);
    }

    #[test]
    fn a_long_call_has_a_line_for_each_argument() {
        assert_eq!(broken("f(\"a\", b = [1, 2])"), "f(\"a\", b = [1, 2])");
        let long = format!("f(\"{}\", b = [1, g(2, 3)], c = 4)", "a".repeat(120));
        assert_eq!(broken(&long), format!("f(\n    \"{}\",\n    b = [1, g(2, 3)],\n    c = 4,\n)", "a".repeat(120)));
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut plan = Plan::default();
        assert_eq!([plan.name("build"), plan.name("build"), plan.name("test")], ["build", "build-2", "test"]);
    }
}
