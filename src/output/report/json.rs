//! JSON for machines: one object a line for findings, one document for coverage and summary. Flow lines are in `lines`.
//!
//! Keys are English and their order is fixed. Text that strangers sent is escaped before it becomes a JSON string.

use std::{
    fmt::{self, Display},
    io::{self, BufWriter, Write},
    net::IpAddr,
};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::ground::{
    model::{
        confinement::{Confinement, Landlock},
        coverage::{Coverage, InputReport},
        facts::FlowId,
        finding::{CheckId, Finding},
        packet::InterfaceId,
        result::{Deviation, Headline, Limit, RunResult},
        tally::{Count, Tally},
        time::Timestamp,
        verdict::Verdict,
    },
    words::escape,
};

/// Version of findings.jsonl.
pub const FINDING_SCHEMA: &str = "sekisho-finding/1";
/// Version of coverage.json.
pub const COVERAGE_SCHEMA: &str = "sekisho-coverage/1";
/// Version of the summary document.
pub const SUMMARY_SCHEMA: &str = "sekisho-summary/1";

/// What the process could still do while it read, for the manifest.
#[must_use]
pub fn confinement(confinement: &Confinement) -> Value {
    let (landlock, abi) = match confinement.landlock {
        Landlock::InForce { abi } => ("in_force", Value::from(abi)),
        Landlock::SwitchedOff => ("switched_off", Value::Null),
        Landlock::Missing => ("missing", Value::Null),
    };
    json!({
        "asked": !confinement.is_off,
        "uid": confinement.uid,
        "capabilities": confinement.capabilities,
        "bounding_set_empty": confinement.is_bounding_set_empty,
        "no_new_privs": confinement.no_new_privs,
        "landlock": landlock,
        "landlock_abi": abi,
        "seccomp": confinement.seccomp,
    })
}

/// One finding. The keys stand in the order of the alphabet, as in every other document.
#[derive(Serialize)]
struct FindingLine<'a> {
    accepted_by: Option<&'a str>,
    attempted: u64,
    bytes_down: u64,
    bytes_up: u64,
    check: Shown<CheckId>,
    destination: &'a str,
    detail: &'a str,
    first: Shown<Timestamp>,
    first_frame: u64,
    flows: u64,
    grade: &'static str,
    host: Option<Shown<IpAddr>>,
    kind: &'static str,
    last: Shown<Timestamp>,
    last_frame: u64,
    packets: u64,
    rule: &'a str,
    sample_flows: Samples<'a>,
    schema: &'static str,
    segment_client: &'a str,
    segment_server: &'a str,
    severity: &'static str,
}

impl<'a> FindingLine<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            accepted_by: finding.accepted_by.as_deref(),
            attempted: finding.attempted,
            bytes_down: finding.bytes_down,
            bytes_up: finding.bytes_up,
            check: Shown(finding.key.check),
            destination: &finding.key.destination,
            detail: &finding.detail,
            first: Shown(finding.first),
            first_frame: finding.first_frame.0,
            flows: finding.flows,
            grade: finding.grade.code(),
            host: finding.key.host.map(Shown),
            kind: finding.kind.code(),
            last: Shown(finding.last),
            last_frame: finding.last_frame.0,
            packets: finding.packets,
            rule: &finding.rule,
            sample_flows: Samples(&finding.samples),
            schema: FINDING_SCHEMA,
            segment_client: &finding.key.segment_client,
            segment_server: &finding.key.segment_server,
            severity: finding.severity.code(),
        }
    }
}

/// What writes itself in plain words, as a string.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// Flows by the number of their first frame, and the layer of those that carry others.
struct Samples<'a>(&'a [FlowId]);

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|id| Shown(Sample(id))))
    }
}

struct Sample<'a>(&'a FlowId);

impl Display for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.carrier {
            0 => write!(f, "{}", self.0.ordinal.0),
            layer => write!(f, "{}.{layer}", self.0.ordinal.0),
        }
    }
}

