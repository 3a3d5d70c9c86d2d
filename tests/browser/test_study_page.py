"""The study's page as people use it: by keyboard, by touch, with interruptions, and what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.study.answers import read_answers
from bench.study.design import ImageClass
from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.study_client import Subject
from tests.study_server import StudyServer, make_study, serving

Open = Callable[..., Visit]
BOXES = "where => [...document.querySelectorAll(where)].map(each => each.getBoundingClientRect().toJSON())"
SIMULATED: dict[ImageClass, str] = {
    "real": "simulator:real", "refined": "simulator:real", "synthetic": "simulator:synthetic",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyServer]:
    folder = tmp_path_factory.mktemp("study")
    make_study(folder, arms={"refined": 3, "synthetic": 2}, examples_per_class=20, images=60)
    with serving(folder / "study") as running:
        yield running


def stored_of(server: StudyServer, subject: str) -> list[str]:
    answers = read_answers(server.folder)
    return [str(each) for each in answers[answers["subject"] == subject]["answer"]]


def test_a_whole_session_by_keyboard_alone(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root)
    keys = someone.page.keyboard
    someone.wait("consent")
    keys.press("Tab")
    keys.press("Enter")  # Enter in the form, without the tick
    assert "tick the box" in someone.page.inner_text("#consent-error")
    assert someone.page.evaluate("() => document.activeElement.id") == "agree"
    keys.press("Space")
    keys.press("Enter")
    someone.wait("instructions")
    assert someone.page.evaluate("() => document.activeElement.id") == "instructions-title"
    keys.press("Tab")
    keys.press("Enter")
    someone.wait_for_image()
    pressed: list[str] = []
    names = {"f": "real", "j": "fake", "ArrowLeft": "real", "ArrowRight": "fake"}
    while (section := someone.settled()) != "done":
        if section == "between":
            keys.press("Tab")
            keys.press("Enter")
            someone.wait_for_image()
        key = list(names)[len(pressed) % 4]
        someone.answer(partial(keys.press, key))
        pressed.append(names[key])
    assert stored_of(server, someone.page.inner_text("#subject")) == pressed
    assert len(pressed) == 2 + 6 + 4 + 1


def test_a_whole_session_by_touch_on_a_phone(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root, **PHONE)
    page = someone.page
    someone.wait("consent")
    page.tap("#agree")
    page.tap("#consent button[type=submit]")
    someone.wait("instructions")
    page.tap("#start")
    someone.wait_for_image()
    tapped: list[str] = []
    layouts = set()
    while (section := someone.settled()) != "done":
        if section == "between":
            page.tap("#go-on")
            someone.wait_for_image()
        # All there is to see and to touch is on the screen at once, large enough for a finger, and never moves.
        boxes = page.evaluate(BOXES, "#images img, .examples img, #answers button, #pause")
        assert all(box["left"] >= 0 and box["right"] <= 360 and box["bottom"] <= 640 for box in boxes)
        assert min(box["height"] for box in page.evaluate(BOXES, "#answers button")) >= 44
        layouts.add(str(boxes))
        side = len(tapped) % 2
        someone.answer(partial(page.tap, f"#answers button:nth-child({side + 1})"))
        tapped.append(["real", "fake"][side])
    assert len(layouts) == 1
    assert stored_of(server, page.inner_text("#subject")) == tapped


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_images_are_enlarged_by_whole_numbers_and_all_alike(
    server: StudyServer, visit: Open, device: dict[str, Any]
) -> None:
    someone = visit(server.root, **device)
    someone.start()
    for where in ("#images img", ".examples img"):
        ((width, height),) = {(box["width"], box["height"]) for box in someone.page.evaluate(BOXES, where)}
        assert width % 55 == 0 and height % 35 == 0 and width // 55 == height // 35
        style = someone.page.evaluate("where => getComputedStyle(document.querySelector(where)).imageRendering", where)
        assert style == "pixelated"


def test_what_a_screen_reader_is_told(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root)
    someone.start()
    page = someone.page
    for label in ("Examples: real", "Examples: computer-made"):
        assert page.get_by_role("figure", name=label).locator("img").count() == 20
    answers = page.get_by_role("group", name="Real or computer-made?").get_by_role("button")
    assert [button.get_attribute("aria-label") for button in answers.all()] == ["Real", "Computer-made"]
    assert page.locator("[aria-live=polite]").inner_text() == "practice 1 of 2."
    someone.answer(lambda: page.keyboard.press("f"))
    assert page.locator("[aria-live=polite]").inner_text() == "practice 2 of 2."


def test_reload_back_and_a_second_window_lose_nothing(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root)
    someone.start()
    page = someone.page
    someone.answer(lambda: page.keyboard.press("f"))
    page.reload()
    someone.wait("between")
    assert "practice 2 of 2" in page.inner_text("#between-text")
    someone.go_on()
    someone.answer(lambda: page.keyboard.press("f"))
    assert page.inner_text("#between-title") == "Practice is over"

    page.goto("about:blank")
    page.go_back()
    someone.go_on()
    assert someone.progress.startswith("1 /")

    other = Visit(page.context.new_page())
    other.page.goto(server.root)
    other.go_on()
    other.answer(lambda: other.page.keyboard.press("j"))
    other.page.close()
    assert someone.progress.startswith("1 /")  # an old window, whose question has an answer
    someone.answer(lambda: page.keyboard.press("f"))
    assert someone.progress.startswith("2 /")

    (ticket,) = [each for each in page.context.cookies() if each.get("name") == "study"]
    subject = Subject(server.port, str(ticket.get("value")))
    state = subject.get("/state").json()
    assert state["position"] == 4
    while state["stage"] != "done":
        state = subject.answer(state["position"], "real").json()
    assert stored_of(server, state["subject"])[:3] == ["real", "real", "fake"]


def test_a_pause_is_not_counted_as_looking(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root)
    page = someone.page
    page.clock.install()
    page.reload()
    someone.consent()
    page.click("#start")
    page.clock.run_for(1000)
    someone.wait_for_image()
    image = page.get_attribute("#images img", "src")
    page.clock.run_for(500)
    page.keyboard.press("p")
    someone.wait("between")
    page.keyboard.press("f")  # answers nothing
    page.clock.run_for(60_000)
    page.click("#go-on")
    page.clock.run_for(1000)
    someone.wait_for_image()
    assert page.get_attribute("#images img", "src") == image
    page.clock.run_for(250)
    with page.expect_request("**/answer") as sent:
        page.keyboard.press("f")
    told = sent.value.post_data_json
    assert told is not None and 750 <= told["reaction_ms"] < 60_000


def test_the_answer_survives_a_killed_server(tmp_path: Path, visit: Open) -> None:
    make_study(tmp_path, arms={"refined": 3}, practice=0, attention_checks=0)
    with serving(tmp_path / "study") as running:
        someone = visit(running.root)
        someone.start()
        page = someone.page
        someone.answer(lambda: page.keyboard.press("f"))
        running.kill()
        page.keyboard.press("j")
        page.get_by_text("Your answers are safe").wait_for()
        someone.answer(running.start)
        assert someone.progress.startswith("3 /")
        assert page.inner_text("#trouble") == ""
        assert read_answers(running.folder)["answer"].tolist() == ["real", "fake"]

        running.kill()
        running.start()
        page.reload()
        someone.wait("between")
        assert "question 3 of 6" in page.inner_text("#between-text")
        someone.faults.clear()  # Chromium writes every lost connection to the console


def test_somebody_else_takes_over_the_device(server: StudyServer, visit: Open) -> None:
    someone = visit(server.root)
    someone.start()
    someone.answer(lambda: someone.page.keyboard.press("f"))
    someone.page.reload()
    someone.wait("between")
    someone.page.click("#somebody-else")
    someone.start()
    assert "1 / 2" in someone.progress


def test_the_link_carries_the_access_code(tmp_path: Path, visit: Open) -> None:
    make_study(tmp_path)
    with serving(tmp_path / "study", "--access-code", "open sesame") as running:
        someone = visit(running.root)
        page = someone.page
        someone.wait("consent")
        page.fill("#code", "open barley")
        page.check("#agree")
        page.click("#consent button[type=submit]")
        page.get_by_text("The access code is not right").wait_for()
        someone.faults.clear()  # the refused request
        page.fill("#code", "open sesame")
        page.click("#consent button[type=submit]")
        someone.wait("instructions")
        visit(running.link).start()


@pytest.mark.parametrize("mode", ["yes-no", "two-alternative"])
def test_every_page_at_two_sizes_and_in_the_dark(tmp_path: Path, visit: Open, screenshots: Path, mode: str) -> None:
    """Pictures to look at; what can be checked: nothing is cut off sideways, and the dark page is dark."""
    make_study(
        tmp_path, arms={"refined": 1, "synthetic": 1}, images=80, mode=mode, examples_per_class=20, practice=1,
        attention_checks=0, sources=SIMULATED, contact="Perception lab, lab@example.org",
    )  # fmt: skip
    dark = {**DESKTOP, "color_scheme": "dark", "reduced_motion": "reduce"}
    with serving(tmp_path / "study") as running:
        for name, device in {"desktop": DESKTOP, "phone": PHONE, "dark": dark}.items():
            someone = visit(running.root, **device)
            walk_through(someone, screenshots / f"{mode}-{name}")
            background = someone.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(22, 22, 21)") == (name == "dark")
    assert len(list(screenshots.glob(f"{mode}-*.png"))) == 3 * 9


def walk_through(someone: Visit, to: Path) -> None:
    """Take a picture of every page."""
    page = someone.page

    def take(what: str) -> None:
        page.screenshot(path=f"{to}-{what}.png")
        root = "document.documentElement"
        assert page.evaluate(f"() => {root}.scrollWidth - {root}.clientWidth") == 0

    someone.wait("consent")
    take("1-consent")
    someone.consent()
    take("2-instructions")
    page.click("#start")
    someone.wait_for_image()
    take("3-practice")
    someone.answer(lambda: page.keyboard.press("f"))
    take("4-practice-over")
    someone.go_on()
    take("5-question")
    page.click("#pause")
    someone.wait("between")
    take("6-pause")
    page.reload()
    someone.wait("between")
    take("7-welcome-back")
    someone.go_on()
    while someone.settled() != "done":
        if someone.section == "between":
            take("8-next-part")
            someone.go_on()
        someone.answer(lambda: page.keyboard.press("j"))
    take("9-thank-you")
