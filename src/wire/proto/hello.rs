//! Helper: ClientHello and ServerHello of TLS, QUIC and DTLS, and what they give away.

use std::borrow::Cow;

use tls_parser::{DTLSMessage, DTLSMessageHandshakeBody, parse_dtls_message_handshake};

use super::ja4::{self, Carrier, Offer};
use crate::ground::model::{
    cause::Cause,
    field::Field,
    identity::{Marks, Notes},
    key::Side,
    name::{HostName, Malformed},
    observation::Value,
};

/// Handshake message types (RFC 8446 section 4, RFC 6347 section 4.3.2).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
pub(super) const HELLO_RETRY_REQUEST: u8 = 6; // drafts of TLS 1.3 before 22
pub(super) const CERTIFICATE: u8 = 11;

/// Header of a handshake message: type and 24-bit length.
pub(super) const HEADER_LEN: usize = 4;
/// Header of a handshake message of DTLS: message number and place of the fragment behind it (RFC 6347 section 4.2.2).
pub(super) const DTLS_HEADER_LEN: usize = 12;

/// Extension types (IANA, TLS ExtensionType values).
const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
/// `encrypted_client_hello` of RFC 9849 and of its drafts 8 to 12, which counted up to it.
const ECH: std::ops::RangeInclusive<u16> = 0xfe08..=0xfe0d;
/// `encrypted_server_name` of draft-ietf-tls-esni-02 to -06.
const ESNI: u16 = 0xffce;

/// SHA-256 of "HelloRetryRequest": the random that makes a ServerHello a request for another hello (RFC 8446 section
/// 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a ServerHello decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Another hello is wanted first.
    Retry,
    /// The server chose.
    Chosen {
        /// The version, from supported_versions where it is there.
        version: u16,
        /// The suite encrypts nothing: integrity at most.
        cleartext: bool,
    },
}

/// Version, suites and extensions of a ClientHello; what follows its end is a fault of its own.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    version: u16,
    /// Two bytes each.
    ciphers: Cow<'a, [u8]>,
    extensions: &'a [u8],
    faulty: bool,
}

impl<'a> Parts<'a> {
    fn new(version: u16, ciphers: Cow<'a, [u8]>, extensions: Option<&'a [u8]>, rest: &'a [u8]) -> Self {
        // An extension block whose length lies is none. Its names are still wanted.
        let lying = rest.get(2..).unwrap_or_default();
        Self { version, ciphers, extensions: extensions.unwrap_or(lying), faulty: !rest.is_empty() }
    }

    fn read(message: &'a [u8], carrier: Carrier) -> Option<Self> {
        if carrier == Carrier::Dtls {
            let (rest, DTLSMessage::Handshake(handshake)) = parse_dtls_message_handshake(message).ok()?
            else {
                return None;
            };
            let DTLSMessageHandshakeBody::ClientHello(hello) = handshake.body else { return None };
            let ciphers: Vec<u8> = hello.ciphers.iter().flat_map(|cipher| cipher.0.to_be_bytes()).collect();
            return Some(Self::new(hello.version.0, ciphers.into(), hello.ext, rest));
        }
        Self::body(message.get(HEADER_LEN..)?)
    }

    /// The body of a hello of TLS (RFC 8446 section 4.1.2), in one pass.
    fn body(body: &'a [u8]) -> Option<Self> {
        let (version, rest) = take_u16(body)?;
        let (_random, rest) = rest.split_first_chunk::<32>()?;
        let (_, rest) = take_short(rest).filter(|(session, _)| session.len() <= 32)?;
        let (len, rest) = take_u16(rest).filter(|(len, _)| len % 2 == 0)?;
        let (ciphers, rest) = rest.split_at_checked(usize::from(len))?;
        let (_compressions, rest) = take_short(rest)?;
        let block = take_u16(rest).and_then(|(len, rest)| rest.split_at_checked(usize::from(len)));
        let (extensions, rest) = block.map_or((None, rest), |(block, rest)| (Some(block), rest));
        Some(Self::new(version, ciphers.into(), extensions, rest))
    }
}

