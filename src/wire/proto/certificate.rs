//! Helper: what the leaf of a certificate chain says. Nothing is verified: this is what was shown, not what is true.

use x509_parser::{nom::Parser as _, prelude::X509CertificateParser, time::ASN1Time};

use super::leaf::Leaf;
use crate::ground::model::{
    cause::Cause,
    field::Field,
    identity::{Marks, Notes},
    key::Side,
    limits,
};

/// Object identifier 2.5.29.17, subjectAltName (RFC 5280 section 4.2.1.6), as its bytes.
pub(super) const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// Tags of DER: a sequence, and dNSName as the second choice of GeneralName.
pub(super) const SEQUENCE: u8 = 0x30;
const DNS_NAME: u8 = 0x82;

/// Where the leaf begins in the body of a Certificate message (RFC 5246 section 7.4.2: list length, then length and bytes of
/// each).
pub(super) const LEAF_AT: usize = 6;

/// Where the leaf ends in the body of a Certificate message.
pub(super) fn leaf_end(body: &[u8]) -> Option<usize> {
    let ([_, _, _, high, middle, low], _) = body.split_first_chunk::<LEAF_AT>()?;
    Some(LEAF_AT + u32::from_be_bytes([0, *high, *middle, *low]) as usize)
}

/// The first certificate of a Certificate message's body. The rest of the chain is not needed, so the body may be cut
/// behind the leaf.
pub(super) fn leaf(body: &[u8]) -> Option<&[u8]> {
    body.get(LEAF_AT..leaf_end(body)?)
}

/// Writes names, issuer and validity of one certificate down. False when it cannot be read.
///
/// Each common name and organisation of the issuer is a value of its own, so that a policy can list either.
pub(super) fn note(der: &[u8], side: Side, notes: &mut Notes<'_>) -> bool {
    match Leaf::walk(der) {
        Some(leaf) => leaf.note(side, notes),
        // Whatever is odd in it, the library may still understand.
        None => return note_parsed(der, side, notes),
    }
    true
}

/// What [`note`] does, by the library: slower, and more forgiving than our walk.
fn note_parsed(der: &[u8], side: Side, notes: &mut Notes<'_>) -> bool {
    // Extensions are not parsed by the library: one broken extension must not hide the names of the others.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let Ok((_, certificate)) = parser.parse(der) else { return false };
    notes.mark(Marks::CERTIFICATE);
    for name in certificate.subject().iter_common_name() {
        notes.name(Field::CertName, name.as_slice(), side);
    }
    for extension in certificate.extensions() {
        if extension.oid.as_bytes() == SUBJECT_ALT_NAME {
            note_alternative_names(extension.value, side, notes);
        }
    }
    let issuer = certificate.issuer();
    for part in issuer.iter_common_name().chain(issuer.iter_organization()) {
        notes.text(Field::CertIssuer, part.as_slice(), side);
    }
    if notes.wants(Field::CertValidity) {
        let validity = certificate.validity();
        let range = format!("{}/{}", moment(validity.not_before), moment(validity.not_after));
        notes.text(Field::CertValidity, range.as_bytes(), side);
    }
    true
}

pub(super) fn note_alternative_names(value: &[u8], side: Side, notes: &mut Notes<'_>) {
    let Some((SEQUENCE, mut names, _)) = element(value) else { return };
    let mut count = 0;
    while let Some((tag, content, rest)) = element(names) {
        if tag == DNS_NAME {
            count += 1;
            if count > limits::CERTIFICATE_NAMES_MAX {
                notes.cause(Cause::ParserLimit, "certificate_names");
                return;
            }
            notes.name(Field::CertName, content, side);
        }
        names = rest;
    }
}

/// Tag, content and what follows of one DER element with a one-byte tag (X.690 section 8.1).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, short], rest) = bytes.split_first_chunk::<2>()?;
    let (len, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest))?,
        0x82 => rest.split_first_chunk().map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest))?,
        0x83 => {
            let ([high, middle, low], rest) = rest.split_first_chunk::<3>()?;
            (u32::from_be_bytes([0, *high, *middle, *low]) as usize, rest)
        }
        _ => return None,
    };
    Some((*tag, rest.get(..len)?, rest.get(len..)?))
}

