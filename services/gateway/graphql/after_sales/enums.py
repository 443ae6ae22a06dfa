"""Enums of cases, told to the schema with a description of every value."""

from services.gateway.graphql.enum_words import describe
from services.loyalty.after_sales.domain import CaseEventKind, CaseKind, CaseStatus

describe(
    CaseKind,
    "CaseKind",
    "What is wanted after the sale.",
    {
        CaseKind.RETURN: "Goods come back for their money.",
        CaseKind.EXCHANGE: "Goods come back for others.",
        CaseKind.REPAIR: "Goods are to be put right.",
        CaseKind.SUPPORT: "A question or a complaint.",
    },
)
describe(
    CaseStatus,
    "CaseStatus",
    "Where a case stands.",
    {
        CaseStatus.OPEN: "Nobody has looked at it yet.",
        CaseStatus.IN_PROGRESS: "The staff are on it.",
        CaseStatus.WAITING_FOR_MEMBER: "The member has to say or bring something.",
        CaseStatus.APPROVED: "It will be done as asked.",
        CaseStatus.REJECTED: "It will not be done; it can be taken up again.",
        CaseStatus.COMPLETED: "It is done. Of a return or an exchange the points have moved.",
        CaseStatus.CLOSED: "Nothing happens to it any more: it was withdrawn, or is over.",
    },
)
describe(
    CaseEventKind,
    "CaseEventKind",
    "What can happen to a case.",
    {
        CaseEventKind.OPENED: "It was opened.",
        CaseEventKind.MOVED: "It went to another status.",
        CaseEventKind.ASSIGNED: "Somebody took it, or nobody has it any more.",
        CaseEventKind.NOTED: "Somebody wrote about it.",
    },
)
