//! Dialogues of commands and replies in lines, up to their upgrade: what SMTP, POP3 and FTP share.
//!
//! Replies come in the order of the commands (RFC 2920), so a reply finds its command by counting. Nothing of what is
//! said is kept but the greeting.

use std::collections::VecDeque;

use super::dissector::{Dissector, Next, Switch};
use crate::ground::model::{
    cause::Cause,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// Puts lines together. A line that is longer than any line may be is cut, its rest is skipped.
#[derive(Debug, Default)]
pub(super) struct LineReader {
    line: Vec<u8>,
    is_over: bool,
}

impl LineReader {
    /// The next whole line, without its end; `None` when the input is used up.
    pub(super) fn next<'s>(&'s mut self, input: &mut &[u8]) -> Option<&'s [u8]> {
        if std::mem::take(&mut self.is_over) {
            self.line.clear();
        }
        let end = input.iter().position(|byte| *byte == b'\n');
        let (part, rest) = match end {
            Some(end) => (input.get(..end)?, input.get(end + 1..)?),
            None => (*input, &[][..]),
        };
        let room = limits::DIALOGUE_LINE_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(part.get(..room).unwrap_or(part));
        *input = rest;
        self.is_over = end.is_some();
        self.is_over.then(|| self.line.strip_suffix(b"\r").unwrap_or(&self.line))
    }
}

/// What a command means for the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing.
    Plain,
    /// Something that encryption was to protect goes in the clear.
    Clear,
    /// As [`Self::Clear`], and a file is moved.
    File,
    /// As [`Self::Clear`], and the reply has lines up to a lone dot, when it is good.
    Listing,
    /// A reply of lines up to a lone dot, when it is good.
    PlainListing,
    /// As [`Self::Clear`], and lines up to a lone dot follow from the client.
    Data,
    /// As [`Self::Clear`], and so many bytes follow from the client.
    Chunk(u64),
    /// Go on as TLS.
    Upgrade,
}

/// A reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    /// Three digits, or what stands for them.
    pub(super) code: u16,
    /// Lines of the same reply follow.
    pub(super) goes_on: bool,
}

/// How one protocol speaks.
#[derive(Debug)]
pub(super) struct Tongue {
    /// The application's word.
    pub(super) app: &'static str,
    /// Understands a command.
    pub(super) command: fn(&[u8]) -> Command,
    /// Understands a line of a reply; `None` when it is none.
    pub(super) reply: fn(&[u8]) -> Option<Reply>,
    /// The code that accepts an upgrade.
    pub(super) upgrade_code: u16,
    /// True for codes that another reply to the same command follows.
    pub(super) is_interim: fn(u16) -> bool,
}

/// What the client's next bytes are.
#[derive(Debug)]
enum Client {
    Commands,
    Data,
    Chunk(u64),
    /// One line that is no command: the answer to a challenge.
    Answer,
}

/// The reader of one dialogue.
#[derive(Debug)]
pub(super) struct Dialogue {
    tongue: &'static Tongue,
    server: Option<Side>,
    lines: [LineReader; 2],
    /// The first line of either end, until it tells who serves.
    early: [Vec<u8>; 2],
    asked: VecDeque<Command>,
    is_greeted: bool,
    has_banner: bool,
    client: Client,
    /// The server is inside lines up to a lone dot.
    is_listing: bool,
    /// The code of a reply whose last line has not come.
    open_reply: Option<u16>,
    /// An upgrade waits for its reply: what the client sent behind it.
    held: Option<Vec<u8>>,
}

impl Dialogue {
    pub(super) const fn new(tongue: &'static Tongue) -> Self {
        Self {
            tongue,
            server: None,
            lines: [
                LineReader { line: Vec::new(), is_over: false },
                LineReader { line: Vec::new(), is_over: false },
            ],
            early: [Vec::new(), Vec::new()],
            asked: VecDeque::new(),
            is_greeted: false,
            has_banner: false,
            client: Client::Commands,
            is_listing: false,
            open_reply: None,
            held: None,
        }
    }

    fn lines(&mut self, side: Side) -> &mut LineReader {
        let [opener, answerer] = &mut self.lines;
        if side == Side::Opener { opener } else { answerer }
    }

