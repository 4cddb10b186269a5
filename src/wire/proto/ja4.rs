//! Helper: JA4, the client's fingerprint (FoxIO, "JA4: TLS Client Fingerprinting", technical details). Only the client's
//! form is computed (RULES 40).

use sha2::{Digest, Sha256};

/// What a hello came in: the first letter of the fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// TLS over TCP.
    Tls,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// What the fingerprint is made of.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    /// What the hello came in.
    pub(super) carrier: Carrier,
    /// Highest version offered, as on the wire.
    pub(super) version: u16,
    /// True when an SNI extension was there.
    pub(super) named: bool,
    /// Cipher suites in the order offered.
    pub(super) ciphers: &'a [u16],
    /// Extension types in the order sent.
    pub(super) extensions: &'a [u16],
    /// Body of the signature_algorithms list: two bytes each, in order.
    pub(super) signatures: &'a [u8],
    /// First protocol of ALPN.
    pub(super) alpn: Option<&'a [u8]>,
}

/// Extension types that are counted but not hashed.
const SNI: u16 = 0;
const ALPN: u16 = 16;
const HEX: [u8; 16] = *b"0123456789abcdef";
/// Stands where there is nothing to hash.
const EMPTY: &str = "000000000000";

/// True for values that mean nothing and must be ignored (RFC 8701: 0x0a0a, 0x1a1a, … 0xfafa).
pub(super) const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// The fingerprint, 36 characters: `t13d1516h2_8daaf6152771_02713d6af862`.
pub(super) fn fingerprint(offer: &Offer<'_>) -> String {
    let mut ciphers: Vec<u16> = offer.ciphers.iter().copied().filter(|cipher| !is_grease(*cipher)).collect();
    let mut extensions: Vec<u16> =
        offer.extensions.iter().copied().filter(|kind| !is_grease(*kind)).collect();
    let mut print = String::with_capacity(36);
    print.push(match offer.carrier {
        Carrier::Tls => 't',
        Carrier::Quic => 'q',
        Carrier::Dtls => 'd',
    });
    print.push_str(version_mark(offer.version));
    print.push(if offer.named { 'd' } else { 'i' });
    two_digits(ciphers.len(), &mut print);
    two_digits(extensions.len(), &mut print);
    print.extend(alpn_mark(offer.alpn));
    ciphers.sort_unstable();
    extensions.retain(|kind| !matches!(*kind, SNI | ALPN));
    extensions.sort_unstable();
    let mut text = Vec::with_capacity(5 * (ciphers.len() + extensions.len() + offer.signatures.len()));
    list(&mut text, ciphers.into_iter());
    short_hash(&text, &mut print);
    text.clear();
    list(&mut text, extensions.into_iter());
    let signatures = offer.signatures.as_chunks().0.iter().copied().map(u16::from_be_bytes);
    let mut signatures = signatures.filter(|scheme| !is_grease(*scheme)).peekable();
    if signatures.peek().is_some() {
        text.push(b'_');
        list(&mut text, signatures);
    }
    short_hash(&text, &mut print);
    print
}

fn two_digits(count: usize, print: &mut String) {
    let count = count.min(99) as u8;
    print.extend([hex(count / 10), hex(count % 10)]);
}

fn version_mark(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the protocol; of its hex form when either is not a letter or digit; `00` for none.
fn alpn_mark(protocol: Option<&[u8]>) -> [char; 2] {
    let Some((first, last)) = protocol.and_then(|bytes| bytes.first().zip(bytes.last())) else {
        return ['0', '0'];
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)];
    }
    [hex(first >> 4), hex(last & 0xf)]
}

fn hex(nibble: u8) -> char {
    HEX.get(usize::from(nibble & 0xf)).map_or('0', |digit| char::from(*digit))
}

fn list(text: &mut Vec<u8>, values: impl Iterator<Item = u16>) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&[12, 8, 4, 0].map(|shift| hex((value >> shift) as u8) as u8));
    }
}

/// The first six bytes of a SHA-256 in hex, behind an underscore.
fn short_hash(text: &[u8], print: &mut String) {
    print.push('_');
    if text.is_empty() {
        print.push_str(EMPTY);
    } else {
        print.extend(Sha256::digest(text).iter().take(6).flat_map(|byte| [hex(byte >> 4), hex(*byte)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer<'a>() -> Offer<'a> {
        Offer {
            carrier: Carrier::Tls,
            version: 0x0303,
            named: true,
            ciphers: &[],
            extensions: &[],
            signatures: &[],
            alpn: None,
        }
    }

    #[test]
    fn the_published_example_gives_the_published_fingerprint() {
        // FoxIO, JA4 technical details: the hello of a browser, in the order it was sent.
        let ciphers = [
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        let extensions = [
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
            0xff01, 0x000b, 0x000a, 0x0015,
        ];
        let signatures = [4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1];
        let example = Offer {
            version: 0x0304,
            ciphers: &ciphers,
            extensions: &extensions,
            signatures: &signatures,
            alpn: Some(b"h2"),
            ..offer()
        };
        assert_eq!(fingerprint(&example), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn order_of_ciphers_and_extensions_does_not_matter_and_that_of_signatures_does() {
        let one =
            Offer { ciphers: &[0x1301, 0x1302], extensions: &[13, 43], signatures: &[4, 3, 8, 4], ..offer() };
        let turned = Offer { ciphers: &[0x1302, 0x1301], extensions: &[43, 13], ..one };
        assert_eq!(fingerprint(&one), fingerprint(&turned));
        let other = Offer { signatures: &[8, 4, 4, 3], ..turned };
        assert_ne!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn grease_is_neither_counted_nor_hashed() {
        let plain = Offer { ciphers: &[0x1301], extensions: &[43], signatures: &[4, 3], ..offer() };
        let greased = Offer {
            ciphers: &[0x3a3a, 0x1301],
            extensions: &[0xfafa, 43, 0x0a0a],
            signatures: &[0x1a, 0x1a, 4, 3],
            ..offer()
        };
        assert_eq!(fingerprint(&plain), fingerprint(&greased));
        assert!(!is_grease(0x0a1a) && !is_grease(0x1301));
    }

    #[test]
    fn what_is_absent_or_odd_in_alpn_has_a_fixed_form() {
        for (alpn, mark) in [
            (None, "00"),
            (Some(&b""[..]), "00"),
            (Some(b"h2"), "h2"),
            (Some(b"http/1.1"), "h1"),
            (Some(b"h"), "hh"),
            (Some(&[0xab]), "ab"),
            (Some(&[0x30, 0xab]), "3b"),
            (Some(&[0xff, 0x32]), "f2"),
        ] {
            let print = fingerprint(&Offer { alpn, ..offer() });
            assert_eq!(print, format!("t12d0000{mark}_000000000000_000000000000"));
        }
    }

    #[test]
    fn counts_stop_at_two_digits_and_the_server_name_is_counted_but_not_hashed() {
        let ciphers: Vec<u16> = (1..=150).collect();
        let print = fingerprint(&Offer { ciphers: &ciphers, extensions: &[0], named: true, ..offer() });
        assert!(print.starts_with("t12d9901"), "{print}");
        assert!(print.ends_with("_000000000000"), "{print}");
    }
}
