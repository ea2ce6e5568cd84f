"""Mutants that nobody thought of: every small change of the reference solutions, judged like our own.

    python -m autograder mutants --generated hw1

A change touches one place of one function: an operator, a comparison, a constant, an index, an axis, a name,
an argument, a statement, a condition. One that no judge catches is a gap in the judges, or changes nothing
that the exercise's contract promises; the latter stand with their reason in the homework's `equivalent.yaml`:

    hw1.compute_gae:
    - reason: every entry is written before it is read
      changes:
      - |
        - advantages = np.zeros_like(deltas)
        + advantages = np.ones_like(deltas)
"""

from __future__ import annotations

import ast
import difflib
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from autograder.mutants import FOLDER, SOLUTIONS, fill_with, run_mutants, solutions_of

TRAINS = ("hw2.tuning", "hw5.shaping")  # settings, of which a judge only asks whether they may be taken
CPU_SECONDS = 30  # of one mutant at one seed: a change that never ends is killed, which is to be caught
MEMORY = 4 * 2**30  # bytes that one may take beside what was there before

_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Mod: (ast.FloorDiv, ast.Mult),
    ast.Pow: (ast.Mult, ast.Div),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitAnd: (ast.BitOr, ast.BitXor),
}
_TWINS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("argmin", "argmax"),
    ("cummin", "cummax"),
    ("mean", "sum"),
    ("any", "all"),
    ("zeros_like", "ones_like"),
    ("exp", "log"),
    ("exp", "exp2"),
    ("unsqueeze", "squeeze"),
    ("std_mean", "var_mean"),
    ("randperm", "arange"),
    ("mse_loss", "l1_loss"),
    ("randint", "random"),
    ("expand", "reshape"),
    ("append", "extend"),
)
_SYMMETRIC = ("min", "max", "minimum", "maximum", "mse_loss")  # the order of their arguments says nothing
_IN_PLACE = ("exp", "clamp", "squeeze", "unsqueeze", "log", "mul", "detach")


@dataclass(frozen=True)
class Change:
    """One changed reference solution.

    Attributes:
        text: the lines that differ, as a diff without indentation.
        source: the whole changed function.
    """

    exercise: str
    text: str
    source: str
    is_right = False

    def fill(self) -> None:
        """Fills the exercise with it, in a process whose time and memory are bounded from now on."""
        taken = int(open("/proc/self/statm", encoding="ascii").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        fill_with(self.exercise, self.source)


@dataclass
class Tally:
    """What became of an exercise's changes."""

    killed: list[Change]
    equivalent: list[Change]
    survivors: list[Change]


def exercises_of(name: str = "") -> list[str]:
    """The exercises with a reference function and a judge that is quick: all, a homework's, or the one named.

    Raises:
        ValueError: there are none of that name.
    """
    found = [
        f"{path.stem}.{function}"
        for path in sorted(SOLUTIONS.glob("hw*.py"))
        for function in solutions_of(path)
    ]
    chosen = [e for e in found if e not in TRAINS and name in ("", e, e.partition(".")[0])]
    if not chosen:
        raise ValueError(
            f"no generated mutants of {name!r}: expected a homework, or one of {', '.join(found)}"
        )
    return chosen


def changes_of(exercise: str) -> list[Change]:
    """Every first-order change of an exercise's reference solution that Python accepts, each once."""
    homework, _, name = exercise.partition(".")
    path = SOLUTIONS / f"{homework}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    original = ast.unparse(function)
    scope, found = _Scope(function), {}
    for statement in range(len(function.body)):
        for holder, key in _places(function.body, statement):
            before = holder[key]
            for after in [*_replacements(before, scope), *_of_statement(holder, key)]:
                following = holder[key + 1] if isinstance(after, list) else None
                if following is None:
                    holder[key] = after
                else:
                    holder[key : key + 2] = after
                source = _accepted(function)
                holder[key] = before
                if following is not None:
                    holder[key + 1] = following
                if source not in (None, original):
                    found[source] = None
    texts = [_diff(original, source, 0) for source in found]
    return [
        Change(exercise, text if texts.count(text) == 1 else _diff(original, source, 3), source)
        for source, text in zip(found, texts)
    ]


def equivalent() -> dict[str, dict[str, str]]:
    """The changes that keep the contract: exercise -> the change's text -> the reason.

    Raises:
        ValueError: an entry has no reason, or stands twice.
    """
    listed: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("*/equivalent.yaml")):
        for exercise, groups in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            for text, reason in [
                (text.rstrip(), group["reason"]) for group in groups for text in group["changes"]
            ]:
                if not reason or text in listed.setdefault(exercise, {}):
                    raise ValueError(f"{path}, {exercise}: no reason, or listed twice: {text}")
                listed[exercise][text] = reason
    return listed


