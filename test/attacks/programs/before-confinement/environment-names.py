# Variables that look like the runner's own words.
#: {"env": {"JOB_OUTPUT_DIR": "/etc", "JOB_ID": "../../other", "HOME": "/root", "LANG": "$(id)", "X": "a\u0001b", "_": "x", "command": "x"}}
import os

from attack import does, held

does("write where the variable says", lambda: open(os.environ["JOB_OUTPUT_DIR"] + "/x", "w"))
held()
