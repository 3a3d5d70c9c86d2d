"""The report of a plan: written from the store, or found unchanged from last time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.core import registry
from bench.core.canonical import digest, file_digest
from bench.core.own_files import OWN_PACKAGES
from bench.engine.fingerprint import fingerprint

if TYPE_CHECKING:
    from bench.engine.plan import Plan
    from bench.engine.store import Store
    from reports.frame import Table

STAMP = ".report.json"
ROOT = Path(__file__).parents[1]
"""Where our packages lie."""


def fresh_table(plan: Plan, store: Store, out: Path) -> Table | None:
    """The table of a report that is complete and made of the same results by the same code; else None.

    Imports neither torch nor pandas nor matplotlib: a finished experiment answers at once.
    """
    from reports.frame import load_table

    folder = out / plan.experiment.name
    try:
        stamp = json.loads((folder / STAMP).read_text())
        complete = all(file_digest(folder / name) == expected for name, expected in stamp["files"].items())
    except (OSError, ValueError, KeyError):  # never written, half written, or changed by hand
        return None
    stored = all(store.has(key) for key in plan.targets())
    if not (complete and stored and stamp["key"] == _report_key(plan)):
        return None
    return load_table(folder / "table.json")


def regenerate(plan: Plan, store: Store, out: Path, failures: Mapping[str, str]) -> Table:
    """Collect the results, write the report, stamp it with what it was made of, and keep a finished one's snapshot."""
    from bench.engine import history
    from bench.engine.collect import collect
    from bench.engine.export import snapshot_of
    from bench.engine.store import storage_errors
    from reports.write import write_report

    folder = out / plan.experiment.name
    results = collect(plan, store, failures)
    with storage_errors(out):
        (folder / STAMP).unlink(missing_ok=True)
        table = write_report(results, out)
        written = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {str(path.relative_to(folder)): file_digest(path) for path in written}
        (folder / STAMP).write_text(json.dumps({"key": _report_key(plan), "files": files}))
    snapshot = snapshot_of(results, plan, store)
    if snapshot.cells and not snapshot.failed:
        history.keep(store, snapshot)
    return table


def _report_key(plan: Plan) -> str:
    kinds: dict[str, registry.Kind] = {"predictions": "metrics", "images": "measures"}
    scores = {
        registry.module_name(kinds[column.of], column.name) for column in plan.experiment.columns if column.of in kinds
    }
    modules = {registry.module_name("experiments", plan.experiment.name), *scores}
    foreign = sorted(module for module in modules if module.partition(".")[0] not in OWN_PACKAGES)
    return digest(
        {
            "targets": plan.targets(),
            "sources": [
                [role, source.title, source.licence, source.paper_data] for role, source in plan.sources.items()
            ],
            "settings": plan.request.settings,
            "not_run": sorted([*where, reason] for where, reason in plan.not_run.items()),
            "overlap": plan.request.allow_person_overlap,
            "profile": plan.request.profile,
            "code": {str(path.relative_to(ROOT)): file_digest(path) for path in _own_files()},
            "others": fingerprint(*foreign),
        }
    )


def _own_files() -> list[Path]:
    """All of ours: to tell which of them a report needs takes longer than to write it again for nothing."""
    files = (path for package in OWN_PACKAGES for path in (ROOT / package).rglob("*"))
    return sorted(path for path in files if path.is_file() and path.suffix != ".pyc")
