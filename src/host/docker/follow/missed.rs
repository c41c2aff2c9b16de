//! What containers printed while no session ran: they live on, and what they say then is missed by nobody.

use super::{Cursor, Following, output, split};
use crate::{host::docker::Connection, model::ContainerId};
use bollard::{errors::Error, query_parameters::LogsOptionsBuilder};
use futures_util::StreamExt as _;

/// So many pieces of it, the last ones, are shown of one container.
const MISSED_MAX: usize = 500;

impl Following {
    /// Reads on from where an earlier session ended, to the beginning of this one.
    pub(super) async fn tell_missed(
        &self,
        connection: &Connection,
        container: &ContainerId,
        cursor: &mut Cursor,
    ) -> Result<(), Error> {
        let seconds = |moment: i64| i32::try_from(moment / 1_000_000_000).unwrap_or(i32::MAX);
        let (since, until) = (seconds(cursor.rewind()), seconds(self.session_began(connection)));
        let tail = (MISSED_MAX + 1).to_string();
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).timestamps(true);
        let options = options.since(since).until(until).tail(&tail).build();
        let mut pieces = connection.api().logs(&container.0, Some(options));
        let mut missed = Vec::new();
        while let Some(piece) = pieces.next().await {
            let Some((stream, bytes)) = output(piece?) else { continue };
            let (at, text) = split(&bytes);
            if at.is_none_or(|at| cursor.take(stream, at)) {
                missed.push((stream, bytes.slice_ref(text)));
            }
        }
        let is_cut = missed.len() > MISSED_MAX;
        if !missed.is_empty() {
            let cut = if is_cut { ", the end of it (`docker logs` has all)" } else { "" };
            self.note(&format!("orch: it printed this while no session ran{cut}:"));
        }
        for (stream, text) in missed.iter().skip(usize::from(is_cut)) {
            self.writer.write(*stream, text);
        }
        Ok(())
    }
}
