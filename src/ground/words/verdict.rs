//! Verdicts, severities, kinds and causes in the reader's language, each cause with what can be done about it.

use crate::ground::model::{
    cause::Cause,
    finding::{Kind, Severity},
    lang::Text,
    verdict::Verdict,
};

const fn text(ja: &'static str, en: &'static str) -> Text {
    Text { ja, en }
}

/// The word for a verdict.
#[must_use]
pub const fn verdict(verdict: Verdict) -> Text {
    match verdict {
        Verdict::OutOfScope => text("対象外", "out of scope"),
        Verdict::Conforming => text("適合", "conforming"),
        Verdict::Undecidable => text("判定不能", "undecidable"),
        Verdict::Attempted => text("試行", "attempted"),
        Verdict::Violating => text("違反", "violating"),
    }
}

/// One line that says what the verdict means.
#[must_use]
pub const fn verdict_meaning(verdict: Verdict) -> Text {
    match verdict {
        Verdict::OutOfScope => {
            text("同じ系の中の通信、機器どうしの制御通信", "inside one segment, or link control")
        }
        Verdict::Conforming => {
            text("許可台帳にあり、条件も満たしていた", "listed, and every condition was seen to hold")
        }
        Verdict::Undecidable => {
            text("パケットからは決められない(理由つき)", "packets do not show enough; each with its cause")
        }
        Verdict::Attempted => {
            text("違反になる通信の試み。応答は見えていない", "would violate, but no answer was seen")
        }
        Verdict::Violating => {
            text("成立した通信で、許可がないか禁止されている", "established, and not allowed or forbidden")
        }
    }
}

/// The word for a severity.
#[must_use]
pub const fn severity(severity: Severity) -> Text {
    match severity {
        Severity::Info => text("情報", "info"),
        Severity::Low => text("低", "low"),
        Severity::Medium => text("中", "medium"),
        Severity::High => text("高", "high"),
        Severity::Critical => text("重大", "critical"),
    }
}

/// The word for the kind of a finding.
#[must_use]
pub const fn kind(kind: Kind) -> Text {
    match kind {
        Kind::Violation => text("違反", "violation"),
        Kind::Suspicion => text("疑い", "suspicion"),
        Kind::Undecidable => text("判定不能", "undecidable"),
        Kind::Ledger => text("台帳不備", "policy defect"),
        Kind::Observation => text("観測不備", "observation"),
        Kind::Information => text("情報", "information"),
    }
}

/// What a cause means, in one short sentence.
#[must_use]
pub const fn cause(cause: Cause) -> Text {
    match cause {
        Cause::OverlapConflict => {
            text("同じ位置のデータが食い違って届いた", "the same bytes came twice with different content")
        }
        Cause::GapAcked => text(
            "相手が受け取ったデータの一部が写っていない",
            "bytes the peer acknowledged are missing from the capture",
        ),
        Cause::GapUnacked => text("データの一部が欠けている", "bytes are missing"),
        Cause::Snaplen => text("記録の設定でパケットの後ろが切れている", "the capture cut packets short"),
        Cause::OneWay => text("片方向しか見えていない", "only one direction was seen"),
        Cause::Midstream => text("通信の始まりが写っていない", "the beginning was not seen"),
        Cause::BadChecksum => text(
            "検査値の合わないパケットだけがデータを運んだ",
            "data came only in packets with a wrong checksum",
        ),
        Cause::LowTtlSuspect => {
            text("相手に届かない細工の疑いがあるパケット", "a packet that may never have reached the peer")
        }
        Cause::OutOfWindow => text("受信できる範囲の外のデータ", "data outside the receiver's window"),
        Cause::UrgentData => {
            text("緊急データが混じり、読み方が定まらない", "urgent data leaves the reading open")
        }
        Cause::FragIncomplete => text("分割されたパケットの一部が無い", "a fragment is missing"),
        Cause::FragOverlap => text("分割されたパケットが重なっている", "fragments overlap"),
        Cause::EchOuterOnly => text(
            "接続先の名前が暗号化され、外側の名前しか見えない",
            "the name is encrypted (ECH); only the outer one is visible",
        ),
        Cause::NoSni => text("接続先の名前が送られていない", "no server name was sent"),
        Cause::SniMalformed => text("名前の形が正しくない", "a name is malformed"),
        Cause::SniMultiple => text("名前が複数ある", "several names in one hello"),
        Cause::NameMismatch => text("名前どうしが食い違う", "names disagree"),
        Cause::QuicUndecryptable => {
            text("QUICの最初のパケットを開けない", "the QUIC Initial could not be opened")
        }
        Cause::QuicUnknownVersion => text("知らないQUICの版", "unknown QUIC version"),
        Cause::CryptoOverlap => text("QUICの手順データが食い違う", "QUIC handshake bytes conflict"),
        Cause::NotTheExpectedProtocol => {
            text("そのポートの決まりと違う通信方式", "not the protocol this port promises")
        }
        Cause::Tunnel => text("別の通信を包むトンネル", "a tunnel that carries other traffic"),
        Cause::DepthLimit => text("包みが深すぎて開けない", "more layers than are opened"),
        Cause::ParserLimit => text("読む量の上限に達した", "a reading limit was reached"),
        Cause::ParserPanic => text("読み取り部の不具合", "a reader failed"),
        Cause::ResourceEvicted => text("メモリの上限で途中で書き出した", "written early for want of memory"),
        Cause::VlanSegmentMismatch => {
            text("VLANが両端のどちらの系のものでもない", "the VLAN belongs to neither end's segment")
        }
        Cause::MacChange => text("機器のアドレス(MAC)が途中で変わった", "the link address changed"),
        Cause::InputDamaged => text("記録ファイルが壊れている", "the input is damaged"),
        Cause::TimeAnomaly => text("時刻が乱れている", "time stamps are disturbed"),
        Cause::CaptureDrop => text("本プログラムが取りこぼした", "this program dropped packets"),
        Cause::UnknownAddress => text("台帳に無いアドレス", "an address the policy does not know"),
        Cause::AmbiguousChannel => text(
            "当てはまる許可が複数あり、どれか決められない",
            "several channels fit and the packets do not say which",
        ),
        Cause::AmbiguousSegment => {
            text("当てはまる系が複数あり、どれか決められない", "several segments fit the address")
        }
        Cause::PathUnseen => text("どの回線を通ったか見えていない", "which line it took was not seen"),
        Cause::LimitExceeded => {
            text("許可の量または時間帯の上限を超えた", "beyond the channel's volume or hours")
        }
        Cause::EpochBoundary => text(
            "規則の切替時刻の直近で、どちらの規則か定まらない",
            "too close to the border between two rules",
        ),
        Cause::ProxyTargetHidden => {
            text("プロキシの先の接続先が読めない", "the target behind the proxy cannot be read")
        }
        Cause::NoPolicyInForce => text("その時刻に有効な許可台帳が無い", "no policy was valid at that time"),
    }
}

