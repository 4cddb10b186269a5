//! What was typed. Home of `clap`; what it means is decided by the commands.

use std::{ops::RangeInclusive, path::PathBuf};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    ground::{
        calendar::Day,
        model::{
            finding::Severity,
            lang::Lang,
            limits::{LIVE_RING_LEN_MAX, MEMORY_MAX, MEMORY_MIN, RECORD_FILE_LEN_MIN, WORKERS_MAX},
        },
    },
    policy::{
        language::DestinationKind,
        list::{self, Format},
    },
};

use super::{
    options_ledger::{LedgerCommand, UsageOptions},
    options_upkeep::{InitOptions, LearnOptions},
    size::{Size, within},
};

/// What a budget, a ring and a piece of a recording may be.
const MEMORY: RangeInclusive<u64> = MEMORY_MIN..=MEMORY_MAX;
const RING: RangeInclusive<u64> = 1 << 20..=LIVE_RING_LEN_MAX as u64;
const RECORD: RangeInclusive<u64> = RECORD_FILE_LEN_MIN..=u64::MAX;

/// 許可台帳に照らして、すべての通信に判定を付けます / Gives every flow a verdict against a written policy.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "終了コード / exit codes: 0 所見なし・観測も十分 (nothing found, observation good) · 1 所見あり (findings) · \
                        2 指定や台帳の誤り (user's error) · 3 結果が不完全 (incomplete)"
)]
pub(super) struct Options {
    /// 出力の言語(既定はロケールから) / language of the output for people
    #[arg(long, global = true, value_name = "ja|en")]
    pub lang: Option<LangOption>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// 記録ファイルを許可台帳に照らして監査します / audit captures against a policy
    Audit(AuditOptions),
    /// インターフェースを見張り、許可台帳に照らします(止めるまで) / watch live interfaces until stopped
    Watch(WatchOptions),
    /// 通信を1件1行で書き出します(判定なし) / one line per flow, without a verdict
    Flows(FlowsOptions),
    /// この機器でキャプチャーできるかを調べ、直し方を示します / can this machine capture, and what mends it
    Doctor(DoctorOptions),
    /// 提供者の一覧の取り込み・点検・比較 / import, lint and compare providers' lists of names and addresses
    #[command(subcommand)]
    List(ListCommand),
    /// 許可台帳の確認・説明・書式 / check, explain and describe policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// 検査の一覧と、一つずつの説明 / the checks, and each of them in words
    Checks(ChecksOptions),
}

/// `sekisho checks`.
#[derive(Debug, Args)]
pub(super) struct ChecksOptions {
    /// 説明する検査(例 SK-A01) / checks to explain, such as SK-A01
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// この台帳のもとでの重大度と状態 / severities and states under this policy
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// 1件1行のJSONで出力 / one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// A language, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LangOption {
    /// 日本語
    Ja,
    /// English
    En,
}

impl LangOption {
    /// As the rest of the program knows it.
    #[must_use]
    pub(super) const fn lang(self) -> Lang {
        match self {
            Self::Ja => Lang::Ja,
            Self::En => Lang::En,
        }
    }
}

/// A severity, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SeverityOption {
    /// 情報
    Info,
    /// 低
    Low,
    /// 中
    Medium,
    /// 高
    High,
    /// 重大
    Critical,
}

impl SeverityOption {
    /// As the rest of the program knows it.
    #[must_use]
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

/// Inputs and how they are read: the same for every command that reads captures.
#[derive(Debug, Args)]
pub(super) struct InputOptions {
    /// 記録ファイル・フォルダー・グロブ・「-」(標準入力) / files, folders, globs, or - for standard input
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<String>,
    /// How the run is done.
    #[command(flatten)]
    pub run: RunOptions,
}

/// How a run is done and what it is called: the same for every command that reads packets.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// 記録をセンサーに結び付けます / bind inputs to a sensor (a glob over paths, or an interface name)
    #[arg(long = "sensor", value_name = "ID=GLOB")]
    pub sensors: Vec<String>,
    /// 出力に記す入力の名前 / name of the input in the output
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// 並列数(既定はCPUの数) / workers; the result does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(WORKERS_MAX)))]
    pub workers: Option<u16>,
    /// メモリの予算(例 512M、4G。既定は2G、または搭載メモリの半分) / memory budget; 2G or half of the machine's by default
    #[arg(long, value_name = "SIZE", value_parser = within(MEMORY, "4G"))]
    pub memory: Option<Size>,
    /// 進み具合を表示せず、台帳の注意は件数だけを伝えます / no progress, and the policy's warnings are only counted
    #[arg(long, short)]
    pub quiet: bool,
    /// Rights.
    #[command(flatten)]
    pub rights: RightsOptions,
}

