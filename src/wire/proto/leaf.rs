//! Helper: a bounded walk over a certificate in plain DER (RFC 5280 section 4.1). One pass, no allocation, no recursion.
//!
//! It is strict: what it understands, every reader understands in the same way. What it does not understand it leaves to a
//! library that forgives more.

use super::certificate::{SEQUENCE, SUBJECT_ALT_NAME, note_alternative_names};
use crate::ground::model::{
    field::Field,
    identity::{Marks, Notes},
    key::Side,
};

/// Tags of DER (X.690 section 8).
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// The two versions that are in use, as they are written; self-made roots and old gear still show the first.
const V1: &[u8] = &[INTEGER, 1, 0];
const V3: &[u8] = &[INTEGER, 1, 2];

/// Object identifiers 2.5.4.3 and 2.5.4.10, commonName and organizationName (RFC 5280 appendix A.1), as their bytes.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANISATION: [u8; 3] = [0x55, 0x04, 0x0a];

/// The parts of a certificate that are read, each a sound sequence.
pub(super) struct Leaf<'a> {
    issuer: &'a [u8],
    validity: [Moment; 2],
    subject: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Leaf<'a> {
    /// Walks a certificate from its first byte to its last. `None` where anything is not as plain as it can be.
    pub(super) fn walk(der: &'a [u8]) -> Option<Self> {
        let mut certificate = only(der, SEQUENCE)?;
        let mut body = take(&mut certificate, SEQUENCE)?;
        algorithm(&mut certificate)?;
        bit_string(&mut certificate)?;
        end(certificate)?;

        // Version 1 is not written down, and only version 3 has extensions.
        let version = if body.first() == Some(&VERSION) { take(&mut body, VERSION)? } else { V1 };
        (version == V1 || version == V3).then_some(())?;
        let serial = take(&mut body, INTEGER)?;
        (!serial.is_empty()).then_some(())?;
        algorithm(&mut body)?;
        let issuer = name(&mut body)?;
        let mut times = take(&mut body, SEQUENCE)?;
        let validity = [Moment::take(&mut times)?, Moment::take(&mut times)?];
        end(times)?;
        let subject = name(&mut body)?;
        let mut key = take(&mut body, SEQUENCE)?;
        algorithm(&mut key)?;
        bit_string(&mut key)?;
        end(key)?;
        let mut extensions = &[][..];
        if version == V3 && !body.is_empty() {
            extensions = only(take(&mut body, EXTENSIONS)?, SEQUENCE)?;
        }
        end(body)?;
        let mut rest = extensions;
        while !rest.is_empty() {
            extension(&mut rest)?;
        }
        Some(Self { issuer, validity, subject, extensions })
    }

    /// Writes down what it says.
    pub(super) fn note(&self, side: Side, notes: &mut Notes<'_>) {
        notes.mark(Marks::CERTIFICATE);
        each(self.subject, COMMON_NAME, |value| notes.name(Field::CertName, value, side));
        let mut rest = self.extensions;
        while let Some((kind, value)) = extension(&mut rest) {
            if kind == SUBJECT_ALT_NAME {
                note_alternative_names(value, side, notes);
            }
        }
        for kind in [COMMON_NAME, ORGANISATION] {
            each(self.issuer, kind, |value| notes.text(Field::CertIssuer, value, side));
        }
        if notes.wants(Field::CertValidity) {
            let [from, to] = self.validity.map(Moment::text);
            notes.text(Field::CertValidity, format!("{from}/{to}").as_bytes(), side);
        }
    }
}

/// Takes one element with this tag off the front and gives its content. Lengths are as short as they can be.
fn take<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, content) = take_any(bytes)?;
    (found == tag).then_some(content)
}

fn take_any<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let ([tag, short], rest) = bytes.split_first_chunk::<2>()?;
    let (len, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81 => {
            rest.split_first().map(|(len, rest)| (usize::from(*len), rest)).filter(|(len, _)| *len >= 0x80)?
        }
        0x82 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*len)), rest)
        }
        _ => return None,
    };
    let is_short = *short != 0x82 || len >= 0x100;
    let (content, rest) = rest.split_at_checked(len).filter(|_| is_short && tag & 0x1f != 0x1f)?;
    *bytes = rest;
    Some((*tag, content))
}

