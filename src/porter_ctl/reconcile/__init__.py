"""How do we make it so? What is planned is announced, allocated and written; nothing is decided."""
