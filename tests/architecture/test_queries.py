"""Nothing that a record or a user says can become part of a query: values travel as parameters only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from axiom.stores.queries import named_queries
from tests.architecture.source import ROOT, Module, modules

pytestmark = pytest.mark.unit

RUNS_A_QUERY = {
    "execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor", "run", "query",
    "register_script", "eval", "copy", "copy_to_table", "try_copy", "script", "execute_query", "fetchmany",
    "copy_from_query", "executescript",
}  # fmt: skip
Given = dict[str, list[ast.expr]]
GIVEN_AS = {"query", "query_", "sql", "script", "statement", "cypher"}
BUILT = {"format", "join", "replace", "format_map", "removeprefix", "removesuffix", "substitute",
         "safe_substitute", "__add__", "__mod__"}  # fmt: skip

ALLOWED: dict[tuple[str, str], str] = {
    ("axiom.stores.postgres", "f'CREATE SCHEMA IF NOT EXISTS {self.schema}'"): (
        "a schema can't be a parameter; __init__ takes only [a-z][a-z0-9_]*"
    ),
    ("axiom.stores.neo4j", "_OWN['fenced_upsert'].replace('UPSERT', upsert.query)"): (
        "two queries of ours put together; rows travel as a parameter"
    ),
    (
        "axiom.stores.redis",
        "(_LUA / 'rehearse.lua').read_text(encoding='utf-8').replace(_BODY, call.script)",
    ): ("two files of ours put together; rows travel as arguments"),
}
"""Module and expression of what is built all the same, with the reason why that is safe."""

FILES = sorted(
    path
    for folder in ("libs", "services")
    for kind in ("*.sql", "*.cypher")
    for path in (ROOT / folder).rglob(kind)
)
# Every query of a file `retention.sql` is run; nobody names them.
NAMED = [
    path
    for path in FILES
    if path.name != "retention.sql" and re.match(r"^(--|//) \w+: ", path.read_text(encoding="utf-8"))
]


def built_queries(module: Module) -> Iterator[str]:
    """Expressions in the place of a query that are put together at run time.

    What a name is given in its function or in the module, an attribute of `self` anywhere in the module, or a
    function of the module gives back counts as if it stood there.
    """
    attributes = {f"{name}()": values for name, values in _returns(module.tree).items()}
    attributes |= {
        name: values for name, values in _assignments(module.tree).items() if name.startswith("self.")
    }
    of_module = attributes | _assignments(ast.Module(_outside_functions(module.tree), []))
    for scope in _functions(module.tree):
        given = of_module | _assignments(scope) | attributes
        yield from _built_in(scope, given)
    yield from _built_in(ast.Module(_outside_functions(module.tree), []), of_module)


def _built_in(scope: ast.AST, given: Given) -> Iterator[str]:
    for call in ast.walk(scope):
        if isinstance(call, ast.Call) and _name(call.func) in RUNS_A_QUERY:
            named = [keyword.value for keyword in call.keywords if keyword.arg in GIVEN_AS]
            for query in [*call.args[:1], *named]:
                yield from _built(query, given, frozenset())


def _built(query: ast.expr, given: Given, seen: frozenset[str]) -> Iterator[str]:
    match query:
        case ast.IfExp(body=one, orelse=other):
            yield from _built(one, given, seen)
            yield from _built(other, given, seen)
        case ast.Call(func=ast.Name(id="Query"), args=[text, *_]):  # neo4j's: a text and its time limit
            yield from _built(text, given, seen)
        case _ if (name := _stands_for(query)) in given and name not in seen:
            for value in given[name]:
                yield from _built(value, given, seen | {name})
        case _ if _is_built(query):
            yield ast.unparse(query)


def _stands_for(node: ast.AST) -> str:
    """`x`, `self.x`, or `f()` for a call of the module's own `f` or `self.f`; nothing for all else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            return f"self.{name}"
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name)):
            return f"{name}()"
    return ""


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _outside_functions(tree: ast.Module) -> list[ast.stmt]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [statement for statement in tree.body if not isinstance(statement, kinds)]


def _returns(tree: ast.AST) -> Given:
    """What each function gives back."""
    return {
        function.name: [
            node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value
        ]
        for function in _functions(tree)
    }


