//! The columns of the ledger: one field of a channel each, with its heading, and what may stand in its cells.

use super::vocabulary::{ChannelKind, Download, Encrypt, Tenant, Word as _};
use crate::ground::{
    calendar::{Day, LocalClock, parse_stamp},
    model::lang::{Text, Words},
};

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Several texts, with commas between them.
    List,
    /// A whole number.
    Number,
    /// はい, いいえ.
    Flag,
    /// A moment. A day alone is its first second, or its last one where something ends.
    Moment {
        /// Something ends with it.
        is_end: bool,
    },
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key in the policy.
    pub key: &'static str,
    /// Its heading.
    pub name: Text,
    /// What to write, for clerks.
    pub doc_ja: &'static str,
    /// What stands in its cells.
    pub shape: Shape,
    /// A channel cannot do without.
    pub is_needed: bool,
}

const fn field(
    key: &'static str,
    (ja, en): (&'static str, &'static str),
    shape: Shape,
    is_needed: bool,
    doc_ja: &'static str,
) -> Field {
    Field { key, name: Text { ja, en }, doc_ja, shape, is_needed }
}

/// All columns in the order of the sheet: first what a clerk approves, then what is rarely touched.
pub const FIELDS: &[Field] = &[
    field(
        "id",
        ("許可ID", "id"),
        Shape::Text,
        true,
        "報告書に出る名前。文字・数字・- _ . だけ。同じIDは一度しか使えません",
    ),
    field(
        "from",
        ("通信元", "from"),
        Shape::List,
        true,
        "通信を始める側の系・ゾーン・機器・宛先のID。複数はカンマで区切ります",
    ),
    field(
        "to",
        ("通信先", "to"),
        Shape::List,
        true,
        "通信を受ける側の系・ゾーン・機器・宛先のID。複数はカンマで区切ります",
    ),
    field("services", ("サービス", "services"), Shape::List, true, "例 tcp/443, udp/3478-3481, icmp"),
    field(
        "kind",
        ("種類", "kind"),
        Shape::Word(ChannelKind::WORDS),
        false,
        "normal=通常 screen=画面転送 mail=メール file=ファイル update=更新 asp=LGWAN-ASP lbo=ローカルブレイクアウト maintenance=保守 monitoring=監視",
    ),
    field("purpose_ja", ("目的", "purpose"), Shape::Text, true, "何のための通信か"),
    field("clause", ("根拠条項", "clause"), Shape::Text, true, "ガイドラインなどの条項"),
    field(
        "approval",
        ("承認番号", "approval"),
        Shape::Text,
        true,
        "決裁の番号。承認されていない許可は書けません",
    ),
    field(
        "valid_from",
        ("開始日時", "valid_from"),
        Shape::Moment { is_end: false },
        false,
        "例 2026-04-01 または 2026-04-01 08:30。空欄なら台帳全体の開始日時",
    ),
    field(
        "valid_until",
        ("終了日時", "valid_until"),
        Shape::Moment { is_end: true },
        false,
        "例 2027-03-31(その日の23:59:59まで)。空欄なら台帳全体の終了日時",
    ),
    field("hours", ("時間帯", "hours"), Shape::Text, false, "例 06:30-23:00。空欄なら終日"),
    field("note_ja", ("備考", "note"), Shape::Text, false, "自由に書けます"),
    field(
        "encrypt",
        ("暗号化", "encrypt"),
        Shape::Word(Encrypt::WORDS),
        false,
        "required=必須 plaintext-approved=平文を承認",
    ),
    field(
        "download",
        ("取り込み", "download"),
        Shape::Word(Download::WORDS),
        false,
        "allowed=可 forbidden=不可 sanitized_only=無害化したものだけ",
    ),
    field("tenant", ("テナント", "tenant"), Shape::Word(Tenant::WORDS), false, "own=自組織のテナントだけ"),
    field("via", ("経由", "via"), Shape::List, false, "通る順に機器のID"),
    field("path", ("回線", "path"), Shape::Text, false, "使う回線(paths)のID"),
    field(
        "max_up_per_flow",
        ("上り上限(バイト)", "max_up_per_flow"),
        Shape::Number,
        false,
        "1通信あたり、通信元から送るバイト数の上限",
    ),
    field(
        "max_down_per_flow",
        ("下り上限(バイト)", "max_down_per_flow"),
        Shape::Number,
        false,
        "1通信あたり、通信先から受けるバイト数の上限",
    ),
    field(
        "max_sources",
        ("端末数の上限(日)", "max_sources"),
        Shape::Number,
        false,
        "1日に使ってよい端末の数",
    ),
    field(
        "expect_min_per_day",
        ("最少件数(日)", "expect_min_per_day"),
        Shape::Number,
        false,
        "1日にこれより少なければ途絶とみなします",
    ),
    field(
        "expect_min_per_month",
        ("最少件数(月)", "expect_min_per_month"),
        Shape::Number,
        false,
        "1か月にこれより少なければ途絶とみなします",
    ),
    field("one_way", ("応答なし", "one_way"), Shape::Flag, false, "はい=応答のない通信(syslogなど)"),
    field(
        "app",
        ("アプリ", "app"),
        Shape::Text,
        false,
        "通信の中身。空欄ならポートから決まるもの。any なら次の列に理由",
    ),
    field(
        "app_reason_ja",
        ("アプリを問わない理由", "app_reason"),
        Shape::Text,
        false,
        "アプリが any のとき必要",
    ),
    field(
        "epochs",
        ("期", "epochs"),
        Shape::List,
        false,
        "有効な期(epochs)のID。空欄なら通信元・通信先に従います",
    ),
];

