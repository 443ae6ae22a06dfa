"""The member's card: codes that a till scans, links to the card's page, and passes for phones."""
