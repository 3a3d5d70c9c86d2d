"""The study's real server under attack, under load and under the axe."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.study.answers import read_answers
from tests.e2e.conftest import make
from tests.study_client import Reply, Subject
from tests.study_server import StudyServer, make_study, serving

SUBJECTS = 50
FALSE_ALARM = 1e-5
"""How often a test by chance may fail, per rule."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyServer]:
    """A study that every test of this file enters with subjects of its own."""
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, arms={"refined": 30}, images=80)
    with serving(folder / "study") as running:
        yield running


# What a subject gets


def finish(subject: Subject, state: dict[str, Any], choose: Callable[[int], str]) -> dict[int, str]:
    """Answer everything that is left; what was answered, by position."""
    given: dict[int, str] = {}
    while state["stage"] != "done":
        position = state["position"]
        given[position] = choose(position)
        state = subject.answer(position, given[position]).json()
    return given


def answers_of(rows: pd.DataFrame) -> dict[int, str]:
    return dict(zip(rows["position"], rows["answer"], strict=True))


def test_a_session_from_consent_to_thanks(server: StudyServer) -> None:
    subject = Subject(server.port)
    assert subject.get("/state").json() == {"stage": "consent"}
    state = subject.begin()
    assert (state["stage"], state["position"], state["of"]) == ("practice", 1, 2)
    given = finish(subject, state, lambda position: "real" if position % 3 else "fake")
    done = subject.get("/state").json()
    assert done["stage"] == "done"
    stored = read_answers(server.folder)
    assert answers_of(stored[stored["subject"] == done["subject"]]) == given
    assert len(given) == 2 + 60 + 1


def test_reload_double_submit_and_two_windows_count_once(server: StudyServer) -> None:
    subject = Subject(server.port)
    first = subject.begin()
    assert subject.begin() == first == subject.get("/state").json()
    with ThreadPoolExecutor(8) as threads:  # eight clicks at once, each over a connection of its own
        windows = [Subject(server.port, subject.cookie) for _ in range(8)]
        replies = list(threads.map(lambda window: window.answer(1, "real").json(), windows))
    assert all(reply == replies[0] for reply in replies)
    assert replies[0]["position"] == 2 == subject.get("/state").json()["position"]
    assert subject.answer(1, "fake").json() == replies[0]
    assert subject.answer(9, "fake").status == 409


def test_somebody_else_on_the_same_device(server: StudyServer) -> None:
    subject = Subject(server.port)
    before = subject.begin()
    ticket = subject.cookie
    after = subject.begin(anew=True)
    assert subject.cookie != ticket
    assert set(before["images"]).isdisjoint(after["images"])


# No leak


@dataclass(frozen=True)
class Seen:
    """What an attacker sees of one trial, all but the pixels."""

    subject: int
    position: int
    address: str
    image: Reply
    told: Reply


def observe(server: StudyServer, number: int) -> tuple[str, list[Seen]]:
    """A session of an attacker that answers anything and writes down everything."""
    subject, seen = Subject(server.port), []
    told = subject.post("/begin", {"consent": True})
    state = told.json()
    while state["stage"] != "done":
        (address,) = state["images"]
        seen.append(Seen(number, state["position"], address, subject.image(address), told))
        told = subject.answer(state["position"], "real")
        state = told.json()
    return state["subject"], seen


def signature(reply: Reply) -> tuple[Any, ...]:
    """Everything about a reply but its pixels, the time of day and who asks."""
    own = ("date", "set-cookie")
    headers = tuple((name.lower(), "" if name.lower() in own else value) for name, value in reply.headers)
    return reply.status, headers, len(reply.body), reply.body[:54]


