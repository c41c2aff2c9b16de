//! The pass over the text: what it makes of `while` and tabs, and that every place leads back to the user's text.

use super::folder::Folder;
use orch::orchfile::dialect::widen;
use std::fmt::Write;

/// A small program whose output is known without the interpreter.
enum Statement {
    Print(u32),
    /// Runs its body that many times.
    While(u32, Vec<Statement>),
    If(bool, Vec<Statement>),
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn statements(&mut self, depth: u32, next: &mut u32) -> Vec<Statement> {
        let count = 1 + self.below(3);
        (0..count).map(|_| self.statement(depth, next)).collect()
    }

    fn statement(&mut self, depth: u32, next: &mut u32) -> Statement {
        *next += 1;
        let id = *next;
        match self.below(if depth == 0 { 1 } else { 4 }) {
            0 => Statement::Print(id),
            1 => Statement::If(self.below(2) == 0, self.statements(depth - 1, next)),
            _ => Statement::While(u32::try_from(self.below(3)).unwrap(), self.statements(depth - 1, next)),
        }
    }
}

/// Writes programs in many hands.
struct Writer<'a> {
    random: &'a mut Random,
    text: String,
    loops: u32,
}

impl Writer<'_> {
    fn indent(&mut self, depth: usize) -> String {
        // Eight columns a level, however they are written.
        (0..depth)
            .map(|_| ["\t", "        ", "    \t", "   \t"][usize::try_from(self.random.below(4)).unwrap()])
            .collect()
    }

    fn noise(&mut self) {
        match self.random.below(6) {
            0 => self.text += "\n",
            1 => self.text += "  # while x:\n",
            2 => self.text += "\t\t# (unclosed \"\n",
            _ => {}
        }
    }

    fn block(&mut self, statements: &[Statement], depth: usize) {
        for statement in statements {
            self.noise();
            let indent = self.indent(depth);
            self.text += &indent;
            match statement {
                Statement::Print(id) => self.print(*id),
                Statement::If(holds, body) => {
                    self.text += if *holds { "if True:\n" } else { "if not True: # while\n" };
                    self.block(body, depth + 1);
                }
                Statement::While(times, body) => self.repeat(*times, body, depth, &indent),
            }
        }
    }

    fn print(&mut self, id: u32) {
        let form = match self.random.below(5) {
            0 => format!("print(\n\t'id{id}'\t\n  )"),
            1 => format!("print('id{id}') # while True: \"\"\""),
            2 => format!("whiles = \"while 'x':\\\"\"; print('id{id}')"),
            3 => format!("print(\"\"\"id{id}\"\"\")"),
            _ => format!("print( \\\n 'id{id}')"),
        };
        self.text += &(form + "\n");
    }

    fn repeat(&mut self, times: u32, body: &[Statement], depth: usize, indent: &str) {
        self.loops += 1;
        let name = format!("n{}", self.loops);
        writeln!(self.text, "{name} = [0]").unwrap();
        let condition = match self.random.below(5) {
            0 => format!(" {name}[0] < {times} "),
            1 => format!(" ({name}[0]\n< # while:\n\t{times})"),
            2 => format!(" (lambda: {name}[0] < {times})() and {{1: 2}}[1:][0] if False else {name}[0] < {times}"),
            3 => format!("\t{name}[0] \\\n  < {times}"),
            _ => format!("(not {name}[0] >= {times})"),
        };
        write!(self.text, "{indent}while{condition}:").unwrap();
        if let [Statement::Print(id)] = body
            && self.random.below(2) == 0
        {
            writeln!(self.text, " {name}[0] += 1; print('id{id}')").unwrap();
            return;
        }
        self.text += "  # body\n";
        self.noise();
        let inner = self.indent(depth + 1);
        writeln!(self.text, "{inner}{name}[0] += 1").unwrap();
        self.block(body, depth + 1);
    }
}

fn output(statements: &[Statement], lines: &mut Vec<String>) {
    for statement in statements {
        match statement {
            Statement::Print(id) => lines.push(format!("id{id}")),
            Statement::If(true, body) => output(body, lines),
            Statement::If(false, _) => {}
            Statement::While(times, body) => (0..*times).for_each(|_| output(body, lines)),
        }
    }
}

/// Every identifier of the changed text stands where its map says in the user's.
fn check_map(text: &str) {
    let widened = widen(text).unwrap();
    for (at, _) in widened.text.match_indices("id") {
        let digits = widened.text[at + 2..].bytes().take_while(u8::is_ascii_digit).count();
        let name = &widened.text[at..at + 2 + digits];
        let original = widened.map.original(at);
        assert!(text[original..].starts_with(name), "{name} is not at {original} of\n{text}\nfrom\n{}", widened.text);
    }
    assert!(!widened.text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')), "{}", widened.text);
}

#[test]
fn generated_programs_run_as_written_and_lead_back_to_their_text() {
    for seed in 1..300 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let program = random.statements(4, &mut 0);
        let mut writer = Writer { random: &mut random, text: String::new(), loops: 0 };
        writer.block(&program, 0);
        let text = writer.text;
        check_map(&text);
        let folder = Folder::with(&[("Orchfile", &text)]);
        let loaded = folder.load();
        let mut expected = Vec::new();
        output(&program, &mut expected);
        assert_eq!((folder.lines(), loaded.diagnostics), (expected, vec![]), "seed {seed}\n{text}");
    }
}

#[test]
fn an_error_in_a_loop_is_where_the_user_wrote_it() {
    let text = "def f():\n\tx = 0\n\twhile x < 3:\n\t\tx += 1\n\t\tif x == 2:\n\t\t\tfail('stop')\nf()\n";
    let loaded = Folder::with(&[("Orchfile", text)]).load();
    let place = &loaded.diagnostics[0].labels[0].location;
    assert_eq!((place.line, place.column), (6, 4));
}

