"""The machine-readable summary of an audit."""

import json
import subprocess
from dataclasses import dataclass, field


@dataclass
class Summary:
    packets: int
    bytes: int
    flows: dict
    evicted: int
    # Findings that found no room in the list, by check.
    beyond: dict
    # Hosts that the findings of each rule name.
    hosts_by_rule: dict = field(default_factory=dict)
    # Packets that found no place in the table and were judged one by one.
    untracked: int = 0

    def verdicts(self):
        whole = max(sum(self.flows.values()), 1)
        return ", ".join(f"{verdict} {100 * count / whole:.0f} %" for verdict, count in self.flows.items() if count)


def read_summary(command):
    """Runs an audit with `--json` and reads what it prints, line by line: a child's peak memory, as the system tells it,
    is never below what this process holds."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = json.loads(process.stdout.readline())
    books = said["accounting"]
    if not books["identity_holds"]:
        raise SystemExit("bench: the books of this audit do not balance; that is a bug, and no figure counts")
    summary = Summary(
        packets=books["read"]["packets"],
        bytes=books["read"]["bytes"],
        flows={verdict: totals["flows"] for verdict, totals in books["in_flows"].items()},
        evicted=books["evicted_flows"],
        untracked=sum(total["packets"] for total in books["untracked"].values()),
        beyond=said["findings_beyond_bound"],
    )
    for line in process.stdout:
        finding = json.loads(line)
        rule = finding["rule"]
        summary.hosts_by_rule.setdefault(rule, set()).add(finding["host"])
    process.wait()
    return summary
