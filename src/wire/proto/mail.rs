//! Mail: SMTP (RFC 5321, 3207), POP3 (RFC 1939, 2595) and IMAP (RFC 9051), read for their upgrade to TLS and for what
//! goes in the clear without it. No address, credential or content is kept.

use super::{
    dialogue::{Command, Dialogue, LineReader, Reply, Tongue, contains_word, switch, three_digits, verb},
    dissector::{Dissector, First, Guess, Next, Protocol, Switch},
    http_head::number,
};
use crate::ground::model::{
    address::Transport,
    cause::Cause,
    field::Field,
    identity::{Basis, Marks, Notes},
    key::Side,
    limits,
};

/// SMTP and submission.
pub static SMTP: Protocol = Protocol {
    name: "smtp",
    transport: Transport::TCP,
    ports: &[25, 587, 2525],
    first: First::TEXT,
    probe: probe_smtp,
    open: || Box::new(Dialogue::new(&SMTP_TONGUE)),
};

/// POP3.
pub static POP3: Protocol = Protocol {
    name: "pop3",
    transport: Transport::TCP,
    ports: &[110],
    first: First::TEXT,
    probe: probe_pop3,
    open: || Box::new(Dialogue::new(&POP3_TONGUE)),
};

/// IMAP.
pub static IMAP: Protocol = Protocol {
    name: "imap",
    transport: Transport::TCP,
    ports: &[143],
    first: First::TEXT,
    probe: probe_imap,
    open: || Box::<Imap>::default(),
};

static SMTP_TONGUE: Tongue = Tongue {
    app: "smtp",
    command: smtp_command,
    reply: three_digits,
    upgrade_code: 220,
    is_interim: |code| (300..400).contains(&code),
};

static POP3_TONGUE: Tongue = Tongue {
    app: "pop3",
    command: pop3_command,
    reply: pop3_reply,
    upgrade_code: 200,
    is_interim: |code| code == 334,
};

fn first_line(first: &[u8]) -> (&[u8], bool) {
    match first.iter().position(|byte| *byte == b'\n') {
        Some(end) => (first.get(..end).unwrap_or_default(), true),
        None => (first, false),
    }
}

