"""What a merchant says to people: wording in each language, drawn as HTML and as plain text. Pure, no database."""