def judge(changes: Sequence[Change], seeds: Sequence[int]) -> dict[str, Tally]:
    """Judges the changes, with a progress bar on stderr; a survivor passed at one seed or more.

    A change that ends its process, or never ends, is killed. Equivalent ones are judged as well: one that is
    caught counts as killed, and does not belong on the list.
    """
    from tqdm import tqdm

    listed = equivalent()
    passed: set[Change] = set()
    with tqdm(total=len(changes) * len(seeds), unit="run", smoothing=0.02) as bar:
        for outcome in run_mutants(list(changes), seeds):
            bar.update()
            if not outcome.caught_by:
                passed.add(outcome.mutant)
    tallies = {change.exercise: Tally([], [], []) for change in changes}
    for change in changes:
        tally = tallies[change.exercise]
        known = change.text in listed.get(change.exercise, {})
        (tally.killed if change not in passed else tally.equivalent if known else tally.survivors).append(
            change
        )
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """The numbers of every exercise, the survivors, the reasons of the equivalent ones, and the score."""
    lines = [f"{'exercise':28}{'changes':>8}{'killed':>8}{'equivalent':>12}{'survivors':>11}"]
    sums = [0, 0, 0]
    for exercise, tally in tallies.items():
        numbers = [len(tally.killed), len(tally.equivalent), len(tally.survivors)]
        sums = [a + b for a, b in zip(sums, numbers)]
        lines.append(_row(exercise, numbers))
    lines.append(_row("all", sums))
    listed = equivalent()
    for exercise, tally in tallies.items():
        reasons = [listed[exercise][change.text] for change in tally.equivalent]
        lines += [
            f"~ {exercise}: {reasons.count(reason)} equivalent: {reason}" for reason in dict.fromkeys(reasons)
        ]
    for exercise, tally in tallies.items():
        for change in tally.survivors:
            lines += [
                f"✗ {exercise}: passed by every judge",
                *(f"    {line}" for line in change.text.splitlines()),
            ]
    killed, _, survived = sums
    return "\n".join(
        [*lines, f"score: {100 * killed / max(killed + survived, 1):.1f} % of those that are not equivalent"]
    )


def _row(name: str, numbers: list[int]) -> str:
    killed, same, survived = numbers
    return f"{name:28}{sum(numbers):>8}{killed:>8}{same:>12}{survived:>11}"


def _diff(before: str, after: str, context: int) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=context)
    return "\n".join(f"{line[0]} {line[1:].strip()}".rstrip() for line in list(lines)[2:] if line[:2] != "@@")


def _accepted(function: ast.FunctionDef) -> str | None:
    """The function's source; None where Python refuses it."""
    source = ast.unparse(ast.fix_missing_locations(function)).replace(".detach().detach()", ".detach()")
    try:
        compile(source, "<change>", "exec")
    except SyntaxError:
        return None
    return source


def _places(holder: list | dict, key: int | str) -> Iterator[tuple[list | dict, int | str]]:
    """Every node from holder[key] downwards, each as the list or attributes that hold it, and its key there."""
    yield holder, key
    node = holder[key]
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "ctx", "op", "ops"):
            continue
        if isinstance(value, ast.AST):
            yield from _places(vars(node), name)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _places(value, i)


