"""The whole measurement: yardsticks and audits over the workloads, growth, memory. Called by scripts/bench."""

import argparse
from pathlib import Path

import growth
import results
import workloads
from programs import LOOP, audit, audits, yardsticks
from summary import read_summary
from turns import rows, take_turns


def against_yardsticks(options, workload, report):
    capture = workloads.make(workload, options.generator, options.work)
    scratch = options.work / "scratch"
    others, missing = yardsticks(options.counter, capture, scratch)
    programs = others + audits(options.work / "sekisho", capture, scratch)
    runs = take_turns(programs, options.rounds, scratch, options.all)
    summary = read_summary(audit(options.work / "sekisho", capture, 2))
    report.workload(workload, workloads.size(capture), summary, rows(programs, runs, LOOP), missing)
    capture.unlink()


def main():
    parser = argparse.ArgumentParser()
    for name in ("work", "generator", "counter", "source", "size", "only"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--label", default="")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    options.work = Path(options.work)
    is_quick = options.size == "quick"
    only = options.only.split(",")
    sizes = dict(copies=workloads.COPIES[options.source] // 20, connections=6_000, flows=100_000, passes=5) if is_quick else {}

    report = results.Report(options.label, options.source, options.rounds)
    for letter, workload in workloads.sized(options.source, **sizes).items():
        if letter in only:
            against_yardsticks(options, workload, report)
    if "growth" in only:
        growth.growth(options, report, is_quick)
    if "memory" in only:
        growth.memory(options, report, is_quick)
    if is_quick and not options.label:
        print("quick: benches/RESULTS.md is left as it is")
    else:
        report.write(", small workloads" if is_quick else "")


if __name__ == "__main__":
    main()
