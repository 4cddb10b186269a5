"""The workloads: how large they are, and how they are made."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("benches/policy.toml")

# Copies of the inputs that make about 1.5 GB.
COPIES = {"corpus": 136, "fixtures": 1600}


@dataclass(frozen=True)
class Workload:
    letter: str
    title: str
    arguments: tuple[str, ...]
    reads_inputs: bool = False


def sized(source, copies=None, connections=120_000, flows=1_000_000, passes=10, seconds=600):
    """A, B and C of these sizes."""
    count = COPIES[source] if copies is None else copies
    return {
        "A": Workload("A", "real mix", ("real-mix", str(count), str(seconds)), True),
        "B": Workload("B", f"{connections:,} short TLS connections", ("connections", str(connections), "120"), True),
        "C": Workload("C", f"smallest packets over {flows:,} flows", ("smallest", str(flows), str(passes))),
    }


def one_packet(flows, planted):
    return Workload("D", f"{flows:,} flows of one packet, {planted:,} forbidden ones", ("one-packet", str(flows), str(planted)))


def make(workload, generator, work):
    """Writes the capture, which leaves it in the page cache, and says where it is."""
    kind, *numbers = workload.arguments
    path = work / f"{'-'.join(workload.arguments)}.pcap"
    inputs = (work / "inputs").read_text().split("\n")[:-1] if workload.reads_inputs else []
    said = subprocess.run([generator, kind, path, *numbers, *inputs], check=True, capture_output=True, text=True).stdout
    said = said.replace(str(path), f"{workload.letter} ({workload.title})")
    print("".join(f"  {line}\n" for line in said.splitlines()), end="", flush=True)
    return path


def size(path):
    return os.path.getsize(path)
