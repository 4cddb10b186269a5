//! What one check is: its words, its weight, and what it does to the flow it speaks about.

use crate::ground::model::{
    cause::Cause,
    finding::{CheckId, Kind, Severity},
    lang::Text,
};

/// One check of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id, such as SK-A01.
    pub id: CheckId,
    /// Its name in a few words.
    pub name: Text,
    /// What was seen when it speaks, for a reader without a network background.
    pub meaning: Text,
    /// Why that matters.
    pub why: Text,
    /// The models it is for.
    pub models: Models,
    /// Weight where the inner end is of class mynumber or lgwan.
    pub inner: Weight,
    /// Weight everywhere else.
    pub outer: Weight,
    /// What it does to the verdict of its flow.
    pub effect: Effect,
    /// The clause it informs (DOMAIN §2.2).
    pub clause: Clause,
    /// Marks ① to ⑥ of the threats it informs (DOMAIN §4.9); empty when none is named there.
    pub threat: &'static str,
    /// Usual harmless causes.
    pub harmless: Text,
    /// Whom to ask first.
    pub ask: Text,
    /// The next step.
    pub next: Text,
}

impl Entry {
    /// The weight by the class of the inner end: exactly one severity and one kind (RULES, words).
    #[must_use]
    pub const fn weight(&self, is_protected: bool) -> Weight {
        if is_protected { self.inner } else { self.outer }
    }
}

/// Models of the guideline, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Models(u8);

impl Models {
    /// Every model with its sign, in the order of the guideline.
    const SIGNS: [&'static str; 6] = ["α", "α'(ア)", "α'(イ)", "α'(ウ)", "β", "β'"];

    /// The signs of its models.
    pub fn signs(self) -> impl Iterator<Item = &'static str> {
        let signs = Self::SIGNS.into_iter().enumerate();
        signs.filter(move |(place, _)| self.0 >> place & 1 == 1).map(|(_, sign)| sign)
    }

    /// True for all of them.
    #[must_use]
    pub const fn is_all(self) -> bool {
        self.0.count_ones() as usize == Self::SIGNS.len()
    }
}

/// Sets of models that checks are for (DOMAIN §4).
pub(super) mod models {
    use super::Models;

    /// Every model.
    pub(in super::super) const ALL: Models = Models(0b11_1111);
    /// α′, whatever the case.
    pub(in super::super) const ALPHA_PRIME: Models = Models(0b00_1110);
    /// α′ ア
    pub(in super::super) const ALPHA_PRIME_A: Models = Models(0b00_0010);
    /// α′ イ and ウ: those with a tenant.
    pub(in super::super) const TENANT: Models = Models(0b00_1100);
    /// α′ イ
    pub(in super::super) const CASE_I: Models = Models(0b00_0100);
    /// Those in which the LGWAN segment has no way to the internet.
    pub(in super::super) const NO_BREAKOUT: Models = Models(0b11_0001);
    /// Those in which listed clouds are reached.
    pub(in super::super) const BREAKOUT: Models = Models(0b11_1110);
    /// β and β′
    pub(in super::super) const BETA: Models = Models(0b11_0000);
}

/// How bad a finding is and what kind of statement it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The severity before presets and RULES 29.
    pub severity: Severity,
    /// The kind.
    pub kind: Kind,
}

/// What a finding does to its flow (RULES 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The flow is violating; attempted when it was never answered.
    Violating,
    /// The flow is at least undecidable, with this cause.
    Undecidable(Cause),
    /// The verdict stays.
    None,
}

/// A clause of the guideline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Its code as DOMAIN §2.2 writes it; empty when no clause is named.
    pub code: &'static str,
    /// True when the text was read in a source of DOMAIN §2.2; else the number is from memory.
    pub is_verified: bool,
}

impl Clause {
    /// What is printed behind the code; empty for a verified clause.
    #[must_use]
    pub const fn caution(self) -> Text {
        if self.is_verified || self.code.is_empty() { text("", "") } else { CAUTION }
    }
}

/// What is printed with a clause number that was not verified (DOMAIN §2.2).
pub const CAUTION: Text =
    text("条番号は使用版でご確認ください", "please check the clause number in the edition you use");

