"""What this machine is and does: its boot, its addresses, what its dataplane serves."""