/// Writes findings, one object a line.
///
/// # Errors
/// When the writer fails.
pub fn findings(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for one in findings {
        serde_json::to_writer(&mut out, &FindingLine::new(one))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The accounting of a run.
#[must_use]
pub fn tally(tally: &Tally) -> Value {
    let by_verdict = |totals: &[crate::ground::model::tally::VerdictTotals; 5]| {
        Verdict::ALL
            .iter()
            .map(|verdict| {
                let totals = &totals[*verdict as usize];
                let value = json!({"flows": totals.flows, "packets": totals.count.packets, "bytes": totals.count.bytes});
                (verdict.code().to_owned(), value)
            })
            .collect::<Map<_, _>>()
    };
    let no_flow: Map<_, _> =
        tally.no_flow.iter().map(|(reason, total)| (reason.code().to_owned(), count(*total))).collect();
    let untracked: Map<_, _> = Verdict::ALL
        .iter()
        .filter(|verdict| tally.untracked[**verdict as usize].packets > 0)
        .map(|verdict| (verdict.code().to_owned(), count(tally.untracked[*verdict as usize])))
        .collect();
    let unknown: Vec<_> = tally
        .unknown_types
        .iter()
        .map(|((reason, number), frames)| json!({"reason": reason.code(), "type": format!("0x{number:04x}"), "frames": frames}))
        .collect();
    json!({
        "read": count(tally.read),
        "in_flows": by_verdict(&tally.verdicts),
        "no_flow": no_flow,
        "untracked": untracked,
        "identity_holds": tally.holds(),
        "carriers": by_verdict(&tally.carriers),
        "unknown_types": unknown,
        "duplicates": count(tally.duplicates),
        "cut_packets": tally.cut,
        "one_way_flows": tally.one_way_flows,
        "tcp_flows_with_payload": tally.tcp_flows_with_payload,
        "unseen_bytes": tally.unseen_bytes,
        "acked_bytes": tally.acked_bytes,
        "evicted_flows": tally.evicted,
        "encrypted_flows": tally.encrypted_flows,
        "encrypted_without_name": tally.encrypted_without_name,
        "encrypted_without_certificate": tally.encrypted_without_certificate,
    })
}

fn count(count: Count) -> Value {
    json!({"packets": count.packets, "bytes": count.bytes})
}

/// coverage.json: what was looked at, when and how well.
#[must_use]
pub fn coverage(
    coverage: &Coverage,
    input: &InputReport,
    accounting: &Tally,
    sensors: &[std::sync::Arc<str>],
) -> Value {
    let sensor = |id: &crate::ground::model::packet::SensorId| match (id.0, sensors.get(usize::from(id.0))) {
        (1.., Some(name)) => Value::from(name.as_ref()),
        _ => Value::Null,
    };
    let mut document = json!({
        "schema": COVERAGE_SCHEMA,
        "first": coverage.first.map(|at| at.to_string()),
        "last": coverage.last.map(|at| at.to_string()),
        "accounting": tally(accounting),
        "sensors": coverage.sensors.iter().map(|(id, total)| json!({
            "sensor": sensor(id), "packets": total.packets, "bytes": total.bytes,
        })).collect::<Vec<_>>(),
        "minutes": coverage.minutes.iter().map(|((id, number), seen)| {
            let mut told = json!({
                "sensor": sensor(id), "minute": minute(*number),
                "packets": seen.count.packets, "bytes": seen.count.bytes,
                "acked_bytes": seen.acked, "unseen_bytes": seen.unseen,
            });
            if seen.dropped > 0 {
                told["dropped"] = seen.dropped.into();
            }
            told
        }).collect::<Vec<_>>(),
        "pairs": coverage.pairs.iter().map(|((from, to), seen)| json!({
            "segment_client": from, "segment_server": to, "flows": seen.flows,
            "packets": seen.count.packets, "bytes": seen.count.bytes, "one_way_flows": seen.one_way,
        })).collect::<Vec<_>>(),
        "places": coverage.places.iter().map(|(id, frames)| json!({"id": id, "packets": frames})).collect::<Vec<_>>(),
        "vlans": coverage.vlans.iter().map(|(id, frames)| json!({"vlan": id, "packets": frames})).collect::<Vec<_>>(),
        "tunnels": coverage.tunnels.iter().map(|(kind, frames)| json!({"kind": kind, "packets": frames})).collect::<Vec<_>>(),
        "depth_limited": coverage.depth_limited,
        "vlan_mismatched_flows": coverage.vlan_mismatched,
        "cut_hellos": coverage.cut_hellos,
        "time_anomalies": input.time_anomalies,
        "interfaces": input.interfaces.iter().map(|interface| json!({
            "id": interface.id.0, "name": escape::text(&interface.name), "file": escape::text(&interface.file),
            "linktype": interface.link.0, "snaplen": interface.snaplen, "sensor": sensor(&interface.sensor),
            "packets": interface.packets, "dropped": interface.dropped,
        })).collect::<Vec<_>>(),
        "files": files(input),
    });
    not_seen(input, &mut document);
    document
}

fn minute(number: i64) -> String {
    Timestamp::from_secs(number.saturating_mul(60)).to_string()
}

/// What only a live capture or a recording of one can tell: losses by minute and interface, and times without sight.
fn not_seen(input: &InputReport, document: &mut Value) {
    let name = |id: InterfaceId| input.interfaces.iter().find(|interface| interface.id == id);
    let losses = input.interfaces.iter().flat_map(|interface| {
        interface.lost.iter().map(|(number, packets)| {
            json!({
                "interface": escape::text(&interface.name), "minute": minute(*number), "packets": packets,
            })
        })
    });
    let losses: Vec<_> = losses.collect();
    if !losses.is_empty() {
        document["losses"] = losses.into();
    }
    let blind = input.blind.iter().map(|blind| {
        json!({
            "interface": escape::text(name(blind.interface).map_or("", |interface| &interface.name)),
            "from": blind.from.to_string(), "to": blind.to.to_string(), "reason": blind.reason.code(),
        })
    });
    let blind: Vec<_> = blind.collect();
    if !blind.is_empty() {
        document["blind"] = blind.into();
        document["blind_unlisted"] = input.blind_unlisted.into();
    }
}

/// The input's files: which frames came from which.
#[must_use]
pub fn files(input: &InputReport) -> Value {
    let of = |file: &crate::ground::model::coverage::InputFile| {
        json!({
            "path": escape::text(&file.path), "format": file.format, "size": file.size, "packets": file.packets,
            "first_frame": file.frames.map(|frames| frames.0), "last_frame": file.frames.map(|frames| frames.1),
            "first": file.first.map(|at| at.to_string()), "last": file.last.map(|at| at.to_string()),
            "same_as": file.same_as.as_deref().map(escape::text),
            "damage": file.damage.iter().map(|damage| json!({
                "offset": damage.offset, "what": damage.what, "resumed_at": damage.resumed_at,
            })).collect::<Vec<_>>(),
        })
    };
    Value::Array(input.files.iter().map(of).collect())
}

/// The summary for machines: everything but flows and findings one by one.
#[must_use]
pub fn summary(result: &RunResult) -> Value {
    let mut by_severity = Map::new();
    for severity in crate::ground::model::finding::Severity::ALL {
        let count = result.findings.iter().filter(|finding| finding.severity == severity).count();
        by_severity.insert(severity.code().to_owned(), Value::from(count));
    }
    let conclusion = &result.conclusion;
    json!({
        "schema": SUMMARY_SCHEMA,
        "headline": match conclusion.headline {
            Headline::Violations => "violations",
            Headline::Findings => "findings",
            Headline::CannotSay => "cannot_say",
            Headline::NothingFound => "nothing_found",
        },
        "exit_code": conclusion.exit_code,
        "has_findings": conclusion.has_findings,
        "is_incomplete": conclusion.is_incomplete,
        "limits": conclusion.limits.iter().map(limit).collect::<Vec<_>>(),
        "policy": result.policy.as_ref().map(|policy| json!({
            "id": policy.id, "title": policy.title, "org": policy.org, "model": policy.model,
            "guideline": policy.guideline, "version": policy.version, "sha256": policy.sha256,
            "deviations": policy.deviations.iter().map(deviation).collect::<Vec<_>>(),
        })),
        "first": result.span.map(|(first, _)| first.to_string()),
        "last": result.span.map(|(_, last)| last.to_string()),
        "accounting": tally(&result.tally),
        "findings": by_severity,
        "findings_beyond_bound": result.others.iter().map(|(check, flows)| (check.to_string(), Value::from(*flows))).collect::<Map<_, _>>(),
        "examined": result.examined.iter().map(|(check, flows)| (check.to_string(), Value::from(*flows))).collect::<Map<_, _>>(),
        "undecidable_causes": result.undecidable_causes.iter().map(|(code, flows)| ((*code).to_owned(), Value::from(*flows))).collect::<Map<_, _>>(),
        "accepted_violations": result.accepted_violations,
        "input": files(&result.input),
    })
}

/// What is looser than the preset.
fn deviation(deviation: &Deviation) -> Value {
    json!({
        "code": deviation.code, "about": escape::text(&deviation.about), "what": escape::text(&deviation.en),
        "accepted_by": escape::text(&deviation.accepted_by), "approved_by": escape::text(&deviation.approved_by),
        "reason": escape::text(&deviation.reason),
    })
}

fn limit(limit: &Limit) -> Value {
    match limit {
        Limit::NoFlows => json!({"limit": "no_flows"}),
        Limit::EmptyPolicy => json!({"limit": "empty_policy"}),
        Limit::NoPolicyInForce(flows) => json!({"limit": "no_policy_in_force", "flows": flows}),
        Limit::AccountingBroken => json!({"limit": "accounting_broken"}),
        Limit::Damaged(file, offset) => {
            json!({"limit": "damaged", "file": escape::text(file), "offset": offset})
        }
        Limit::Unreadable(file) => json!({"limit": "unreadable", "file": escape::text(file)}),
        Limit::Dropped(sensor, packets) => json!({"limit": "dropped", "sensor": sensor, "packets": packets}),
        Limit::DegradedMinutes(sensor, minutes) => {
            json!({"limit": "degraded_minutes", "sensor": sensor, "minutes": minutes})
        }
        Limit::BlindMinutes(sensor, minutes) => {
            json!({"limit": "blind_minutes", "sensor": sensor, "minutes": minutes})
        }
        Limit::Blind(interface, reason, seconds) => json!({
            "limit": "blind", "interface": escape::text(interface), "reason": reason.code(), "seconds": seconds,
        }),
        Limit::OneSided(share) => json!({"limit": "one_sided", "share_pct_hundredths": share}),
        Limit::SegmentUnseen(id) => json!({"limit": "segment_unseen", "segment": id}),
        Limit::SegmentUnobserved(id) => json!({"limit": "segment_unobserved", "segment": id}),
        Limit::UndecidableShare(share) => {
            json!({"limit": "undecidable_share", "share_pct_hundredths": share})
        }
        Limit::Undecidable(flows) => json!({"limit": "undecidable", "flows": flows}),
        Limit::UnseenBytes(share) => json!({"limit": "unseen_bytes", "share_pct_hundredths": share}),
        Limit::Undecoded(frames) => json!({"limit": "undecoded", "frames": frames}),
        Limit::Cut(packets) => json!({"limit": "cut", "packets": packets}),
        Limit::MemoryBound(flows) => json!({"limit": "memory_bound", "flows": flows}),
        Limit::TimeAnomalies(packets) => json!({"limit": "time_anomalies", "packets": packets}),
        Limit::Late(file, packets) => {
            json!({"limit": "late", "file": escape::text(file), "packets": packets})
        }
        Limit::ParserPanics(flows) => json!({"limit": "parser_panics", "flows": flows}),
        Limit::Accepted(flows) => json!({"limit": "accepted", "flows": flows}),
        Limit::NoSensorBound => json!({"limit": "no_sensor_bound"}),
    }
}
