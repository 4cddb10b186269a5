//! What was learnt, for people and for machines.

use serde_json::{Value, json};

use super::{
    evidence::{Evidence, Seen},
    learn::{Learned, Line, Proposal},
    told,
};
use crate::{ground::model::lang::Lang, policy::language::Policy};

impl Learned {
    /// What was learnt, for people.
    #[must_use]
    pub fn summary(&self, lang: Lang) -> String {
        let count = |lines: &[Line]| lines.iter().map(|line| line.seen.flows).sum::<u64>();
        let flows: u64 = self.proposals.iter().map(|proposal| proposal.evidence.seen.flows).sum();
        let (channels, refused, unanswered) =
            (self.proposals.len(), count(&self.refused), count(&self.unanswered));
        let mut page = match lang {
            Lang::Ja => format!(
                "許可の案: {channels}件(通信{flows}件)、提案しない: {}件(通信{refused}件)、応答なし: {}件(通信{unanswered}件)、許可のあるものと同じ系の中: 通信{}件\n",
                self.refused.len(),
                self.unanswered.len(),
                self.allowed,
            ),
            Lang::En => format!(
                "proposed: {channels} channels ({flows} flows); not proposed: {} ({refused} flows); unanswered: {} ({unanswered} flows); allowed or in one segment: {} flows\n",
                self.refused.len(),
                self.unanswered.len(),
                self.allowed,
            ),
        };
        if self.beyond > 0 {
            page += &match lang {
                Lang::Ja => {
                    format!("上限を超えて数えただけの通信: {}件(記録を分けて実行してください)\n", self.beyond)
                }
                Lang::En => format!(
                    "flows beyond the bounds, only counted: {} (run it on parts of the capture)\n",
                    self.beyond
                ),
            };
        }
        for proposal in &self.proposals {
            page += &proposal.line(&self.policy, lang);
        }
        for (lines, ja, en) in
            [(&self.refused, "提案しない", "not proposed"), (&self.unanswered, "応答なし", "unanswered")]
        {
            let heading = if lang == Lang::Ja { ja } else { en };
            for line in lines {
                page +=
                    &format!("{heading}: {}  {}\n", line.flow, told::seen(&self.policy, &line.seen, lang));
                if let Some(reason) = &line.reason {
                    page += &format!("  {} → {}\n", reason.what().of(lang), reason.ask(lang));
                }
            }
        }
        page
    }

    /// The same for machines, one object a line.
    pub fn json(&self) -> impl Iterator<Item = Value> {
        let proposals = self.proposals.iter().map(Proposal::json);
        let lines = self.refused.iter().chain(&self.unanswered).map(Line::json);
        let rest =
            json!({ "kind": "rest", "allowed_flows": self.allowed, "flows_beyond_bounds": self.beyond });
        proposals.chain(lines).chain([rest])
    }
}

impl Proposal {
    fn line(&self, policy: &Policy, lang: Lang) -> String {
        let via = self.via.as_ref().map_or_else(String::new, |via| format!(" via {via}"));
        let services: Vec<_> = self.services.iter().map(ToString::to_string).collect();
        let Evidence { seen, grade, .. } = &self.evidence;
        let seen = told::seen(policy, seen, lang);
        let (from, to, services) = (self.from.join(" "), &self.to, services.join(" "));
        let heading = if lang == Lang::Ja { "案" } else { "proposed" };
        format!("{heading} {}: {from} → {to}{via} {services}  {seen}  {}\n", self.id, grade.code())
    }

    fn json(&self) -> Value {
        let evidence = &self.evidence;
        let mut line = json!({
            "kind": "proposal", "channel": self.id, "from": self.from, "to": self.to, "via": self.via,
            "services": self.services.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "clients": evidence.clients.len(), "clients_exact": !evidence.has_more_clients,
            "undecidable_flows": evidence.undecidable,
            "checks": evidence.checks.iter().map(ToString::to_string).collect::<Vec<_>>(), "grade": evidence.grade.code(),
        });
        counts(&mut line, &evidence.seen);
        line
    }
}

impl Line {
    fn json(&self) -> Value {
        let mut line = match &self.reason {
            None => json!({ "kind": "unanswered", "flow": self.flow }),
            Some(reason) => {
                let what = reason.what();
                json!({
                    "kind": "not_proposed", "flow": self.flow, "reason": reason.code(), "ja": what.ja, "en": what.en,
                    "ask_ja": reason.ask(Lang::Ja), "ask_en": reason.ask(Lang::En),
                })
            }
        };
        counts(&mut line, &self.seen);
        line
    }
}

fn counts(line: &mut Value, seen: &Seen) {
    line["flows"] = seen.flows.into();
    line["bytes_up"] = seen.bytes_up.into();
    line["bytes_down"] = seen.bytes_down.into();
    if let Some((first, last)) = seen.span {
        line["first"] = first.to_string().into();
        line["last"] = last.to_string().into();
    }
}
