//! TOML with places: every value remembers where it stood. Home of `toml`.

use std::{ops::Range, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    diagnostic::{Diagnostic, Source, Spot, Words, nearest},
    vocabulary::Word,
};
use crate::ground::calendar::Day;

/// A value and where it stood in its file.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self { value: spanned.into_inner(), span })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A word of a closed vocabulary, kept as it was written until it is asked for, so that one wrong word does not
/// hide the next.
#[derive(Clone, Debug)]
pub(super) struct Choice<W> {
    pub(super) written: String,
    pub(super) word: Option<W>,
}

impl<'de, W: Word> Deserialize<'de> for Choice<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        Ok(Self { word: W::read(&written), written })
    }
}

impl<W: JsonSchema> JsonSchema for Choice<W> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        W::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        W::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        W::json_schema(generator)
    }
}

/// A TOML date and time, or a date.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Stamp(pub(super) toml::value::Datetime);

impl JsonSchema for Stamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A TOML date-time with offset, such as 2026-04-01T00:00:00+09:00; for ISMAP and imports a date.",
        })
    }
}

impl Stamp {
    /// RFC 3339, when date, time and offset are all there.
    pub(super) fn rfc3339(&self) -> Option<String> {
        let whole = self.0.date.is_some() && self.0.time.is_some() && self.0.offset.is_some();
        whole.then(|| self.0.to_string())
    }

    /// The day, when it is a date and nothing else.
    pub(super) fn date(&self) -> Option<Day> {
        let date = self.0.date.filter(|_| self.0.time.is_none())?;
        Day::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?)
    }
}

/// One object of a policy with the file it stands in.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) source: Arc<Source>,
    /// The head of the object, for what is missing in it.
    pub(super) span: Range<usize>,
    pub(super) value: T,
}

impl<T> Entry<T> {
    pub(super) fn spot(&self, span: &Range<usize>) -> Spot {
        Spot { source: Arc::clone(&self.source), span: span.clone() }
    }
}

/// The top level of one file: its sections by name.
pub(super) struct Sections<'i> {
    pub(super) source: Arc<Source>,
    pub(super) found: Vec<(Spanned<String>, Spanned<DeValue<'i>>)>,
}

/// Cuts a file into its sections. What does not parse is told, all of it; the rest is still read.
pub(super) fn sections<'i>(source: Arc<Source>, text: &'i str, out: &mut Vec<Diagnostic>) -> Sections<'i> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let spot = Spot { source: Arc::clone(&source), span: error.span().unwrap_or(0..0) };
        let fault = error.message();
        out.push(
            Diagnostic::error("T01", Words::new("TOMLとして読めません", "this is not TOML"))
                .at(&spot, Words::new(format!("ここ: {fault}"), fault)),
        );
    }
    let found = table
        .into_inner()
        .into_iter()
        .map(|(key, value)| (Spanned::new(key.span(), key.into_inner().into_owned()), value))
        .collect();
    Sections { source, found }
}

/// Reads one object; what is wrong with its shape is told and gives `None`.
pub(super) fn object<T: DeserializeOwned>(
    source: &Arc<Source>,
    value: Spanned<DeValue<'_>>,
    out: &mut Vec<Diagnostic>,
) -> Option<Entry<T>> {
    let span = value.span();
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(value) => Some(Entry { source: Arc::clone(source), span, value }),
        Err(error) => {
            let spot = Spot { source: Arc::clone(source), span: error.span().unwrap_or(span) };
            out.push(shape_fault(error.message(), &spot));
            None
        }
    }
}

/// Reads a list of objects (`[[channels]]`), each for itself.
pub(super) fn objects<T: DeserializeOwned>(
    source: &Arc<Source>,
    value: Spanned<DeValue<'_>>,
    out: &mut Vec<Diagnostic>,
    into: &mut Vec<Entry<T>>,
) {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(list) => into.extend(list.into_iter().filter_map(|value| object(source, value, out))),
        other => {
            let spot = Spot { source: Arc::clone(source), span };
            let words = Words::new(
                format!("この名前の節は[[…]]と二重の括弧で書きます({}があります)", other.type_str()),
                format!("this section is written with double brackets, [[…]]; found a {}", other.type_str()),
            );
            out.push(
                Diagnostic::error("T04", Words::new("節の書き方が違います", "wrong kind of section"))
                    .at(&spot, words),
            );
        }
    }
}

/// Turns a message of serde into ours. The wordings are serde's own (`serde::de::Error`).
fn shape_fault(message: &str, spot: &Spot) -> Diagnostic {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (message, &quoted[..]) {
        (_, [written, known @ ..]) if message.starts_with("unknown field") => unknown_word(
            "T02",
            (written, known),
            spot,
            Words::new(
                format!("「{written}」という項目はありません"),
                format!("there is no field `{written}`"),
            ),
        ),
        (_, [missing, ..]) if message.starts_with("missing field") => Diagnostic::error(
            "T03",
            Words::new(format!("項目「{missing}」がありません"), format!("the field `{missing}` is missing")),
        )
        .at(spot, Words::new("ここに書きます", "it belongs here")),
        _ => Diagnostic::error(
            "T04",
            Words::new("値の種類が違います", "this is another kind of value than expected"),
        )
        .at(spot, Words::new(japanese_shape(message), message)),
    }
}

/// An unknown word with what was probably meant.
pub(super) fn unknown_word(
    code: &'static str,
    (written, known): (&str, &[&str]),
    spot: &Spot,
    message: Words,
) -> Diagnostic {
    let listed = known.join(", ");
    let fault = Diagnostic::error(code, message);
    match nearest(written, known.iter().copied()) {
        Some(meant) => fault
            .at(spot, Words::new(format!("「{meant}」のことですか"), format!("did you mean `{meant}`?")))
            .remedy(Words::new(format!("書けるもの: {listed}"), format!("one of: {listed}"))),
        None => fault
            .at(spot, Words::new("ここ", "here"))
            .remedy(Words::new(format!("書けるもの: {listed}"), format!("one of: {listed}"))),
    }
}

fn japanese_shape(message: &str) -> String {
    let mut text = message.to_owned();
    for (en, ja) in [
        ("invalid type: ", "種類の誤り: "),
        ("invalid value: ", "値の誤り: "),
        (", expected ", " → 期待するもの: "),
        ("a sequence", "一覧 [\"…\"]"),
        ("sequence", "一覧"),
        ("a string", "文字列 \"…\""),
        ("string", "文字列"),
        ("a boolean", "true または false"),
        ("boolean", "true/false"),
        ("integer", "整数"),
        ("floating point", "小数"),
        ("map", "表"),
    ] {
        text = text.replace(en, ja);
    }
    text
}
