"""How do people ask? The command `porter`, one file a sub-command."""