def test_an_attacker_stays_at_chance(server: StudyServer) -> None:
    sessions = [observe(server, number) for number in range(8)]
    stored = read_answers(server.folder)
    truth = {(row.subject, row.position): (row.kind, row.truth) for row in stored.itertuples()}
    seen, real = [], []
    for subject, trials in sessions:
        for trial in trials:
            kind, true = truth[subject, trial.position]
            if kind == "trial":
                seen.append(trial)
                real.append(true == "real")
    labels = np.array(real)
    assert len(labels) == 8 * 60

    # Sizes, formats and headers say nothing at all: they are the same, attention checks and practice included.
    assert len({signature(trial.image) for _, trials in sessions for trial in trials}) == 1
    assert len({trial.address for _, trials in sessions for trial in trials}) == sum(len(t) for _, t in sessions)
    shapes = {tuple(sorted(trial.told.json())) for trial in seen}
    assert len(shapes) == 1

    # Everything else is a number that might go with the truth; the best cut is no better than chance allows.
    numbers = {
        "address": [int(trial.address, 16) / 16**32 for trial in seen],
        "address, last digit": [int(trial.address[-1], 16) for trial in seen],
        "latency of the image": [trial.image.seconds for trial in seen],
        "latency of the question": [trial.told.seconds for trial in seen],
        "length of the question": [len(trial.told.body) for trial in seen],
        "position": [trial.position for trial in seen],
        "position, odd": [trial.position % 2 for trial in seen],
        "the trial before": [0.5, *labels[:-1]],
    }
    for rule, values in numbers.items():
        array = np.array(values, dtype=float)
        p_value = stats.mannwhitneyu(array[labels], array[~labels]).pvalue if np.ptp(array) else 1.0
        assert p_value > FALSE_ALARM, f"{rule} tells real from fake"


def test_no_image_but_the_one_that_is_asked(server: StudyServer) -> None:
    subject, other, stranger = (Subject(server.port) for _ in range(3))
    state, others = subject.begin(), other.begin()
    (address,) = state["images"]
    assert subject.image(address).status == 200
    nothing = signature(stranger.image("0" * 32))
    assert nothing[0] == 404
    wrong = [
        *others["images"],
        *others["examples"]["real"],
        address[:-1],
        "../study.toml",
        "%2e%2e%2fstudy.toml",
    ]
    for guess in [*wrong, *(f"{random.Random(7).getrandbits(128):032x}" for _ in range(20))]:
        assert subject.image(guess).status == 404
    assert signature(stranger.image(address)) == nothing
    following = subject.answer(1, "real").json()
    assert signature(subject.image(address)) == nothing
    assert subject.image(following["images"][0]).status == 200
    assert following["examples"] == state["examples"]


def test_labels_stay_on_the_server(server: StudyServer) -> None:
    subject = Subject(server.port)
    state = subject.begin()
    replies = [subject.get("/about"), subject.get("/state"), subject.image(state["images"][0])]
    while state["stage"] != "done":
        replies.append(subject.answer(state["position"], "fake"))
        state = replies[-1].json()
    design = read_answers(server.folder)
    ids = set(design["image"]) | {text.partition("/")[2] for text in design["image"]}
    for reply in replies:
        if reply.header("content-type") != "application/json":
            continue
        told = reply.json()
        values = [value for value in told.values() if isinstance(value, str)]
        assert ids.isdisjoint(values)
        assert not {"truth", "kind", "correct", "arm", "image", "seed"} & set(told)
    asked = {json_stage for reply in replies[3:] if (json_stage := reply.json()["stage"])}
    assert asked == {"practice", "trial", "done"}


# Security


