"""How time grows with the input, and memory with flows."""

import statistics

import workloads
from programs import Program, audit
from summary import read_summary
from turns import Run, take_turns

MIB = 1 << 20
# What planted flows of workload D break (benches/policy.toml).
PLANTED_RULE = "f-plain"


def growth(options, report, is_quick):
    """Twice the input at most 2.1 times the time, twice the flows at most 2.2 times."""
    copies = max(1, workloads.COPIES[options.source] // (80 if is_quick else 16))
    flows = 25_000 if is_quick else 250_000
    series = [
        ("copies of A", 2.1, [(f"{copies * count}", workloads.sized(options.source, copies=copies * count)["A"]) for count in (1, 2, 4, 8)]),
        ("flows of C", 2.2, [(f"{flows * count:,}", workloads.sized(options.source, flows=flows * count)["C"]) for count in (1, 2, 4)]),
    ]
    for title, goal, steps in series:
        captures = {name: workloads.make(workload, options.generator, options.work) for name, workload in steps}
        programs = [
            Program(name, audit(options.work / "sekisho", capture, 2, "--flows", "/dev/null"), codes=(0, 1, 3))
            for name, capture in captures.items()
        ]
        runs = take_turns(programs, options.rounds, options.work / "scratch", True)
        medians = [
            (name, statistics.median(run.wall for run in own), statistics.median(run.cpu for run in own))
            for name, own in runs.items()
        ]
        report.growth(title, goal, medians)
        for capture in captures.values():
            capture.unlink()


def memory(options, report, is_quick):
    """Peak memory on the workloads with the most flows, what was evicted, and whether every planted flow was found."""
    flows, planted = (200_000, 200) if is_quick else (10_000_000, 10_000)
    cases = [
        (workloads.sized(options.source, **(dict(flows=100_000, passes=5) if is_quick else {}))["C"], 400 * 10**6, 0),
        (workloads.one_packet(flows, planted), 1024 * MIB, planted),
    ]
    for workload, goal, planted in cases:
        capture = workloads.make(workload, options.generator, options.work)
        command = audit(options.work / "sekisho", capture, 2)
        run = Run(Program(workload.title, command, codes=(0, 1, 3)), options.work / "scratch")
        summary = read_summary(command)
        report.memory(workload, run.memory, goal, summary, planted, len(summary.hosts_by_rule.get(PLANTED_RULE, ())))
        capture.unlink()
