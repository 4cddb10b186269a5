//! The words of `sekisho doctor`: one sentence for each remark, and the command that mends it.

use super::run::{bytes, grouped};
use crate::ground::model::{
    lang::{Lang, Text},
    machine::{Check, Fitness, Remark},
};

/// The verdict in front of a sentence.
#[must_use]
pub const fn fitness(fitness: Fitness) -> Text {
    match fitness {
        Fitness::Good => Text { ja: "良", en: "OK" },
        Fitness::Doubtful => Text { ja: "注意", en: "WARN" },
        Fitness::Bad => Text { ja: "不可", en: "FAIL" },
    }
}

/// What was found, as one sentence.
#[must_use]
pub fn sentence(remark: &Remark, lang: Lang) -> String {
    match lang {
        Lang::Ja => japanese(remark),
        Lang::En => english(remark),
    }
}

fn japanese(remark: &Remark) -> String {
    use Remark as R;
    match remark {
        R::MayCapture { as_root: true } => "rootとしてキャプチャーできます(watchは開いた後で権限を捨てます)".into(),
        R::MayCapture { as_root: false } => "キャプチャーの権限(CAP_NET_RAW)があります".into(),
        R::MayNotCapture { program } => format!("キャプチャーの権限(CAP_NET_RAW)が {program} にありません"),
        R::MayNotDespite { program } => format!(
            "{program} に権限が付いていますが効いていません(nosuidでマウントされた場所か、no_new_privsの下で動いています)"
        ),
        R::LandlockInForce { abi } => format!("Landlock(版{abi})で読み書きできるファイルを絞れます"),
        R::LandlockMissing => "Landlockが使えず、読み書きできるファイルを絞れません(Linux 5.13以降で、lsm= に landlock が必要です)".into(),
        R::SeccompInForce => "seccompでシステムコールを絞れます".into(),
        R::SeccompMissing => "seccompが使えず、システムコールを絞れません".into(),
        R::Kernel { release } => format!("Linux {release} は必要な機能(TPACKET_V3、PACKET_FANOUT)を備えています"),
        R::KernelTooOld { release } => format!("Linux {release} は古く、TPACKET_V3がありません(3.2以降が必要です)"),
        R::RingsFit { rings, bytes: size } => format!("{}のリング{rings}本を確保できました", bytes(*size)),
        R::RingsRefused { rings, bytes: size, reason } => format!("{}のリング{rings}本を確保できません: {reason}", bytes(*size)),
        R::FanOutRefused { reason } => format!("複数のリングに分ける機能(PACKET_FANOUT)が使えません: {reason}"),
        R::RingsUntried => "権限がないため、リングの確保とPACKET_FANOUTは試せませんでした".into(),
        R::NoInterfaceAsked { there } => format!("-i でインターフェースを指定すると詳しく調べます(あるのは {})", there.join(", ")),
        R::Missing { there } => format!("このインターフェースはありません(あるのは {})", there.join(", ")),
        R::Down => "インターフェースが停止しています".into(),
        R::NoCarrier => "リンクがありません(ケーブル、ミラーポートの設定を確認してください)".into(),
        R::Up { mtu, megabits } => match megabits {
            Some(rate) => format!("動作中です(MTU {mtu}、{rate} Mbit/s)"),
            None => format!("動作中です(MTU {mtu}、速度は不明)"),
        },
        R::Loopback => "ループバックでは、どのパケットも2回ずつ写ります".into(),
        R::NotEthernet { kind } => format!("Ethernetではありません(種別{kind})。プロミスキャスモードは効かないことがあります"),
        R::SnaplenHolds { snaplen, mtu } => format!("保存長{snaplen}バイトは、MTU {mtu}のフレームを丸ごと残せます"),
        R::SnaplenCuts { snaplen, mtu } => format!("保存長{snaplen}バイトでは、MTU {mtu}のフレームが途中で切れます"),
        R::OffloadsOff => "受信したパケットをまとめる機能(GRO、LRO)は止まっています".into(),
        R::ReceiveMerged { by_card: false } => "GROが有効です。複数のパケットが1つにまとめられ、数と長さが回線と変わります".into(),
        R::ReceiveMerged { by_card: true } => "LROが有効です。複数のパケットがヘッダーごと書き換えられ、元に戻せません".into(),
        R::SendUncut => "TSO/GSOが有効です。この機器自身の送信が、分割前の大きなパケットとして写ります".into(),
        R::TagsApart => "VLANタグはカードが外しますが、読み取り時に戻されます".into(),
        R::OffloadsUnknown => "オフロードの設定を読み取れません".into(),
        R::CardRingFull { entries } => format!("カードの受信リングは最大です({entries}件)"),
        R::CardRingSmall { entries, most } => format!("カードの受信リングが{entries}件で、最大の{most}件より小さくなっています"),
        R::QueuesEnough { queues, processors } => format!("受信キュー{queues}本、CPU {processors}個です"),
        R::QueuesFew { queues, possible } => format!("受信キューが{queues}本だけです(このカードとCPUなら{possible}本まで使えます)"),
        R::InterruptsSpread { processors } => format!("受信の割り込みは{processors}個のCPUに分かれています"),
        R::InterruptsOnOne { processor, percent } => format!("受信の割り込みの{percent} %がCPU {processor}に集中しています"),
        R::NothingDropped => "起動してからの取りこぼしと誤りは0です".into(),
        R::Dropped { counters } => format!("起動してからの取りこぼし・誤りがあります: {}(増え続けていないか見てください)", list(counters)),
        R::ClockKept { error_micros } => format!("時計は同期しています(誤差は最大{}マイクロ秒)", grouped(*error_micros)),
        R::ClockFree => "時計が同期していません。記録の時刻がずれ、有効期限や時間帯の判定が狂います".into(),
        R::ClockSourceSlow { source } => format!("時計の読み取りが遅い方式({source})です。パケットごとの時刻付けに時間がかかります"),
        R::Workers { workers, processors } => format!("並列数{workers}、CPU {processors}個です"),
        R::WorkersMany { workers, processors } => format!("並列数{workers}がCPUの数{processors}を超えています"),
        R::MemoryEnough { needed, available } => format!("メモリは足ります(必要 {}、空き {})", bytes(*needed), bytes(*available)),
        R::MemoryShort { needed, available } => format!("メモリが足りません(必要 {}、空き {})", bytes(*needed), bytes(*available)),
        R::Swapping { used } => format!("スワップが{}使われています。読み取りが止まり、取りこぼすことがあります", bytes(*used)),
        R::DiskTakes { rate, written, free } => {
            format!("毎秒{}で書けます({}を書いて測定)。空きは{}です", bytes(*rate), bytes(*written), bytes(*free))
        }
        R::DiskSlower { rate, line } => {
            format!("書き込みは毎秒{}で、回線が一杯になったときの毎秒{}に追いつきません", bytes(*rate), bytes(*line))
        }
        R::DiskNearlyFull { free } => format!("空きが{}しかありません", bytes(*free)),
        R::DiskRefuses { reason } => format!("書き込めません: {reason}"),
    }
}

