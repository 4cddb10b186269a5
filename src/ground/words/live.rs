//! The words of a live capture, told while it goes on.

use crate::ground::{
    model::{
        coverage::{Blind, BlindReason},
        lang::{Lang, Text},
        time::Timestamp,
    },
    words::{
        escape,
        run::{bytes, grouped},
    },
};

/// It begins.
#[must_use]
pub fn begins(interfaces: &[String], rings: u16, ring_bytes: usize, lang: Lang) -> String {
    let names = escape::text(&interfaces.join(", "));
    let size = bytes(ring_bytes as u64);
    match lang {
        Lang::Ja => {
            format!("{names} の監視を始めました(リング {rings}本 × {size})。Ctrl+C で終え、結果を出します")
        }
        Lang::En => {
            format!("watching {names} ({rings} ring(s) of {size} each); Ctrl-C ends it and gives the result")
        }
    }
}

/// An interface cannot be seen from here on.
#[must_use]
pub fn lost(interface: &str, since: Timestamp, reason: BlindReason, lang: Lang) -> String {
    let (name, why) = (escape::text(interface), blind(reason).of(lang));
    match lang {
        Lang::Ja => format!("{name} が見えません({why})。{since} からは監視できていません。監視は続けます"),
        Lang::En => format!("{name} cannot be seen ({why}); blind since {since}, the run goes on"),
    }
}

/// A time without sight is over, or goes on for another reason.
#[must_use]
pub fn not_seen(interface: &str, time: &Blind, is_well: bool, lang: Lang) -> String {
    let (name, why) = (escape::text(interface), blind(time.reason).of(lang));
    let Blind { from, to, .. } = time;
    let now = match (lang, is_well) {
        (Lang::Ja, true) => "今は見えています",
        (Lang::Ja, false) => "まだ見えません",
        (Lang::En, true) => "it is seen again",
        (Lang::En, false) => "it is still not seen",
    };
    match lang {
        Lang::Ja => format!("{name} を見ていなかった時間: {from} から {to} まで({why})。{now}"),
        Lang::En => format!("{name} was not seen from {from} to {to} ({why}); {now}"),
    }
}

/// Packets were dropped.
#[must_use]
pub fn dropped(interface: &str, packets: u64, lang: Lang) -> String {
    let (name, packets) = (escape::text(interface), grouped(packets));
    match lang {
        Lang::Ja => format!("{name} で {packets} パケットを取りこぼしました。--ring を大きくしてください"),
        Lang::En => format!("{name}: {packets} packets were dropped; try a larger --ring"),
    }
}

/// Numbers of a run that goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status {
    /// Packets so far.
    pub packets: u64,
    /// Packets in the last second.
    pub per_second: u64,
    /// Packets that were dropped.
    pub dropped: u64,
    /// Flows that have begun.
    pub flows: u64,
    /// Findings announced.
    pub findings: u64,
}

/// The status line.
#[must_use]
pub fn status(status: &Status, lang: Lang) -> String {
    let Status { packets, per_second, dropped, flows, findings } = *status;
    let [packets, per_second, dropped, flows, findings] =
        [packets, per_second, dropped, flows, findings].map(grouped);
    match lang {
        Lang::Ja => {
            format!("{packets} パケット({per_second}/秒) 取りこぼし {dropped} 通信 {flows} 所見 {findings}")
        }
        Lang::En => {
            format!(
                "{packets} packets ({per_second}/s), {dropped} dropped, {flows} flows, {findings} findings"
            )
        }
    }
}

/// Why an interface was not seen.
#[must_use]
pub const fn blind(reason: BlindReason) -> Text {
    match reason {
        BlindReason::Down => Text { ja: "インターフェースが停止", en: "interface down" },
        BlindReason::NoCarrier => {
            Text { ja: "リンクなし(ケーブルや相手側を確認)", en: "no link" }
        }
        BlindReason::Gone => Text { ja: "インターフェースが消失", en: "interface gone" },
        BlindReason::NoFrames => Text {
            ja: "1パケットも届かない(ミラーの設定を確認)",
            en: "not a single frame; check the mirror",
        },
        BlindReason::Refused => {
            Text { ja: "カーネルが読み取りを拒否", en: "the kernel refused to go on" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_hostile_is_shown_and_not_obeyed() {
        let line = dropped("span\x1b[2J", 1_234, Lang::En);
        assert!(line.contains("1,234") && !line.contains('\x1b'), "{line}");
    }
}
