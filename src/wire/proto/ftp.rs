//! FTP control connections (RFC 959, AUTH TLS of RFC 4217). Data connections are flows of their own.

use super::{
    dialogue::{Command, Dialogue, Tongue, contains_word, three_digits, verb},
    dissector::{First, Guess, Protocol},
};
use crate::ground::model::{address::Transport, key::Side};

/// FTP's control connection.
pub static PROTOCOL: Protocol = Protocol {
    name: "ftp",
    transport: Transport::TCP,
    ports: &[21, 2121],
    first: First::TEXT,
    probe,
    open: || Box::new(Dialogue::new(&TONGUE)),
};

static TONGUE: Tongue = Tongue {
    app: "ftp",
    command,
    reply: three_digits,
    upgrade_code: 234,
    // A preliminary reply stands before the final one (RFC 959 section 4.2).
    is_interim: |code| code < 200,
};

/// First commands of a client. `USER` and `PASS` are POP3's as well, but there the server's `+OK` comes first.
const COMMANDS: &[&[u8]] = &[b"USER ", b"AUTH TLS", b"AUTH SSL", b"FEAT\r", b"SYST\r"];

fn probe(first: &[u8], _side: Side) -> Guess {
    let end = first.iter().position(|byte| *byte == b'\n');
    let line = end.and_then(|end| first.get(..end)).unwrap_or(first);
    for command in COMMANDS {
        if line.iter().zip(*command).all(|(a, b)| a.eq_ignore_ascii_case(b)) {
            return if end.is_some() && line.len() >= command.len() { Guess::Yes } else { Guess::Short };
        }
    }
    if !line.iter().zip(b"220").all(|(a, b)| a == b) || !matches!(line.get(3), None | Some(b' ' | b'-')) {
        return Guess::No;
    }
    let is_ftp = contains_word(line, b"ftp") || contains_word(line, b"filezilla");
    match (is_ftp, contains_word(line, b"smtp")) {
        (_, true) => Guess::No,
        (true, _) if end.is_some() => Guess::Yes,
        _ => Guess::Short,
    }
}

fn command(line: &[u8]) -> Command {
    let (verb, rest) = verb(line);
    match verb.as_slice() {
        b"AUTH" if rest.eq_ignore_ascii_case(b"TLS") || rest.eq_ignore_ascii_case(b"SSL") => Command::Upgrade,
        b"AUTH"
            if rest.len() == 5 && rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"TLS-")) =>
        {
            Command::Upgrade
        }
        b"RETR" | b"STOR" | b"STOU" | b"APPE" => Command::File,
        b"USER" | b"PASS" | b"ACCT" | b"CWD" | b"LIST" | b"NLST" | b"MLSD" | b"DELE" | b"RNFR" => {
            Command::Clear
        }
        _ => Command::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ground::model::identity::Marks,
        wire::proto::{
            dissector::{Next, Switch},
            told::{DOWN, UP, told_last},
        },
    };

    #[test]
    fn auth_tls_goes_on_as_tls() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (DOWN, b"220-Welcome\r\n to this server\r\n220 FTP ready\r\n"),
                (UP, b"AUTH TLS\r\n"),
                (DOWN, b"234 go\r\n"),
                (UP, b"\x16\x03"),
            ],
        );
        assert_eq!(next, Next::Switch(Switch { to: Some("tls"), rest: [b"\x16\x03".to_vec(), Vec::new()] }));
        assert!(!identity.marks.has(Marks::CLEARTEXT));
    }

    #[test]
    fn a_login_is_in_the_clear_and_a_transfer_moves_a_file() {
        let (identity, next) = told_last(
            &PROTOCOL,
            &[
                (DOWN, b"220 FTP\r\n"),
                (UP, b"USER anonymous\r\n"),
                (DOWN, b"331 password\r\n"),
                (UP, b"PASS x\r\n"),
                (DOWN, b"230 in\r\n"),
                (UP, b"RETR list.txt\r\n"),
                (DOWN, b"150 opening\r\n226 done\r\n"),
                (UP, b"AUTH TLS\r\n"),
                (DOWN, b"234 go\r\n"),
            ],
        );
        assert!(identity.marks.has(Marks::CLEARTEXT) && identity.marks.has(Marks::FILES));
        assert!(matches!(next, Next::Switch(_)), "replies are still counted right");
    }

    #[test]
    fn a_greeting_without_a_word_waits_for_the_client() {
        for (first, guess) in [
            (&b"220 (vsFTPd 3.0)\r\n"[..], Guess::Yes),
            (b"220 host.example ready\r\n", Guess::Short),
            (b"220 mail.example ESMTP\r\n", Guess::No),
            (b"USER x\r\n", Guess::Yes),
            (b"GET / HTTP/1.1\r\n", Guess::No),
        ] {
            assert_eq!(probe(first, UP), guess, "{}", String::from_utf8_lossy(first));
        }
    }
}
