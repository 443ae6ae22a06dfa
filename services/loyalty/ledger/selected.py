"""Balances and entries as JSON, written by the database. ``holder`` is an SQL expression, ``now`` a value's name."""

from services.platform.db.selected_json import (
    NotPickable,
    Pick,
    Writers,
    global_id,
    instant,
    json_list,
    json_object,
    opaque,
    plain,
)

# What `settled_balances` computes: lots and holds that are due count as settled, whether or not the job has been there.
# What becomes spendable pays back first what is owed.
_DUE = """
LEFT JOIN LATERAL (
    SELECT
        coalesce(sum(remaining) FILTER (
            WHERE state = 'pending' AND activates_at <= %(now)s AND awaits_action IS NULL), 0)::bigint AS activated,
        coalesce(sum(remaining) FILTER (
            WHERE state = 'pending' AND activates_at <= %(now)s AND awaits_action IS NOT NULL), 0)::bigint AS canceled,
        coalesce(sum(remaining) FILTER (WHERE expires_at <= %(now)s), 0)::bigint AS ended
    FROM ledger_lots
    WHERE holder_id = b.holder_id AND unit = b.unit AND (remaining > 0 OR held > 0)
        AND (expires_at IS NOT NULL OR state = 'pending' OR clock IS NOT NULL OR held > 0)) lots ON true
LEFT JOIN LATERAL (
    SELECT coalesce(sum(h.amount), 0)::bigint AS released,
        coalesce(sum(h.amount) FILTER (WHERE l.expires_at <= %(now)s), 0)::bigint AS ended
    FROM ledger_held_parts h JOIN ledger_lots l ON l.id = h.lot_id
    WHERE b.held_in > b.held_out AND l.holder_id = b.holder_id AND l.unit = b.unit AND l.held > 0
        AND h.expires_at <= %(now)s) holds ON true
LEFT JOIN LATERAL (
    SELECT least(b.owed_in - b.owed_out, lots.activated + holds.released) AS repaid) owing ON true
LEFT JOIN LATERAL (
    SELECT least(
        lots.ended + holds.ended,
        b.available_in - b.available_out + lots.activated + holds.released - owing.repaid) AS lapsed) due ON true"""
_SETTLED = frozenset({"pending", "available", "held", "owed", "expired", "reversed"})

_BALANCE: Writers = {
    "unit": plain("b.unit"),
    "pending": plain("b.pending_in - b.pending_out - lots.activated - lots.canceled"),
    "available": plain(
        "b.available_in - b.available_out + lots.activated + holds.released - owing.repaid - due.lapsed"
    ),
    "held": plain("b.held_in - b.held_out - holds.released"),
    "owed": plain("b.owed_in - b.owed_out - owing.repaid"),
    "earned": plain("b.earned"),
    "spent": plain("b.spent"),
    "expired": plain("b.expired + due.lapsed"),
    "reversed": plain("b.reversed + lots.canceled"),
    "adjusted": plain("b.adjusted"),
    "transferred": plain("b.transferred"),
    "__typename": plain("'Balance'::text"),
}
_ENTRY: Writers = {
    "id": plain(global_id("LedgerEntry", "e.id")),
    "kind": plain("upper(e.kind)"),
    "sequence": plain("e.seq"),
    "points": plain(
        "(SELECT coalesce(sum(CASE WHEN credit_holder_id IS NULL THEN 0 ELSE amount END"
        " - CASE WHEN debit_holder_id IS NULL THEN 0 ELSE amount END), 0)::bigint"
        " FROM ledger_postings WHERE entry_id = e.id)"
    ),
    "postings": lambda pick: json_list(
        json_object(pick.picks, _POSTING), source="ledger_postings p WHERE p.entry_id = e.id", order="p.position"
    ),
    "reason": plain("e.reason"),
    "actor_kind": plain("upper(e.actor_kind)"),
    "occurred_at": plain(instant("e.occurred_at")),
    "recorded_at": plain(instant("e.recorded_at")),
    "hash": plain("encode(e.hash, 'hex')"),
    "previous_hash": plain("encode(e.previous_hash, 'hex')"),
    "__typename": plain("'LedgerEntry'::text"),
}
_PAGE_INFO: Writers = {
    "has_next_page": plain("g.has_more"),
    "has_previous_page": plain("false"),
    "start_cursor": plain("g.start_cursor"),
    "end_cursor": plain("g.end_cursor"),
    "__typename": plain("'PageInfo'::text"),
}
_EDGE: Writers = {
    "node": lambda pick: json_object(pick.picks, _ENTRY),
    "cursor": plain("e.cursor"),
    "__typename": plain("'LedgerEntryEdge'::text"),
}
_ENTRIES: Writers = {
    "edges": plain("g.edges"),
    "page_info": lambda pick: json_object(pick.picks, _PAGE_INFO),
    "__typename": plain("'LedgerEntryConnection'::text"),
}


def _account(side: str) -> Writers:
    return {
        "is_program": plain(f"(p.{side}_holder_id IS NULL)"),
        "purpose": plain(f"upper(p.{side}_purpose)"),
        "address": plain(f"coalesce(p.{side}_holder_id::text, 'program') || ':' || p.unit || ':' || p.{side}_purpose"),
        "__typename": plain("'LedgerAccount'::text"),
    }


_POSTING: Writers = {
    "position": plain("p.position"),
    "unit": plain("p.unit"),
    "amount": plain("p.amount"),
    "debit": lambda pick: json_object(pick.picks, _account("debit")),
    "credit": lambda pick: json_object(pick.picks, _account("credit")),
    "__typename": plain("'Posting'::text"),
}


def balances(pick: Pick, *, holder: str) -> str:
    """The balances of a holder by unit, as they are at ``now``."""
    due = _DUE if _SETTLED & {balance.name for balance in pick.picks} else ""
    source = f"ledger_balances b {due} WHERE b.holder_id = {holder}"
    return json_list(json_object(pick.picks, _BALANCE), source=source, order="b.unit")


def entries(pick: Pick, *, holder: str) -> str:
    """The first ``pick.first`` entries of a holder, newest first, as a connection.

    Raises:
        NotPickable: edges are asked for twice, with different things of them.
    """
    edges = [part for part in pick.picks if part.name == "edges"]
    if len(edges) > 1:
        raise NotPickable(pick.name)
    edge = json_object(edges[0].picks, _EDGE) if edges else "NULL::json"
    cursor = opaque(f"""'["ledger:' || {holder} || '","' || seq || '"]'""")
    source = f"""(
        SELECT coalesce(json_agg(edge ORDER BY seq DESC) FILTER (WHERE place <= {pick.first:d}), '[]') AS edges,
            count(*) > {pick.first:d} AS has_more, (array_agg(cursor ORDER BY seq DESC))[1] AS start_cursor,
            (array_agg(cursor ORDER BY seq DESC))[least(count(*), {pick.first:d})] AS end_cursor
        FROM (
            SELECT seq, place, cursor, {edge} AS edge
            FROM (
                SELECT *, row_number() OVER (ORDER BY seq DESC) AS place, {cursor} AS cursor FROM ledger_entries
                WHERE holder_id = {holder} ORDER BY seq DESC LIMIT {pick.first + 1:d}
            ) e
        ) read) g"""
    parts = [Pick(part.key, part.name) if part.name == "edges" else part for part in pick.picks]
    return f"(SELECT {json_object(parts, _ENTRIES)} FROM {source})"
