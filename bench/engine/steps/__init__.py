"""The kinds of step: one file each, with `run(step: Step) -> None`. Each file is part of its steps' fingerprint."""
