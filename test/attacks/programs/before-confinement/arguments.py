# Arguments that a shell, an option parser or a step list would take for something else.
#: {"args": ["--", "-c", "print('BROKEN')", "$(echo BROKEN)", "`id`", "; id", "a\nb", "", "*", "../../etc", "command", "--bind", "/", "/x", "--cap-add", "ALL", "%00"]}
import sys

from attack import held

expected = ["--", "-c", "print('BROKEN')", "$(echo BROKEN)", "`id`", "; id", "a\nb", "", "*", "../../etc", "command", "--bind", "/", "/x", "--cap-add", "ALL", "%00"]
if sys.argv[1:] != expected:
    print("not what was sent", sys.argv)
held()