/// Reads a whole ClientHello, its header included, and writes down what it shows. False when it is none.
pub(super) fn note_client(message: &[u8], carrier: Carrier, side: Side, notes: &mut Notes<'_>) -> bool {
    let Some(parts) = Parts::read(message, carrier) else { return false };
    notes.mark(Marks::CLIENT_HELLO);
    notes.client(side);
    let mut kinds = Vec::new();
    let wants_print = notes.wants(Field::Ja4);
    let mut names = Names::default();
    let mut version = 0;
    let (mut signatures, mut alpn) = (&[][..], None);
    let mut extensions = Extensions(parts.extensions);
    for (kind, body) in extensions.by_ref() {
        if wants_print {
            kinds.push(kind);
        }
        match kind {
            SERVER_NAME => names.read(body, side, notes),
            ALPN => {
                let first = note_protocols(body, side, notes);
                alpn = alpn.or(first);
            }
            SIGNATURE_ALGORITHMS => signatures = body.get(2..).unwrap_or_default(),
            SUPPORTED_VERSIONS => version = highest(body.get(1..).unwrap_or_default()),
            EARLY_DATA => notes.mark(Marks::EARLY_DATA),
            ESNI => note_hidden(b"esni", Marks::ESNI, side, notes),
            _ if ECH.contains(&kind) => note_hidden(b"ech", Marks::ECH, side, notes),
            _ => {}
        }
    }
    // Where the walk ends early, another reader may find another name behind it.
    if parts.faulty || !extensions.0.is_empty() {
        notes.cause(Cause::SniMalformed, "hello");
    }
    names.conclude(notes);
    if !wants_print {
        return true;
    }
    let ciphers: Vec<u16> = parts.ciphers.as_chunks().0.iter().copied().map(u16::from_be_bytes).collect();
    let offer = Offer {
        carrier,
        version: if version == 0 { parts.version } else { version },
        named: kinds.contains(&SERVER_NAME),
        ciphers: &ciphers,
        extensions: &kinds,
        signatures,
        alpn,
    };
    notes.text(Field::Ja4, ja4::fingerprint(&offer).as_bytes(), side);
    true
}

/// A hello without any name: what is to be noted for it (also for the one of SSL 2, which cannot carry one).
pub(super) fn note_nameless(notes: &mut Notes<'_>) {
    notes.mark(Marks::HELLO_WITHOUT_NAME);
    notes.cause(Cause::NoSni, "");
}

/// Reads a whole ServerHello (body only) and writes down what was chosen. `None` when it is none.
pub(super) fn note_server(body: &[u8], side: Side, notes: &mut Notes<'_>) -> Option<Reply> {
    let (legacy, rest) = take_u16(body)?;
    let (random, rest) = rest.split_first_chunk::<32>()?;
    // Drafts 16 to 21 of TLS 1.3 had neither session id nor compression.
    let draft = legacy >> 8 == 0x7f;
    let rest = if draft { rest } else { take_short(rest)?.1 };
    let (cipher, rest) = take_u16(rest)?;
    let rest = if draft { rest } else { rest.get(1..)? };
    let mut version = legacy;
    let mut resumed = false;
    for (kind, body) in Extensions(rest.get(2..).unwrap_or_default()) {
        match kind {
            SUPPORTED_VERSIONS => version = take_u16(body)?.0,
            PRE_SHARED_KEY => resumed = true,
            ALPN => _ = note_protocols(body, side, notes),
            _ => {}
        }
    }
    if !is_version(version) {
        return None;
    }
    if *random == RETRY_RANDOM {
        return Some(Reply::Retry);
    }
    let cleartext = encrypts_nothing(cipher);
    notes.mark(Marks::SERVER_HELLO);
    if !cleartext {
        notes.mark(Marks::HANDSHAKE);
    }
    if resumed {
        notes.mark(Marks::RESUMED);
    }
    if is_weak(version, cipher) {
        notes.mark(Marks::WEAK_TLS);
    }
    if notes.wants(Field::Tls) {
        notes.text(Field::Tls, format!("0x{version:04x};0x{cipher:04x}").as_bytes(), side);
    }
    Some(Reply::Chosen { version, cleartext })
}

