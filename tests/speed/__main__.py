"""The speed session: every row a ratio measured in one process, side by side; writes out/speed.json.

`--smoke` checks only that it runs; `--device` chooses the device.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
from collections.abc import Iterable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from bench.training.device import choose_device, tune_process
from tests.speed import commands, data, neighbours, training
from tests.speed.rows import Row


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="nox -s speed --", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one quick round of small sizes")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    smoke, device = options.smoke, choose_device(options.device)
    tune_process()
    console, found = Console(width=max(Console().width, 160)), list[Row]()
    parts = (
        commands.rows(smoke), data.rows(smoke), neighbours.rows(smoke, device), training.rows(smoke, device),
    )  # fmt: skip
    for row in itertools.chain(*parts):
        found.append(row)
        console.print(f"{row.name}: {row.ratio:.2f}x {row.against}", style="dim")
    console.print(_table(found, device))
    facts = {
        "device": device,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "processor": _processor(),
        "smoke": smoke,
        "rows": [row.to_json() for row in found],
    }
    Path("out").mkdir(exist_ok=True)
    Path("out/speed.json").write_text(json.dumps(facts, indent=1))


def _table(found: Iterable[Row], device: str) -> Table:
    table = Table("", "ratio", "against", "amount", "of limit", "limit", "target met", title=f"Speed on {device}")
    for row in found:
        share = "" if row.share_of_limit is None else f"{row.share_of_limit:.0%}"
        amount = f"{row.amount:,.0f}" if row.amount >= 100 else f"{row.amount:.3g}"
        table.add_row(row.name, f"{row.ratio:.2f}x", row.against, f"{amount} {row.unit}", share, row.limit, row.verdict)
    return table


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    main()