def test_every_reply_has_the_safe_headers(server: StudyServer) -> None:
    subject = Subject(server.port)
    address = subject.begin()["images"][0]
    paths = ["/", "/study.js", "/study.css", "/about", "/state", f"/image/{address}", "/nothing", "/image/x"]
    for reply in [*map(subject.get, paths), subject.post("/answer", {}), subject.request("DELETE", "/state")]:
        policy = reply.header("content-security-policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert reply.header("x-content-type-options") == "nosniff"
        assert reply.header("referrer-policy") == "no-referrer"
        assert reply.header("cache-control") == "no-store"
        assert not {"etag", "last-modified", "server"} & {name.lower() for name, _ in reply.headers}


def test_the_cookie_is_for_this_site_and_not_for_scripts(server: StudyServer) -> None:
    reply = Subject(server.port).post("/begin", {"consent": True})
    words = {word.strip().lower() for word in reply.header("set-cookie").split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= words


@pytest.mark.parametrize(
    "path",
    [
        "/study.toml",
        "/answers.sqlite",
        "/real.h5",
        "/../study.toml",
        "//etc/passwd",
        "/page/",
        "/docs",
        "/image/",
    ],
)
def test_nothing_else_is_served(server: StudyServer, path: str) -> None:
    assert Subject(server.port).get(path).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_requests_from_elsewhere_are_refused(server: StudyServer, headers: dict[str, str], status: int) -> None:
    subject = Subject(server.port)
    subject.begin()
    value = {"position": 1, "answer": "real", "reaction_ms": 5}
    assert subject.post("/answer", value, **headers).status == status
    assert subject.get("/state").json()["position"] == 1


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"position": 1, "answer": "left", "reaction_ms": 5}, 422),
        ({"position": 1, "answer": "real'; DROP TABLE trials; --", "reaction_ms": 5}, 422),
        ({"position": "1", "answer": "real", "reaction_ms": 5}, 422),
        ({"position": 1, "answer": "real", "reaction_ms": -1}, 422),
        ({"position": 1, "answer": "real", "reaction_ms": 1e400}, 422),
        ({"position": 1, "answer": "real", "reaction_ms": 5, "correct": True}, 422),
        ({"position": 1, "answer": "real"}, 422),
        ([], 422),
        ({"position": 1, "answer": "real", "reaction_ms": 5, "more": "x" * 3000}, 413),
    ],
)
def test_wrong_values_are_refused(server: StudyServer, value: Any, status: int) -> None:
    subject = Subject(server.port)
    subject.begin()
    assert subject.post("/answer", value).status == status
    assert subject.get("/state").json()["position"] == 1


def test_no_session_no_answer(server: StudyServer) -> None:
    for cookie in ("", "wrong", "x' OR '1'='1"):
        subject = Subject(server.port, cookie)
        assert subject.answer(1, "real").status == 401
        assert subject.get("/state").json() == {"stage": "consent"}


def test_too_many_requests_of_one_session_stop_that_session_only(server: StudyServer) -> None:
    flood, other = Subject(server.port), Subject(server.port)
    flood.begin()
    other.begin()
    statuses = Counter(flood.get("/state").status for _ in range(700))
    assert set(statuses) == {200, 429} and statuses[200] >= 300
    assert other.get("/state").status == 200


def test_other_machines_need_a_code(tmp_path: Path) -> None:
    make_study(tmp_path)
    study, bench = str(tmp_path / "study"), make(tmp_path / "bench")
    refused = bench("study", "serve", study, "--host", "0.0.0.0", "--port", "0", check=2)
    assert "--access-code" in refused.stderr and refused.stderr.count("\n") == 1
    bench("study", "serve", study, "--access-code", "short", check=2)
    with serving(tmp_path / "study", "--host", "0.0.0.0", "--access-code", "open sesame") as running:
        assert running.link.endswith("/#open%20sesame")
        subject = Subject(running.port)
        assert subject.get("/about").json()["code"] is True
        for code in ("", "open sesam", "open sesame "):
            assert subject.post("/begin", {"consent": True, "code": code}).status == 403
        statuses = [subject.post("/begin", {"consent": True, "code": f"guess {guess}"}).status for guess in range(40)]
        assert statuses[-1] == 429
        assert subject.cookie == ""
        assert subject.begin(code="open sesame")["position"] == 1
        assert subject.get("/state").json()["position"] == 1


def test_nothing_is_logged_or_kept_about_visitors(tmp_path: Path) -> None:
    make_study(tmp_path)
    with serving(tmp_path / "study") as running:
        subject = Subject(running.port)
        subject.begin()
        agent = {"User-Agent": "Mozilla/5.0 (Marked)", "X-Forwarded-For": "203.0.113.9"}
        for path in ("/", "/state", "/nothing"):
            subject.request("GET", path, headers=agent)
        subject.answer(1, "real")
        files = b"".join(path.read_bytes() for path in (tmp_path / "study").glob("answers*"))
        for trace in (b"Marked", b"203.0.113.9", b"127.0.0.1", subject.cookie.encode()):
            assert trace not in files
        assert running.output().strip() == ""


# No loss