/// True from TLS 1.3 on (its drafts and DTLS 1.3 included): what follows the hellos is encrypted, certificates too.
pub(super) const fn hides_certificates(version: u16) -> bool {
    matches!(version, 0x0304..=0x03ff | 0x7e00..=0x7fff | 0xfb00..=0xfbff | 0xfefc)
}

/// SSL 3 to TLS 1.3, its drafts (0x7eNN, 0x7fNN, 0xfbNN), DTLS 1.0 to 1.3 and the early DTLS of OpenSSL (0x0100).
const fn is_version(version: u16) -> bool {
    matches!(version >> 8, 0x03 | 0x7e | 0x7f | 0xfb | 0xfe) || version == 0x0100
}

/// Suites with NULL encryption (IANA, TLS Cipher Suites).
const fn encrypts_nothing(cipher: u16) -> bool {
    matches!(
        cipher,
        0x0000..=0x0002 | 0x002c..=0x002e | 0x003b | 0x00b0..=0x00b1 | 0x00b4..=0x00b5 | 0x00b8..=0x00b9
            | 0xc001 | 0xc006 | 0xc00b | 0xc010 | 0xc015 | 0xc039..=0xc03b | 0xc0b4..=0xc0b5
    )
}

/// Versions before TLS 1.2 and DTLS 1.2 (RFC 8996), RC4 (RFC 7465) and suites for export (IANA, TLS Cipher
/// Suites; the numbers from memory).
const fn is_weak(version: u16, cipher: u16) -> bool {
    let is_old = version < 0x0303 || version == 0xfeff;
    let is_rc4 = matches!(
        cipher,
        0x0004
            | 0x0005
            | 0x0018
            | 0x0020
            | 0x0024
            | 0x008a
            | 0x008e
            | 0x0092
            | 0xc002
            | 0xc007
            | 0xc00c
            | 0xc011
            | 0xc016
            | 0xc033
    );
    let is_export = matches!(
        cipher,
        0x0003 | 0x0006 | 0x0008 | 0x000b | 0x000e | 0x0011 | 0x0014 | 0x0017 | 0x0019 | 0x0026..=0x002b
    );
    is_old || is_rc4 || is_export
}

fn note_hidden(word: &[u8], mark: Marks, side: Side, notes: &mut Notes<'_>) {
    notes.mark(mark);
    notes.text(Field::Ech, word, side);
}

/// The protocols of an ALPN list (RFC 7301 section 3.1), each a fact; gives the first.
fn note_protocols<'a>(body: &'a [u8], side: Side, notes: &mut Notes<'_>) -> Option<&'a [u8]> {
    let mut rest = body.get(2..)?;
    let mut first = None;
    while let Some((protocol, after)) = take_short(rest) {
        first = first.or(Some(protocol));
        notes.text(Field::Alpn, protocol, side);
        rest = after;
    }
    first
}

/// The highest version of a list; those of DTLS count downwards.
fn highest(list: &[u8]) -> u16 {
    let versions = list.as_chunks().0.iter().copied().map(u16::from_be_bytes);
    let rank = |version: &u16| if version >> 8 == 0xfe { u16::MAX - version } else { *version };
    versions.filter(|version| !ja4::is_grease(*version)).max_by_key(rank).unwrap_or(0)
}

/// Names of one hello, over all its server_name extensions (RFC 6066 section 3).
#[derive(Default)]
struct Names {
    count: usize,
    malformed: bool,
}

impl Names {
    fn read(&mut self, body: &[u8], side: Side, notes: &mut Notes<'_>) {
        let Some((len, mut list)) = take_u16(body) else {
            self.malformed = true;
            return;
        };
        self.malformed |= usize::from(len) != list.len() || list.is_empty();
        while let Some((kind, rest)) = list.split_first() {
            let entry = take_u16(rest).and_then(|(len, rest)| rest.split_at_checked(usize::from(len)));
            let Some((name, rest)) = entry else {
                self.malformed = true;
                return;
            };
            list = rest;
            // Only host_name (0) is defined; others are stepped over, because the allowed name may hide behind them.
            if *kind != 0 {
                continue;
            }
            let name = HostName::new(name);
            self.malformed |= name.malformed().is_some();
            if name.malformed() != Some(Malformed::Empty) {
                self.count += 1;
                notes.add(Field::Sni, Value::Name(name), side);
            }
        }
    }

