"""The GraphQL schema as text, for those who build on it."""

from services.gateway.graphql.schema import build_schema


def schema() -> None:
    """Print the GraphQL schema in SDL."""
    print(build_schema(is_sorted=True).as_str())  # noqa: T201  the command's answer
