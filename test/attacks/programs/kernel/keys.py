# The kernel's keyrings, which are no namespace's.
from attack import call, held

call("add_key", 248, 217, b"user", b"stolen", b"x", 1, -3)
call("request_key", 249, 218, b"user", b"secret", 0, -3)
call("join session", 250, 219, 1, 0)
call("describe", 250, 219, 6, -3, 0, 0)
held()