/// True when the text is a beginning of the word or begins with it, whatever the case.
fn begins(text: &[u8], word: &[u8]) -> bool {
    text.iter().zip(word).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn probe_smtp(first: &[u8], _side: Side) -> Guess {
    let (line, is_whole) = first_line(first);
    for command in [&b"EHLO "[..], b"HELO ", b"LHLO "] {
        if begins(line, command) {
            return if line.len() > command.len() && is_whole { Guess::Yes } else { Guess::Short };
        }
    }
    if !begins(line, b"220") || !matches!(line.get(3), None | Some(b' ' | b'-')) {
        return Guess::No;
    }
    match (contains_word(line, b"smtp"), contains_word(line, b"ftp")) {
        (true, _) if is_whole => Guess::Yes,
        (_, true) => Guess::No,
        // FTP greets with the same number: the client's first command tells.
        _ => Guess::Short,
    }
}

fn smtp_command(line: &[u8]) -> Command {
    let (verb, rest) = verb(line);
    match verb.as_slice() {
        b"STARTTLS" => Command::Upgrade,
        b"DATA" => Command::Data,
        b"BDAT" => {
            let len = rest.split(|byte| *byte == b' ').next().and_then(|len| number(len, 10));
            len.filter(|len| *len > 0).map_or(Command::Clear, Command::Chunk)
        }
        b"MAIL" | b"RCPT" | b"AUTH" | b"VRFY" | b"EXPN" => Command::Clear,
        _ => Command::Plain,
    }
}

fn probe_pop3(first: &[u8], _side: Side) -> Guess {
    let (line, is_whole) = first_line(first);
    if begins(line, b"+OK") {
        let is_word = matches!(line.get(3), Some(b' ' | b'\r'));
        return if is_word && is_whole {
            Guess::Yes
        } else if is_whole {
            Guess::No
        } else {
            Guess::Short
        };
    }
    for command in [&b"CAPA\r"[..], b"STLS\r", b"APOP "] {
        if begins(line, command) {
            return if line.len() >= command.len() && is_whole { Guess::Yes } else { Guess::Short };
        }
    }
    Guess::No
}

fn pop3_command(line: &[u8]) -> Command {
    let (verb, rest) = verb(line);
    match verb.as_slice() {
        b"STLS" => Command::Upgrade,
        b"CAPA" => Command::PlainListing,
        b"AUTH" if rest.is_empty() => Command::PlainListing,
        b"LIST" | b"UIDL" if rest.is_empty() => Command::Listing,
        b"RETR" | b"TOP" => Command::Listing,
        b"USER" | b"PASS" | b"APOP" | b"AUTH" => Command::Clear,
        _ => Command::Plain,
    }
}

fn pop3_reply(line: &[u8]) -> Option<Reply> {
    let code = match line {
        [b'+', b'O', b'K', ..] => 200,
        [b'-', b'E', b'R', b'R', ..] => 500,
        [b'+', b' ', ..] => 334,
        _ => return None,
    };
    Some(Reply { code, goes_on: false })
}

fn probe_imap(first: &[u8], _side: Side) -> Guess {
    let (line, is_whole) = first_line(first);
    for greeting in [&b"* OK"[..], b"* PREAUTH", b"* BYE"] {
        if begins(line, greeting) {
            let is_word = matches!(line.get(greeting.len()), Some(b' ' | b'\r'));
            return if is_word && is_whole {
                Guess::Yes
            } else if is_whole {
                Guess::No
            } else {
                Guess::Short
            };
        }
    }
    let Some((tag, command)) = tagged(line) else {
        let is_tag = !is_whole && line.len() <= 16 && line.iter().all(u8::is_ascii_alphanumeric);
        return if is_tag { Guess::Short } else { Guess::No };
    };
    if tag.len() > 16 || !tag.iter().all(u8::is_ascii_alphanumeric) {
        return Guess::No;
    }
    for word in [&b"CAPABILITY"[..], b"STARTTLS", b"LOGIN ", b"AUTHENTICATE ", b"ID ("] {
        if begins(command, word) {
            return if command.len() >= word.len() && is_whole { Guess::Yes } else { Guess::Short };
        }
    }
    Guess::No
}

fn tagged(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (tag, rest) = line.split_at(space);
    Some((tag, rest.get(1..)?))
}

/// The reader of one IMAP connection: replies are found by their tag, literals are stepped over.
#[derive(Debug, Default)]
struct Imap {
    server: Option<Side>,
    early: [Vec<u8>; 2],
    lines: [LineReader; 2],
    /// Bytes of a literal that are still to come, for each end.
    literal: [u64; 2],
    is_greeted: bool,
    /// STARTTLS waits for the reply with this tag: what the client sent behind it.
    held: Option<(Vec<u8>, Vec<u8>)>,
}

impl Imap {
    fn client_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            if let Some((_, held)) = &mut self.held {
                if held.len() + input.len() > limits::UPGRADE_HELD_MAX {
                    notes.cause(Cause::ParserLimit, "held behind starttls");
                    return Some(Next::Broken);
                }
                held.extend_from_slice(input);
                return None;
            }
            let Some(line) = self.line(&mut input, side) else { break };
            let Some((tag, rest)) = tagged(&line) else { continue };
            match verb(rest).0.as_slice() {
                b"STARTTLS" => self.held = Some((tag.to_vec(), Vec::new())),
                b"CAPABILITY" | b"NOOP" | b"LOGOUT" | b"ID" | b"ENABLE" => {}
                _ => notes.mark(Marks::CLEARTEXT),
            }
        }
        None
    }

    fn server_bytes(&mut self, mut input: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Next> {
        while !input.is_empty() {
            let Some(line) = self.line(&mut input, side) else { break };
            if !std::mem::replace(&mut self.is_greeted, true) {
                notes.text(Field::Banner, &line, side);
            }
            let Some((tag, rest)) = tagged(&line) else { continue };
            if let Some((_, held)) = self.held.take_if(|(asked, _)| asked == tag) {
                if verb(rest).0 == b"OK" {
                    return Some(Next::Switch(switch(side, held, input.to_vec())));
                }
                if let Some(next) = self.client_bytes(&held, side.other(), notes) {
                    return Some(next);
                }
            }
        }
        None
    }

    /// The next line that lies outside literals. A literal's length ends its line: `{123}`, `{123+}` (RFC 7888).
    fn line(&mut self, input: &mut &[u8], side: Side) -> Option<Vec<u8>> {
        let ([first, second], [one, two]) = (&mut self.lines, &mut self.literal);
        let (lines, literal) = if side == Side::Opener { (first, one) } else { (second, two) };
        let taken = usize::try_from(*literal).unwrap_or(usize::MAX).min(input.len());
        *literal -= taken as u64;
        *input = input.get(taken..).unwrap_or_default();
        let line = lines.next(input)?.to_vec();
        if let Some(open) =
            line.strip_suffix(b"}").and_then(|rest| rest.iter().rposition(|byte| *byte == b'{'))
        {
            let digits = line.get(open + 1..line.len() - 1).unwrap_or_default();
            *literal = number(digits.strip_suffix(b"+").unwrap_or(digits), 10).unwrap_or(0);
        }
        Some(line)
    }
}

