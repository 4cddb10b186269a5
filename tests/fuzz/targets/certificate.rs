//! The leaf of a certificate chain, against a library that reads the same.

use sekisho::{
    ground::model::{
        address::Transport,
        field::Field,
        identity::{Identity, Notes},
        key::Side,
        limits::CERTIFICATE_NAMES_MAX,
        observation::Value,
        packet::Ordinal,
        time::Timestamp,
    },
    wire::identify::inspection::Inspection,
};
use x509_parser::{nom::Parser as _, prelude::X509CertificateParser, time::ASN1Time};

/// One record holds the hellos and what stands around a leaf; more would only be split.
const DER_LEN_MAX: usize = 16_000;

/// A certificate in DER, shown in the first flight of a TLS 1.2 server. What is said of it is what the library says.
pub fn certificate(der: &[u8]) {
    if !der.is_empty() && der.len() <= DER_LEN_MAX {
        assert_eq!(facts(&by_us(der)), facts(&by_the_library(der)));
    }
}

fn by_us(der: &[u8]) -> Identity {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut inspection = Inspection::new(Transport::TCP, [49_152, 443]);
    let suites = [&[0, 2, 0xc0, 0x2f][..], &[1, 0]].concat();
    let hello = |rest: &[u8]| [&[3, 3][..], &[0x42; 32], &[0], rest].concat();
    inspection.bytes(&record(&message(1, &hello(&suites))), Side::Opener, &mut notes);
    let long = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    let chain = message(11, &long(&long(der)));
    let flight = [message(2, &hello(&[0xc0, 0x2f, 0])), chain].concat();
    inspection.bytes(&record(&flight), Side::Answerer, &mut notes);
    inspection.finish(&mut notes);
    identity
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

fn record(payload: &[u8]) -> Vec<u8> {
    [&[22, 3, 3][..], &(payload.len() as u16).to_be_bytes(), payload].concat()
}

fn by_the_library(der: &[u8]) -> Identity {
    let mut identity = Identity::default();
    let mut notes = Notes::new(&mut identity, Ordinal(1), Timestamp::default());
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let Ok((_, certificate)) = parser.parse(der) else { return identity };
    for name in certificate.subject().iter_common_name() {
        notes.name(Field::CertName, name.as_slice(), Side::Answerer);
    }
    for extension in
        certificate.extensions().iter().filter(|found| found.oid.as_bytes() == [0x55, 0x1d, 0x11])
    {
        alternative_names(extension.value, &mut notes);
    }
    let issuer = certificate.issuer();
    for part in issuer.iter_common_name().chain(issuer.iter_organization()) {
        notes.text(Field::CertIssuer, part.as_slice(), Side::Answerer);
    }
    let validity = certificate.validity();
    let range = format!("{}/{}", moment(validity.not_before), moment(validity.not_after));
    notes.text(Field::CertValidity, range.as_bytes(), Side::Answerer);
    identity
}

/// The dNSName in a subjectAltName; forms of length that are not in DER are left out, as are names behind one.
fn alternative_names(value: &[u8], notes: &mut Notes<'_>) {
    let element = |bytes: &[u8]| -> Option<(u8, std::ops::Range<usize>)> {
        let (tag, short) = (*bytes.first()?, *bytes.get(1)?);
        let extra = usize::from(short.saturating_sub(0x80));
        let len = match short {
            0..=0x7f => usize::from(short),
            0x81..=0x83 => bytes.get(2..2 + extra)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            _ => return None,
        };
        let content = 2 + extra..2 + extra + len;
        bytes.get(content.clone()).map(|_| (tag, content))
    };
    let Some((0x30, names)) = element(value) else { return };
    let mut names = &value[names];
    let mut count = 0;
    while let Some((tag, content)) = element(names) {
        count += usize::from(tag == 0x82);
        if count > CERTIFICATE_NAMES_MAX {
            return;
        }
        if tag == 0x82 {
            notes.name(Field::CertName, &names[content.clone()], Side::Answerer);
        }
        names = &names[content.end..];
    }
}

fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

fn facts(identity: &Identity) -> Vec<(Field, Value)> {
    let wanted = [Field::CertName, Field::CertIssuer, Field::CertValidity];
    wanted
        .into_iter()
        .flat_map(|field| identity.all(field).map(move |fact| (field, fact.value.clone())))
        .collect()
}
