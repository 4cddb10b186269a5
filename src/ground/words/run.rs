//! The words of a run: what may be said, and what limits it.
//!
//! THREATS §4 formula 12: never "no communication", "proved" or 「完全に分離」. Silence is told as what it is:
//! nothing was seen, in what was looked at.

use crate::ground::{
    model::{
        lang::{Lang, Text},
        result::{Headline, Limit},
    },
    words::{escape, live},
};

/// The judgement of the first line.
#[must_use]
pub const fn headline(headline: Headline) -> Text {
    match headline {
        Headline::Violations => Text {
            ja: "許可台帳に反する通信が観測されました",
            en: "traffic that breaks the policy was observed",
        },
        Headline::Findings => Text {
            ja: "違反の通信は観測されませんでしたが、確認が必要な所見があります",
            en: "no violating flow was observed, but there are findings to look at",
        },
        Headline::CannotSay => Text {
            ja: "違反は観測されませんでしたが、「問題なし」とは言えません",
            en: "no violation was observed, but this observation does not allow the word \"clean\"",
        },
        Headline::NothingFound => Text {
            ja: "観測した範囲では、違反は見つかりませんでした",
            en: "no violation was found in what was observed",
        },
    }
}

/// One limit as a sentence.
#[must_use]
pub fn limit(limit: &Limit, lang: Lang) -> String {
    let ja = lang == Lang::Ja;
    match limit {
        Limit::NoFlows => pick(ja, "判定した通信が1つもありません", "no flow was judged"),
        Limit::EmptyPolicy => {
            pick(ja, "許可台帳に系または許可がありません", "the policy has no segments or no channels")
        }
        Limit::NoPolicyInForce(flows) => both(
            ja,
            format!("有効な許可台帳の無い時刻の通信が{flows}件あります"),
            format!("{flows} flows were sent when no policy was valid"),
        ),
        Limit::AccountingBroken => pick(
            ja,
            "読んだパケットと数えたパケットが合いません(本プログラムの不具合)",
            "packets read and packets accounted for differ (a fault of this program)",
        ),
        Limit::Damaged(file, offset) => {
            let file = escape::text(file);
            both(
                ja,
                format!("{file} が壊れています(先頭から{offset}バイト目)"),
                format!("{file} is damaged at byte {offset}"),
            )
        }
        Limit::Unreadable(file) => {
            let file = escape::text(file);
            both(ja, format!("{file} を読めませんでした"), format!("{file} could not be read"))
        }
        Limit::Dropped(sensor, packets) => both(
            ja,
            format!("{}で{packets}パケットの取りこぼしが記録されています", place(sensor, lang)),
            format!("{}: the capture itself lost {packets} packets", place(sensor, lang)),
        ),
        Limit::DegradedMinutes(sensor, minutes) => both(
            ja,
            format!("{}で取りこぼしの多い分が{minutes}分あります", place(sensor, lang)),
            format!("{}: {minutes} minutes with too much loss", place(sensor, lang)),
        ),
        Limit::BlindMinutes(sensor, minutes) => both(
            ja,
            format!("{}で1パケットも写っていない分が{minutes}分あります", place(sensor, lang)),
            format!("{}: {minutes} minutes without a single frame", place(sensor, lang)),
        ),
        Limit::Blind(interface, reason, seconds) => {
            let interface = escape::text(interface);
            let why = live::blind(*reason).of(lang);
            both(
                ja,
                format!("{interface} を見ていない時間が{seconds}秒あります({why})"),
                format!("{interface} was not seen for {seconds} s ({why})"),
            )
        }
        Limit::OneSided(share) => both(
            ja,
            format!("片方向しか見えない通信が{}あります", percent(*share)),
            format!("{} of the flows were seen in one direction only", percent(*share)),
        ),
        Limit::SegmentUnseen(id) => both(
            ja,
            format!("系「{id}」は1パケットも写っていません"),
            format!("segment \"{id}\": not a single frame was seen"),
        ),
        Limit::SegmentUnobserved(id) => {
            both(ja, format!("系「{id}」は今回見ていません"), format!("segment \"{id}\" was not looked at"))
        }
        Limit::UndecidableShare(share) => both(
            ja,
            format!("系をまたぐ通信の{}が判定不能です", percent(*share)),
            format!("{} of the flows between segments are undecidable", percent(*share)),
        ),
        Limit::Undecidable(flows) => {
            both(ja, format!("判定不能が{flows}件あります"), format!("{flows} flows are undecidable"))
        }
        Limit::UnseenBytes(share) => both(
            ja,
            format!("相手に届いたデータの{}が写っていません", percent(*share)),
            format!("{} of the delivered bytes are missing from the capture", percent(*share)),
        ),
        Limit::Undecoded(frames) => both(
            ja,
            format!("読めない方式のパケットが{frames}個あります"),
            format!("{frames} frames of protocols that are not read"),
        ),
        Limit::Cut(packets) => both(
            ja,
            format!("途中で切れたパケットが{packets}個あります"),
            format!("{packets} packets were cut short by the capture"),
        ),
        Limit::MemoryBound(flows) => both(
            ja,
            format!("メモリの上限で途中までしか見ていない通信が{flows}件あります"),
            format!("{flows} flows were not followed to their end for want of memory"),
        ),
        Limit::TimeAnomalies(packets) => both(
            ja,
            format!("時刻の乱れたパケットが{packets}個あります(結果の再現性は保証しません)"),
            format!("{packets} packets with disturbed time stamps (byte-identical results are not promised)"),
        ),
        Limit::Late(file, packets) => {
            let file = escape::text(file);
            both(
                ja,
                format!(
                    "{file} の{packets}パケットは遅れて届き、来た順に読みました(結果の再現性は保証しません)"
                ),
                format!(
                    "{file}: {packets} packets came late and were read as they came (byte-identical results are not promised)"
                ),
            )
        }
        Limit::ParserPanics(flows) => both(
            ja,
            format!("読み取り部の不具合で{flows}件を判定できていません"),
            format!("a reader failed in {flows} flows"),
        ),
        Limit::Accepted(flows) => both(
            ja,
            format!("例外として受け入れ済みの違反が{flows}件あります"),
            format!("{flows} violating flows are covered by accepted exceptions"),
        ),
        Limit::NoSensorBound => pick(
            ja,
            "記録がどのセンサーのものか指定されていないため、見るべき範囲を確かめられません",
            "no input is bound to a sensor, so what should have been seen is not known",
        ),
    }
}

