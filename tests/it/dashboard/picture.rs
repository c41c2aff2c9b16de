//! Pictures of the dashboard for the README: the real program in a terminal, its screen as SVG. `docs/pictures/make` runs this;
//! otherwise nothing is written.

use super::pty::Pty;
use crate::sandbox::Sandbox;
use std::{fmt::Write as _, fs, path::Path};

const COLUMNS: u16 = 132;
const ROWS: u16 = 30;

#[test]
fn pictures() {
    if std::env::var_os("ORCH_PICTURES").is_none() {
        return;
    }
    let sandbox = Sandbox::named("shop");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/shop");
    for entry in fs::read_dir(project).unwrap().map(|entry| entry.unwrap()) {
        sandbox.write(entry.file_name().to_str().unwrap(), &fs::read_to_string(entry.path()).unwrap());
    }
    let mut terminal = Pty::start(&sandbox, &["up"], COLUMNS, ROWS);
    terminal.wait_for("7 well");
    terminal.wait_for("GET /cart 200");
    save(&terminal, "dashboard");
    terminal.press("3");
    sandbox.write("schema.proto", "message Order { string id = 1; int64 total = 2; }\n");
    terminal.wait_until("the change on its way", |screen| screen.contains("2 in progress"));
    save(&terminal, "graph");
    terminal.wait_for("7 well");
    sandbox.write("orders.ts", "export const total = oops\n");
    terminal.wait_for("1 failing");
    terminal.press("1forders\r2");
    terminal.wait_for("Last error");
    save(&terminal, "failure");
    terminal.press("\x074");
    terminal.wait_for("ago");
    terminal.wait_until("the timeline", |screen| screen.contains(" now") && !screen.contains("Last error"));
    save(&terminal, "timeline");
    terminal.press("qs");
    terminal.finish();
}

fn save(terminal: &Pty, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.svg"));
    fs::write(file, terminal.with_screen(svg)).unwrap();
}

const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 14.0;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d4d7dd";

/// The screen of a terminal as a picture.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"14\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let (end, text) = run(screen, row, column, columns);
            draw(&mut svg, screen, (row, column, end), &text);
            column = end;
        }
    }
    svg + "</svg>\n"
}

/// Cells that look the same, from one on.
fn run(screen: &vt100::Screen, row: u16, from: u16, columns: u16) -> (u16, String) {
    let look = |column| screen.cell(row, column).map(look_of);
    let first = look(from);
    let mut text = String::new();
    let mut column = from;
    while column < columns && look(column) == first {
        let cell = screen.cell(row, column).map(vt100::Cell::contents).unwrap_or_default();
        text.push_str(if cell.is_empty() { " " } else { cell });
        column += 1;
    }
    (column, text)
}

#[derive(PartialEq)]
struct Drawn {
    text: String,
    ground: Option<String>,
    bold: bool,
    dim: bool,
}

fn look_of(cell: &vt100::Cell) -> Drawn {
    let (text, ground) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    let (text, ground) = if cell.inverse() {
        (Some(ground.unwrap_or_else(|| GROUND.to_owned())), Some(text.unwrap_or_else(|| TEXT.to_owned())))
    } else {
        (text, ground)
    };
    Drawn { text: text.unwrap_or_else(|| TEXT.to_owned()), ground, bold: cell.bold(), dim: cell.dim() }
}

fn draw(svg: &mut String, screen: &vt100::Screen, (row, from, to): (u16, u16, u16), text: &str) {
    let Some(look) = screen.cell(row, from).map(look_of) else { return };
    let (x, y) = (MARGIN + f64::from(from) * CELL.0, MARGIN + f64::from(row) * CELL.1);
    let width = f64::from(to - from) * CELL.0;
    if let Some(ground) = &look.ground {
        writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{ground}\"/>", CELL.1)
            .unwrap();
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let bold = if look.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if look.dim { " opacity=\"0.55\"" } else { "" };
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{width:.1}\" xml:space=\"preserve\"{bold}{dim}>{escaped}</text>",
        y + 13.5,
        look.text
    )
    .unwrap();
}

/// A colour of a quiet palette.
fn colour(colour: vt100::Color) -> Option<String> {
    const PALETTE: [&str; 16] = [
        "#1e2127", "#e06c75", "#8cc265", "#d8b15b", "#5aa0e6", "#c586c0", "#4fb8c4", "#c8ccd4", "#5c6370", "#ff7a85",
        "#a5e075", "#f0c674", "#75b5f5", "#de9bd9", "#66d5e0", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(number) => Some(PALETTE.get(usize::from(number)).copied().unwrap_or(TEXT).to_owned()),
        vt100::Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}
