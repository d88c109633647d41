"""A search query's text as a tree. What the fields mean, and which there are, is none of its business.

    query       = [condition] ["ORDER BY" key {"," key}]
    condition   = conjunction {"OR" conjunction}
    conjunction = term {"AND" term}
    term        = {"NOT"} ("(" condition ")" | comparison)
    comparison  = field ("=" | "!=" | "<>" | ">" | ">=" | "<" | "<=") value
                | field ["NOT"] "IN" "(" value {"," value} ")"
                | field ["NOT"] "BETWEEN" value "AND" value
                | field ["NOT"] "STARTS_WITH" value
                | field "IS" ["NOT"] "NULL"
    key         = field ["ASC" | "DESC"]

Words of the language count no case, fields do. Positions are counted in characters from 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from perdure.model.errors import InvalidRequest
from perdure.model.limits import QUERY_CHARACTERS_MAX, QUERY_DEPTH_MAX, QUERY_ORDER_MAX
from perdure.store.search_values import INT64_MAX, INT64_MIN, is_storable


class Operator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    IN = "IN"
    NOT_IN = "NOT IN"
    BETWEEN = "BETWEEN"
    NOT_BETWEEN = "NOT BETWEEN"
    STARTS_WITH = "STARTS_WITH"
    NOT_STARTS_WITH = "NOT STARTS_WITH"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"

    @property
    def opposite(self) -> Operator:
        """What holds of a field that is set exactly where this does not."""
        return _OPPOSITES[self]


_OPPOSITES = {
    Operator.EQUAL: Operator.NOT_EQUAL,
    Operator.GREATER: Operator.LESS_EQUAL,
    Operator.GREATER_EQUAL: Operator.LESS,
    Operator.IN: Operator.NOT_IN,
    Operator.BETWEEN: Operator.NOT_BETWEEN,
    Operator.STARTS_WITH: Operator.NOT_STARTS_WITH,
    Operator.IS_NULL: Operator.IS_NOT_NULL,
}
_OPPOSITES |= {negative: positive for positive, negative in _OPPOSITES.items()}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as the query states it."""

    value: str | int | float | bool
    position: int
    bare: bool = False
    """A word without quotes, which only the names of statuses may be."""


@dataclass(frozen=True, slots=True)
class Comparison:
    field: str
    operator: Operator
    values: tuple[Literal, ...]
    position: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds. There are at least two."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds. There are at least two."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: Condition


Condition = AllOf | AnyOf | Negation | Comparison


@dataclass(frozen=True, slots=True)
class OrderKey:
    field: str
    descending: bool
    position: int


@dataclass(frozen=True, slots=True)
class Query:
    condition: Condition | None = None
    """``None``: every run."""
    order: tuple[OrderKey, ...] = ()
    """Empty: the usual order."""


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        InvalidRequest: it cannot be read, or is too long or too deep; the message says where.
    """
    if len(text) > QUERY_CHARACTERS_MAX:
        raise InvalidRequest(
            f"invalid query: it has {len(text)} characters, expected no more than {QUERY_CHARACTERS_MAX}"
        )
    if not is_storable(text):
        raise InvalidRequest("invalid query: it has half of a surrogate pair, which is no character")
    return _Parser(_tokens(text)).query()


class _Kind(StrEnum):
    WORD = "word"
    NAME = "name"  # in backquotes
    TEXT = "text"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str
    """As written; of a name or a text, without its quotes and escapes."""
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind is _Kind.WORD and self.text.upper() in words


_TOKEN = re.compile(
    r"""
      (?P<word> [^\W\d][\w.$@]* )
    | (?P<name> `[^`]+` )
    | (?P<text> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" )
    | (?P<number> [+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? (?![\w.]) )
    | (?P<symbol> <=|>=|!=|<>|[=<>(),] )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLANKS = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(.)|''|\"\"", re.DOTALL)
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}  # MySQL's, as the reference reads them
_COMPARISONS = {
    "=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<>": Operator.NOT_EQUAL,
    ">": Operator.GREATER,
    ">=": Operator.GREATER_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.LESS_EQUAL,
}
_RESERVED = frozenset(
    {"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "STARTS_WITH", "ORDER", "BY", "ASC", "DESC", "TRUE", "FALSE"}
)
_SHOWN = 30
"""How much of what cannot be read a message repeats."""


def _syntax_error(position: int, near: str, problem: str) -> InvalidRequest:
    found = f" near '{near[:_SHOWN]}'" if near else ""
    return InvalidRequest(f"invalid query: syntax error at position {position}{found}: {problem}")


def _tokens(text: str) -> list[_Token]:
    tokens = []
    start = _end_of_blanks(text, 0)
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            raise _syntax_error(start + 1, text[start:], _unreadable(text[start]))
        kind = _Kind(str(match.lastgroup))
        tokens.append(_Token(kind, _unquoted(kind, match[0]), start + 1))
        start = _end_of_blanks(text, match.end())
    tokens.append(_Token(_Kind.END, "", len(text) + 1))
    return tokens


def _end_of_blanks(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _unreadable(character: str) -> str:
    if character in "'\"`":
        return f"the quote {character} is not closed"
    return "not a number" if character.isdigit() or character in "+-." else "not part of the query language"


def _unquoted(kind: _Kind, written: str) -> str:
    if kind is _Kind.NAME:
        return written[1:-1]
    if kind is not _Kind.TEXT:
        return written
    quote = written[0]

    def plain(escape: re.Match[str]) -> str:
        if escape[1] is not None:
            return _ESCAPED.get(escape[1], escape[1])
        return quote if escape[0] == quote * 2 else escape[0]

    return _ESCAPE.sub(plain, written[1:-1])