/// What can be done so that it can be decided next time.
#[must_use]
pub const fn cause_remedy(cause: Cause) -> Text {
    match cause {
        Cause::OverlapConflict
        | Cause::LowTtlSuspect
        | Cause::OutOfWindow
        | Cause::UrgentData
        | Cause::CryptoOverlap
        | Cause::FragOverlap => text(
            "監視をくぐる細工でも起きます。送信元の端末を確認してください",
            "this is also how monitoring is evaded: look at the sending host",
        ),
        Cause::GapAcked | Cause::GapUnacked | Cause::FragIncomplete | Cause::CaptureDrop => text(
            "ミラーポートと記録機の取りこぼしを確認してください",
            "check the mirror port and the capturing machine for loss",
        ),
        Cause::Snaplen => text("切らずに記録してください(snaplen 0)", "capture whole packets (snaplen 0)"),
        Cause::OneWay => text("ミラーポートを両方向にしてください", "mirror both directions"),
        Cause::Midstream => {
            text("通信の始まりから記録してください", "start the capture before the connection")
        }
        Cause::BadChecksum => text(
            "記録機のオフロード設定を確認してください",
            "check offload settings of the capturing machine",
        ),
        Cause::EchOuterOnly => text(
            "この系の端末でECHを使わない設定にするか、台帳で外側の名前を認めてください",
            "switch ECH off on these terminals, or accept the outer name in the policy with a reason",
        ),
        Cause::NoSni | Cause::SniMalformed | Cause::SniMultiple | Cause::NameMismatch => text(
            "端末側のソフトを確認するか、アドレスで許可する宛先にしてください",
            "look at the client software, or list the destination by address",
        ),
        Cause::QuicUndecryptable | Cause::QuicUnknownVersion => text(
            "QUIC(UDP 443)を止めるか、アドレスで許可してください",
            "block QUIC (UDP 443), or list the destination by address",
        ),
        Cause::NotTheExpectedProtocol | Cause::Tunnel => text(
            "何の通信かを端末の管理者に確認し、必要なら許可に通信方式を書いてください",
            "ask the owner what it is; if needed, state the protocol on the channel",
        ),
        Cause::ProxyTargetHidden => {
            text("プロキシの記録と突き合わせてください", "compare with the proxy's own log")
        }
        Cause::UnknownAddress => text("台帳に系・ゾーンとして加えてください", "add the range to the policy"),
        Cause::AmbiguousChannel => {
            text("許可を名前だけで分けないでください", "do not let channels differ by name only")
        }
        Cause::AmbiguousSegment | Cause::VlanSegmentMismatch => text(
            "VLANとアドレスの割当、ミラーの設定を確認してください",
            "check VLAN and address plan, and the mirror's tags",
        ),
        Cause::PathUnseen => text("回線の側にもセンサーを置いてください", "place a sensor on that line"),
        Cause::LimitExceeded => text(
            "量や時間が妥当か、業務の担当者に確認してください",
            "ask the owner whether it was legitimate",
        ),
        Cause::EpochBoundary | Cause::NoPolicyInForce => {
            text("台帳の有効期間を確認してください", "check the policy's period of validity")
        }
        Cause::InputDamaged => text(
            "記録を取り直すか、元のファイルを確認してください",
            "recapture, or look for the original file",
        ),
        Cause::DepthLimit | Cause::ParserLimit | Cause::ResourceEvicted | Cause::ParserPanic => {
            text("該当の通信を個別に調べてください", "look at this flow by hand")
        }
        Cause::MacChange | Cause::TimeAnomaly => {
            text("機器の冗長構成と時計を確認してください", "check redundancy and clocks")
        }
    }
}

/// Pads to a width in columns; a Japanese letter takes two.
#[must_use]
pub fn padded(word: &str, width: usize) -> String {
    let columns: usize = word.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
    format!("{word}{}", " ".repeat(width.saturating_sub(columns)))
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn columns_line_up_in_both_scripts() {
        assert_eq!(padded("違反", 6), "違反  ");
        assert_eq!(padded("info", 6), "info  ");
    }
}