/// Rights: the same for every command that reads what strangers sent.
#[derive(Debug, Args)]
pub(super) struct RightsOptions {
    /// rootで始めたときに成り代わる利用者(既定はsudoを呼んだ人) / whom root becomes; by default who called sudo
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// 権限を落とさずに実行します(結果に記されます) / keeps all rights, and the output says so
    #[arg(long, conflicts_with = "user")]
    pub no_sandbox: bool,
}

/// `sekisho audit`.
#[derive(Debug, Args)]
pub(super) struct AuditOptions {
    /// Inputs.
    #[command(flatten)]
    pub input: InputOptions,
    /// Policy and results.
    #[command(flatten)]
    pub judge: JudgeOptions,
    /// 書き込み中の記録を追い続けます(Ctrl+C で終了) / follow growing and rotated files until stopped
    #[arg(long)]
    pub follow: bool,
    /// 新しいものが無いまま経ったら終える秒数 / end once nothing was new for so long
    #[arg(long, value_name = "SECONDS", requires = "follow", value_parser = clap::value_parser!(u32).range(1..))]
    pub follow_until_idle: Option<u32>,
    /// 伸びないファイルを終わったとみなす秒数 / take a file to be over when it has not grown for so long
    #[arg(long, value_name = "SECONDS", requires = "follow", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub follow_patience: u32,
}

/// What flows are held against, and where the results go: the same for files and for live interfaces.
#[derive(Debug, Args)]
pub(super) struct JudgeOptions {
    /// 許可台帳(TOML) / the policy
    #[arg(long, short, value_name = "FILE")]
    pub policy: PathBuf,
    /// 結果一式を書くフォルダー(新しいもの) / folder for the run: manifest, coverage, flows, findings
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// 通信を1件1行で書くファイル(「-」で標準出力) / flow lines to a file, - for standard output
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,
    /// 要約を機械向けJSONで出します / summary and findings as JSON Lines
    #[arg(long)]
    pub json: bool,
    /// この重さ以上の所見で終了コード1 / exit 1 from this severity on
    #[arg(long, value_name = "SEVERITY", default_value = "medium")]
    pub fail_on: SeverityOption,
    /// 判定不能の割合の上限(%) / undecidable share of crossing flows above which the run is incomplete
    #[arg(long, value_name = "PCT", default_value_t = 5.0)]
    pub undecidable_max: f64,
    /// 必ず写っているはずの系 / segments that must have been seen
    #[arg(long, value_name = "SEG,…", value_delimiter = ',')]
    pub scope: Vec<String>,
}

/// `sekisho watch`.
#[derive(Debug, Args)]
pub(super) struct WatchOptions {
    /// 監視するインターフェース(繰り返せます) / an interface to watch; may be repeated
    #[arg(long = "interface", short = 'i', value_name = "IF", required = true)]
    pub interfaces: Vec<String>,
    /// How the run is done.
    #[command(flatten)]
    pub run: RunOptions,
    /// Policy and results.
    #[command(flatten)]
    pub judge: JudgeOptions,
    /// カーネルで絞り込む条件(tcpdumpと同じ書き方) / what the kernel lets through, as for tcpdump
    #[arg(long, value_name = "BPF")]
    pub filter: Option<String>,
    /// リング1本の大きさ(例 64M) / size of one ring, such as 64M
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = within(RING, "64M"))]
    pub ring: Size,
    /// 1パケットから残すバイト数 / bytes kept of a packet
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    pub snaplen: u32,
    /// インターフェース1つあたりのリングの数 / rings of one interface, joined by the kernel's fan-out
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub rings: u16,
    /// 自分宛てのパケットだけを見ます / do not ask for packets that are meant for others
    #[arg(long)]
    pub no_promiscuous: bool,
    /// この秒数で終えます / end after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub duration: Option<u32>,
    /// このパケット数で終えます / end after so many packets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub packets: Option<u64>,
    /// 見張りながら録画するフォルダー(pcapng) / keep what is watched as rotated pcapng in this folder
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// 録画1ファイルの大きさ / size of one file of the recording
    #[arg(long, value_name = "SIZE", default_value = "256M", requires = "record", value_parser = within(RECORD, "256M"))]
    pub record_file: Size,
    /// 録画フォルダー全体の上限。達すると古いものから消します(指定がなければ16Gで録画を止め、何も消しません) / bound of the
    /// folder; the oldest files are deleted to keep it (without it, recording stops at 16G and nothing is deleted)
    #[arg(long, value_name = "SIZE", requires = "record", value_parser = within(RECORD, "20G"))]
    pub record_max: Option<Size>,
}

