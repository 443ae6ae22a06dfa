"""Members as JSON, written by the database; ``m`` is the member's row."""

from enum import Enum

from services.platform.db.selected_json import Writers, global_id, instant, json_list, json_object, plain

ROWS_MAX = 101
"""The longest page, and the one after it."""


class MembersFrom(Enum):
    """Whose rows ``m`` are: all that follows FROM."""

    ID = "members m WHERE m.id = %(id)s"
    IDENTITY = """
members m WHERE m.id = (SELECT member_id FROM member_identities WHERE kind = %(kind)s AND value = %(value)s)"""
    # The limit comes first: what belongs to a page is read for its members alone. Two texts, because the plan of one
    # that asks whether there is a place would walk to it from the newest member. The longest page is a number: of a
    # page of unknown length the server would expect a tenth of the table, and plan each one anew.
    FIRST_PAGE = f"""
(SELECT * FROM (SELECT * FROM members ORDER BY id DESC LIMIT {ROWS_MAX}) m LIMIT %(limit)s) m ORDER BY m.id DESC"""
    NEXT_PAGE = f"""
(SELECT * FROM (SELECT * FROM members WHERE id < %(after)s ORDER BY id DESC LIMIT {ROWS_MAX}) m LIMIT %(limit)s) m
ORDER BY m.id DESC"""


_IDENTITY: Writers = {
    "kind": plain("upper(i.kind)"),
    "value": plain("i.value"),
    "__typename": plain("'MemberIdentity'::text"),
}
_FIELD: Writers = {
    "code": plain("f.key"),
    "value": plain("f.value"),
    "__typename": plain("'CustomFieldValue'::text"),
}
MEMBER_WRITERS: Writers = {
    "id": plain(global_id("Member", "m.id")),
    "name": plain("m.name"),
    "birthday": plain("m.birthday"),
    "locale": plain("m.locale"),
    "timezone": plain("m.timezone"),
    "status": plain("upper(m.status)"),
    "identities": lambda pick: json_list(
        json_object(pick.picks, _IDENTITY),
        source="member_identities i WHERE i.member_id = m.id",
        order="i.kind, i.value",
    ),
    "tags": plain("to_json(m.tags)"),
    "fields": lambda pick: json_list(
        json_object(pick.picks, _FIELD), source="jsonb_each(m.fields) f", order='f.key COLLATE "C"'
    ),
    "is_referred": plain("m.is_referred"),
    "profile_completed_at": plain(instant("m.profile_completed_at")),
    "enrolled_at": plain(instant("m.enrolled_at")),
    "updated_at": plain(instant("m.updated_at")),
    "__typename": plain("'Member'::text"),
}
