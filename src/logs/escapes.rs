//! Escape sequences of terminals in what programs print.

const ESCAPE: u8 = 0x1b;

/// Takes out escape sequences: `ESC [ … letter`, `ESC ] … BEL` (or `ESC \`), and `ESC` with one byte.
#[must_use]
pub fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    each_piece(line, |piece| {
        if let Piece::Byte(byte) = piece {
            plain.push(byte);
        }
    });
    plain
}

/// What of a line may go to a terminal beside lines of others, or into a file of text: where `colours` is set its colours
/// (`ESC [ … m`), and nothing that moves the cursor, clears the screen or rings the bell.
#[must_use]
pub fn printable(line: &[u8], colours: bool) -> Vec<u8> {
    let mut printable = Vec::with_capacity(line.len());
    each_piece(line, |piece| match piece {
        Piece::Byte(byte) if byte == b'\t' || !byte.is_ascii_control() => printable.push(byte),
        Piece::Sequence(sequence) if colours && sequence.starts_with(b"\x1b[") && sequence.ends_with(b"m") => {
            printable.extend_from_slice(sequence);
        }
        Piece::Byte(_) | Piece::Sequence(_) => {}
    });
    printable
}

enum Piece<'a> {
    Byte(u8),
    Sequence(&'a [u8]),
}

fn each_piece<'a>(line: &'a [u8], mut each: impl FnMut(Piece<'a>)) {
    let mut rest = line;
    while let [first, after @ ..] = rest {
        if *first == ESCAPE {
            let (sequence, behind) = rest.split_at(length_of_sequence(rest));
            each(Piece::Sequence(sequence));
            rest = behind;
        } else {
            each(Piece::Byte(*first));
            rest = after;
        }
    }
}

/// How long the sequence is that begins with the first byte; one that does not end goes to the end of the line.
fn length_of_sequence(sequence: &[u8]) -> usize {
    let end = match sequence.get(1) {
        Some(b'[') => sequence.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte)).map(|at| at + 3),
        Some(b']') => end_of_command(sequence),
        // Designations of character sets have one byte more.
        Some(0x20..=0x2f) => Some(3),
        Some(_) => Some(2),
        None => None,
    };
    end.map_or(sequence.len(), |end| end.min(sequence.len()))
}

/// Of `ESC ] …`, such as the title of a window.
fn end_of_command(sequence: &[u8]) -> Option<usize> {
    sequence.iter().enumerate().skip(2).find_map(|(at, byte)| match (byte, sequence.get(at + 1)) {
        (0x07, _) => Some(at + 1),
        (&ESCAPE, Some(b'\\')) => Some(at + 2),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"\x1b[2J\x1b[Ha\x1b]0;T\x07b\x1b[31mred\x1b[0m\x07\x08\tc\x1b(Bd\x1b]8;;u\x1b\\e\x1b";

    #[test]
    fn sequences_are_taken_out() {
        assert_eq!(without_escapes(LINE), b"abred\x07\x08\tcde");
        assert_eq!(without_escapes(b"a\x1b[31"), b"a");
        assert_eq!(without_escapes(b"a\x1b]0;title"), b"a");
    }

    #[test]
    fn what_is_printed_has_colours_at_most() {
        assert_eq!(printable(LINE, true), b"ab\x1b[31mred\x1b[0m\tcde");
        assert_eq!(printable(LINE, false), b"abred\tcde");
    }
}
