"""Lists the plugins of the tests, nothing more."""

pytest_plugins = [
    "tests.support.database",
    "tests.support.gateway",
    "tests.support.mailbox",
    "tests.support.tenants",
    "tests.support.worker",
]
