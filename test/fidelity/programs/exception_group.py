import builtins

if not hasattr(builtins, "ExceptionGroup"):
    raise SystemExit("no groups")


def fail(number):
    try:
        raise ValueError(number)
    except ValueError as error:
        error.add_note(f"note {number}")
        return error


raise ExceptionGroup("several", [fail(1), ExceptionGroup("more", [fail(2), KeyError("k")])])
