import json
import sys

print(sys.getrefcount(json.loads) > 1000)
