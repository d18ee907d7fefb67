"""How octets travel: TCP sockets, their options, what their errors mean; no protocol in here."""
