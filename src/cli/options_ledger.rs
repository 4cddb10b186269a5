//! What was typed behind `sekisho policy ledger` and `sekisho policy usage`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sekisho policy ledger`.
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// 許可(channels)を表に書き出します(CSVかExcel) / write the channels as a sheet, CSV or XLSX
    Export(LedgerExportOptions),
    /// 直した表を許可台帳に取り込みます。食い違いがあれば何も書きません / take a changed sheet over; nothing is written when
    /// there are conflicts
    #[command(
        after_help = "終了コード / exit codes: 0 取り込めた、または取り込める (taken over, or could be) · 2 食い違い、指定や台帳の誤り (conflicts, user's error)"
    )]
    Import(LedgerImportOptions),
}

/// `sekisho policy ledger export`.
#[derive(Debug, Args)]
pub(super) struct LedgerExportOptions {
    /// 許可台帳(TOML) / the policy
    #[arg(value_name = "POLICY")]
    pub policy: PathBuf,
    /// 書き出す新しいファイル(.csv か .xlsx) / new file, .csv or .xlsx
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `sekisho policy ledger import`.
#[derive(Debug, Args)]
pub(super) struct LedgerImportOptions {
    /// 許可台帳(TOML)。このファイルは書き換えません / the policy; this file is not changed
    #[arg(value_name = "POLICY")]
    pub policy: PathBuf,
    /// 直した表(.csv か .xlsx) / the changed sheet, .csv or .xlsx
    #[arg(value_name = "SHEET")]
    pub sheet: PathBuf,
    /// 新しい許可台帳を書くファイル(台帳と同じフォルダー) / new file for the new policy, in the folder of the old one
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    pub out: Option<PathBuf>,
    /// 書かずに、何が変わるかだけを示します / write nothing, only say what would change
    #[arg(long, conflicts_with = "out")]
    pub check: bool,
    /// 表に無い許可を台帳から外します(コメントにして残します) / make comments of the channels that the sheet does not have
    #[arg(long)]
    pub remove: bool,
    /// 機械向けJSON / as JSON
    #[arg(long)]
    pub json: bool,
}

/// `sekisho policy usage`.
#[derive(Debug, Args)]
pub(super) struct UsageOptions {
    /// 監査の結果のフォルダー(audit --out) / folders of runs, as audit --out wrote them
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// 許可台帳 / the policy
    #[arg(long, short, value_name = "FILE")]
    pub policy: PathBuf,
    /// 機械向けJSON / as JSON
    #[arg(long)]
    pub json: bool,
}