class _Scope:
    """Names of a function that may be taken for one another.

    Parameters of one annotation; variables bound in one statement or by the same call; attributes of self;
    string keys of one variable.
    """

    def __init__(self, function: ast.FunctionDef):
        kinds: dict[str, list[str]] = {}
        for arg in function.args.args:
            if arg.annotation is not None:
                kinds.setdefault(ast.unparse(arg.annotation), []).append(arg.arg)
        self.tensors = kinds.get("torch.Tensor", [])
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                call = node.value.func if isinstance(node.value, ast.Call) else None
                kind = ast.unparse(call) if call else f"line {node.lineno}"
                bound = [n for target in node.targets for n in ast.walk(target) if _is_bound(n)]
                kinds.setdefault(kind, []).extend(name.id for name in bound)
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            ):
                kinds.setdefault("self.", []).append(node.attr)
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                kinds.setdefault(f"{ast.unparse(node.value)}[]", []).append(node.slice.value)
        self.kinds = {kind: list(dict.fromkeys(names)) for kind, names in kinds.items()}

    def others(self, name: object, kind: str = "") -> list:
        """What else may stand there."""
        groups = [self.kinds.get(kind, [])] if kind else self.kinds.values()
        if not kind:
            groups = [names for key, names in self.kinds.items() if key != "self." and not key.endswith("[]")]
        return [other for names in groups if name in names for other in names if other != name]


def _replacements(node: ast.AST, scope: _Scope) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (ast.BinOp(left, other(), right) for other in _OPERATORS[type(op)])
            yield from (left, right)
            if not isinstance(op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)):
                yield ast.BinOp(right, op, left)
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Compare(left, [op], [right]):
            swapped = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
            others = [swapped[type(op)]] if type(op) in swapped else _COMPARISONS
            yield from (ast.Compare(left, [other()], [right]) for other in others)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
            yield from (_but(values, i, lambda rest: ast.BoolOp(op, rest)) for i in range(len(values)))
        case ast.IfExp(test, body, orelse):
            yield from (body, orelse, ast.IfExp(test, orelse, body))
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield from (ast.Constant(other) for other in {value + 1, value - 1, 0, -value})
        case ast.Constant(float(value)):
            yield from (ast.Constant(other) for other in {0.0, value + 1.0, value * 2.0, value / 2.0})
        case ast.Name(name, ast.Load()):
            yield from (ast.Name(other, ast.Load()) for other in scope.others(name))
            if name in scope.tensors:
                yield from (_method(node, added) for added in ("detach", "squeeze", "abs"))
        case ast.Attribute(ast.Name("self"), name, ast.Load()):
            yield from (ast.Attribute(node.value, other, ast.Load()) for other in scope.others(name, "self."))
        case ast.Subscript(value, index, ast.Load()):
            yield value
            yield from (ast.Subscript(value, other, ast.Load()) for other in _indices(value, index, scope))
        case ast.Subscript(value, index, ast.Store()):
            yield from (ast.Subscript(value, other, ast.Store()) for other in _indices(value, index, scope))
        case ast.Slice(lower, upper, step):
            if lower or upper or step:
                yield from (ast.Slice(None, upper, step), ast.Slice(lower, None, step))
        case ast.Call():
            yield from _calls(node)
        case ast.Tuple(elts) | ast.List(elts) if len(elts) > 1:
            yield from (type(node)(_swapped(elts, i), node.ctx) for i in range(len(elts) - 1))
            if isinstance(node.ctx, ast.Load):
                yield from (type(node)(elts[:i] + elts[i + 1 :], node.ctx) for i in range(len(elts)))
        case ast.Dict(keys, values):
            yield from (
                ast.Dict(keys[:i] + keys[i + 1 :], values[:i] + values[i + 1 :]) for i in range(len(keys))
            )
        case ast.comprehension(target, iterated, [_, *_], _):
            yield ast.comprehension(target, iterated, [], 0)