/// A text in both languages.
pub(super) const fn text(ja: &'static str, en: &'static str) -> Text {
    Text { ja, en }
}

/// A clause whose text was read.
pub(super) const fn verified(code: &'static str) -> Clause {
    Clause { code, is_verified: true }
}

/// A clause whose number is from memory.
pub(super) const fn recalled(code: &'static str) -> Clause {
    Clause { code, is_verified: false }
}

/// No clause is named for the check.
pub(super) const NO_CLAUSE: Clause = Clause { code: "", is_verified: false };

const fn weight(severity: Severity, kind: Kind) -> Weight {
    Weight { severity, kind }
}

/// V 重大
pub(super) const V_CRITICAL: Weight = weight(Severity::Critical, Kind::Violation);
/// V 高
pub(super) const V_HIGH: Weight = weight(Severity::High, Kind::Violation);
/// V 中
pub(super) const V_MEDIUM: Weight = weight(Severity::Medium, Kind::Violation);
/// V 低
pub(super) const V_LOW: Weight = weight(Severity::Low, Kind::Violation);
/// S 重大
pub(super) const S_CRITICAL: Weight = weight(Severity::Critical, Kind::Suspicion);
/// S 高
pub(super) const S_HIGH: Weight = weight(Severity::High, Kind::Suspicion);
/// S 中
pub(super) const S_MEDIUM: Weight = weight(Severity::Medium, Kind::Suspicion);
/// S 低
pub(super) const S_LOW: Weight = weight(Severity::Low, Kind::Suspicion);
/// P 高
pub(super) const P_HIGH: Weight = weight(Severity::High, Kind::Ledger);
/// P 中
pub(super) const P_MEDIUM: Weight = weight(Severity::Medium, Kind::Ledger);
/// U 高
pub(super) const U_HIGH: Weight = weight(Severity::High, Kind::Undecidable);
/// U 中
pub(super) const U_MEDIUM: Weight = weight(Severity::Medium, Kind::Undecidable);
/// U 低
pub(super) const U_LOW: Weight = weight(Severity::Low, Kind::Undecidable);
/// O 高
pub(super) const O_HIGH: Weight = weight(Severity::High, Kind::Observation);
/// O 中
pub(super) const O_MEDIUM: Weight = weight(Severity::Medium, Kind::Observation);
/// O 低
pub(super) const O_LOW: Weight = weight(Severity::Low, Kind::Observation);
/// 低 情報
pub(super) const INFORMATION_LOW: Weight = weight(Severity::Low, Kind::Information);
/// 情報
pub(super) const INFORMATION: Weight = weight(Severity::Info, Kind::Information);

/// The people to ask, by their usual place in a city.
pub(super) mod ask {
    use super::{Text, text};

    /// Who runs the inner network.
    pub(in super::super) const NETWORK: Text = text(
        "庁内ネットワークの運用担当(または運用を委託している事業者)",
        "the people who run the inner network (or their contractor)",
    );
    /// Who owns the system at the inner end.
    pub(in super::super) const SYSTEM_OWNER: Text = text(
        "送信元の機器を使う業務システムの主管課と保守事業者",
        "the department and the vendor of the system at the inner end",
    );
    /// Who keeps the written permissions.
    pub(in super::super) const LEDGER: Text =
        text("通信許可台帳の管理担当(情報政策担当課)", "whoever keeps the list of permitted traffic");
    /// Who runs the capture.
    pub(in super::super) const CAPTURE: Text = text(
        "ミラーポート(通信の写しを取り出す口)と記録装置の担当",
        "whoever runs the mirror port and the recorder",
    );
    /// Who runs the proxy.
    pub(in super::super) const PROXY: Text =
        text("Proxy(中継サーバ)と端末設定の担当", "whoever runs the proxy and the settings of the terminals");
    /// Who uses the terminal.
    pub(in super::super) const TERMINAL: Text = text(
        "送信元の端末を管理する課(まず、いつもの作業かどうかを尋ねる)",
        "the department of the terminal (ask first whether it is their usual work)",
    );
}