def _assignments(tree: ast.AST) -> Given:
    """What each name or attribute is given; `name += more` counts as a concatenation."""
    found: Given = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                names = [_stands_for(target) for target in targets]
            case ast.AugAssign(target=target, value=value):
                names, value = [_stands_for(target)], ast.BinOp(target, ast.Add(), value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                names = [_stands_for(target)]
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                names = [name]
            case _:
                continue
        for name in filter(None, names):
            found.setdefault(name, []).append(value)
    return found


def _is_built(expression: ast.expr) -> bool:
    """An f-string, a concatenation, a %-format, or a string method that makes another string."""
    for node in ast.walk(expression):
        if isinstance(node, ast.JoinedStr):
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BUILT:
            return True
    return False


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_no_query_is_put_together_at_run_time() -> None:
    found = {
        (module.name, query)
        for module in modules()
        if not module.name.startswith(("deploy", "axiom_cli"))  # they query no store; see test_imports
        for query in built_queries(module)
    }
    assert not found - ALLOWED.keys(), "pass values as parameters, or name the reason in ALLOWED"
    assert not ALLOWED.keys() - found, "these are not there any more"


@pytest.mark.parametrize(
    ("code", "built"),
    [
        ('def f(x): store.execute("SELECT 1", x)', False),
        ('def f(x): store.execute(_SQL["take"], x)', False),
        ("def f(x): store.execute(x)", False),
        ('def f(x): store.execute(f"SELECT {x}")', True),
        ('def f(x): store.fetch("SELECT " + x)', True),
        ('def f(x): tx.run("MATCH (n:%s)" % x)', True),
        ('def f(x): tx.run("MATCH (n:{})".format(x))', True),
        ('def f(x):\n    q = f"SELECT {x}"\n    return store.query(q)', True),
        ('def f(x):\n    q = "SELECT 1"\n    q += x\n    return store.query(q)', True),
        ('def f(x): store.query(" ".join(x))', True),
        ('def f(x): driver.execute_query(f"MATCH (n:{x})")', True),
        ('def f(x): tx.run(query=f"MATCH (n:{x})")', True),
        ('def f(x): store.execute(Template("SELECT $x").substitute(x=x))', True),
        ('Q = f"SELECT {TABLE}"\ndef f(x): store.execute(Q, x)', True),
        ('def q(x):\n    return f"SELECT {x}"\ndef f(x): store.execute(q(x))', True),
        (
            'class A:\n    def __init__(self, x): self.q = "SELECT " + x\n    def f(self): s.fetch(self.q)',
            True,
        ),
        (
            'class A:\n    def q(self, x): return "SELECT %s" % x\n    def f(self, x): s.fetch(self.q(x))',
            True,
        ),
        ('run = lambda x: store.execute(f"SELECT {x}")', True),
        ('store.execute("DROP TABLE " + name)', True),
        ('def f(x):\n    q = "SELECT 1"\n    r = q + x\n    store.execute(r if x else q)', True),
    ],
)
def test_the_test_sees_what_is_built(code: str, built: bool) -> None:
    found = list(built_queries(Module("m", Path("m.py"), ast.parse(code))))
    assert bool(found) is built


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_query_file_uses_nothing_that_reaches_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.strip().startswith(("--", "//")))
    for forbidden in (
        r"\bapoc\.",
        r"\bLOAD\s+CSV\b",
        r"\bdbms\.",
        r"\bCOPY\b.*\bPROGRAM\b",
        r"\bdblink\b",
        r"\bpg_read_",
    ):
        assert not re.search(forbidden, code, re.IGNORECASE), forbidden


@pytest.mark.parametrize("path", NAMED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_named_query_says_what_it_does_and_is_used(path: Path) -> None:
    queries = named_queries(path)
    assert queries
    users = "".join(
        module.path.read_text(encoding="utf-8")
        for module in modules()
        if module.path.parent in (path.parent, path.parent.parent)
    )
    for name, body in queries.items():
        assert body, f"{name} is empty"
        assert f'"{name}"' in users or name.endswith("_constraint"), f"{name} is not used"


def test_dynamic_sql_in_functions_quotes_what_it_puts_in() -> None:
    """PL/pgSQL may EXECUTE only what `format` has quoted with %I and %L."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for call in re.findall(r"EXECUTE\s+(.*?);", text, re.DOTALL | re.IGNORECASE):
            if call.upper().startswith(("FUNCTION", "PROCEDURE")):
                continue
            assert call.lstrip("(").startswith("format("), f"{path.name}: {call}"
            assert "%s" not in call, f"{path.name}: {call}"


def test_queries_are_found_where_they_are_expected() -> None:
    assert {path.name for path in FILES} >= {"queries.sql", "queries.cypher", "0001_price_bars.sql"}
    assert len(NAMED) >= 4
