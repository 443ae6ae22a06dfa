"""The gateway's fixtures."""

from tests.support.graphql_client import api, production_api, shared_api, shared_urls

__all__ = ["api", "production_api", "shared_api", "shared_urls"]
