"""What can be managed and by whom: the rules behind the API, the pages and the commands. Nothing of HTTP is known here."""
