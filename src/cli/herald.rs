//! Who tells people what happens while a run goes on: a line for each thing, and on a terminal a line of numbers below.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{error::Error, outputs::Outputs};
use crate::{
    ground::{
        model::{finding::Finding, flow_line::FlowRecord, lang::Lang},
        words::live::{self, Status},
    },
    output::report::text::{self, CheckWords},
    policy::catalog,
    run::{engine::sink::Sink, pipeline::Progress},
    wire::capture::News,
};

/// How often the numbers are drawn.
const EVERY: Duration = Duration::from_secs(1);

/// Something to be told.
enum Told {
    News(News),
    Found(String),
}

/// Where those who have something to tell leave it.
#[derive(Clone)]
pub(super) struct Ear(Sender<Told>);

impl Ear {
    /// Something happened to an interface.
    pub(super) fn news(&self, news: News) {
        // Nobody listens any more when the program ends.
        let _ = self.0.send(Told::News(news));
    }
}

/// The thread that tells. It ends when nobody can have anything to say any more.
#[derive(Debug)]
pub(super) struct Herald {
    teller: JoinHandle<()>,
}

/// What is left with the herald until it starts: it is a thread, and rights are given away before the first one.
pub(super) struct Mailbox(Receiver<Told>);

/// An ear, and what is left there.
#[must_use]
pub(super) fn mailbox() -> (Ear, Mailbox) {
    let (sender, receiver) = channel();
    (Ear(sender), Mailbox(receiver))
}

impl Herald {
    /// Starts telling on standard error.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        mailbox: Mailbox,
        progress: Arc<Progress>,
        quiet: bool,
        lang: Lang,
    ) -> Result<Self, Error> {
        let bar = (!quiet && io::stderr().is_terminal()).then(ProgressBar::new_spinner);
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template("{spinner} {msg}")) {
            bar.set_style(style);
        }
        let telling = Telling { bar, progress, status: Status::default(), drawn: now(), lang };
        let teller = Builder::new().name("herald".into()).spawn(move || telling.tell(&mailbox.0));
        Ok(Self { teller: teller.map_err(Error::Run)? })
    }

    /// Waits until everything is told.
    pub(super) fn finish(self) {
        let _ = self.teller.join();
    }
}

struct Telling {
    bar: Option<ProgressBar>,
    progress: Arc<Progress>,
    status: Status,
    drawn: Instant,
    lang: Lang,
}

impl Telling {
    fn tell(mut self, mailbox: &Receiver<Told>) {
        loop {
            match mailbox.recv_timeout(EVERY.saturating_sub(self.drawn.elapsed())) {
                Ok(Told::Found(line)) => {
                    self.status.findings += 1;
                    self.say(&line);
                }
                Ok(Told::News(news)) => self.news(&news),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.drawn.elapsed() >= EVERY {
                self.draw();
            }
        }
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn news(&mut self, news: &News) {
        let line = match news {
            News::Lost { interface, since, reason } => live::lost(interface, *since, *reason, self.lang),
            News::Blind { interface, blind, is_well } => {
                live::not_seen(interface, blind, *is_well, self.lang)
            }
            News::Dropped { interface, packets } => {
                self.status.dropped += packets;
                live::dropped(interface, *packets, self.lang)
            }
        };
        self.say(&line);
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn draw(&mut self) {
        let elapsed = self.drawn.elapsed();
        self.drawn = now();
        let packets = self.progress.packets();
        let new = packets.saturating_sub(self.status.packets);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        self.status.per_second = new.saturating_mul(1_000) / millis;
        (self.status.packets, self.status.flows) = (packets, self.progress.flows());
        if let Some(bar) = &self.bar {
            bar.set_message(live::status(&self.status, self.lang));
            bar.tick();
        }
    }
}

/// Numbers are drawn by the clock of those who look at them.
#[expect(clippy::disallowed_methods, reason = "how often numbers are drawn; no result depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// The outputs of a command, with findings announced as they arise.
pub(super) struct Announcing {
    pub(super) outputs: Outputs,
    pub(super) ear: Ear,
    pub(super) lang: Lang,
}

impl Sink for Announcing {
    fn flow(&mut self, record: &FlowRecord) -> io::Result<()> {
        self.outputs.flow(record)
    }

    fn shows_lines(&self) -> bool {
        self.outputs.shows_lines()
    }

    fn found(&mut self, finding: &Finding) -> io::Result<()> {
        let words = |id| catalog::by_id(id).map(|entry| (entry.name, entry.ask));
        let line = text::announcement(finding, self.lang, &CheckWords(&words));
        let _ = self.ear.0.send(Told::Found(line));
        Ok(())
    }

    fn announces(&self) -> bool {
        true
    }
}
