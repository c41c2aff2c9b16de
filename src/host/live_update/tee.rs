//! One stream of bytes to several readers, as fast as the slowest of them takes it.

use bytes::{Bytes, BytesMut};
use std::io::{self, Write};
use tokio::sync::mpsc;

/// How many bytes are passed on at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// How many chunks a reader may be behind.
const AHEAD: usize = 4;

/// A writer whose bytes go to several channels. To be used where blocking is welcome.
pub(in crate::host) struct Tee {
    gathered: BytesMut,
    readers: Vec<mpsc::Sender<io::Result<Bytes>>>,
}

/// What a reader gets.
pub(in crate::host) type Chunks = mpsc::Receiver<io::Result<Bytes>>;

impl Tee {
    pub(in crate::host) fn new(readers: usize) -> (Self, Vec<Chunks>) {
        let (readers, chunks) = (0..readers).map(|_| mpsc::channel(AHEAD)).unzip();
        (Self { gathered: BytesMut::with_capacity(CHUNK_BYTES), readers }, chunks)
    }

    /// Tells all readers that what they got is not whole.
    pub(in crate::host) fn cut_off(self) {
        for reader in &self.readers {
            // One that went away needs not to know.
            reader.blocking_send(Err(io::ErrorKind::UnexpectedEof.into())).ok();
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let chunk = self.gathered.split().freeze();
        if !chunk.is_empty() {
            self.readers.retain(|reader| reader.blocking_send(Ok(chunk.clone())).is_ok());
        }
        if self.readers.is_empty() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK_BYTES {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_readers_get_all_bytes_and_one_that_goes_holds_up_nobody() {
        let (mut tee, mut readers) = Tee::new(3);
        drop(readers.pop());
        let reading: Vec<_> = readers
            .into_iter()
            .map(|mut chunks| {
                std::thread::spawn(move || {
                    let mut read = Vec::new();
                    while let Some(chunk) = chunks.blocking_recv() {
                        read.extend_from_slice(&chunk.unwrap());
                    }
                    read
                })
            })
            .collect();
        let bytes: Vec<u8> = (0..1_000_000u32).map(|number| number.to_le_bytes()[0]).collect();
        bytes.chunks(999).for_each(|some| tee.write_all(some).unwrap());
        tee.flush().unwrap();
        drop(tee);
        for read in reading {
            assert!(read.join().unwrap() == bytes);
        }
    }

    #[test]
    fn nobody_left_to_read_is_an_error_and_what_is_cut_off_is_told() {
        let (mut tee, readers) = Tee::new(2);
        drop(readers);
        tee.write_all(b"x").unwrap();
        assert!(tee.flush().is_err());
        let (tee, mut readers) = Tee::new(1);
        tee.cut_off();
        assert!(readers[0].blocking_recv().unwrap().is_err());
    }
}