/// What a cell means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A text or a word.
    Text(String),
    /// Several texts.
    List(Vec<String>),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// A moment in RFC 3339 with its offset.
    Moment(String),
}

impl Cell {
    /// As it stands in a sheet.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Moment(text) => text.clone(),
            Self::List(texts) => texts.join(", "),
            Self::Number(number) => number.to_string(),
            Self::Flag(true) => "はい".to_owned(),
            Self::Flag(false) => "いいえ".to_owned(),
        }
    }

    /// As it stands in a policy.
    pub(super) fn literal(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::List(texts) => {
                format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Moment(text) => text.clone(),
        }
    }
}

/// A text in the quotes of TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Field {
    /// What a cell that somebody wrote means; `None` for an empty one.
    ///
    /// # Errors
    /// With what was expected.
    pub fn read(&self, text: &str, clock: &LocalClock) -> Result<Option<Cell>, Words> {
        let text = text.trim();
        if let Some(letter) = text.chars().find(|letter| is_command(*letter)) {
            let shown = letter.escape_unicode();
            return Err(Words::new(
                format!("改行などの制御文字({shown})は書けません"),
                format!("control characters ({shown}) are not allowed"),
            ));
        }
        if text.is_empty() {
            return if self.is_needed {
                Err(Words::new("空にはできません", "must not be empty"))
            } else {
                Ok(None)
            };
        }
        let (ja, en) = match self.shape {
            Shape::Text => return Ok(Some(Cell::Text(text.to_owned()))),
            Shape::List => return Ok(listed(text)),
            Shape::Word(words) if words.contains(&text) => return Ok(Some(Cell::Text(text.to_owned()))),
            Shape::Word(words) => {
                (format!("書けるもの: {}", words.join(", ")), format!("one of: {}", words.join(", ")))
            }
            Shape::Number => match whole(text) {
                Some(number) => return Ok(Some(Cell::Number(number))),
                None => ("0以上の整数を書きます".to_owned(), "expected a whole number".to_owned()),
            },
            Shape::Flag => match text {
                "はい" | "true" | "TRUE" => return Ok(Some(Cell::Flag(true))),
                "いいえ" | "false" | "FALSE" => return Ok(Some(Cell::Flag(false))),
                _ => (
                    "はい か いいえ を書きます".to_owned(),
                    "expected はい or いいえ (true or false)".to_owned(),
                ),
            },
            Shape::Moment { is_end } => match moment(text, is_end, clock) {
                Some(moment) => return Ok(Some(Cell::Moment(moment))),
                None => (
                    "日時は 2026-04-01 か 2026-04-01 08:30:00 のように書きます(セルは文字列にします)"
                        .to_owned(),
                    "expected 2026-04-01 or 2026-04-01 08:30:00, as text".to_owned(),
                ),
            },
        };
        Err(Words::new(ja, en))
    }
}

