"""The bounds of a program document, shared by its parser and its published schema."""

from decimal import Decimal

from services.platform.money import AMOUNT_MAX

PROBLEMS_MAX = 200
TEXT_MAX = 80
CODE_MAX = 40
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
UNIT_CODE_PATTERN = r"^[a-z][a-z0-9_]{0,29}$"
UNIT_SCALE_MAX = 4
RULES_MAX = 20
LEVELS_MAX = 10
CATEGORIES_MAX = 200
CATEGORY_DEPTH_MAX = 8
CATEGORY_NAME_MAX = 120
STORES_MAX = 1_000
STORE_CODE_MAX = 64
RULE_POINTS_MAX = 1_000_000_000
MULTIPLIER_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"
MULTIPLIER_MAX = Decimal(100)
MULTIPLIER_STEP = Decimal("0.0001")
BACKDATING_DAYS_MAX = 3_650
MONEY_MAX = AMOUNT_MAX
POINTS_MAX = AMOUNT_MAX
