//! Where flow lines go: a file, standard output, the run's folder, or nowhere.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::error::Error;
use crate::{
    ground::model::flow_line::{FlowRecord, LineContext},
    output::{report::lines::Encoder, store::RunWriter},
    run::engine::sink::Sink,
};

/// Bytes gathered before they are handed on.
const CHUNK: usize = 64 * 1024;

/// The sink of the commands.
pub(super) struct Outputs {
    context: LineContext,
    encoder: Encoder,
    lines: Vec<u8>,
    file: Option<(PathBuf, Box<dyn Write>)>,
    run: Option<RunWriter>,
    failed: Option<Error>,
}

impl Outputs {
    /// Opens what was asked for; a path of `-` is standard output.
    ///
    /// # Errors
    /// When a file or the run's folder cannot be made.
    pub(super) fn open(
        context: LineContext,
        flows: Option<&Path>,
        run: Option<&Path>,
    ) -> Result<Self, Error> {
        let file = match flows {
            None => None,
            Some(path) if path == Path::new("-") => {
                let out: Box<dyn Write> = Box::new(io::stdout().lock());
                Some((path.to_owned(), out))
            }
            Some(path) => {
                let file = File::create(path).map_err(|error| Error::Output(path.to_owned(), error))?;
                let out: Box<dyn Write> = Box::new(BufWriter::with_capacity(CHUNK, file));
                Some((path.to_owned(), out))
            }
        };
        let run = run.map(RunWriter::begin).transpose().map_err(Error::Store)?;
        let (encoder, lines) = (Encoder::default(), Vec::with_capacity(CHUNK + 4096));
        Ok(Self { context, encoder, lines, file, run, failed: None })
    }

    fn hand_on(&mut self) -> io::Result<()> {
        if let Some((path, out)) = &mut self.file
            && let Err(error) = out.write_all(&self.lines)
        {
            let kind = error.kind();
            self.failed.get_or_insert_with(|| Error::Output(path.clone(), error));
            return Err(io::Error::from(kind));
        }
        if let Some(run) = &mut self.run
            && let Err(error) = run.flows(&self.lines)
        {
            self.failed.get_or_insert(Error::Store(error));
            return Err(io::Error::from(io::ErrorKind::Other));
        }
        self.lines.clear();
        Ok(())
    }

    /// Hands on what is left; gives back the run's folder, to be finished.
    ///
    /// # Errors
    /// When an output did not take its lines, then or before.
    pub(super) fn finish(mut self) -> Result<Option<RunWriter>, Error> {
        let last = self.hand_on().and_then(|()| self.file.as_mut().map_or(Ok(()), |(_, out)| out.flush()));
        match (self.failed.take(), last, self.file) {
            (Some(error), ..) => Err(error),
            (None, Err(error), Some((path, _))) => Err(Error::Output(path, error)),
            (None, Err(error), None) => Err(Error::Run(error)),
            (None, Ok(()), _) => Ok(self.run),
        }
    }

    /// The error behind a broken run, when an output caused it.
    pub(super) fn into_failure(self, error: io::Error) -> Error {
        self.failed.unwrap_or(Error::Run(error))
    }
}

impl Sink for Outputs {
    fn flow(&mut self, record: &FlowRecord) -> io::Result<()> {
        if !self.shows_lines() {
            return Ok(());
        }
        self.encoder.add(record, &self.context, &mut self.lines);
        if self.lines.len() >= CHUNK { self.hand_on() } else { Ok(()) }
    }

    fn shows_lines(&self) -> bool {
        self.file.is_some() || self.run.is_some()
    }
}

/// Writes to standard output; a reader that left is told apart by the caller.
///
/// # Errors
/// When it cannot be written.
pub(super) fn print(text: &str) -> Result<(), Error> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| Error::Output("-".into(), error))
}