#[test]
fn an_error_in_a_condition_is_where_the_user_wrote_it() {
    let text = "x = {}\nwhile x['y'] and True:\n    pass\n";
    let loaded = Folder::with(&[("Orchfile", text)]).load();
    let place = &loaded.diagnostics[0].labels[0].location;
    assert_eq!(place.line, 2);
}

/// Texts that would overflow the stack of the interpreter end with a diagnostic.
#[test]
fn what_nests_too_deeply_is_refused() {
    let many = 20_000;
    let blocks: String = (0..200).map(|depth| format!("{}if True:\n", " ".repeat(depth))).collect();
    let texts = [
        format!("x = {}{}\n", "[".repeat(many), "]".repeat(many)),
        format!("x = {}\n", "(".repeat(many)),
        format!("x = 1{}\n", " + 1".repeat(many)),
        format!("x = {}1\n", "-".repeat(many)),
        format!("x = {}True\n", "not ".repeat(many)),
        format!("x = {}\n", "f(".repeat(many)),
        format!("x = f{}\n", "()".repeat(many)),
        format!("x = f{}\n", ".a".repeat(many)),
        format!("x = {}1\n", "lambda: ".repeat(many)),
        format!("x = {}2\n", "1 if 1 else ".repeat(many)),
        format!("if 1:\n  pass\n{}", "elif 2:\n  pass\n".repeat(many)),
        format!("{blocks}{}pass\n", " ".repeat(200)),
        format!("x = [a {}]\n", "for a in [] ".repeat(many)),
    ];
    for text in texts {
        let loaded = Folder::with(&[("Orchfile", &text)]).load();
        let start: String = text.chars().take(20).collect();
        assert_eq!(loaded.diagnostics.first().map(|found| found.code.as_str()), Some("orchfile::syntax"), "{start}");
    }
}

/// What is let through does not overflow the stack.
#[test]
fn what_nests_as_deeply_as_allowed_is_evaluated() {
    let depth = 450;
    let blocks: String = (0..99).map(|depth| format!("{}if True:\n", " ".repeat(depth))).collect();
    let texts = [
        format!("x = {}{}\n", "[".repeat(depth), "]".repeat(depth)),
        format!("x = 1{}\n", " + 1".repeat(depth)),
        format!("x = {}1\n", "-".repeat(depth)),
        format!("x = {}True\n", "not ".repeat(depth)),
        format!("x = {}1\n", "lambda: ".repeat(depth)),
        format!("x = {}2\n", "1 if 1 else ".repeat(depth)),
        format!("f = lambda x: x\ny = {}1{}\n", "f(".repeat(depth), ")".repeat(depth)),
        format!("if 0:\n  pass\n{}", "elif 0:\n  pass\n".repeat(depth * 2)),
        format!("{blocks}{}pass\n", " ".repeat(99)),
        format!("def f(n):\n    return n if n == 0 else f(n - 1)\nf({depth})\n"),
        format!("x = [{}]\n", "[], ".repeat(20_000)),
    ];
    for text in texts {
        let loaded = Folder::with(&[("Orchfile", &text)]).load();
        let start: String = text.chars().take(20).collect();
        assert_eq!(loaded.diagnostics, [], "{start}");
    }
}

/// Files that are spoilt anywhere are refused or evaluated, but nothing in orch breaks over them, and every place that is
/// shown lies in its excerpt.
#[test]
fn spoilt_files_never_break_the_front_end() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/orchfile");
    let mut texts = vec!["x = \"é\" 'ü'\nwhile x:\n\tfor y in [1, {2: (3)}]: pass\nf(a=b, **c)[1:2].d\n".to_owned()];
    for kind in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(kind.unwrap().path()).into_iter().flatten() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let body = text.split("-- Orchfile --\n").nth(1).and_then(|rest| rest.split("\n-- ").next());
            // Neither what never ends nor what asks git.
            let is_taken =
                |body: &&str| body.len() < 500 && !body.contains("while True") && !body.contains("extension_repo");
            texts.extend(body.filter(is_taken).map(str::to_owned));
        }
    }
    let mut random = Random(0x0dd_ba11);
    let pieces = [
        "(", ")", "[", "\"", "'", "\"\"\"", "\n", "\t", " ", ":", ",", "=", "é", "while ", "lambda ", "\\", "#",
        "f\"{", "}", "-",
    ];
    for round in 0..300 {
        let mut text = texts[usize::try_from(random.below(texts.len() as u64)).unwrap()].clone();
        for _ in 0..=random.below(3) {
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            let Some(at) = places.get(usize::try_from(random.below(places.len().max(1) as u64)).unwrap()) else {
                continue;
            };
            match random.below(3) {
                0 => drop(text.remove(*at)),
                1 => text.insert_str(*at, pieces[usize::try_from(random.below(pieces.len() as u64)).unwrap()]),
                _ => text.truncate(*at),
            }
        }
        let loaded = Folder::with(&[("Orchfile", &text)]).load();
        for found in &loaded.diagnostics {
            assert_ne!(found.code, "orchfile::internal", "round {round}:\n{text}");
            for label in &found.labels {
                let (start, length) = label.span;
                assert!(label.excerpt.get(start..start + length).is_some(), "round {round}: {label:?}\n{text}");
            }
        }
        assert_eq!(orch::diag::render(&loaded.diagnostics, false, 100).is_empty(), loaded.diagnostics.is_empty());
    }
}
