"""What is left to pay of a cart between one coupon and the next, and which of its units are still free to serve."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.loyalty.coupons.domain.carts import Cart, Item
from services.loyalty.coupons.domain.definitions import Scope
from services.platform.money import allocate


@dataclass(frozen=True, slots=True)
class LineState:
    """What is left of one line: of ``pieces`` that no item promotion has counted yet, and of the others."""

    pieces: int
    open_minor: int
    served_minor: int

    @property
    def left_minor(self) -> int:
        return self.open_minor + self.served_minor


@dataclass(frozen=True, slots=True)
class State:
    """What is left of the lines that coupons can lower, by index; of the whole order and of shipping.

    ``room_minor`` is what can still be taken off goods: negative lines have lowered it, so that no order falls below
    zero.
    """

    lines: tuple[LineState, ...]
    room_minor: int
    shipping_minor: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Units of one line, by index, and what they cost together."""

    index: int
    pieces: int
    minor: int


def is_discountable(item: Item) -> bool:
    """Whether coupons can lower a line at all: it is above zero, of a quantity above zero, and not excluded."""
    return item.gross_minor > 0 and item.quantity > 0 and not item.is_excluded


def pieces_of(item: Item) -> int:
    """How many units a line counts: its quantity where that is whole; what is weighed or measured is one."""
    whole = int(item.quantity)
    return whole if whole == item.quantity else 1


def size_of_piece(item: Item) -> Decimal:
    """The quantity of one such unit."""
    return Decimal(1) if int(item.quantity) == item.quantity else item.quantity


def first_state(cart: Cart) -> State:
    """The cart before any coupon."""
    lines = tuple(
        LineState(pieces_of(item), item.gross_minor, 0) if is_discountable(item) else LineState(0, 0, 0)
        for item in cart.items
    )
    room = max(0, sum(item.gross_minor for item in cart.items))
    return State(lines, room, max(0, cart.shipping_minor))


def in_scope(item: Item, scope: Scope) -> bool:
    """Whether a line lies in a scope."""
    if item.sku in scope.excluded_skus or item.product in scope.excluded_products:
        return False
    if _is_below(item.category, scope.excluded_categories):
        return False
    if not (scope.skus or scope.products or scope.categories):
        return True
    return item.sku in scope.skus or item.product in scope.products or _is_below(item.category, scope.categories)


def narrowness(scope: Scope) -> tuple[int, int]:
    """How narrow a scope is, by the widest thing that it names: SKUs, products, a deep category, a wide one, all."""
    if scope.categories:
        return 2, -min(len(path) for path in scope.categories)
    if scope.products:
        return 1, 0
    return (0, 0) if scope.skus else (3, 0)


def lowered(state: State, by_index: Mapping[int, int]) -> State:
    """The state after money was taken off whole lines: off their open and served parts in proportion."""
    lines = list(state.lines)
    for index, minor in by_index.items():
        line = lines[index]
        of_open, of_served = allocate(minor, (line.open_minor, line.served_minor))
        lines[index] = LineState(line.pieces, line.open_minor - of_open, line.served_minor - of_served)
    return State(tuple(lines), state.room_minor - sum(by_index.values()), state.shipping_minor)


def served(state: State, taken: Iterable[Taken], by_index: Mapping[int, int]) -> State:
    """The state after units have served an item promotion, which took money off them."""
    lines = list(state.lines)
    for part in taken:
        line = lines[part.index]
        lines[part.index] = LineState(
            line.pieces - part.pieces, line.open_minor - part.minor, line.served_minor + part.minor
        )
    for index, minor in by_index.items():
        line = lines[index]
        lines[index] = LineState(line.pieces, line.open_minor, line.served_minor - minor)
    return State(tuple(lines), state.room_minor - sum(by_index.values()), state.shipping_minor)


def shipped(state: State, minor: int) -> State:
    """The state after money was taken off shipping."""
    return State(state.lines, state.room_minor, state.shipping_minor - minor)


def open_pieces(state: State, indices: Iterable[int]) -> int:
    """How many units of lines no item promotion has counted yet."""
    return sum(state.lines[index].pieces for index in indices)


def pick(state: State, indices: Sequence[int], count: int, *, is_dearest: bool, is_paid: bool = False) -> list[Taken]:
    """``count`` open units of lines, the cheapest or the dearest first, ties to the earlier line; fewer if there are.

    The units of a line cost what is left of them in equal parts; those that cost one minor unit more are the dearest.
    With ``is_paid`` units that cost nothing any more are left out.
    """
    groups: list[tuple[int, int, int]] = []
    for index in indices:
        line = state.lines[index]
        if not line.pieces:
            continue
        price, dearer = divmod(line.open_minor, line.pieces)
        groups.append((price, index, line.pieces - dearer))
        groups.append((price + 1, index, dearer))
    groups.sort(key=lambda group: (-group[0] if is_dearest else group[0], group[1]))
    taken: dict[int, Taken] = {}
    for price, index, available in groups:
        pieces = min(count, available)
        if not pieces or (is_paid and not price):
            continue
        before = taken.get(index, Taken(index, 0, 0))
        taken[index] = Taken(index, before.pieces + pieces, before.minor + pieces * price)
        count -= pieces
    return list(taken.values())


def without(state: State, taken: Iterable[Taken]) -> State:
    """The state without units that are spoken for already: for picking others."""
    lines = list(state.lines)
    for part in taken:
        line = lines[part.index]
        lines[part.index] = LineState(line.pieces - part.pieces, line.open_minor - part.minor, line.served_minor)
    return State(tuple(lines), state.room_minor, state.shipping_minor)


def only(state: State, whole: Iterable[int], parts: Iterable[Taken]) -> State:
    """The state in which no units are open but those of whole lines, and parts of others."""
    kept = set(whole)
    lines = [line if index in kept else LineState(0, 0, line.left_minor) for index, line in enumerate(state.lines)]
    for part in parts:
        lines[part.index] = LineState(part.pieces, part.minor, state.lines[part.index].left_minor - part.minor)
    return State(tuple(lines), state.room_minor, state.shipping_minor)


def amount_of(cart: Cart, state: State, indices: Iterable[int], *, is_net: bool, is_after: bool) -> Fraction:
    """The sum of lines in minor units, gross or net, before the coupons or after those that came before."""
    total = Fraction(0)
    for index in indices:
        item = cart.items[index]
        whole = item.net_minor if is_net else item.gross_minor
        if is_after and is_discountable(item):
            total += Fraction(whole * state.lines[index].left_minor, item.gross_minor)
        else:
            total += whole
    return total


def quantity_of(cart: Cart, indices: Iterable[int]) -> Decimal:
    """How much is bought on lines; what is taken back on others is not counted against it."""
    return sum((max(Decimal(0), cart.items[index].quantity) for index in indices), start=Decimal(0))


def _is_below(path: tuple[str, ...], prefixes: Iterable[tuple[str, ...]]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in prefixes)