/// What the reader of policies refuses in texts.
fn is_command(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Ids and services hold none of these.
fn listed(text: &str) -> Option<Cell> {
    let parts = text.split([',', '、', '，', ';', '；']).map(str::trim).filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.map(str::to_owned).collect();
    (!parts.is_empty()).then_some(Cell::List(parts))
}

/// TOML holds numbers of 63 bits.
fn whole(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|letter| *letter != ',').collect();
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| is_plain && i64::try_from(*number).is_ok())
}

/// RFC 3339, or a day and a time as clerks and spreadsheets write them, in the policy's time zone.
fn moment(text: &str, is_end: bool, clock: &LocalClock) -> Option<String> {
    if text.is_ascii() && text.contains('T') && parse_stamp(text).is_some() {
        return toml_moment(text);
    }
    let (date, time) = text.split_once([' ', 'T']).map_or((text, ""), |(date, time)| (date, time.trim()));
    let mut parts = date.split(['-', '/']).map(|part| part.parse::<i16>().ok().filter(|_| part.len() <= 4));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1900..=9999).contains(&year) {
        return None;
    }
    let day = Day::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?)?;
    let time = match (time, is_end) {
        ("", false) => (0, 0, 0),
        ("", true) => (23, 59, 59),
        (time, _) => {
            let mut parts = time.split(':').map(|part| part.parse::<i8>().ok().filter(|_| part.len() <= 2));
            let time = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
            if parts.next().is_some() {
                return None;
            }
            time
        }
    };
    clock.stamp(day, time)
}

/// As a policy that is read again says it.
fn toml_moment(text: &str) -> Option<String> {
    let stamp: toml::value::Datetime = text.parse().ok()?;
    (stamp.time.is_some() && stamp.offset.is_some()).then(|| stamp.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_of_a_channel_has_a_column() {
        let schema: serde_json::Value = serde_json::from_str(&super::super::schema_json()).unwrap();
        let channel = schema["$defs"]["Channel"]["properties"].as_object().unwrap();
        let known: BTreeSet<_> = channel.keys().map(String::as_str).collect();
        let columns: BTreeSet<_> = FIELDS.iter().map(|field| field.key).collect();
        assert_eq!(columns, known);
        let headings: BTreeSet<_> = FIELDS.iter().map(|field| field.name.ja).collect();
        assert_eq!(headings.len(), FIELDS.len());
    }

    #[test]
    fn a_day_is_its_first_or_its_last_second_in_the_zone_of_the_policy() {
        let clock = LocalClock::new("Asia/Tokyo").unwrap();
        let read = |text, is_end| moment(text, is_end, &clock);
        assert_eq!(read("2026-04-01", false).unwrap(), "2026-04-01T00:00:00+09:00");
        assert_eq!(read("2027/3/31", true).unwrap(), "2027-03-31T23:59:59+09:00");
        assert_eq!(read("2027/3/31 8:30", true).unwrap(), "2027-03-31T08:30:00+09:00");
        assert_eq!(read("2027-03-31T23:59:59Z", true).unwrap(), "2027-03-31T23:59:59Z");
        for text in [
            "46234",
            "2027-02-30",
            "3/31",
            "27-3-31",
            "2027-03-31 25:00",
            "令和9年3月31日",
            "2027-03-31 1:2:3:4",
        ] {
            assert_eq!(read(text, true), None, "{text}");
        }
    }

    #[test]
    fn numbers_and_lists_are_read_as_clerks_write_them() {
        assert_eq!(
            (whole("1,048,576"), whole("0"), whole("-1"), whole("1e3")),
            (Some(1_048_576), Some(0), None, None)
        );
        assert_eq!(whole("18446744073709551615"), None);
        let list = Cell::List(vec!["tcp/443".to_owned(), "udp/53".to_owned()]);
        assert_eq!(listed("tcp/443、 udp/53,"), Some(list.clone()));
        assert_eq!(
            (list.shown().as_str(), list.literal().as_str()),
            ("tcp/443, udp/53", "[\"tcp/443\", \"udp/53\"]")
        );
    }
}
