"""`bench doctor`."""

from __future__ import annotations

from bench.commands.options import Json, StoreRoot, open_store


def doctor(store: StoreRoot = None, as_json: Json = False) -> None:
    """Examine this machine, for a bug report."""
    from bench.console import print_facts, print_json
    from bench.doctor import examine

    found = examine(open_store(store))
    if as_json:
        print_json(found)
    else:
        print_facts(found)
