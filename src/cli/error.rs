//! The user's errors: the thing, the place, the next step. Exit code 2, or 3 when the run broke off.

use std::path::PathBuf;

use crate::{
    ground::{model::lang::Lang, words::escape},
    output::store,
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
            Self::Capture(error) => format!("sekisho: {}\n", escape::text(&error.to_string())),
            Self::Policy(rendered) => rendered.clone(),
            Self::Store(error) => format!("sekisho: {}\n", escape::text(&error.to_string())),
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