/// The content of the one element with this tag that fills the bytes.
fn only(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let content = take(&mut bytes, tag)?;
    end(bytes)?;
    Some(content)
}

fn end(bytes: &[u8]) -> Option<()> {
    bytes.is_empty().then_some(())
}

/// An object identifier, and no or one parameter.
fn algorithm(bytes: &mut &[u8]) -> Option<()> {
    let mut content = take(bytes, SEQUENCE)?;
    object_id(&mut content)?;
    if !content.is_empty() {
        take_any(&mut content)?;
    }
    end(content)
}

/// At least one number, the last of which ends.
fn object_id<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    take(bytes, OBJECT_ID).filter(|id| id.last().is_some_and(|last| last & 0x80 == 0))
}

/// Whole bytes only, as keys and signatures are.
fn bit_string(bytes: &mut &[u8]) -> Option<()> {
    (take(bytes, BIT_STRING)?.first() == Some(&0)).then_some(())
}

/// A name all of whose parts are sound.
fn name<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let content = take(bytes, SEQUENCE)?;
    let mut rest = content;
    while !rest.is_empty() {
        let mut set = take(&mut rest, SET)?;
        attribute(&mut set)?;
        while !set.is_empty() {
            attribute(&mut set)?;
        }
    }
    Some(content)
}

/// Kind and value: a string of any kind, in one piece.
fn attribute<'a>(set: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut content = take(set, SEQUENCE)?;
    let kind = object_id(&mut content)?;
    let (tag, value) = take_any(&mut content)?;
    end(content)?;
    matches!(tag, 0x0c | 0x12..=0x16 | 0x1a | 0x1c | 0x1e).then_some((kind, value))
}

/// The values of one kind in a sound name.
fn each(mut name: &[u8], kind: [u8; 3], mut told: impl FnMut(&[u8])) {
    while let Some(mut set) = take(&mut name, SET) {
        while let Some((found, value)) = attribute(&mut set) {
            if found == kind {
                told(value);
            }
        }
    }
}

/// Kind and value of an extension; whether it is critical says nothing to us.
fn extension<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut content = take(bytes, SEQUENCE)?;
    let kind = object_id(&mut content)?;
    if content.first() == Some(&BOOLEAN) {
        (take(&mut content, BOOLEAN)?.len() == 1).then_some(())?;
    }
    let value = take(&mut content, OCTET_STRING)?;
    end(content)?;
    Some((kind, value))
}

/// Year, month, day, hour, minute, second in UTC.
#[derive(Clone, Copy, Debug)]
struct Moment([u16; 6]);

impl Moment {
    /// The two forms of RFC 5280 section 4.1.2.5: `YYMMDDHHMMSSZ` for 1950 to 2049, else four digits of year.
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (tag, text) = take_any(bytes)?;
        let digits = text.strip_suffix(b"Z")?;
        let pair = |pair: &[u8; 2]| {
            let [high, low] = pair.map(|digit| u16::from(digit.wrapping_sub(b'0')));
            (high <= 9 && low <= 9).then_some(high * 10 + low)
        };
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let (year, rest) = match (tag, pairs) {
            (UTC_TIME, [year, rest @ ..]) => {
                (pair(year).map(|year| if year >= 50 { 1900 + year } else { 2000 + year })?, rest)
            }
            (GENERALIZED_TIME, [century, year, rest @ ..]) => (pair(century)? * 100 + pair(year)?, rest),
            _ => return None,
        };
        let [month, day, hour, minute, second] = rest else { return None };
        let [month, day] = [pair(month)?, pair(day)?];
        let [hour, minute, second] = [pair(hour)?, pair(minute)?, pair(second)?];
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u16::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let fits = year > 0 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
        fits.then_some(Self([year, month, day, hour, minute, second]))
    }

    /// RFC 3339, whole seconds.
    fn text(self) -> String {
        let [year, month, day, hour, minute, second] = self.0;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}
