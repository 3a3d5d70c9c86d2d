"""The report of a plan: written from the store, or found unchanged from last time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.core import registry
from bench.core.canonical import digest, file_digest
from bench.engine.fingerprint import fingerprint

if TYPE_CHECKING:
    from bench.engine.plan import Plan
    from bench.engine.store import Store
    from reports.frame import Table

STAMP = ".report.json"


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
    experiment = registry.module_name("experiments", plan.experiment.name)
    own = Path(__file__).parent
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
            "code": fingerprint("reports.write", "bench.engine.collect", experiment, *sorted(scores)),
            "texts": {str(path.relative_to(own)): file_digest(path) for path in _templates_and_numbers(own)},
        }
    )


def _templates_and_numbers(package: Path) -> list[Path]:
    """What a report is made of besides code: the page's template and the published numbers."""
    return sorted(path for folder in ("templates", "reference") for path in (package / folder).iterdir())
