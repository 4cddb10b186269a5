//! SIGINT and SIGTERM end a run that has no end of its own. Home of `signal-hook`.

use std::thread::Builder;

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use super::error::Error;
use crate::wire::capture::Stop;

/// From now on the first signal says stop, so that all outputs are written; the second ends the program as it would have
/// without us.
///
/// # Errors
/// When the system gives us neither handler nor thread.
pub(super) fn on_signals(stop: &Stop) -> Result<(), Error> {
    let said = stop.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Error::Run)?;
    let listen = move || {
        for signal in &mut signals {
            if said.is_stopped() {
                // Ends the program, or cannot: then there is nothing left to try.
                let _ = emulate_default_handler(signal);
            }
            said.stop();
        }
    };
    Builder::new().name("signals".into()).spawn(listen).map_err(Error::Run)?;
    Ok(())
}
