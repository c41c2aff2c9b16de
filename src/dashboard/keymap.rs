//! Keys and what they do: one table for the keyboard, the help and the palette.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a user can do in the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// To the line above.
    Up,
    /// To the line below.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the first line.
    Top,
    /// To the last line; in the log, to stay there.
    Bottom,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Half a screen of the pane up, whatever has the focus.
    PaneUp,
    /// Half a screen of the pane down.
    PaneDown,
    /// The other of list and pane.
    Focus,
    /// The pane alone, or beside the list again.
    Zoom,
    /// Back: closes what is open, ends a search, gives the list the focus.
    Back,
    /// The pane shows the log.
    ShowLogs,
    /// The pane shows all of one resource.
    ShowDetail,
    /// The pane shows the graph.
    ShowGraph,
    /// The pane shows recent runs along time.
    ShowTimeline,
    /// All errors and warnings of the Orchfile.
    ShowErrors,
    /// The list shows only names that hold a text.
    FilterList,
    /// The list is grouped by label, or is not.
    Group,
    /// Search in the log.
    Search,
    /// To the next match, towards newer lines.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// The log shows only lines that hold a text.
    FilterLines,
    /// The log shows only lines at least that important.
    Level,
    /// The log shows only lines from one source.
    Source,
    /// Long lines are broken, or cut off.
    Wrap,
    /// Lines show when they were said, or do not.
    Times,
    /// The last line stays on the screen, or does not.
    Follow,
    /// Put the line into the clipboard.
    Copy,
    /// Run now.
    Trigger,
    /// End the server and start it again.
    Restart,
    /// End it and keep it ended.
    Stop,
    /// The opposite of stop.
    Start,
    /// Make it part of the session, or take it out.
    Enable,
    /// Choose a button, and press it.
    Buttons,
    /// Show the endpoint in the browser.
    Open,
    /// A shell in what it has running.
    Exec,
    /// All that can be done, to choose from.
    Palette,
    /// The keys.
    Help,
    /// The mouse is the dashboard's, or the terminal's.
    Mouse,
    /// Colours for the other background.
    Background,
    /// Ask again what quitting does.
    AskAgain,
    /// Leave the dashboard.
    Quit,
    /// Leave it, and end the session.
    QuitStop,
    /// Leave it, and let the session go on.
    QuitDetach,
    /// Stop as programs do, until the shell's `fg`.
    Suspend,
    /// Draw all anew.
    Redraw,
}

/// A part of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Moving about.
    Move,
    /// What is shown.
    View,
    /// The log.
    Log,
    /// Resources.
    Resource,
    /// The dashboard itself.
    Dashboard,
}

impl Topic {
    /// In the order of the help.
    pub const ALL: [Topic; 5] = [Topic::Resource, Topic::View, Topic::Log, Topic::Move, Topic::Dashboard];

    /// As a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Moving about",
            Self::View => "Views",
            Self::Log => "The log",
            Self::Resource => "The chosen resource",
            Self::Dashboard => "The dashboard",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Its keys as people write them; the first is shown where there is room for one. May be none.
    pub keys: &'static [&'static str],
    /// What it does, in words.
    pub text: &'static str,
    /// Where the help has it.
    pub topic: Topic,
    /// Whether the palette offers it.
    pub in_palette: bool,
}

const fn bind(
    action: Action,
    keys: &'static [&'static str],
    topic: Topic,
    in_palette: bool,
    text: &'static str,
) -> Binding {
    Binding { action, keys, text, topic, in_palette }
}

