//! Bar, rate and time left, on a terminal only. Home of `indicatif`.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{ground::model::lang::Lang, run::pipeline::Progress};

/// A bar being drawn.
#[derive(Debug)]
pub(super) struct Bar {
    stop: Sender<()>,
    drawer: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts drawing; `None` when standard error is no terminal or nobody wants it.
    #[must_use]
    pub(super) fn start(
        progress: Arc<Progress>,
        total_bytes: Option<u64>,
        quiet: bool,
        lang: Lang,
    ) -> Option<Self> {
        if quiet || !std::io::stderr().is_terminal() {
            return None;
        }
        let (stop, stopped) = channel();
        let bar = total_bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let (packets, left) = match lang {
            Lang::Ja => ("パケット", "残り"),
            Lang::En => ("packets", "left"),
        };
        let template = match total_bytes {
            Some(_) => format!(
                "{{bar:40}} {{bytes}}/{{total_bytes}} {{bytes_per_sec}} {{msg}} {packets} {left} {{eta}}"
            ),
            None => format!("{{spinner}} {{bytes}} {{bytes_per_sec}} {{msg}} {packets}"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        let draw = move || {
            while stopped
                .recv_timeout(Duration::from_millis(200))
                .is_err_and(|error| error == RecvTimeoutError::Timeout)
            {
                bar.set_position(progress.bytes());
                bar.set_message(progress.packets().to_string());
            }
            bar.finish_and_clear();
        };
        let drawer = Builder::new().name("progress".into()).spawn(draw).ok()?;
        Some(Self { stop, drawer: Some(drawer) })
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(drawer) = self.drawer.take() {
            let _ = drawer.join();
        }
    }
}
