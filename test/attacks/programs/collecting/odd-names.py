# Names that are no text, break lines, climb up, or look like options and escapes.
#: {"leaves": ["%2e%2e", "-rf", "...", "a b", "back\\slash", "dot."], "leavesOut": ["\\xff\\xfe", "line\\u000abreak"]}
import os

from attack import held

os.chdir(os.environ["JOB_OUTPUT_DIR"].encode())
for name in (b"\xff\xfe", b"line\nbreak", b"-rf", b"...", b"%2e%2e", b"a b", b"back\\slash", b"dot."):
    open(name, "w").write("x")
held()