/// `sekisho flows`.
#[derive(Debug, Args)]
pub(super) struct FlowsOptions {
    /// Inputs.
    #[command(flatten)]
    pub input: InputOptions,
    /// 書き出すファイル(既定は標準出力) / where to write; standard output by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `sekisho doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorOptions {
    /// 調べるインターフェース(繰り返し可) / interface to be looked at; may be repeated
    #[arg(short = 'i', long = "interface", value_name = "IF")]
    pub interfaces: Vec<String>,
    /// 1つのリングの大きさ / size of one ring
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = within(RING, "64M"))]
    pub ring: Size,
    /// インターフェースごとのリングの数 / rings of one interface
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub rings: u16,
    /// フレームを残す長さ / bytes kept of a frame
    #[arg(long, value_name = "BYTES", default_value_t = 262_144)]
    pub snaplen: u32,
    /// 並列数(既定はCPUの数) / workers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(WORKERS_MAX)))]
    pub workers: Option<u16>,
    /// 通信の表に使うメモリ / memory for flows
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = within(MEMORY, "4G"))]
    pub memory: Size,
    /// 記録を書くフォルダー(256 MiBまでの一時ファイルで速度を測ります) / folder of a recording: its speed is measured with
    /// a temporary file of at most 256 MiB
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// 機械向けJSON / as JSON
    #[arg(long)]
    pub json: bool,
}

/// `sekisho list`.
#[derive(Debug, Subcommand)]
pub(super) enum ListCommand {
    /// 一覧から宛先(destinations)の案を作ります。承認は人がします / draft a destination from a list; a person approves it
    Import(ListImportOptions),
    /// 許可すると危ないもの、読めないものを示します / show what is dangerous to allow, and what cannot be read
    #[command(
        after_help = "終了コード / exit codes: 0 問題なし (clean) · 1 誤りか注意あり (errors or warnings) · 2 指定や一覧の誤り (user's error)"
    )]
    Lint(ListLintOptions),
    /// 新旧の一覧を比べ、違いを言葉で示します / say in words what changed between two states of a list
    #[command(
        after_help = "終了コード / exit codes: 0 同じ (same) · 1 違いあり (different) · 2 指定や一覧の誤り (user's error)"
    )]
    Diff(ListDiffOptions),
}

/// `sekisho list import`.
#[derive(Debug, Args)]
pub(super) struct ListImportOptions {
    /// 一覧の形式 / format of the list
    #[arg(value_name = "FORMAT", value_parser = format())]
    pub format: &'static Format,
    /// 一覧のファイル / the list
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// 選ぶもの(繰り返せます) 例 area=Exchange,Skype、except=*.cloud.example / what is selected: id, area, category,
    /// required, service, region or tag, and except for what is left out
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub select: Vec<String>,
    /// アドレスを差し引く一覧(Googleの cloud.json など) / a list whose addresses are taken away
    #[arg(long, value_name = "FILE")]
    pub minus: Option<PathBuf>,
    /// 宛先のid(既定は d-ファイル名) / id of the destination; d- and the file's name by default
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// 宛先のゾーン / zone of the destination
    #[arg(long, value_name = "ZONE", default_value = "inet")]
    pub zone: String,
    /// 宛先の種類 / kind of the destination
    #[arg(long, value_name = "KIND", default_value = "other", value_parser = kinds())]
    pub kind: String,
    /// 宛先の名前(人向け) / name of the destination for people
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// 一覧の公開元(URLなど) / where the list was published
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// 一覧を取得した日(例 2026-04-01) / the day the list was fetched
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub retrieved: Option<Day>,
    /// 名前と範囲を書くファイル。台帳にはこれを読む import の行を出します / write names and blocks to this file, and a
    /// destination that imports it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `sekisho list lint`.
#[derive(Debug, Args)]
pub(super) struct ListLintOptions {
    /// 一覧のファイル / the lists
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// 一覧の形式(既定は中身から判断) / format of the lists; seen from their content by default
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub format: Option<&'static Format>,
    /// 選ぶもの(繰り返せます) 例 area=Exchange,Skype / what is selected, as for import
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub select: Vec<String>,
    /// アドレスを差し引く一覧(Googleの cloud.json など) / a list whose addresses are taken away
    #[arg(long, value_name = "FILE")]
    pub minus: Option<PathBuf>,
    /// 機械向けJSON / as JSON Lines
    #[arg(long)]
    pub json: bool,
}

/// `sekisho list diff`.
#[derive(Debug, Args)]
pub(super) struct ListDiffOptions {
    /// 古い一覧 / the old list
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// 新しい一覧 / the new list
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// 一覧の形式(既定は中身から判断) / format of the lists; seen from their content by default
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub format: Option<&'static Format>,
    /// 選ぶもの(繰り返せます) 例 area=Exchange,Skype / what is selected, as for import
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub select: Vec<String>,
    /// 機械向けJSON / as JSON
    #[arg(long)]
    pub json: bool,
}

fn format() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(list::format_names()).try_map(|name| list::format(&name).ok_or(name))
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(DestinationKind::ALL.iter().map(|kind| kind.word()))
}

