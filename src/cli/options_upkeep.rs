//! What was typed for keeping a policy.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::options::InputOptions;
use crate::policy::language::{Case, Model};

/// `sekisho policy init`.
#[derive(Debug, Args)]
pub(super) struct InitOptions {
    /// ネットワークのモデル / the network model
    #[arg(long, value_name = "MODEL")]
    pub model: Option<ModelOption>,
    /// α'のケース: a ア、i イ、u ウ / the case of alpha_prime
    #[arg(long, value_name = "a|i|u")]
    pub case: Option<CaseOption>,
    /// ガイドラインの版(既定は最新) / edition of the guideline; the latest by default
    #[arg(long, value_name = "EDITION")]
    pub guideline: Option<String>,
    /// 団体の名前 / the organisation
    #[arg(long, value_name = "NAME")]
    pub org: Option<String>,
    /// 系(繰り返せます)。例 lg=lgwan:10.20.0.0/16@120 / a segment; may be repeated. CLASS is one of mynumber, lgwan, internet,
    /// boundary, internal, management, guest, test
    #[arg(long = "segment", value_name = "ID=CLASS:CIDR[@VLAN,…]")]
    pub segments: Vec<String>,
    /// 庁外(繰り返せます)。例 lgwan=lgwan_wan:198.18.0.0/15 / a zone outside; may be repeated. CLASS is one of lgwan_wan, seccloud,
    /// closed_cloud, dedicated, branch
    #[arg(long = "zone", value_name = "ID=CLASS:CIDR")]
    pub zones: Vec<String>,
    /// センサーとその記録ファイル(繰り返せます。既定は core=*.pcap*) / a sensor and its files; may be repeated
    #[arg(long = "sensor", value_name = "ID=GLOB")]
    pub sensors: Vec<String>,
    /// 有効期間の初日(既定は今日) / first day in force; today by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub valid_from: Option<String>,
    /// 書き出すファイル(新しいもの。既定は標準出力) / where to write: a new file; standard output by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// 足りない指定を、端末でなくても尋ねます / ask for what is missing, on no terminal too
    #[arg(long)]
    pub ask: bool,
}

/// `sekisho policy learn`.
#[derive(Debug, Args)]
pub(super) struct LearnOptions {
    /// Inputs.
    #[command(flatten)]
    pub input: InputOptions,
    /// もとにする許可台帳 / the policy that is to be completed
    #[arg(long, short, value_name = "BASE")]
    pub policy: PathBuf,
    /// 案を書き出すファイル(新しいもの。既定は標準出力) / where to write the proposals: a new file; standard output by default
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// これより少ない通信からは提案しません / no proposal from fewer flows
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub min_flows: u64,
    /// 案と、提案しないものを、1件1行のJSONで標準出力に出します / one JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// A model, as typed: the words of the policy language.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum ModelOption {
    /// α
    Alpha,
    /// α'
    AlphaPrime,
    /// β
    Beta,
    /// β'
    BetaPrime,
}

impl ModelOption {
    /// As the policy language knows it.
    #[must_use]
    pub(super) const fn model(self) -> Model {
        match self {
            Self::Alpha => Model::Alpha,
            Self::AlphaPrime => Model::AlphaPrime,
            Self::Beta => Model::Beta,
            Self::BetaPrime => Model::BetaPrime,
        }
    }
}

/// A case, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum CaseOption {
    /// ア
    A,
    /// イ
    I,
    /// ウ
    U,
}

impl CaseOption {
    /// As the policy language knows it.
    #[must_use]
    pub(super) const fn case(self) -> Case {
        match self {
            Self::A => Case::A,
            Self::I => Case::I,
            Self::U => Case::U,
        }
    }
}
