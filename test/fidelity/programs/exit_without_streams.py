import sys

sys.stderr = None
sys.exit("said to nobody's object")