fn english(remark: &Remark) -> String {
    use Remark as R;
    match remark {
        R::MayCapture { as_root: true } => {
            "may capture as root (watch gives it up once everything is open)".into()
        }
        R::MayCapture { as_root: false } => "may capture (CAP_NET_RAW)".into(),
        R::MayNotCapture { program } => format!("{program} has no right to capture (CAP_NET_RAW)"),
        R::MayNotDespite { program } => format!(
            "{program} carries the right to capture but does not have it: its file system is mounted nosuid, or it runs under no_new_privs"
        ),
        R::LandlockInForce { abi } => format!("Landlock (version {abi}) can confine files"),
        R::LandlockMissing => {
            "no Landlock, so files are not confined (needs Linux 5.13 or later, and landlock in lsm=)".into()
        }
        R::SeccompInForce => "seccomp can confine system calls".into(),
        R::SeccompMissing => "no seccomp, so system calls are not confined".into(),
        R::Kernel { release } => format!("Linux {release} has what is needed (TPACKET_V3, PACKET_FANOUT)"),
        R::KernelTooOld { release } => {
            format!("Linux {release} is too old for TPACKET_V3 (needs 3.2 or later)")
        }
        R::RingsFit { rings, bytes: size } => format!("{rings} rings of {} can be had", bytes(*size)),
        R::RingsRefused { rings, bytes: size, reason } => {
            format!("{rings} rings of {} cannot be had: {reason}", bytes(*size))
        }
        R::FanOutRefused { reason } => {
            format!("frames cannot be spread over several rings (PACKET_FANOUT): {reason}")
        }
        R::RingsUntried => "rings and PACKET_FANOUT could not be tried without the right to capture".into(),
        R::NoInterfaceAsked { there } => {
            format!("name an interface with -i to have it looked at (there are {})", there.join(", "))
        }
        R::Missing { there } => format!("there is no such interface (there are {})", there.join(", ")),
        R::Down => "the interface is down".into(),
        R::NoCarrier => "no link: check the cable and the mirror port".into(),
        R::Up { mtu, megabits } => match megabits {
            Some(rate) => format!("up (MTU {mtu}, {rate} Mbit/s)"),
            None => format!("up (MTU {mtu}, speed unknown)"),
        },
        R::Loopback => "on the loopback every packet is seen twice".into(),
        R::NotEthernet { kind } => format!("not Ethernet (type {kind}): promiscuous mode may have no effect"),
        R::SnaplenHolds { snaplen, mtu } => {
            format!("a snaplen of {snaplen} bytes keeps frames of MTU {mtu} whole")
        }
        R::SnaplenCuts { snaplen, mtu } => format!("a snaplen of {snaplen} bytes cuts frames of MTU {mtu}"),
        R::OffloadsOff => "received packets are not merged (GRO and LRO are off)".into(),
        R::ReceiveMerged { by_card: false } => {
            "GRO is on: packets are merged, so counts and lengths differ from the line".into()
        }
        R::ReceiveMerged { by_card: true } => {
            "LRO is on: the card merges packets and rewrites their headers, which cannot be undone".into()
        }
        R::SendUncut => {
            "TSO/GSO is on: what this machine itself sends is seen before it is cut into packets".into()
        }
        R::TagsApart => "the card takes VLAN tags off; they are put back on reading".into(),
        R::OffloadsUnknown => "the offload settings cannot be read".into(),
        R::CardRingFull { entries } => {
            format!("the card's receive ring is at its largest ({entries} entries)")
        }
        R::CardRingSmall { entries, most } => {
            format!("the card's receive ring has {entries} of {most} possible entries")
        }
        R::QueuesEnough { queues, processors } => format!("{queues} receive queues, {processors} processors"),
        R::QueuesFew { queues, possible } => {
            format!("only {queues} receive queues, where card and processors allow {possible}")
        }
        R::InterruptsSpread { processors } => format!("receive interrupts go to {processors} processors"),
        R::InterruptsOnOne { processor, percent } => {
            format!("{percent} % of the receive interrupts go to processor {processor}")
        }
        R::NothingDropped => "no drops and no errors since it came up".into(),
        R::Dropped { counters } => {
            format!("drops or errors since it came up: {} (see whether they still grow)", list(counters))
        }
        R::ClockKept { error_micros } => {
            format!("the clock is synchronised (error at most {} microseconds)", grouped(*error_micros))
        }
        R::ClockFree => {
            "the clock is not synchronised: stamps drift, and validity and hours are judged wrongly".into()
        }
        R::ClockSourceSlow { source } => {
            format!("the clock is read the slow way ({source}), once for every packet")
        }
        R::Workers { workers, processors } => format!("{workers} workers, {processors} processors"),
        R::WorkersMany { workers, processors } => {
            format!("{workers} workers are more than the {processors} processors")
        }
        R::MemoryEnough { needed, available } => {
            format!("enough memory ({} needed, {} available)", bytes(*needed), bytes(*available))
        }
        R::MemoryShort { needed, available } => {
            format!("not enough memory ({} needed, {} available)", bytes(*needed), bytes(*available))
        }
        R::Swapping { used } => {
            format!("{} are swapped out: reading may stall and lose packets", bytes(*used))
        }
        R::DiskTakes { rate, written, free } => {
            format!(
                "takes {} a second (measured with {}), {} free",
                bytes(*rate),
                bytes(*written),
                bytes(*free)
            )
        }
        R::DiskSlower { rate, line } => {
            format!("takes {} a second; a full line brings {}", bytes(*rate), bytes(*line))
        }
        R::DiskNearlyFull { free } => format!("only {} free", bytes(*free)),
        R::DiskRefuses { reason } => format!("cannot be written: {reason}"),
    }
}

