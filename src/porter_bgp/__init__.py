"""A BGP speaker as a library: values and a session without I/O, asyncio only where sockets are.

It stands alone: nothing outside the standard library is imported, and nothing of `porter_ctl`.
"""