/// All of them.
pub const BINDINGS: &[Binding] = &[
    bind(Action::Trigger, &["t"], Topic::Resource, true, "trigger: run now, also when nothing changed"),
    bind(Action::Restart, &["r"], Topic::Resource, true, "restart the server; without one, run again"),
    bind(Action::Stop, &["s"], Topic::Resource, true, "stop what it has running"),
    bind(Action::Start, &["S"], Topic::Resource, true, "start what was stopped"),
    bind(Action::Enable, &["e"], Topic::Resource, true, "enable or disable it, with what it needs"),
    bind(Action::Open, &["o"], Topic::Resource, true, "open its endpoint in the browser"),
    bind(Action::Buttons, &["p"], Topic::Resource, true, "press one of its buttons, or of the session's"),
    bind(Action::Exec, &["x"], Topic::Resource, true, "open a shell in its container"),
    bind(Action::ShowLogs, &["1"], Topic::View, true, "the log"),
    bind(Action::ShowDetail, &["2"], Topic::View, true, "all of the resource: runs, inputs, edges, checks"),
    bind(Action::ShowGraph, &["3"], Topic::View, true, "the graph of who waits for whom"),
    bind(Action::ShowTimeline, &["4"], Topic::View, true, "the timeline of recent runs"),
    bind(Action::ShowErrors, &["!"], Topic::View, true, "errors and warnings of the Orchfile, in full"),
    bind(Action::Zoom, &["enter", "z"], Topic::View, true, "the pane alone, and back"),
    bind(Action::FilterList, &["f"], Topic::View, true, "filter the list by name"),
    bind(Action::Group, &["b"], Topic::View, true, "group the list by label, or not"),
    bind(Action::Search, &["/"], Topic::Log, true, "search"),
    bind(Action::PreviousMatch, &["n"], Topic::Log, false, "the match before (older)"),
    bind(Action::NextMatch, &["N"], Topic::Log, false, "the next match (newer)"),
    bind(Action::FilterLines, &["&"], Topic::Log, true, "show only lines that hold a text"),
    bind(Action::Level, &["l"], Topic::Log, true, "show all, warnings and errors, errors"),
    bind(Action::Source, &["v"], Topic::Log, true, "show all, standard output, standard error, orch"),
    bind(Action::Follow, &["F"], Topic::Log, true, "follow new lines, or stand still"),
    bind(Action::Wrap, &["w"], Topic::Log, true, "break long lines, or cut them off"),
    bind(Action::Times, &["T"], Topic::Log, true, "show when lines were said"),
    bind(Action::Copy, &["y"], Topic::Log, true, "copy the line"),
    bind(Action::Up, &["k", "up"], Topic::Move, false, "up"),
    bind(Action::Down, &["j", "down"], Topic::Move, false, "down"),
    bind(Action::PageUp, &["pgup"], Topic::Move, false, "a screen up"),
    bind(Action::PageDown, &["pgdn", "space"], Topic::Move, false, "a screen down"),
    bind(Action::PaneUp, &["ctrl-u"], Topic::Move, false, "scroll the pane up from anywhere"),
    bind(Action::PaneDown, &["ctrl-d"], Topic::Move, false, "scroll the pane down from anywhere"),
    bind(Action::Top, &["g", "home"], Topic::Move, false, "to the first line"),
    bind(Action::Bottom, &["G", "end"], Topic::Move, false, "to the last line; in the log, to stay there"),
    bind(Action::Left, &["h", "left"], Topic::Move, false, "to the left"),
    bind(Action::Right, &["right"], Topic::Move, false, "to the right"),
    bind(Action::Focus, &["tab"], Topic::Move, false, "the other of list and pane"),
    bind(Action::Back, &["esc", "ctrl-g"], Topic::Move, false, "back: close, end the search, to the list"),
    bind(Action::Palette, &[":", "ctrl-p"], Topic::Dashboard, false, "all that can be done, to choose from"),
    bind(Action::Help, &["?"], Topic::Dashboard, true, "this page"),
    bind(Action::Mouse, &["m"], Topic::Dashboard, true, "leave the mouse to the terminal, or take it"),
    bind(Action::Suspend, &["ctrl-z"], Topic::Dashboard, true, "suspend, until `fg`"),
    bind(Action::Redraw, &["ctrl-l"], Topic::Dashboard, true, "draw everything anew"),
    bind(Action::Background, &[], Topic::Dashboard, true, "colours for a light background, or a dark one"),
    bind(Action::AskAgain, &[], Topic::Dashboard, true, "ask again what quitting does"),
    bind(Action::Quit, &["q", "ctrl-c"], Topic::Dashboard, false, "quit"),
    bind(Action::QuitStop, &[], Topic::Dashboard, true, "quit and stop the session"),
    bind(Action::QuitDetach, &[], Topic::Dashboard, true, "quit and let the session go on"),
];

/// What a key does.
#[must_use]
pub fn action_of(key: KeyEvent) -> Option<Action> {
    let name = name_of(key)?;
    BINDINGS.iter().find(|binding| binding.keys.contains(&name.as_str())).map(|binding| binding.action)
}

/// The line of an action.
#[must_use]
pub fn binding_of(action: Action) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.action == action)
}

/// The key of an action, as it is shown where there is room for one.
#[must_use]
pub fn key_of(action: Action) -> &'static str {
    binding_of(action).and_then(|binding| binding.keys.first()).copied().unwrap_or("")
}

/// A key without its modifiers, as the table writes it.
pub(super) fn name_of_code(code: KeyCode) -> Option<String> {
    Some(match code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab | KeyCode::BackTab => "tab".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::PageUp => "pgup".to_owned(),
        KeyCode::PageDown => "pgdn".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        _ => return None,
    })
}

/// A key as the table writes it.
fn name_of(key: KeyEvent) -> Option<String> {
    let name = name_of_code(key.code)?;
    let is_chord = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match is_chord {
        true if key.modifiers.contains(KeyModifiers::CONTROL) => Some(format!("ctrl-{}", name.to_lowercase())),
        true => None,
        false => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_does_two_things() {
        let keys: Vec<&str> = BINDINGS.iter().flat_map(|binding| binding.keys).copied().collect();
        let different: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(keys.len(), different.len());
    }

    #[test]
    fn keys_are_named_as_in_the_table() {
        let key = |code, modifiers| action_of(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Action::Bottom));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(key(KeyCode::Char('t'), KeyModifiers::ALT), None);
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Action::Focus));
    }
}