fn pick(ja: bool, japanese: &str, english: &str) -> String {
    if ja { japanese } else { english }.to_owned()
}

fn both(ja: bool, japanese: String, english: String) -> String {
    if ja { japanese } else { english }
}

fn place(sensor: &str, lang: Lang) -> String {
    match (sensor, lang) {
        ("", Lang::Ja) => "記録".to_owned(),
        ("", Lang::En) => "the input".to_owned(),
        (id, Lang::Ja) => format!("センサー「{id}」"),
        (id, Lang::En) => format!("sensor \"{id}\""),
    }
}

/// Hundredths of a percent as text: 123 is `1.23 %`.
#[must_use]
pub fn percent(hundredths: u64) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A count with its digits grouped by threes.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that keeps three digits.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut tenths = count.saturating_mul(10);
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(percent(5), "0.05 %");
    }

    #[test]
    fn no_sentence_promises_more_than_was_seen() {
        for kind in [Headline::NothingFound, Headline::CannotSay, Headline::Findings, Headline::Violations] {
            let text = headline(kind);
            for word in ["proved", "complete", "all traffic", "no communication"] {
                assert!(!text.en.contains(word), "{}", text.en);
            }
            for word in ["一切ない", "完全に分離", "証明"] {
                assert!(!text.ja.contains(word), "{}", text.ja);
            }
        }
    }
}
