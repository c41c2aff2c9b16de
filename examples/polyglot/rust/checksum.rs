//! Prints a checksum of each file named on the command line (FNV-1a, 64 bits).

use std::{env, fs, io, process::ExitCode};

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn main() -> Result<ExitCode, io::Error> {
    for path in env::args().skip(1) {
        println!("{:016x}  {path}", fnv1a(&fs::read(&path)?));
    }
    Ok(ExitCode::SUCCESS)
}

#[test]
fn known_value() {
    assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
}
