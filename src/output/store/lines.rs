//! Flow lines read again, one after the other: a file of them may be larger than any memory.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    net::IpAddr,
    path::Path,
};

use serde::Deserialize;

use super::run::Error;
use crate::ground::model::limits::FLOW_LINE_LEN_MAX;

/// What is read of a flow line; its columns are described in `ground::model::flow_line`.
#[derive(Debug, Deserialize)]
pub struct FlowLine<'a> {
    /// Who opened it.
    #[serde(default)]
    pub client_ip: Option<IpAddr>,
    /// The other end.
    #[serde(default)]
    pub server_ip: Option<IpAddr>,
    /// Stamp of its first packet.
    #[serde(borrow)]
    pub first: Cow<'a, str>,
    /// Largest stamp.
    #[serde(borrow)]
    pub last: Cow<'a, str>,
    /// Bytes from client to server.
    pub bytes_up: u64,
    /// Bytes from server to client.
    pub bytes_down: u64,
    /// The verdict; `None` without a policy.
    #[serde(borrow, default)]
    pub verdict: Option<Cow<'a, str>>,
    /// What weakens it.
    #[serde(borrow, default)]
    pub causes: Vec<Cow<'a, str>>,
    /// The channel that decided.
    #[serde(borrow, default)]
    pub channel: Option<Cow<'a, str>>,
    /// The prohibition that decided.
    #[serde(borrow, default)]
    pub forbid: Option<Cow<'a, str>>,
}

/// Hands on every line of a file; gives their number.
pub(super) fn each(path: &Path, take: &mut dyn FnMut(&FlowLine<'_>)) -> Result<u64, Error> {
    let failed = |error| Error::File { path: path.to_owned(), error };
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = (&mut file).take(FLOW_LINE_LEN_MAX as u64).read_until(b'\n', &mut line);
        if read.map_err(failed)? == 0 {
            return Ok(number);
        }
        number += 1;
        match serde_json::from_slice(&line) {
            Ok(flow) => take(&flow),
            Err(error) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                return Err(Error::Line { path: path.to_owned(), number, error });
            }
        }
    }
}