/// RFC 3339 in UTC, whole seconds. Years beyond 2262 are common in certificates, so this is no `Timestamp`.
fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ground::model::{
        identity::Identity, name::Malformed, observation::Value, packet::Ordinal, time::Timestamp,
    };

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = content.len();
        let mut bytes = vec![tag];
        match len {
            0..0x80 => bytes.push(len as u8),
            0x80..0x100 => bytes.extend([0x81, len as u8]),
            0x100..0x10000 => bytes.extend([0x82, (len >> 8) as u8, len as u8]),
            _ => bytes.extend([0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8]),
        }
        bytes.extend_from_slice(content);
        bytes
    }

    fn name(parts: &[(u8, &[u8])]) -> Vec<u8> {
        let attribute = |(kind, value): &(u8, &[u8])| {
            let oid = der(0x06, &[0x55, 0x04, *kind]);
            der(0x31, &der(0x30, &[oid, der(0x0c, value)].concat()))
        };
        der(0x30, &parts.iter().flat_map(attribute).collect::<Vec<_>>())
    }

    /// A certificate with a common name, DNS names and an issuer; its key and signature are zeros.
    pub(in crate::wire::proto) fn certificate(common: &[u8], names: &[&[u8]]) -> Vec<u8> {
        let names: Vec<u8> = names.iter().flat_map(|name| der(DNS_NAME, name)).collect();
        let extension =
            der(0x30, &[der(0x06, &SUBJECT_ALT_NAME), der(0x04, &der(SEQUENCE, &names))].concat());
        certificate_of(&der(0xa0, &der(0x02, &[2])), common, &der(0xa3, &der(0x30, &extension)))
    }

    /// With a version, or none, in front, and extensions, or none, behind.
    fn certificate_of(version: &[u8], common: &[u8], extensions: &[u8]) -> Vec<u8> {
        let algorithm = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
        let body = [
            version.to_vec(),
            der(0x02, &[1]),
            algorithm.clone(),
            name(&[(3, b"Example Issuing CA"), (10, b"Example Trust")]),
            der(0x30, &[der(0x17, b"260401000000Z"), der(0x18, b"99991231235959Z")].concat()),
            name(&[(3, common)]),
            der(0x30, &[algorithm.clone(), der(0x03, &[0; 9])].concat()),
            extensions.to_vec(),
        ];
        der(0x30, &[der(0x30, &body.concat()), algorithm, der(0x03, &[0; 9])].concat())
    }

    fn read(der: &[u8]) -> (bool, Identity) {
        let mut identity = Identity::default();
        let read =
            note(der, Side::Answerer, &mut Notes::new(&mut identity, Ordinal(1), Timestamp::default()));
        (read, identity)
    }

    fn texts(identity: &Identity, field: Field) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        identity.all(field).map(|observation| text(&observation.value)).collect()
    }

    #[test]
    fn common_name_alternative_names_issuer_and_validity_are_read() {
        let (read, identity) = read(&certificate(b"www.example", &[b"www.example", b"*.cdn.example"]));
        assert!(read && identity.marks.has(Marks::CERTIFICATE));
        let names: Vec<_> = identity.names(Field::CertName).map(|name| name.bytes().to_vec()).collect();
        assert_eq!(names, [b"www.example".to_vec(), b"*.cdn.example".to_vec()]);
        assert_eq!(texts(&identity, Field::CertIssuer), ["Example Issuing CA", "Example Trust"]);
        assert_eq!(texts(&identity, Field::CertValidity), ["2026-04-01T00:00:00Z/9999-12-31T23:59:59Z"]);
    }

    #[test]
    fn a_nul_inside_a_name_does_not_end_it() {
        let (_, identity) =
            read(&certificate(b"allowed.example\0.evil.example", &[b"", b"allowed.example\0"]));
        let faults: Vec<_> = identity.names(Field::CertName).map(|name| name.malformed()).collect();
        assert_eq!(faults, [Some(Malformed::Byte), Some(Malformed::Empty), Some(Malformed::Byte)]);
    }

    #[test]
    fn ten_thousand_names_are_bounded() {
        let names: Vec<_> = (0..10_000).map(|number| format!("h{number}").into_bytes()).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let (_, identity) = read(&certificate(b"x.example", &names));
        assert_eq!(identity.all(Field::CertName).count(), 1 + limits::CERTIFICATE_NAMES_MAX);
        assert!(identity.causes.has(Cause::ParserLimit));
    }

    #[test]
    fn only_the_leaf_is_taken_from_a_chain_that_may_be_cut_behind_it() {
        let body = [&[0, 0xff, 0xff][..], &[0, 0, 3], b"one", &[0, 0, 9], b"tw"].concat();
        assert_eq!(leaf(&body), Some(&b"one"[..]));
        assert_eq!(leaf(&body[..8]), None);
    }

    #[test]
    fn a_certificate_of_version_1_is_read_like_any_other() {
        let (read, identity) = read(&certificate_of(&[], b"old.example", &[]));
        let names: Vec<_> = identity.names(Field::CertName).map(|name| name.bytes().to_vec()).collect();
        assert!(read && names == [b"old.example".to_vec()]);
        // Extensions belong to version 3: whatever they are here, the walk does not say.
        let alien = certificate_of(&[], b"old.example", &der(0xa3, &der(0x30, &[])));
        assert!(Leaf::walk(&alien).is_none());
    }

    fn by_the_library(der: &[u8]) -> (bool, Identity) {
        let mut identity = Identity::default();
        let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
        (note_parsed(der, Side::Answerer, &mut notes), identity)
    }

    /// Certificates of several shapes, and those of the fixtures: they stand in plain captures behind their lengths.
    fn samples() -> Vec<Vec<u8>> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/city");
        let files = std::fs::read_dir(root)
            .unwrap()
            .map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default());
        let mut found: Vec<Vec<u8>> = files.flat_map(|file| certificates_in(&file)).collect();
        found.push(certificate(b"www.example", &[b"a.example", b"b.example"]));
        found.push(certificate(&[b'a'; 300], &[&[b'b'; 130], b""]));
        found.push(certificate(b"", &[]));
        // Version 1, not written down and written down all the same; version 3 without extensions.
        found.push(certificate_of(&[], b"old.example", &[]));
        found.push(certificate_of(&der(0xa0, &der(0x02, &[0])), b"older.example", &[]));
        found.push(certificate_of(&der(0xa0, &der(0x02, &[2])), b"bare.example", &[]));
        found.sort();
        found.dedup();
        found
    }

    /// Everything in these bytes that the library takes for a certificate.
    fn certificates_in(bytes: &[u8]) -> Vec<Vec<u8>> {
        let starts = bytes.windows(4).enumerate().filter(|(_, start)| start[..2] == [SEQUENCE, 0x82]);
        starts
            .filter_map(|(at, start)| {
                bytes.get(at..at + 4 + usize::from(u16::from_be_bytes([start[2], start[3]])))
            })
            .filter(|der| by_the_library(der).0)
            .map(<[u8]>::to_vec)
            .collect()
    }

    #[test]
    fn a_plain_certificate_is_read_without_the_library() {
        for der in samples() {
            assert!(Leaf::walk(&der).is_some());
            assert_eq!(read(&der), by_the_library(&der));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_048, ..ProptestConfig::default() })]

        #[test]
        fn our_walk_says_what_the_library_says_or_nothing(
            which in any::<proptest::sample::Index>(),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0u8..4), 0..3),
        ) {
            static ALL: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(samples);
            let all = &*ALL;
            let mut bytes = all[which.index(all.len())].clone();
            for (at, byte, how) in edits {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes[at] ^= 1 << (byte & 7),
                    2 => bytes.insert(at, byte),
                    _ => _ = bytes.remove(at),
                }
            }
            let mut identity = Identity::default();
            if let Some(leaf) = Leaf::walk(&bytes) {
                leaf.note(Side::Answerer, &mut Notes::new(&mut identity, Ordinal(1), Timestamp::default()));
                prop_assert_eq!((true, identity), by_the_library(&bytes));
            }
        }

        #[test]
        fn any_damage_is_survived(at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<proptest::sample::Index>()) {
            let mut bytes = certificate(b"www.example", &[b"a.example", b"b.example"]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            read(&bytes);
            read(&bytes[..cut.index(bytes.len())]);
        }
    }
}