    fn conclude(&self, notes: &mut Notes<'_>) {
        if self.count == 0 {
            note_nameless(notes);
        }
        if self.count > 1 {
            notes.cause(Cause::SniMultiple, "");
        }
        if self.malformed {
            notes.cause(Cause::SniMalformed, "");
        }
    }
}

/// Type and body of each extension. What cannot be walked stays behind in it.
struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = take_u16(self.0)?;
        let (len, rest) = take_u16(rest)?;
        let (body, rest) = rest.split_at_checked(usize::from(len))?;
        self.0 = rest;
        Some((kind, body))
    }
}

/// Two bytes in network order, and the rest.
pub(super) fn take_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    bytes.split_first_chunk().map(|(value, rest)| (u16::from_be_bytes(*value), rest))
}

/// As many bytes as the first one says, and the rest.
pub(super) fn take_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

/// The 24-bit length of a handshake message (bytes 1 to 3 of its header).
pub(super) fn message_len(header: &[u8]) -> Option<usize> {
    let [_kind, high, middle, low] = header.first_chunk::<4>()?;
    Some(u32::from_be_bytes([0, *high, *middle, *low]) as usize)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::ground::model::{identity::Identity, packet::Ordinal, time::Timestamp};

    fn sized(len_bytes: usize, content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32).to_be_bytes()[4 - len_bytes..], content].concat()
    }

    /// One extension.
    pub(in crate::wire::proto) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &sized(2, body)].concat()
    }

    /// A server_name extension with entries of (type, name).
    pub(in crate::wire::proto) fn server_names(entries: &[(u8, &[u8])]) -> Vec<u8> {
        let list: Vec<u8> =
            entries.iter().flat_map(|(kind, name)| [&[*kind], &sized(2, name)[..]].concat()).collect();
        extension(SERVER_NAME, &sized(2, &list))
    }

    /// A handshake message: type, length, body.
    pub(in crate::wire::proto) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], &sized(3, body)[..]].concat()
    }

    fn body(version: u16, cookie: Option<&[u8]>, extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend(sized(1, &[9; 32]));
        body.extend(cookie.map(|cookie| sized(1, cookie)).unwrap_or_default());
        body.extend(sized(2, &[0x13, 0x01, 0xc0, 0x2f]));
        body.extend(sized(1, &[0]));
        body.extend(sized(2, extensions));
        body
    }

    /// A ClientHello with these extensions.
    pub(in crate::wire::proto) fn client_hello(extensions: &[u8]) -> Vec<u8> {
        message(CLIENT_HELLO, &body(0x0303, None, extensions))
    }

    /// A ClientHello that asks for one name.
    pub(in crate::wire::proto) fn hello_for(name: &str) -> Vec<u8> {
        let versions = extension(SUPPORTED_VERSIONS, &[4, 3, 4, 3, 3]);
        client_hello(&[server_names(&[(0, name.as_bytes())]), versions].concat())
    }

    /// The body of a ClientHello of DTLS 1.2.
    pub(in crate::wire::proto) fn dtls_hello_body(name: &str, cookie: &[u8]) -> Vec<u8> {
        body(0xfefd, Some(cookie), &server_names(&[(0, name.as_bytes())]))
    }

    /// A ServerHello that chooses a version and a suite; TLS 1.3 by extension.
    pub(in crate::wire::proto) fn server_hello(version: u16, cipher: u16, random: [u8; 32]) -> Vec<u8> {
        let mut body = if version == 0x0304 { vec![3, 3] } else { version.to_be_bytes().to_vec() };
        body.extend(random);
        body.extend(sized(1, &[]));
        body.extend(cipher.to_be_bytes());
        body.push(0);
        if version == 0x0304 {
            body.extend(sized(2, &extension(SUPPORTED_VERSIONS, &version.to_be_bytes())));
        }
        message(SERVER_HELLO, &body)
    }

    /// The random of a HelloRetryRequest.
    pub(in crate::wire::proto) const RETRY: [u8; 32] = RETRY_RANDOM;

    fn read(message: &[u8]) -> Identity {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        note_client(message, Carrier::Tls, Side::Opener, &mut notes);
        identity
    }

    fn seen(identity: &Identity) -> (Vec<String>, Vec<&'static str>) {
        let name = |name: &HostName| String::from_utf8_lossy(name.bytes()).into_owned();
        let causes = identity.causes.iter().map(|note| note.cause.code()).collect();
        (identity.names(Field::Sni).map(name).collect(), causes)
    }

    #[test]
    fn every_form_of_server_name_is_read_as_a_server_might_read_it() {
        let long = "a".repeat(64);
        let long_name: &str = &long;
        let long_only: &[&str] = &[long_name];
        let entries: Vec<(Vec<u8>, &[&str], &[&str])> = vec![
            (server_names(&[(0, b"meet.example")]), &["meet.example"], &[]),
            (server_names(&[(0, b"MEET.Example.")]), &["meet.example"], &[]),
            (
                server_names(&[(0, b"meet.example"), (0, b"evil.example")]),
                &["meet.example", "evil.example"],
                &["sni_multiple"],
            ),
            (
                [server_names(&[(0, b"meet.example")]), server_names(&[(0, b"evil.example")])].concat(),
                &["meet.example", "evil.example"],
                &["sni_multiple"],
            ),
            (server_names(&[(9, b"other"), (0, b"evil.example")]), &["evil.example"], &[]),
            (
                server_names(&[(0, b"meet.example\0.evil.example")]),
                &["meet.example\0.evil.example"],
                &["sni_malformed"],
            ),
            (server_names(&[(0, b"192.0.2.7")]), &["192.0.2.7"], &["sni_malformed"]),
            (server_names(&[(0, long.as_bytes())]), long_only, &["sni_malformed"]),
            (server_names(&[(0, b"")]), &[], &["no_sni", "sni_malformed"]),
            (server_names(&[]), &[], &["no_sni", "sni_malformed"]),
            (extension(0, b""), &[], &["no_sni", "sni_malformed"]),
            (extension(0, &[0, 99, 0, 0, 1, b'x']), &["x"], &["sni_malformed"]),
            (extension(0, &[0, 9, 0, 0, 99, b'x']), &[], &["no_sni", "sni_malformed"]),
            (extension(10, &[0]), &[], &["no_sni"]),
            (Vec::new(), &[], &["no_sni"]),
        ];
        for (extensions, names, causes) in entries {
            let identity = read(&client_hello(&extensions));
            assert_eq!(
                seen(&identity),
                (names.iter().map(|name| (*name).to_owned()).collect(), causes.to_vec())
            );
            assert_eq!(identity.marks.has(Marks::HELLO_WITHOUT_NAME), names.is_empty());
        }
    }

    #[test]
    fn bytes_that_the_walk_cannot_reach_are_a_cause() {
        let mut hello = hello_for("meet.example");
        hello.extend(b"tail");
        assert_eq!(seen(&read(&hello)), (vec!["meet.example".to_owned()], vec!["sni_malformed"]));
        let cut = [server_names(&[(0, b"meet.example")]), vec![0, 0, 0xff, 0xff, 1]].concat();
        assert_eq!(
            seen(&read(&client_hello(&cut))),
            (vec!["meet.example".to_owned()], vec!["sni_malformed"])
        );
        // The block says that it is longer than the message.
        let mut lying = client_hello(&server_names(&[(0, b"meet.example")]));
        let block = lying.len() - server_names(&[(0, b"meet.example")]).len();
        lying[block - 1] += 1;
        assert_eq!(seen(&read(&lying)), (vec!["meet.example".to_owned()], vec!["sni_malformed"]));
    }

    #[test]
    fn encrypted_names_are_marked_in_their_new_and_old_form() {
        let both = [extension(0xfe0d, &[0; 8]), extension(0xffce, &[0; 8]), extension(42, &[])].concat();
        let identity = read(&client_hello(&both));
        for mark in [Marks::ECH, Marks::ESNI, Marks::EARLY_DATA, Marks::CLIENT_HELLO] {
            assert!(identity.marks.has(mark));
        }
        let words: Vec<_> = identity.all(Field::Ech).map(|seen| seen.value.clone()).collect();
        assert_eq!(words, [Value::Text(b"ech"[..].into()), Value::Text(b"esni"[..].into())]);
    }

    #[test]
    fn old_versions_rc4_and_export_suites_are_weak_and_what_is_usual_is_not() {
        for (version, cipher) in
            [(0x0300, 0xc02f), (0x0302, 0xc02f), (0xfeff, 0xc02f), (0x0303, 0x0005), (0x0303, 0x0014)]
        {
            assert!(is_weak(version, cipher), "{version:04x} {cipher:04x}");
        }
        for (version, cipher) in
            [(0x0303, 0xc02f), (0x0304, 0x1301), (0xfefd, 0xc02b), (0xfefc, 0x1301), (0x7f1c, 0x1301)]
        {
            assert!(!is_weak(version, cipher), "{version:04x} {cipher:04x}");
        }
    }

    #[test]
    fn bytes_that_are_no_letters_in_alpn_reach_the_fingerprint_in_hex() {
        let identity = read(&client_hello(&extension(ALPN, &[0, 3, 2, 0xff, 0xfe])));
        let print: Vec<_> = identity.all(Field::Ja4).map(|seen| seen.value.clone()).collect();
        let Value::Text(print) = &print[0] else { panic!() };
        assert!(print.starts_with(b"t12i0201fe_"), "{}", String::from_utf8_lossy(print));
    }

    #[test]
    fn a_request_for_another_hello_is_no_answer() {
        assert_eq!(Sha256::digest(b"HelloRetryRequest")[..], RETRY_RANDOM);
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        let retry = server_hello(0x0304, 0x1301, RETRY);
        assert_eq!(note_server(&retry[HEADER_LEN..], Side::Answerer, &mut notes), Some(Reply::Retry));
        assert_eq!(identity, Identity::default());
    }

    #[test]
    fn the_chosen_version_and_suite_are_written_in_hex() {
        for (version, cipher, text, handshake) in [
            (0x0304, 0x1301, "0x0304;0x1301", true),
            (0x0303, 0xc02f, "0x0303;0xc02f", true),
            (0x0301, 2, "0x0301;0x0002", false),
        ] {
            let mut identity = Identity::default();
            let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
            let hello = server_hello(version, cipher, [1; 32]);
            let reply = note_server(&hello[HEADER_LEN..], Side::Answerer, &mut notes);
            assert_eq!(reply, Some(Reply::Chosen { version, cleartext: !handshake }));
            assert_eq!(identity.observations[0].value, Value::Text(text.as_bytes().into()));
            assert_eq!(identity.marks.has(Marks::HANDSHAKE), handshake);
        }
    }

    proptest! {
        #[test]
        fn the_walk_over_a_hello_says_what_the_library_says(
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
            tail in proptest::collection::vec(any::<u8>(), 0..9),
            len in any::<proptest::sample::Index>(),
        ) {
            let mut hello = hello_for("meet.example");
            hello.extend(tail);
            for (at, byte) in edits {
                let at = at.index(hello.len());
                hello[at] = byte;
            }
            hello.truncate(HEADER_LEN + len.index(hello.len() + 1));
            let body = &hello[HEADER_LEN.min(hello.len())..];
            let by_the_library = tls_parser::parse_tls_handshake_client_hello(body).ok().map(|(rest, hello)| {
                let ciphers: Vec<u8> = hello.ciphers.iter().flat_map(|cipher| cipher.0.to_be_bytes()).collect();
                (hello.version.0, ciphers, hello.ext.map(<[u8]>::to_vec), rest.to_vec())
            });
            let ours = Parts::body(body);
            let theirs = by_the_library.as_ref().map(|(version, ciphers, extensions, rest)| {
                Parts::new(*version, ciphers.into(), extensions.as_deref(), rest)
            });
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), start in 0..80usize) {
            read(&bytes);
            // The same with a sound beginning, so that the extensions are reached.
            let mut hello = hello_for("meet.example");
            hello.truncate(start.min(hello.len()));
            hello.append(&mut bytes);
            read(&hello);
            let mut identity = Identity::default();
            let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
            note_server(&hello, Side::Answerer, &mut notes);
            note_client(&hello, Carrier::Dtls, Side::Opener, &mut notes);
        }
    }
}
