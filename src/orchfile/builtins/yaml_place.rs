//! Where in a YAML text a value stands: asked only when something is wrong with it.

use granit_parser::{Event, Parser, StrInput};

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item, from 0.
    Item(usize),
}

/// The line (from 1) of the value at `path` in a document (from 0) of a text; of what holds it where it is not found.
pub(crate) fn line_of(text: &str, document: usize, path: &[Step]) -> Option<usize> {
    let mut walk = Walk { events: Parser::new_from_str(text), line: 1 };
    let mut left = document;
    while let Some(event) = walk.next() {
        if matches!(event, Event::DocumentStart(..)) {
            if left == 0 {
                let first = walk.next()?;
                return Some(walk.find(&first, path));
            }
            left -= 1;
        }
    }
    None
}

struct Walk<'t> {
    events: Parser<'t, StrInput<'t>>,
    line: usize,
}

impl<'t> Walk<'t> {
    fn next(&mut self) -> Option<Event<'t>> {
        for event in self.events.by_ref() {
            let (event, span) = event.ok()?;
            self.line = span.start.line();
            if !matches!(event, Event::Comment(..)) {
                return Some(event);
            }
        }
        None
    }

    /// The line of the value at `path` below the value that `event` begins.
    fn find(&mut self, event: &Event<'t>, path: &[Step]) -> usize {
        let line = self.line;
        let Some((first, rest)) = path.split_first() else { return line };
        match (event, first) {
            (Event::MappingStart(..), Step::Key(wanted)) => self.find_key(wanted, rest).unwrap_or(line),
            (Event::SequenceStart(..), Step::Item(wanted)) => self.find_item(*wanted, rest).unwrap_or(line),
            _ => line,
        }
    }

    fn find_key(&mut self, wanted: &str, rest: &[Step]) -> Option<usize> {
        loop {
            let key = self.next()?;
            let is_wanted = match &key {
                Event::MappingEnd => return None,
                Event::Scalar(text, ..) => *text == wanted,
                _ => false,
            };
            let line = self.line;
            self.skip(&key)?;
            let value = self.next()?;
            if is_wanted {
                // The value of a key may begin lines below it.
                return Some(if rest.is_empty() { line } else { self.find(&value, rest) });
            }
            self.skip(&value)?;
        }
    }

    fn find_item(&mut self, wanted: usize, rest: &[Step]) -> Option<usize> {
        for _ in 0..wanted {
            let item = self.next().filter(|event| *event != Event::SequenceEnd)?;
            self.skip(&item)?;
        }
        let item = self.next().filter(|event| *event != Event::SequenceEnd)?;
        Some(self.find(&item, rest))
    }

    /// Goes to the end of the value that `event` begins.
    fn skip(&mut self, event: &Event<'t>) -> Option<()> {
        let mut open = usize::from(matches!(event, Event::MappingStart(..) | Event::SequenceStart(..)));
        while open > 0 {
            match self.next()? {
                Event::MappingStart(..) | Event::SequenceStart(..) => open += 1,
                Event::MappingEnd | Event::SequenceEnd => open -= 1,
                _ => {}
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_blocks_and_in_flow() {
        let text = "# none\n---\na: 1\n---\nspec:\n  x: {y: [0,\n    1]}\n  list:\n  - n: 1\n  - n: 2\n    m: 3\n";
        let key = |name: &str| Step::Key(name.to_owned());
        let line = |path: &[Step]| line_of(text, 1, path);
        assert_eq!(line(&[]), Some(5));
        assert_eq!(line(&[key("spec"), key("x"), key("y"), Step::Item(1)]), Some(7));
        assert_eq!(line(&[key("spec"), key("list"), Step::Item(1), key("m")]), Some(11));
        assert_eq!(line(&[key("spec"), key("list"), Step::Item(7)]), Some(9));
        assert_eq!(line_of(text, 0, &[key("a")]), Some(3));
    }
}
