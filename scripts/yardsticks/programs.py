"""What is run: the counting loop, what people use today, and audits."""

import shutil
from dataclasses import dataclass, field

from workloads import POLICY

LOOP = "libpcap counting loop"

SURICATA = """%YAML 1.1
---
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types: [flow, tls, dns, http]
app-layer:
  protocols:
    tls: {enabled: yes, detection-ports: {dp: 443}}
    dns: {tcp: {enabled: yes}, udp: {enabled: yes}}
    http: {enabled: yes}
"""


@dataclass
class Program:
    name: str
    command: list
    is_slow: bool = False
    # Exit codes that are no failure: an audit ends with 1 or 3 when it found something.
    codes: tuple = (0,)
    # What the ratio of wall time to the counting loop should not exceed.
    goal: float | None = field(default=None)


def audit(sekisho, capture, workers, *more):
    return [sekisho, "audit", "-q", "--json", "--workers", str(workers), "--policy", POLICY, *more, capture]


def audits(sekisho, capture, scratch):
    null = ("--flows", "/dev/null")
    found = dict(codes=(0, 1, 3))
    return [
        Program("sekisho audit, 2 workers, records to a null sink", audit(sekisho, capture, 2, *null), goal=1.0, **found),
        Program("sekisho audit, 1 worker, records to a null sink", audit(sekisho, capture, 1, *null), goal=1.8, **found),
        Program("sekisho audit, 2 workers, records to disk",
                audit(sekisho, capture, 2, "--flows", scratch / "flows.jsonl"), **found),
        Program("sekisho audit, 2 workers, no records", audit(sekisho, capture, 2), goal=1.0, **found),
        Program("sekisho audit, 1 worker, no records", audit(sekisho, capture, 1), goal=1.8, **found),
    ]


def yardsticks(counter, capture, scratch):
    """All that are installed, and the names of those that are not."""
    config = scratch.parent / "suricata.yaml"
    config.write_text(SURICATA)
    known = [
        Program("cat", ["cat", capture]),
        Program(LOOP, [counter, capture]),
        Program("tcpdump -w /dev/null", ["tcpdump", "-nr", capture, "-w", "/dev/null"]),
        # Flows go to the loopback interface's discard port, where nobody listens.
        Program("softflowd", ["softflowd", "-d", "-6", "-r", capture, "-m", "4000000", "-n", "127.0.0.1:9",
                              "-c", "none", "-p", scratch / "pid"], True),
        Program("nfpcapd", ["nfpcapd", "-r", capture, "-w", scratch], True),
        Program("argus", ["argus", "-X", "-r", capture, "-w", "/dev/null"], True),
        Program("ndpiReader", ["ndpiReader", "-q", "-i", capture], True),
        Program("suricata, single", ["suricata", "--runmode", "single", "-k", "none", "-S", "/dev/null", "-c", config,
                                     "-l", scratch, "-r", capture], True),
    ]
    is_here = lambda program: shutil.which(program.command[0]) is not None
    return [program for program in known if is_here(program)], [p.name for p in known if not is_here(p)]