fn day(text: &str) -> Result<Day, String> {
    Day::read(text).filter(|_| text.len() == 10).ok_or_else(|| {
        "日付は 2026-04-01 のように書いてください / write the date as in 2026-04-01".to_owned()
    })
}

/// `sekisho policy`.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// 最初の許可台帳の案を作ります / write a first policy
    Init(InitOptions),
    /// 通信の記録から許可の案を作ります(どれも未承認) / propose channels from captures, none of them approved
    Learn(LearnOptions),
    /// 許可台帳を読み、誤りと注意を示します / read a policy and show errors and warnings
    Check {
        /// 許可台帳 / the policy
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// 機械向けJSON / as JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// ある通信がなぜその判定になるかを順に示します / say step by step why a flow gets its verdict
    Explain {
        /// 許可台帳 / the policy
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// 例 / for example: 'tcp 10.20.1.5:50000 198.51.100.10:443 sni=meet.cloud.example at=2026-05-01T09:00:00+09:00'
        /// (at= がなければ台帳の有効期間の中ほど / without at=, in the middle of the policy's validity)
        #[arg(long, value_name = "FLOW")]
        flow: String,
        /// 機械向けJSON / as JSON
        #[arg(long)]
        json: bool,
    },
    /// 許可をExcelやCSVの表にし、直した表を取り込みます / the channels as a sheet, and a changed sheet back
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// 許可ごとの使われ方と、要らない・広すぎる・期限の近い許可を示します / what channels were used for: dead, shadowed, too
    /// wide, expiring ones
    Usage(UsageOptions),
    /// 許可台帳の書式(JSON Schema)を出します / print the JSON Schema of the policy language
    Schema,
}

/// The language: as asked, else from the locale. English only when the locale says so: this program's readers are
/// Japanese first.
#[must_use]
pub(super) fn language(asked: Option<LangOption>, locale: &dyn Fn(&str) -> Option<String>) -> Lang {
    if let Some(asked) = asked {
        return asked.lang();
    }
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| locale(name))
        .find(|value| !value.is_empty());
    if set.is_some_and(|value| value.starts_with("en")) { Lang::En } else { Lang::Ja }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_size_is_read_alike_and_refused_with_the_same_words() {
        let watch = ["watch", "-i", "lo", "--policy", "p", "--record", "r"];
        let audit = ["audit", "in.pcap", "--policy", "p"];
        let given: [(&[&str], &str); 7] = [
            (&audit, "--memory"),
            (&["flows", "in.pcap"], "--memory"),
            (&watch, "--memory"),
            (&watch, "--ring"),
            (&watch, "--record-file"),
            (&watch, "--record-max"),
            (&["doctor"], "--ring"),
        ];
        for (command, option) in given.into_iter().chain([(&["doctor"][..], "--memory")]) {
            let typed =
                |size| Options::try_parse_from(["sekisho"].iter().chain(command).chain(&[option, size]));
            for size in ["64M", "64MiB", "64m", "67108864"] {
                assert!(typed(size).is_ok(), "{command:?} {option} {size}");
            }
            for size in ["64 M", "64MB", "M", "1K", "1.5G"] {
                let told = typed(size).unwrap_err().to_string();
                assert!(told.contains(option) && told.contains("のように書いてください"), "{told}");
                assert!(told.contains("write a size from"), "{told}");
            }
        }
    }

    #[test]
    fn the_language_is_what_was_asked_then_the_locale_then_japanese() {
        let none = |_: &str| None;
        let english = |name: &str| (name == "LANG").then(|| "en_GB.UTF-8".to_owned());
        let both = |name: &str| Some(if name == "LC_ALL" { "ja_JP.UTF-8" } else { "en_US.UTF-8" }.to_owned());
        assert_eq!(language(None, &none), Lang::Ja);
        assert_eq!(language(None, &english), Lang::En);
        assert_eq!(language(None, &both), Lang::Ja);
        assert_eq!(language(Some(LangOption::Ja), &english), Lang::Ja);
    }
}
