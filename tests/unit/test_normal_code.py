"""What counts of a module's code, case by case; and that renaming locals never changes what a function does."""

from __future__ import annotations

import ast
import dis
import symtable
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import CodeType

import pytest

from bench.engine.normal_code import _number_locals, normal_code

CHECKOUT = Path(__file__).parents[2]


def same(one: str, other: str) -> bool:
    first, second = (ast.unparse(normal_code(dedent(text))) for text in (one, other))
    return first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = [1,\n  2]", "x = [1, 2]  # a pair"),
        ("def f():\n    'Says.'\n    return 1", "def f():\n    return 1"),
        ("def f():\n    'Says.'", "def f():\n    pass"),
        ("def f(a: int, *b: str, c: float = 1.0, **d: int) -> None: ...", "def f(a, *b, c=1.0, **d): ..."),
        ("def f():\n    x: int = 1\n    return x", "def f():\n    x = 1\n    return x"),
        ("if TYPE_CHECKING:\n    from a import b\nx = 1", "x = 1"),
        ("if typing.TYPE_CHECKING:\n    import a\nelse:\n    x = 1", "x = 1"),
        ("def f(a):\n    b = a\n    return b", "def f(a):\n    c = a\n    return c"),
        ("def f(a):\n    return [b for b in a]", "def f(a):\n    return [c for c in a]"),
        ("def f(a):\n    b = a\n    return lambda: b", "def f(a):\n    c = a\n    return lambda: c"),
        (
            "def f():\n    try: g()\n    except E as e: raise F from e",
            "def f():\n    try: g()\n    except E as error: raise F from error",
        ),
        ("class A:\n    def f(s):\n        b = 1; s.b = b", "class A:\n    def f(s):\n        c = 1; s.b = c"),
        ("def f(b=b):\n    c = b\n    return c", "def f(b=b):\n    d = b\n    return d"),
        ("def f():\n    if (n := g()): return n", "def f():\n    if (m := g()): return m"),
    ],
)  # fmt: skip
def test_does_not_count(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1\ny = 2", "y = 2\nx = 1"),
        ("def f(a): return a", "def f(b): return b"),  # callers may name it
        ("x = 1", "y = 1"),
        ("def f(): return a", "def f(): return b"),
        ("class A:\n    x: int = 1", "class A:\n    x: float = 1"),  # a field
        ("@validated\ndef f(a: int): return a", "@validated\ndef f(a: float): return a"),
        ("x: int = 1", "x: float = 1"),
        ("if FLAG:\n    x = 1", "if FLAG:\n    x = 2"),
        ("def f():\n    a = 1\n    b = 2\n    return a", "def f():\n    a = 1\n    b = 2\n    return b"),
        ("def f():\n    a = 1\n    return max", "def f():\n    max = 1\n    return max"),
        # `[b for b in ...]` has a variable of its own: outside, b is the module's
        ("def f(a):\n    [b for b in a]\n    return b", "def f(a):\n    [c for c in a]\n    return c"),
        ("def f(b=b):\n    b = 1", "def f(b=c):\n    b = 1"),
        ("def f():\n    b = 1\n    return locals()", "def f():\n    c = 1\n    return locals()"),
        ("def f():\n    b = 1\n    return a.query('x < @b')", "def f():\n    c = 1\n    return a.query('x < @b')"),
        ("def f():\n    b = 1\n    return f'{b=}'", "def f():\n    c = 1\n    return f'{c=}'"),
        ("def f():\n    import a\n    return a", "def f():\n    import b\n    return b"),
        ("def f():\n    global b\n    b = 1", "def f():\n    global c\n    c = 1"),
        ("def f():\n    def g(): ...\n    return g", "def f():\n    def h(): ...\n    return h"),
        ("def f():\n    class A:\n        b = 1\n    return A", "def f():\n    class A:\n        c = 1\n    return A"),
        ("def f():\n    b: int\n    return b", "def f():\n    return b"),
    ],
)  # fmt: skip
def test_counts(one: str, other: str) -> None:
    assert not same(one, other)


def modules() -> Iterator[Path]:
    for package in ("bench", "refiners", "estimators", "reports"):
        yield from sorted((CHECKOUT / package).rglob("*.py"))


def test_renaming_locals_keeps_the_compiled_code_of_every_module_of_ours() -> None:
    renamed = 0
    for path in modules():
        source = path.read_text()
        tree = ast.parse(source)
        _number_locals(tree, symtable.symtable(source, "", "exec"))
        for node in ast.walk(tree):  # names that Python takes
            if isinstance(node, ast.Name) and node.id.startswith("$"):
                node.id = node.id.replace("$", "local_")
                renamed += 1
            elif isinstance(node, ast.ExceptHandler) and node.name is not None:
                node.name = node.name.replace("$", "local_")
        require_same_code(compile(source, "", "exec"), compile(tree, "", "exec"), str(path))
    assert renamed > 1000


def require_same_code(one: CodeType, other: CodeType, where: str) -> None:
    """The same instructions on the same constants, globals, attributes and parameters; locals count by number."""
    where = f"{where}: {one.co_name}"
    arguments = one.co_argcount + one.co_kwonlyargcount
    assert one.co_names == other.co_names, where
    assert one.co_varnames[:arguments] == other.co_varnames[:arguments], where
    assert [step.opname for step in dis.get_instructions(one)] == [step.opname for step in dis.get_instructions(other)]
    if not (one.co_cellvars or one.co_freevars):  # those are sorted by name
        assert one.co_code == other.co_code, where
    assert len(one.co_consts) == len(other.co_consts), where
    for mine, theirs in zip(one.co_consts, other.co_consts, strict=True):
        if isinstance(mine, CodeType):
            require_same_code(mine, theirs, where)
        else:
            assert mine == theirs, where
