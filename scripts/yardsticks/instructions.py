"""Instructions per packet by callgrind, whole and by stage. Called by scripts/bench --instructions."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import results
import workloads
from programs import audit
from summary import read_summary

# Stages by the functions that do them, called functions included. A stage whose function the compiler dissolved into its
# caller has no figure of its own.
STAGES = [
    ("reading, record borders", r"wire::capture::(input::Feed|border::Baton).*::(fill|walk)$"),
    ("decoding, lists by owner", r"run::engine::ingest::Ingest::block$"),
    ("flow table", r"wire::flow::table::Flows<.*>::packet$|wire::flow::.*Flows.*::packet$"),
    ("streams and names", r"wire::identify::.*Inspection::(segment|datagram|bytes|read)$"),
    ("judging", r"verdict::judge::judge$|verdict::judge::Judge.*::judge$"),
    ("records", r"FlowLine.*::(serialize|write|encode)$|flow_line::.*::(serialize|write)$"),
]
TOP = 25


def count(command, out):
    """Instructions of a run, and those of each function with what it calls."""
    out.unlink(missing_ok=True)
    said = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *map(str, command)],
                          capture_output=True, text=True, check=False).stderr
    total = re.search(r"Collected : (\d+)", said)
    if not total:
        raise SystemExit(f"bench: callgrind ended without a count:\n{said[-2000:]}")
    return int(total[1])


def functions(out, inclusive):
    """Functions and their instructions, most first."""
    said = subprocess.run(["callgrind_annotate", f"--inclusive={'yes' if inclusive else 'no'}", "--threshold=99.9", str(out)],
                          capture_output=True, text=True, check=False).stdout
    found = []
    for line in said.splitlines():
        match = re.match(r"\s*([\d,]+) \([^)]*\)\s+(?:[^:]*:)?(.*?)(?: \[.*\])?$", line)
        if match and "PROGRAM TOTALS" not in line:
            name = re.sub(r"::h[0-9a-f]{16}|'\d+$", "", match[2])
            found.append((name, int(match[1].replace(",", ""))))
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ("work", "generator", "source", "label"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("bench: valgrind is not installed; run scripts/setup bench")
    work = Path(options.work)
    out = work / "callgrind.out"

    empty = workloads.make(workloads.Workload("-", "nothing", ("smallest", "1", "0")), options.generator, work)
    start = count(audit(work / "sekisho", empty, 1, "--flows", "/dev/null"), out)
    report = results.Report(options.label, options.source, 1)
    report.intro = ("Callgrind counts every instruction of one worker, from files to records in a null sink; what an audit of "
                    f"nothing takes ({start / 1e6:.0f} M, mostly the policy) is taken off.")
    sized = workloads.sized(options.source, copies=max(1, workloads.COPIES[options.source] // 136), connections=2_000, flows=8_000, passes=5, seconds=60)
    totals, stages = [], {name: [] for name, _ in STAGES}
    for letter, workload in sized.items():
        capture = workloads.make(workload, options.generator, work)
        packets = read_summary(audit(work / "sekisho", capture, 1)).packets
        whole = count(audit(work / "sekisho", capture, 1, "--flows", "/dev/null"), out) - start
        totals.append([letter, workload.title, f"{packets:,}", f"{whole / packets:,.0f}"])
        per_function = functions(out, True)
        for name, pattern in STAGES:
            here = [count for function, count in per_function if re.search(pattern, function)]
            stages[name].append(f"{max(here) / packets:,.0f}" if here else "–")
        print(f"\n{letter}: functions with the most instructions of their own, per packet")
        for function, own in functions(out, False)[:TOP]:
            print(f"  {own / packets:9.1f}  {function[:110]}")
        shutil.copy(out, f"target/callgrind.{letter}.out")
        capture.unlink()
    report.say("Instructions per packet", results.aligned(["", "workload", "packets", "instructions"], totals))
    report.say("By stage, called functions included",
               results.aligned(["stage", *sized], [[name, *counts] for name, counts in stages.items()]))
    print("bench: the profiles are in target/callgrind.*.out, for callgrind_annotate")
    report.write(", instructions")


if __name__ == "__main__":
    main()