impl Dissector for Imap {
    fn bytes(&mut self, bytes: &[u8], side: Side, notes: &mut Notes<'_>) -> Next {
        let next = match self.server {
            Some(server) if server == side => self.server_bytes(bytes, side, notes),
            Some(_) => self.client_bytes(bytes, side, notes),
            None => {
                let [opener, answerer] = &mut self.early;
                let early = if side == Side::Opener { opener } else { answerer };
                early.extend_from_slice(bytes);
                let (line, is_whole) = first_line(early);
                if !is_whole && early.len() < limits::DIALOGUE_LINE_MAX {
                    return Next::More;
                }
                let server = if line.starts_with(b"* ") { side } else { side.other() };
                self.server = Some(server);
                notes.client(server.other());
                notes.app("imap", Basis::Parsed);
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
        let (_, held) = self.held.take().filter(|(_, held)| !held.is_empty())?;
        Some(switch(self.server?, held, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto::told::{DOWN, UP, told, told_last};

    fn upgraded(next: Next) -> [Vec<u8>; 2] {
        match next {
            Next::Switch(Switch { to: Some("tls"), rest }) => rest,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn smtp_goes_on_as_tls_when_the_server_agrees_and_nothing_was_in_the_clear() {
        let (identity, next) = told_last(
            &SMTP,
            &[
                (DOWN, b"220-mail.example ESMTP\r\n220 ready\r\n"),
                (UP, b"EHLO pc.example\r\n"),
                (DOWN, b"250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
                (UP, b"STARTTLS\r\n"),
                (DOWN, b"220 go ahead\r\n"),
                (UP, b"\x16\x03\x01"),
            ],
        );
        assert_eq!(upgraded(next), [b"\x16\x03\x01".to_vec(), Vec::new()]);
        assert_eq!((identity.app, identity.client), ("smtp", Some(UP)));
        assert!(!identity.marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn commands_slipped_in_behind_starttls_reach_the_inner_reader() {
        let (_, next) = told_last(
            &SMTP,
            &[
                (DOWN, b"220 mail.example ESMTP\r\n"),
                (UP, b"EHLO pc.example\r\nSTARTTLS\r\nMAIL FROM:<x@a.example>\r\n"),
                (DOWN, b"250 mail.example\r\n220 go ahead\r\n"),
            ],
        );
        assert_eq!(upgraded(next)[0], b"MAIL FROM:<x@a.example>\r\n");
    }

    #[test]
    fn a_refused_starttls_leaves_the_mail_in_the_clear_and_starttls_inside_a_mail_is_text() {
        let (identity, next) = told_last(
            &SMTP,
            &[
                (DOWN, b"220 mail.example ESMTP\r\n"),
                (UP, b"EHLO pc.example\r\nSTARTTLS\r\n"),
                (DOWN, b"250 mail.example\r\n454 not now\r\n"),
                (UP, b"MAIL FROM:<x@a.example>\r\n"),
                (DOWN, b"250 ok\r\n"),
                (UP, b"DATA\r\n"),
                (DOWN, b"354 go\r\n"),
                (UP, b"STARTTLS\r\n.\r\n"),
                (DOWN, b"250 kept\r\n"),
                (UP, b"BDAT 10 LAST\r\nSTARTTLS\r\n"),
                (DOWN, b"250 kept\r\n"),
            ],
        );
        assert_eq!(next, Next::More);
        assert!(identity.marks.has(Marks::CLEARTEXT));
        assert!(
            identity.all(Field::Banner).count() == 1 && identity.observations.len() == 1,
            "nothing else is kept"
        );
    }

    #[test]
    fn pop3_counts_its_replies_over_listings() {
        let (identity, next) = told_last(
            &POP3,
            &[
                (DOWN, b"+OK ready\r\n"),
                (UP, b"CAPA\r\n"),
                (DOWN, b"+OK\r\nSTLS\r\n+OK decoy\r\n.\r\n"),
                (UP, b"STLS\r\n"),
                (DOWN, b"+OK begin\r\n"),
            ],
        );
        upgraded(next);
        assert!(!identity.marks.has(Marks::CLEARTEXT));
        assert!(told(&POP3, &[(DOWN, b"+OK\r\n"), (UP, b"USER x\r\n")]).marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn imap_upgrades_by_its_tag_and_a_literal_is_no_command() {
        let (identity, next) = told_last(
            &IMAP,
            &[
                (DOWN, b"* OK IMAP4rev1\r\n"),
                (UP, b"a1 ID {13}\r\na9 STARTTLS\r\n\r\na2 STARTTLS\r\n"),
                (DOWN, b"* CAPABILITY x\r\na1 OK\r\na2 OK begin\r\nrest"),
            ],
        );
        assert_eq!(upgraded(next), [Vec::new(), b"rest".to_vec()]);
        assert_eq!((identity.app, identity.marks.has(Marks::CLEARTEXT)), ("imap", false));
        assert!(told(&IMAP, &[(UP, b"a1 LOGIN x y\r\n")]).marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn greetings_are_told_apart() {
        for (probe, first, guess) in [
            (SMTP.probe, &b"220 mail.example ESMTP\r\n"[..], Guess::Yes),
            (SMTP.probe, b"220 host.example ready\r\n", Guess::Short),
            (SMTP.probe, b"220 (vsFTPd 3.0)\r\n", Guess::No),
            (SMTP.probe, b"EHLO pc.example\r\n", Guess::Yes),
            (POP3.probe, b"+OK ready\r\n", Guess::Yes),
            (POP3.probe, b"+OKAY\r\n", Guess::No),
            (IMAP.probe, b"* OK ready\r\n", Guess::Yes),
            (IMAP.probe, b"a001 STARTTLS\r\n", Guess::Yes),
            (IMAP.probe, b"GET / HTTP/1.1\r\n", Guess::No),
        ] {
            assert_eq!(probe(first, UP), guess, "{}", String::from_utf8_lossy(first));
        }
    }
}