/// The command that mends it; `None` where all is well or no command helps.
#[must_use]
pub fn remedy(check: &Check) -> Option<String> {
    use Remark as R;
    let subject = check.subject.as_deref().unwrap_or_default();
    Some(match &check.remark {
        R::MayNotCapture { program } => format!("sudo setcap cap_net_raw+ep {program}"),
        R::MayNotDespite { program } => format!("findmnt --target {program}"),
        R::RingsRefused { .. } => "sekisho doctor --ring 16MiB".to_owned(),
        R::Missing { .. } => "ip -brief link".to_owned(),
        R::Down => format!("sudo ip link set dev {subject} up"),
        R::NoCarrier => format!("ethtool {subject}"),
        R::SnaplenCuts { mtu, .. } => format!("sekisho doctor -i {subject} --snaplen {}", mtu + 64),
        R::ReceiveMerged { by_card: false } => format!("sudo ethtool -K {subject} gro off"),
        R::ReceiveMerged { by_card: true } => format!("sudo ethtool -K {subject} lro off"),
        R::SendUncut => format!("sudo ethtool -K {subject} tso off gso off"),
        R::OffloadsUnknown => format!("ethtool -k {subject}"),
        R::CardRingSmall { most, .. } => format!("sudo ethtool -G {subject} rx {most}"),
        R::QueuesFew { possible, .. } => format!("sudo ethtool -L {subject} combined {possible}"),
        R::InterruptsOnOne { .. } => "sudo systemctl start irqbalance".to_owned(),
        R::Dropped { .. } => format!("ip -s -s link show dev {subject}"),
        R::ClockFree => "sudo timedatectl set-ntp true".to_owned(),
        R::ClockSourceSlow { .. } => {
            "cat /sys/devices/system/clocksource/clocksource0/available_clocksource".to_owned()
        }
        R::WorkersMany { processors, .. } => format!("--workers {processors}"),
        R::MemoryShort { .. } => "--memory / --ring".to_owned(),
        R::Swapping { .. } => "free -h".to_owned(),
        R::DiskNearlyFull { .. } | R::DiskRefuses { .. } => format!("df -h {subject}"),
        _ => return None,
    })
}

fn list(counters: &[(String, u64)]) -> String {
    let shown: Vec<_> = counters.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spoils_a_capture_names_the_command_that_mends_it() {
        let of = |remark| remedy(&Check { subject: Some("enp1s0".into()), remark });
        assert_eq!(of(Remark::Down).unwrap(), "sudo ip link set dev enp1s0 up");
        assert_eq!(of(Remark::ReceiveMerged { by_card: true }).unwrap(), "sudo ethtool -K enp1s0 lro off");
        assert_eq!(of(Remark::NothingDropped), None);
    }

    #[test]
    fn the_two_languages_tell_the_same_numbers() {
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        for remark in [
            Remark::Up { mtu: 9_000, megabits: Some(10_000) },
            Remark::SnaplenCuts { snaplen: 96, mtu: 1_500 },
            Remark::DiskTakes { rate: 5 << 20, written: 7 << 20, free: 3 << 30 },
            Remark::InterruptsOnOne { processor: 3, percent: 97 },
        ] {
            let count = |lang| {
                let mut told: Vec<char> = digits(sentence(&remark, lang)).chars().collect();
                told.sort_unstable();
                told
            };
            assert_eq!(count(Lang::Ja), count(Lang::En), "{remark:?}");
        }
    }
}
