//! Escape sequences of terminals in what programs print.

/// Takes out escape sequences: `ESC [ … letter`, `ESC ] … BEL` (or `ESC \`), and `ESC` with one byte.
#[must_use]
pub fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != 0x1b {
            plain.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'[') => drop(rest.by_ref().find(|byte| (0x40..=0x7e).contains(byte))),
            Some(b']') => {
                while let Some(byte) = rest.next() {
                    if byte == 0x07 || (byte == 0x1b && rest.next_if_eq(&b'\\').is_some()) {
                        break;
                    }
                }
            }
            // Designations of character sets have one byte more.
            Some(0x20..=0x2f) => drop(rest.next()),
            _ => {}
        }
    }
    plain
}
