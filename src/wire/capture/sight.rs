//! The times in which one interface could not be seen, from what was found at each look. No clock, no socket.

use crate::ground::model::{
    coverage::BlindReason,
    limits::{BLIND_RATE_MIN, SILENCE},
    time::{SECOND, Timestamp},
};

/// What is known of one interface.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    started: Timestamp,
    /// When it was last well.
    well: Timestamp,
    /// Since when it is not, and why.
    blind: Option<(Timestamp, BlindReason)>,
    /// When a new frame was last found, and how many there were by then.
    heard: Timestamp,
    frames: u64,
    /// The silence that goes on was told.
    is_told: bool,
}

/// What was found at one look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) now: Timestamp,
    /// What the kernel says of it.
    pub(super) fault: Option<BlindReason>,
    /// Something happened to it since the last look.
    pub(super) is_struck: bool,
    /// Frames so far.
    pub(super) frames: u64,
}

/// A time without sight that is over: from, to, why.
pub(super) type Past = (Timestamp, Timestamp, BlindReason);

impl Sight {
    pub(super) fn from(now: Timestamp) -> Self {
        Self { started: now, well: now, heard: now, ..Self::default() }
    }

    /// Takes what was found; gives a time without sight that is over by now.
    pub(super) fn look(&mut self, look: Look) -> Option<Past> {
        let Look { now, mut fault, is_struck, frames } = look;
        if fault == Some(BlindReason::NoCarrier) && frames > self.frames {
            // The kernel tells of a link a second late; frames tell of it at once.
            fault = None;
        }
        if fault.is_none() && self.blind.is_none() && is_struck {
            // It was down between two looks and is up again.
            self.blind = Some((self.well, BlindReason::Down));
        }
        let past = match (self.blind, fault) {
            (None, None) => self.listen(frames, now),
            (None, Some(reason)) => {
                self.blind = Some((self.well, reason));
                None
            }
            (Some((_, old)), Some(new)) if old == new => None,
            (Some((from, reason)), new) => {
                self.blind = new.map(|reason| (now, reason));
                (self.frames, self.heard, self.is_told) = (frames, now, false);
                Some((from, now, reason))
            }
        };
        if fault.is_none() {
            self.well = now;
        }
        past
    }

    /// A minute and more without a frame, where they came before, is a time without sight (THREATS §4 formula 9).
    fn listen(&mut self, frames: u64, now: Timestamp) -> Option<Past> {
        if frames == self.frames {
            return None;
        }
        // Before the first frame there is nothing to say what was to be expected.
        let silence = self.silence(now).filter(|_| self.frames > 0);
        let past = silence.map(|since| (since, now, BlindReason::NoFrames));
        (self.frames, self.heard, self.is_told) = (frames, now, false);
        past
    }

    /// Since when there was no frame, if that is longer than chance.
    fn silence(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = self.heard.since(self.started).nanos() / SECOND;
        let per_minute = self.frames.saturating_mul(60) / u64::try_from(seconds).unwrap_or(0).max(1);
        let is_silent = self.frames == 0 || per_minute >= BLIND_RATE_MIN;
        (is_silent && now.since(self.heard) >= SILENCE).then_some(self.heard)
    }

    /// The silence that goes on, once.
    pub(super) fn news_of_silence(&mut self, now: Timestamp) -> Option<Timestamp> {
        let since = self.silence(now).filter(|_| self.blind.is_none() && !self.is_told)?;
        self.is_told = true;
        Some(since)
    }

    /// The capture is over: the time without sight that is still open.
    pub(super) fn close(self, now: Timestamp) -> Option<Past> {
        if let Some((from, reason)) = self.blind {
            return Some((from, now, reason));
        }
        let since = if self.frames == 0 { Some(self.started) } else { self.silence(now) };
        since.map(|from| (from, now, BlindReason::NoFrames))
    }

    /// Since when, and why, it is not seen.
    pub(super) const fn blind(self) -> Option<(Timestamp, BlindReason)> {
        self.blind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    const fn look(secs: i64, frames: u64) -> Look {
        Look { now: at(secs), fault: None, is_struck: false, frames }
    }

    fn bad(secs: i64, reason: BlindReason) -> Look {
        Look { fault: Some(reason), ..look(secs, 100) }
    }

    #[test]
    fn a_time_without_sight_begins_when_all_was_last_well_and_each_reason_stands_for_itself() {
        let mut sight = Sight::from(at(0));
        assert_eq!(sight.look(look(1, 100)), None);
        assert_eq!(sight.look(bad(2, BlindReason::Down)), None);
        assert_eq!(sight.blind(), Some((at(1), BlindReason::Down)));
        assert_eq!(sight.look(bad(3, BlindReason::Down)), None);
        assert_eq!(sight.look(bad(4, BlindReason::Gone)), Some((at(1), at(4), BlindReason::Down)));
        assert_eq!(sight.look(look(6, 100)), Some((at(4), at(6), BlindReason::Gone)));
        assert_eq!(sight.blind(), None);
        assert_eq!(sight.close(at(7)), None);
        assert_eq!(sight.look(bad(8, BlindReason::Gone)), None);
        assert_eq!(sight.close(at(9)), Some((at(6), at(9), BlindReason::Gone)));
    }

    #[test]
    fn what_happened_between_two_looks_is_a_time_without_sight_too() {
        let mut sight = Sight::from(at(0));
        let struck = Look { is_struck: true, ..look(1, 5) };
        assert_eq!(sight.look(struck), Some((at(0), at(1), BlindReason::Down)));
    }

    #[test]
    fn frames_prove_a_link_that_the_kernel_does_not_know_of_yet() {
        let mut sight = Sight::from(at(0));
        let late = Look { fault: Some(BlindReason::NoCarrier), ..look(1, 5) };
        assert_eq!((sight.look(late), sight.blind()), (None, None));
        assert_eq!(sight.look(Look { now: at(2), ..late }), None);
        assert_eq!(sight.blind(), Some((at(1), BlindReason::NoCarrier)), "no new frame: no link");
    }

    #[test]
    fn a_minute_of_silence_is_told_once_and_counted_when_it_is_over() {
        let mut sight = Sight::from(at(0));
        for second in 1..=60 {
            assert_eq!(sight.look(look(second, second as u64)), None);
        }
        assert_eq!(sight.news_of_silence(at(119)), None);
        assert_eq!(sight.news_of_silence(at(120)), Some(at(60)));
        assert_eq!(sight.news_of_silence(at(121)), None);
        assert_eq!(sight.close(at(130)), Some((at(60), at(130), BlindReason::NoFrames)));
        assert_eq!(sight.look(look(150, 61)), Some((at(60), at(150), BlindReason::NoFrames)));
        assert_eq!(sight.close(at(151)), None);
    }

    #[test]
    fn a_quiet_interface_may_be_silent_for_a_minute_but_not_for_the_whole_time() {
        let mut quiet = Sight::from(at(0));
        assert_eq!(quiet.look(look(60, 3)), None);
        assert_eq!((quiet.news_of_silence(at(600)), quiet.close(at(600))), (None, None));
        let mut mute = Sight::from(at(0));
        assert_eq!(mute.close(at(5)), Some((at(0), at(5), BlindReason::NoFrames)));
        assert_eq!(mute.news_of_silence(at(60)), Some(at(0)));
    }
}
