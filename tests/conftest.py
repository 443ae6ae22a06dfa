"""Lists the plugins of the tests, nothing more. One that imports from another comes after it."""

pytest_plugins = [
    "tests.support.database",
    "tests.support.mailbox",
    "tests.support.tenants",
    "tests.support.story",
    "tests.support.worker",
    "tests.support.spans",
]
