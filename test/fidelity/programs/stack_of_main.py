import sys
import traceback

depth, frame = 0, sys._getframe()
while frame is not None:
    depth, frame = depth + 1, frame.f_back
print(depth, len(traceback.extract_stack()))
