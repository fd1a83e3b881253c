import sys

for name in ("stdin", "stdout", "stderr"):
    stream = getattr(sys, name)
    raw = getattr(stream.buffer, "raw", stream.buffer)
    print(name, stream, stream.encoding, stream.errors, stream.newlines, stream.line_buffering, stream.write_through)
    print(type(stream.buffer).__name__, raw, raw.name, raw.mode, raw.closefd, stream.fileno(), stream.isatty(), stream.mode)
    print(stream is getattr(sys, f"__{name}__"), stream.closed, stream.readable(), stream.writable())