def _is_bound(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _but(values: list, i: int, join) -> ast.AST:
    rest = values[:i] + values[i + 1 :]
    return join(rest) if len(rest) > 1 else rest[0]


def _swapped(items: list, i: int) -> list:
    return [*items[:i], items[i + 1], items[i], *items[i + 2 :]]


def _method(node: ast.expr, name: str) -> ast.Call:
    return ast.Call(ast.Attribute(node, name, ast.Load()), [], [])


def _shifted(node: ast.expr) -> Iterator[ast.expr]:
    """One more and one less."""
    yield ast.BinOp(node, ast.Add(), ast.Constant(1))
    yield ast.BinOp(node, ast.Sub(), ast.Constant(1))


def _indices(value: ast.expr, index: ast.expr, scope: _Scope) -> Iterator[ast.expr]:
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        others = scope.others(index.value, f"{ast.unparse(value)}[]")
        yield from (ast.Constant(other) for other in others)
    if isinstance(index, ast.Name):
        yield from _shifted(index)
    if isinstance(index, ast.Tuple):
        for i, element in enumerate(index.elts):
            if isinstance(element, ast.Name):
                for other in _shifted(element):
                    yield ast.Tuple([*index.elts[:i], other, *index.elts[i + 1 :]], ast.Load())


def _calls(call: ast.Call) -> Iterator[ast.AST]:
    function, args, keywords = call.func, call.args, call.keywords
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    module = isinstance(function, ast.Attribute) and ast.unparse(function.value) in ("torch", "np", "F", "nn")
    method = isinstance(function, ast.Attribute) and not module

    def named(other: str) -> ast.Call:
        if isinstance(function, ast.Attribute):
            return ast.Call(ast.Attribute(function.value, other, ast.Load()), args, keywords)
        return ast.Call(ast.Name(other, ast.Load()), args, keywords)

    if method:
        yield function.value
        if name in _IN_PLACE:
            yield named(f"{name}_")
    yield from (argument.value if isinstance(argument, ast.Starred) else argument for argument in args)
    for pair in _TWINS:
        if name in pair:
            yield named(pair[1 - pair.index(name)])
    if name not in _SYMMETRIC:
        yield from (ast.Call(function, _swapped(args, i), keywords) for i in range(len(args) - 1))
    yield from (ast.Call(function, args[:i] + args[i + 1 :], keywords) for i in range(len(args)))
    yield from (ast.Call(function, args, keywords[:i] + keywords[i + 1 :]) for i in range(len(keywords)))
    if name in ("range", "arange", "randperm"):
        yield from (ast.Call(function, [*args[:-1], other], keywords) for other in _shifted(args[-1]))
        yield ast.Call(function, [ast.Constant(1), args[-1]], keywords)


def _of_statement(holder: list | dict, key: int | str) -> Iterator[ast.stmt | list[ast.stmt]]:
    """What may stand in a statement's place; two statements stand for it and its successor."""
    node = holder[key]
    if not isinstance(node, ast.stmt):
        return
    yield ast.Pass()
    if key + 1 < len(holder) and _order_matters(node, holder[key + 1]):
        yield [holder[key + 1], node]
    always = ast.Constant(True)
    match node:
        case ast.If(test, body, orelse):
            yield ast.If(always, body, [])
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
            if orelse:
                yield from (ast.If(always, orelse, []), ast.If(test, body, []))
        case ast.While(test, body):
            yield ast.While(ast.UnaryOp(ast.Not(), test), body, [])
            yield ast.If(test, body, [])
        case ast.With(_, body):
            yield ast.If(always, body, [])
        case ast.For(target, iterated, body):
            yield ast.For(target, iterated, [*body, ast.Break()], [])
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Assign([ast.Name() as target], ast.BinOp(ast.Name(name), op, right)) if target.id == name:
            yield ast.AugAssign(target, op, right)
        case ast.Return(value) if value is not None and not isinstance(value, ast.Name):
            yield ast.Return(ast.Constant(None))


def _order_matters(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether two statements may do something else when they change places."""
    if not (isinstance(first, ast.Assign) and isinstance(second, ast.Assign)):
        return True
    bound = [
        {
            ast.unparse(name)
            for target in node.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        }
        for node in (first, second)
    ]
    used = [{node.id for node in ast.walk(one) if isinstance(node, ast.Name)} for one in (first, second)]
    return bool(bound[0] & used[1] or bound[1] & used[0])
