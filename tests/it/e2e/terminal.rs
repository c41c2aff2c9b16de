//! What depends on the terminal that orch prints to.

use crate::sandbox::Sandbox;
use nix::pty::{Winsize, openpty};
use std::{fs::File, io::Read};

#[test]
fn messages_are_as_wide_as_the_terminal() {
    let sandbox = Sandbox::new("local_resource('b', cmd='true', resource_deps=['b'])");
    let size = Winsize { ws_row: 24, ws_col: 50, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let mut command = sandbox.command(&["eval"]);
    command.env_remove("COLUMNS").env("TERM", "dumb").stderr(pty.slave);
    let mut eval = command.spawn().unwrap();
    // The terminal is ours alone once the program has ended.
    drop(command);
    let mut drawn = Vec::new();
    // At its end a terminal gives an error, not the end of a file.
    File::from(pty.master).read_to_end(&mut drawn).ok();
    eval.wait().unwrap();
    let drawn = String::from_utf8(drawn).unwrap();
    assert!(drawn.contains("  × resources wait for each other in a circle:\r\n  │ `b` → `b`\r\n"), "{drawn}");
}
