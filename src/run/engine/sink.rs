//! Where the collector's story goes. Implemented by `cli`, which alone knows files and terminals.

use crate::ground::model::{finding::Finding, flow_line::FlowRecord};

/// The receiver of a run's lines.
pub trait Sink {
    /// A flow is final. Called in the order of the input, and not at all when [`Sink::shows_lines`] is false.
    ///
    /// # Errors
    /// When the line cannot be written; the run stops.
    fn flow(&mut self, record: &FlowRecord) -> std::io::Result<()>;

    /// False when the lines go nowhere: what only lines show is then not worked out.
    fn shows_lines(&self) -> bool {
        true
    }

    /// Something was found just now: told once for each finding, with the first flow of it, and once more when what was an
    /// attempt has got an answer. Called only when [`Sink::announces`] is true.
    ///
    /// # Errors
    /// When it cannot be told; the run stops.
    fn found(&mut self, _finding: &Finding) -> std::io::Result<()> {
        Ok(())
    }

    /// True when somebody waits for findings before the input is over.
    fn announces(&self) -> bool {
        false
    }
}

/// Drops everything: for benches and for audits that keep totals only.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl Sink for NullSink {
    fn flow(&mut self, _record: &FlowRecord) -> std::io::Result<()> {
        Ok(())
    }

    fn shows_lines(&self) -> bool {
        false
    }
}
