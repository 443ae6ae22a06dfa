"""The interface Node: whatever has a global id can be fetched again by it."""

import strawberry


@strawberry.interface(name="Node", description="An object with an id that is unique over all types (Relay).")
class Node:
    id: strawberry.ID = strawberry.field(description="The global id: opaque, and stable for ever.")
