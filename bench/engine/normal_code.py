"""What counts of a module's code: its syntax tree without what cannot change a result. See docs/fingerprints.md."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator

FRAME_READERS = frozenset({"locals", "vars", "eval", "exec", "dir", "inspect", "sys"})
"""With these a function may look up its own variables by name."""


def normal_code(source: str) -> ast.Module:
    """The module without comments, layout, docstrings, type hints, imports for them, and names of local variables.

    Two modules with equal trees do the same. Raises SyntaxError.
    """
    tree = ast.parse(source)
    tree.body = _without_docstring(tree.body)
    _Plain().visit(tree)
    tree.body = [statement for statement in tree.body if not isinstance(statement, ast.Pass)]
    _number_locals(tree, symtable.symtable(source, "", "exec"))
    return tree


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body[:1]:
        case [ast.Expr(value=ast.Constant(value=str()))]:
            return body[1:] or [ast.Pass()]
    return body


class _Plain(ast.NodeTransformer):
    """Drops docstrings, type hints that nothing reads, and `if TYPE_CHECKING:` blocks, which do not run.

    Hints of a class's fields stay, since pydantic and dataclasses make fields of them; so do a decorated function's,
    since decorators may read them. Python itself never looks at a local variable's.
    """

    _in_function = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node, in_function=False)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if not self._in_function or node.value is None:  # a bare `x: int` makes x local
            return node
        return ast.Assign([node.target], node.value, lineno=node.lineno)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node.test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return node.orelse or ast.Pass()
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if not node.decorator_list:
            node.returns = None
            given = node.args
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if argument is not None:
                    argument.annotation = None
        return self._inside(node, in_function=True)

    def _inside(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, *, in_function: bool) -> ast.AST:
        node.body = _without_docstring(node.body)
        outer, self._in_function = self._in_function, in_function
        self.generic_visit(node)
        self._in_function = outer
        return node


def _number_locals(tree: ast.Module, module: symtable.SymbolTable) -> None:
    """Name local variables $0, $1, ... in the order in which each outermost function uses them.

    No name of Python's starts with a $, and within a function one name always gets one number: the result is the
    function with its variables renamed, so two functions with one result differ in names only.
    """
    tables = {(table.get_name(), table.get_lineno()): table for table in _function_tables(module)}
    for function in _outermost_functions(tree):
        table = tables.get((function.name, function.lineno))
        # Defaults and decorators belong to the scope around the function.
        nodes = [node for statement in function.body for node in ast.walk(statement)]
        names = _renamable(nodes, table) if table is not None else set()
        numbers: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Name) and node.id in names:
                node.id = numbers.setdefault(node.id, f"${len(numbers)}")
            elif isinstance(node, ast.ExceptHandler) and node.name in names:
                node.name = numbers.setdefault(node.name, f"${len(numbers)}")


def _renamable(nodes: list[ast.AST], table: symtable.SymbolTable) -> set[str]:
    """Names that mean a variable of this function, or of one inside it, wherever they stand in it.

    Not parameters, which callers may name, nor imports and functions inside it. None at all in a function that holds
    a class or a `match`, or that may read variables by their names. A name that stands in a string is left alone.
    """
    scopes = list(_scopes(table))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    if any(scope.get_type() != "function" for scope in scopes) or used & FRAME_READERS:
        return set()
    if any(isinstance(node, ast.Match) for node in nodes):
        return set()
    strings = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    told = set(re.findall(r"\w+", " ".join(strings)))
    symbols = [symbol for scope in scopes for symbol in scope.get_symbols()]
    other = {
        symbol.get_name()
        for symbol in symbols
        if not (symbol.is_local() or symbol.is_free())
        or symbol.is_parameter() or symbol.is_imported() or symbol.is_namespace() or symbol.is_nonlocal()
    }  # fmt: skip
    # Python changes names with two underscores inside classes.
    return {name for name in {symbol.get_name() for symbol in symbols} - other - told if "__" not in name}


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _function_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Of the functions of a module and of its classes, not of those inside functions."""
    for child in table.get_children():
        if child.get_type() == "function":
            yield child
        elif child.get_type() == "class":
            yield from _function_tables(child)


def _outermost_functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
        else:
            yield from _outermost_functions(child)
