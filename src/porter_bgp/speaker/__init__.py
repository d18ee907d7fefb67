"""Who runs what, when: peers, their sockets and their tables together, on asyncio."""