def test_ctrl_c_is_the_ordinary_end(tmp_path: Path) -> None:
    make_study(tmp_path)
    bench = make(tmp_path / "bench")
    process = bench.start("study", "serve", str(tmp_path / "study"), "--port", "0")
    assert process.stdout is not None and process.stdout.readline().startswith("http://")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_fifty_subjects_at_once_lose_nothing(tmp_path: Path) -> None:
    make_study(tmp_path, arms={"refined": 5}, images=60, practice=0, attention_checks=0)
    together = threading.Barrier(SUBJECTS)

    def take_part(number: int) -> tuple[str, dict[int, str]]:
        chance, subject = random.Random(number), Subject(running.port)
        together.wait()
        state = subject.begin()
        assert subject.image(state["images"][0]).status == 200
        given = finish(subject, state, lambda position: chance.choice(["real", "fake"]))
        return subject.get("/state").json()["subject"], given

    with serving(tmp_path / "study") as running, ThreadPoolExecutor(SUBJECTS) as threads:
        sent = dict(threads.map(take_part, range(SUBJECTS)))
    stored = read_answers(tmp_path / "study")
    assert len(sent) == SUBJECTS
    assert len(stored) == SUBJECTS * 10
    assert {str(name): answers_of(rows) for name, rows in stored.groupby("subject")} == sent
    orders = {tuple(rows["image"]) for _, rows in stored.groupby("subject")}
    assert len(orders) == SUBJECTS
    for _, rows in stored.groupby("truth"):
        times = rows["image"].value_counts()
        assert times.max() - times.min() <= 1


def test_a_killed_server_loses_no_answer(tmp_path: Path) -> None:
    make_study(tmp_path, arms={"refined": 12}, images=60)
    running = StudyServer(tmp_path / "study")
    running.start()
    subjects = [Subject(running.port) for _ in range(6)]
    sent: list[dict[int, str]] = [{} for _ in subjects]
    answered = threading.Semaphore(0)

    def work(number: int) -> None:
        """Answer until the server dies; what it confirmed is in `sent`."""
        subject, chance = subjects[number], random.Random(number)
        try:
            state = subject.begin()
            while state["stage"] != "done":
                answer = chance.choice(["real", "fake"])
                reply = subject.answer(state["position"], answer)
                sent[number][state["position"]] = answer
                state = reply.json()
                answered.release()
        except (OSError, HTTPException, ValueError):
            return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(subjects))]
    for thread in threads:
        thread.start()
    for _ in range(30):
        answered.acquire()
    running.kill()
    for thread in threads:
        thread.join()
    confirmed = [dict(answers) for answers in sent]
    assert 30 <= sum(map(len, confirmed)) < 6 * 27

    running.start()
    try:
        for number, old in enumerate(subjects):
            subject = Subject(running.port, old.cookie)
            state = subject.get("/state").json()
            # The last answer may have been stored without a reply; none that was confirmed is asked again.
            assert state["position"] - 1 - len(confirmed[number]) in (0, 1)
            given = finish(subject, state, lambda position: "real")
            confirmed[number].update(given)
            name = subject.get("/state").json()["subject"]
            everybody = read_answers(running.folder)
            stored = answers_of(everybody[everybody["subject"] == name])
            assert list(stored) == list(range(1, 28))
            assert {position: stored[position] for position in confirmed[number]} == confirmed[number]
    finally:
        running.kill()
    with sqlite3.connect(running.folder / "answers.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_whole_road_from_the_command_line(tmp_path: Path) -> None:
    bench, study = make(tmp_path), str(tmp_path / "my-study")
    arms = ("--arm", "refined:4", "--arm", "real:2", "--examples", "3", "--images", "40")
    bench("study", "build", "--real", "simulator:test", "--refined", "simulator:real", "--out", study, *arms)
    assert "bench study serve" in bench("study", "analyse", study, check=3).stderr
    with serving(Path(study)) as running:
        for _ in range(2):
            subject = Subject(running.port)
            finish(subject, subject.begin(), lambda position: "fake")
            name = subject.get("/state").json()["subject"]
    assert "36 answers of 2 subjects" in bench("study", "export", study, "--out", "files").stdout
    assert bench("study", "delete", study, name).stdout == f"{name}: 18 answers deleted\n"
    assert "18 answers of 1 subjects" in bench("study", "export", study, "--out", "files").stdout
    assert (tmp_path / "files" / "codebook.md").is_file()
    assert (
        "unknown" in bench("study", "build", "--real", "nowhere", "--refined", "nowhere", "--out", "x", check=2).stderr
    )
