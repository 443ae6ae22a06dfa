"""How a message leaves the house: one sync adapter for each vendor, chosen by the service."""
