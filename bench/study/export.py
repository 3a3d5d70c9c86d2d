"""Writes a study's answers for other programs, with what every column means."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.engine.store import storage_errors
from bench.study.answers import COLUMNS, SUBJECT_COLUMNS, read_answers, read_subjects
from bench.study.design import FILE, StudyDesign, load_design


def export_study(folder: Path, out: Path) -> tuple[int, int]:
    """Write answers.csv, answers.parquet, subjects.csv, codebook.md and study.toml; numbers of answers and subjects."""
    design, answers, subjects = load_design(folder), read_answers(folder), read_subjects(folder)
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        answers.to_csv(out / "answers.csv", index=False, lineterminator="\n")
        answers.to_parquet(out / "answers.parquet", index=False)
        subjects.to_csv(out / "subjects.csv", index=False, lineterminator="\n")
        (out / "codebook.md").write_text(codebook(design), encoding="utf-8")
        shutil.copyfile(folder / FILE, out / FILE)
    return len(answers), len(subjects)


def codebook(design: StudyDesign) -> str:
    """What the files hold, in Markdown."""
    arms = [
        f"* `{arm.name}`: {arm.first} against {arm.second}, {arm.images_per_class} images of each per subject"
        for arm in design.arms
    ]
    rules = design.exclusion
    excluded = [
        f"* median time of an answer below {rules.min_median_seconds:g} s",
        f"* more than {rules.max_failed_attention} of {design.attention_checks} attention checks failed",
        *(["* not all trials answered"] if rules.incomplete else []),
    ]
    parts = [
        [
            f"# {design.title}",
            "",
            f"Mode {design.mode}; design `{design.digest}` (sha256 of study.toml and the images).",
        ],
        ["## Arms", "", *arms],
        [
            "## Who is left out by the analysis",
            "",
            "Declared before the study; these files hold everybody.",
            "",
            *excluded,
        ],
        ["## answers.csv, answers.parquet", "", "One row per answered trial.", "", *_columns(COLUMNS)],
        ["## subjects.csv", "", "One row per subject that began.", "", *_columns(SUBJECT_COLUMNS)],
        ["No name, network address, browser or other fact about a subject is kept."],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _columns(columns: Mapping[str, str]) -> list[str]:
    return ["| column | meaning |", "|---|---|", *(f"| {name} | {meaning} |" for name, meaning in columns.items())]