class _Parser:
    """Recursive descent, one method for each rule; only parentheses go deeper, and they are counted."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def query(self) -> Query:
        at_end = self._peek().kind is _Kind.END or self._peek().is_word("ORDER")
        condition = None if at_end else self._condition()
        order = self._order() if self._accept_word("ORDER") else ()
        if self._peek().kind is not _Kind.END:
            raise self._error("expected AND, OR, ORDER BY or the end of the query")
        return Query(condition, order)

    def _condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._accept_word("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self) -> Condition:
        parts = [self._term()]
        while self._accept_word("AND"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _term(self) -> Condition:
        negated = False
        while self._accept_word("NOT"):
            negated = not negated
        part = self._parenthesis() if self._accept_symbol("(") else self._comparison()
        return Negation(part) if negated else part

    def _parenthesis(self) -> Condition:
        self._depth += 1
        if self._depth > QUERY_DEPTH_MAX:
            position = self._tokens[self._next - 1].position
            raise InvalidRequest(
                f"invalid query: more than {QUERY_DEPTH_MAX} levels of parentheses, at position {position}"
            )
        condition = self._condition()
        self._expect_symbol(")")
        self._depth -= 1
        return condition

    def _comparison(self) -> Comparison:
        position = self._peek().position
        field = self._field()
        operator = self._operator()
        return Comparison(field, operator, self._operands(operator), position)

    def _operator(self) -> Operator:
        symbol = self._peek()
        if symbol.kind is _Kind.SYMBOL and symbol.text in _COMPARISONS:
            self._next += 1
            return _COMPARISONS[symbol.text]
        if self._accept_word("IS"):
            negated = self._accept_word("NOT")
            self._expect_word("NULL")
            return Operator.IS_NOT_NULL if negated else Operator.IS_NULL
        negated = self._accept_word("NOT")
        for operator in (Operator.IN, Operator.BETWEEN, Operator.STARTS_WITH):
            if self._accept_word(operator.value):
                return operator.opposite if negated else operator
        if self._peek().is_word("LIKE"):
            raise self._error("LIKE is not an operator here; STARTS_WITH finds what begins with a text")
        raise self._error("expected an operator: = != > >= < <= IN BETWEEN STARTS_WITH IS")

    def _operands(self, operator: Operator) -> tuple[Literal, ...]:
        match operator:
            case Operator.IS_NULL | Operator.IS_NOT_NULL:
                return ()
            case Operator.IN | Operator.NOT_IN:
                return self._list()
            case Operator.BETWEEN | Operator.NOT_BETWEEN:
                low = self._value()
                self._expect_word("AND")
                return (low, self._value())
            case _:
                return (self._value(),)

    def _list(self) -> tuple[Literal, ...]:
        self._expect_symbol("(")
        values = [self._value()]
        while self._accept_symbol(","):
            values.append(self._value())
        self._expect_symbol(")")
        return tuple(values)

    def _value(self) -> Literal:
        token = self._peek()
        if token.is_word("NULL"):
            raise self._error("expected a value; IS NULL finds what is not set")
        if token.kind is _Kind.TEXT:
            literal = Literal(token.text, token.position)
        elif token.kind is _Kind.NUMBER:
            literal = Literal(self._number(token.text), token.position)
        elif token.is_word("TRUE", "FALSE"):
            literal = Literal(token.is_word("TRUE"), token.position)
        elif token.kind is _Kind.WORD and token.text.upper() not in _RESERVED:
            literal = Literal(token.text, token.position, bare=True)
        else:
            raise self._error("expected a value: a text in quotes, a number, true or false")
        self._next += 1
        return literal

    def _number(self, text: str) -> int | float:
        # Twenty characters hold every whole number of 64 bits; what is longer is compared as a float.
        if len(text) <= 20 and text.lstrip("+-").isdigit() and INT64_MIN <= int(text) <= INT64_MAX:
            return int(text)
        number = float(text)
        if not math.isfinite(number):
            raise self._error("the number is too large")
        return number

    def _order(self) -> tuple[OrderKey, ...]:
        self._expect_word("BY")
        keys = [self._order_key()]
        while self._accept_symbol(","):
            keys.append(self._order_key())
            if len(keys) > QUERY_ORDER_MAX:
                raise InvalidRequest(
                    f"invalid query: more than {QUERY_ORDER_MAX} fields to order by, at position {keys[-1].position}"
                )
        return tuple(keys)

    def _order_key(self) -> OrderKey:
        position = self._peek().position
        field = self._field()
        descending = self._accept_word("DESC")
        if not descending:
            self._accept_word("ASC")
        return OrderKey(field, descending, position)

    def _field(self) -> str:
        token = self._peek()
        if token.kind not in (_Kind.WORD, _Kind.NAME):
            raise self._error("expected the name of a field")
        if token.is_word(*_RESERVED):
            raise self._error("expected the name of a field; one that is a word of the language stands in backquotes")
        self._next += 1
        return token.text

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _accept_word(self, word: str) -> bool:
        found = self._peek().is_word(word)
        self._next += found
        return found

    def _accept_symbol(self, symbol: str) -> bool:
        found = self._peek().kind is _Kind.SYMBOL and self._peek().text == symbol
        self._next += found
        return found

    def _expect_word(self, word: str) -> None:
        if not self._accept_word(word):
            raise self._error(f"expected {word}")

    def _expect_symbol(self, symbol: str) -> None:
        if not self._accept_symbol(symbol):
            raise self._error(f"expected {symbol}")

    def _error(self, problem: str) -> InvalidRequest:
        token = self._peek()
        return _syntax_error(token.position, token.text, problem)