    fn client_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            if let Some(held) = &mut self.held {
                if held.len() + input.len() > limits::UPGRADE_HELD_MAX {
                    notes.cause(Cause::ParserLimit, "held behind starttls");
                    return Some(Next::Broken);
                }
                held.extend_from_slice(input);
                return None;
            }
            if let Client::Chunk(left) = &mut self.client {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= taken as u64;
                input = input.get(taken..).unwrap_or_default();
                if *left == 0 {
                    self.client = Client::Commands;
                }
                continue;
            }
            let tongue = self.tongue;
            let Some(line) = self.lines(side).next(&mut input) else { break };
            let is_dot = line == b".";
            let command = (tongue.command)(line);
            match self.client {
                Client::Data if is_dot => self.client = Client::Commands,
                Client::Data | Client::Chunk(_) => {}
                Client::Answer => self.client = Client::Commands,
                Client::Commands => self.command(command, notes),
            }
        }
        None
    }

    fn command(&mut self, command: Command, notes: &mut Notes<'_>) {
        if self.asked.len() >= limits::DIALOGUE_PENDING_MAX {
            // A server that is never seen, or never answers: the newest question is the one that matters.
            self.asked.pop_front();
        }
        self.asked.push_back(command);
        match command {
            Command::Plain | Command::PlainListing => {}
            Command::Clear | Command::Listing => notes.mark(Marks::CLEARTEXT),
            Command::File => {
                notes.mark(Marks::CLEARTEXT);
                notes.mark(Marks::FILES);
            }
            Command::Data => {
                notes.mark(Marks::CLEARTEXT);
                self.client = Client::Data;
            }
            Command::Chunk(len) => {
                notes.mark(Marks::CLEARTEXT);
                self.client = Client::Chunk(len);
            }
            Command::Upgrade => self.held = Some(Vec::new()),
        }
    }

    fn server_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            let tongue = self.tongue;
            let (is_listing, has_banner) = (self.is_listing, self.has_banner);
            let Some(line) = self.lines(side).next(&mut input) else { break };
            if is_listing {
                self.is_listing = line != b".";
                continue;
            }
            let reply = (tongue.reply)(line);
            if !has_banner {
                notes.text(Field::Banner, line, side);
            }
            self.has_banner = true;
            let Some(reply) = reply else { continue };
            // The lines of one reply carry one code (RFC 959 section 4.2).
            if reply.goes_on {
                self.open_reply.get_or_insert(reply.code);
                continue;
            }
            if self.open_reply.is_some_and(|open| open != reply.code) {
                continue;
            }
            self.open_reply = None;
            if let Some(next) = self.replied(reply.code, input, side, notes) {
                return Some(next);
            }
        }
        None
    }

    /// Follows one whole reply.
    fn replied(&mut self, code: u16, rest: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        let was_greeted = std::mem::replace(&mut self.is_greeted, true);
        if !was_greeted && self.first_reply_is_greeting(code) {
            return None;
        }
        if (self.tongue.is_interim)(code) {
            let is_challenge = !matches!(self.asked.front(), Some(Command::Data | Command::Chunk(_)));
            if is_challenge && (300..400).contains(&code) {
                self.client = Client::Answer;
            }
            return None;
        }
        let is_good = code < 400;
        match self.asked.pop_front() {
            Some(Command::Listing | Command::PlainListing) => self.is_listing = is_good,
            Some(Command::Data) if !is_good && matches!(self.client, Client::Data) => {
                self.client = Client::Commands;
            }
            Some(Command::Upgrade) => {
                let held = self.held.take().unwrap_or_default();
                if code == self.tongue.upgrade_code {
                    return Some(Next::Switch(switch(side, held, rest.to_vec())));
                }
                return self.client_bytes(&held, side.other(), notes);
            }
            _ => {}
        }
        None
    }

    /// The first reply answers nothing, unless the beginning was not seen; greetings are 2xx, or refusals.
    const fn first_reply_is_greeting(&self, code: u16) -> bool {
        matches!(code, 200 | 220 | 120 | 400..=599)
    }
}

/// The rest of the flow is TLS; what was already said goes with it.
pub(super) fn switch(server: Side, client_rest: Vec<u8>, server_rest: Vec<u8>) -> Switch {
    let rest = match server {
        Side::Answerer => [client_rest, server_rest],
        Side::Opener => [server_rest, client_rest],
    };
    Switch { to: Some("tls"), rest }
}

impl Dissector for Dialogue {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let next = match self.server {
            Some(server) if server == side => self.server_bytes(bytes, side, notes),
            Some(_) => self.client_bytes(bytes, side, notes),
            None => {
                let [opener, answerer] = &mut self.early;
                let early = if side == Side::Opener { opener } else { answerer };
                early.extend_from_slice(bytes);
                let end = early.iter().position(|byte| *byte == b'\n');
                let line = match end {
                    Some(end) => early.get(..end).unwrap_or_default(),
                    None if early.len() < limits::DIALOGUE_LINE_MAX => return Next::More,
                    None => early,
                };
                let serves = (self.tongue.reply)(line).is_some();
                let server = if serves { side } else { side.other() };
                self.server = Some(server);
                notes.client(server.other());
                notes.app(self.tongue.app, Basis::Parsed);
                let [opener, answerer] = std::mem::take(&mut self.early);
                let (served, asked) =
                    if server == Side::Opener { (opener, answerer) } else { (answerer, opener) };
                self.server_bytes(&served, server, notes)
                    .or_else(|| self.client_bytes(&asked, server.other(), notes))
            }
        };
        next.unwrap_or(Next::More)
    }

    fn unanswered(&mut self) -> Option<Switch> {
        let held = self.held.take().filter(|held| !held.is_empty())?;
        Some(switch(self.server?, held, Vec::new()))
    }
}

/// The first word of a line in capitals, and what follows it.
pub(super) fn verb(line: &[u8]) -> (Vec<u8>, &[u8]) {
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (verb, rest) = line.split_at(end);
    (verb.get(..16).unwrap_or(verb).to_ascii_uppercase(), rest.trim_ascii())
}

/// A reply of three digits (RFC 5321 section 4.2, RFC 959 section 4.2).
pub(super) fn three_digits(line: &[u8]) -> Option<Reply> {
    let digits = line.first_chunk::<3>().filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let goes_on = match line.get(3) {
        None | Some(b' ' | b'\r') => false,
        Some(b'-') => true,
        Some(_) => return None,
    };
    (100..600).contains(&code).then_some(Reply { code, goes_on })
}

/// True when the text contains the word, whatever its case.
pub(super) fn contains_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}
