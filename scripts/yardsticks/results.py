"""Tables for people, on the screen and in benches/RESULTS.md."""

import datetime
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path("benches/RESULTS.md")
HEAD = """# Results

Written by `scripts/bench` and `scripts/bench --instructions`; each run writes the section of its label anew. These are
medians; the machines are noisy, so read the ratios, which are taken inside each round against libpcap's counting loop
over the same file. "Null sink": every flow record is encoded and written to /dev/null.
"""


@dataclass
class Row:
    name: str
    wall: float
    cpu: float
    wall_ratio: float
    cpu_ratio: float
    memory: int
    rounds: int
    goal: float | None


def said_by(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine():
    """Where and of what the figures are."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 1e6
    changed = " with changes" if said_by("git", "status", "--porcelain", "src", "Cargo.toml", "Cargo.lock") else ""
    commit = os.environ.get("COMMIT") or said_by("git", "rev-parse", "--short=12", "HEAD") + changed
    load = os.getloadavg()[0]
    return (f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC · commit {commit} · {said_by('rustc', '--version')} · "
            f"Linux {platform.release()} · {os.cpu_count()} × {model[1] if model else platform.machine()}, {memory:.0f} GB · "
            f"load {load:.1f} at the end")


def aligned(head, lines):
    """A Markdown table whose columns also stand under each other on a screen."""
    widths = [max(len(row[column]) for row in [head, *lines]) for column in range(len(head))]
    pad = lambda row: "| " + " | ".join(
        cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths)) + "|"
    return "\n".join([pad(head), rule, *map(pad, lines)])


class Report:
    """The section of one run."""

    def __init__(self, label, source, rounds):
        self.label, self.parts = label, []
        made = {"corpus": "captures of the corpus", "fixtures": "fixtures/city only (../shared absent)"}[source]
        self.intro = f"A and B are made of {made}. Medians of {rounds} rounds, slow programs once."

    def say(self, title, text):
        self.parts.append(f"### {title}\n\n{text}\n")
        print(f"\n{title}\n\n{text}\n", flush=True)

    def workload(self, workload, size, summary, rows, missing):
        head = ["program", "seconds", "CPU s", "ratio", "CPU ratio", "GB/s", "Mpps", "peak MB", "goal"]
        lines = [[
            row.name + (" (once)" if row.rounds == 1 else ""), f"{row.wall:.2f}", f"{row.cpu:.2f}", f"{row.wall_ratio:.2f}",
            f"{row.cpu_ratio:.2f}", f"{size / row.wall / 1e9:.2f}", f"{summary.packets / row.wall / 1e6:.2f}",
            f"{row.memory / 1e6:.0f}", "" if row.goal is None else f"≤ {row.goal:.1f}",
        ] for row in rows]
        text = (f"{size / 1e9:.2f} GB, {summary.packets:,} packets of {summary.bytes / max(summary.packets, 1):.0f} bytes, "
                f"{sum(summary.flows.values()):,} flows: {summary.verdicts()}; {summary.evicted:,} evicted.\n\n")
        text += aligned(head, lines)
        if missing:
            text += f"\n\nSkipped, not installed: {', '.join(missing)}."
        self.say(f"{workload.letter}: {workload.title}", text)

    def growth(self, title, goal, medians):
        lines, before = [], None
        for name, wall, cpu in medians:
            times = ["", ""] if before is None else [f"{wall / before[0]:.2f}", f"{cpu / before[1]:.2f}"]
            lines.append([name, f"{wall:.2f}", *times[:1], f"{cpu:.2f}", *times[1:], "" if before is None else f"≤ {goal}"])
            before = wall, cpu
        self.say(f"Growth with the {title}", aligned([title, "seconds", "times", "CPU s", "times", "goal"], lines))

    def memory(self, workload, peak, goal, summary, planted, with_finding):
        text = (f"Peak {peak / 1e6:.0f} MB (goal ≤ {goal / 1e6:.0f} MB), {sum(summary.flows.values()):,} flows, "
                f"{summary.evicted:,} evicted and counted, {summary.untracked:,} packets without a place judged one by one and counted.")
        if planted:
            text += (f" Planted flows whose client has a finding of its own: {with_finding:,} of {planted:,} "
                     f"({summary.flows['violating']:,} of them had a place in the table); findings beyond its bound: {summary.beyond or 'none'}.")
        self.say(f"Memory on {workload.letter}: {workload.title}", text)

    def write(self, heading=""):
        """Puts this section in the place of its former self, or at the end."""
        name = self.label + heading
        body = f"## {name}\n\n{machine()}.\n\n{self.intro}\n\n" + "\n".join(self.parts)
        old = RESULTS.read_text() if RESULTS.exists() else HEAD
        sections = re.split(r"(?m)^(?=## )", old)
        place = next((n for n, section in enumerate(sections) if section.startswith(f"## {name}\n")), None)
        if place is None:
            sections.append(body)
        else:
            sections[place] = body
        RESULTS.write_text("\n".join(section.strip("\n") + "\n" for section in sections))
        print(f"bench: wrote the section \"{name}\" of {RESULTS}")
