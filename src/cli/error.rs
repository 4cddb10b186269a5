//! The user's errors: the thing, the place, the next step. Exit code 2, or 3 when the run broke off.

use std::path::PathBuf;

use crate::{
    ground::{model::lang::Lang, words::escape},
    output::store,
    run::sandbox,
    wire::capture,
};

/// Why a command did not come to its end.
#[derive(Debug)]
pub(super) enum Error {
    /// An option that means nothing; the text names option and remedy in both languages.
    Option {
        /// In Japanese.
        ja: String,
        /// In English.
        en: String,
    },
    /// The inputs cannot be opened.
    Capture(capture::Error),
    /// The policy has errors; they are rendered already.
    Policy(String),
    /// Rights could not be given away.
    Sandbox(sandbox::Error),
    /// The run's folder.
    Store(store::Error),
    /// An output cannot be written.
    Output(PathBuf, std::io::Error),
    /// The run broke off.
    Run(std::io::Error),
}

impl Error {
    /// RULES 22.
    #[must_use]
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Run(_) | Self::Output(..) => 3,
            _ => 2,
        }
    }

    /// What is printed to standard error.
    #[must_use]
    pub(super) fn render(&self, lang: Lang) -> String {
        let pick = |ja: String, en: String| if lang == Lang::Ja { ja } else { en };
        match self {
            Self::Option { ja, en } => format!("sekisho: {}\n", pick(ja.clone(), en.clone())),
            Self::Capture(error) => {
                let text = pick(capture_ja(error), error.to_string());
                format!("sekisho: {}\n", escape::text(&text))
            }
            Self::Policy(rendered) => rendered.clone(),
            Self::Sandbox(error) => {
                let text = pick(sandbox_ja(error), error.to_string());
                format!("sekisho: {}\n", escape::text(&text))
            }
            Self::Store(error) => {
                let text = pick(store_ja(error), error.to_string());
                format!("sekisho: {}\n", escape::text(&text))
            }
            Self::Output(path, error) => {
                let path = escape::text(&path.display().to_string());
                pick(
                    format!(
                        "sekisho: {path} に書けません: {error}\n  空き容量と書き込み権限を確認してください\n"
                    ),
                    format!("sekisho: cannot write {path}: {error}\n  check free space and permissions\n"),
                )
            }
            Self::Run(error) => pick(
                format!("sekisho: 処理が途中で止まりました: {error}\n"),
                format!("sekisho: the run broke off: {error}\n"),
            ),
        }
    }
}

/// The capture room speaks English, as code does; the reader here may not.
fn capture_ja(error: &capture::Error) -> String {
    use capture::Error as E;
    match error {
        E::NoInput => {
            "入力がありません。記録ファイル、フォルダー、グロブ、または「-」(標準入力)を指定してください"
                .to_owned()
        }
        E::NotFound { path } => {
            format!(
                "{path}: ファイルもフォルダーもありません。つづりを確認してください(グロブは引用符で囲みます)"
            )
        }
        E::NothingFits { pattern } => {
            format!("{pattern}: このグロブに合うファイルがありません。ls で確かめてください")
        }
        E::BadPattern { pattern, reason } => {
            format!(
                "{pattern}: グロブとして読めません({reason})。使えるのは * ? [abc] です。* そのものは [*] と書きます"
            )
        }
        E::Unreadable { path, source } => {
            format!("{path}: 読めません({source})。読み取りの権限を確認してください")
        }
        E::NotACapture { path } => {
            format!(
                "{path}: 通信の記録ではありません。pcap か pcapng(gzip、zstd、lz4 の圧縮も可)を指定してください"
            )
        }
        E::NotPermitted { source } => format!(
            "パケットを取り込む権限がありません({source})。sudo で実行するか、一度だけ権限を与えてください: sudo setcap cap_net_raw+ep $(command -v sekisho)"
        ),
        E::NoSuchInterface { name, known } => {
            format!("{name}: そのインターフェースはありません。あるのは {} です", known.join(", "))
        }
        E::InterfaceDown { name } => {
            format!(
                "{name}: インターフェースが停止しています。起動してください: sudo ip link set dev {name} up"
            )
        }
        E::NotOpened { name, reason } => format!(
            "{name}: 取り込めません({reason})。--ring を小さくするとメモリは少なくて済みます。詳しくは sekisho doctor で確かめられます"
        ),
        E::BadFilter { filter, reason } => format!(
            "--filter {filter}: フィルターとして読めません({reason})。man pcap-filter を参照し、tcpdump -d で確かめてください"
        ),
        E::NotFollowed { path } => {
            format!(
                "{path}: 追えるのはファイルとフォルダーです。パイプは --follow なしで終わりまで読まれます"
            )
        }
        E::TooManyFiles { path, limit } => {
            format!("{path}: ファイルが{limit}個を超えています。分けて指定してください")
        }
    }
}

fn sandbox_ja(error: &sandbox::Error) -> String {
    use sandbox::Error as E;
    match error {
        E::NotRoot(user) => {
            format!("--user {user}: 別の利用者になれるのはrootだけです。指定を外すか、sudo で始めてください")
        }
        E::UnknownUser(user) => {
            format!("--user {user}: そのような利用者はいません。useradd --system {user} で作ってください")
        }
        E::Become { user, source } => format!("利用者{user}になれません: {source}"),
        E::OutOfReach { user, path } => {
            format!(
                "利用者{user}は {} を読み書きできません。権限を与えるか、--user で別の利用者を指定してください",
                path.display()
            )
        }
        E::Threads(count) => {
            format!("権限を落とす前にスレッドが{count}本動いています(本プログラムの不具合)")
        }
        E::Refused(reason) => {
            format!("権限を落とせません({reason})。--no-sandbox を付けると落とさずに実行します")
        }
    }
}

fn store_ja(error: &store::Error) -> String {
    use store::Error as E;
    match error {
        E::NotEmpty(path) => {
            format!(
                "{}: 空ではありません。--out には新しいフォルダーを指定するか、中身を片付けてください",
                path.display()
            )
        }
        E::File { path, error } => format!("{}: {error}。空き容量と権限を確認してください", path.display()),
        E::Line { path, number, error } => {
            format!(
                "{}:{number}: 通信の行として読めません({error})。監査をやり直してください",
                path.display()
            )
        }
        E::Unfinished(path) => {
            format!(
                "{}: 終わりまで書かれた結果がありません(manifest.json が無い)。監査をやり直してください",
                path.display()
            )
        }
        E::PieceTooLong { piece, total } => format!(
            "--record-file {piece}バイト: --record-max {total}バイトに2つ入りません。1ファイルを小さくするか、上限を大きくしてください"
        ),
        E::RecordingFull { folder, held, total } => format!(
            "{}: 以前の録画が{held}バイトあり、上限は{total}バイトです。--record に別のフォルダーを指定するか、移すか、--record-max で古いものからの削除を許してください",
            folder.display()
        ),
        E::Schema { path, found } => {
            format!(
                "{}: この版で読める結果ではありません({found})。同じ版の sekisho で開いてください",
                path.display()
            )
        }
    }
}
