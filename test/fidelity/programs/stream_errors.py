import sys

print("\N{SNOWMAN} é", file=sys.stderr)
print("\udcff", file=sys.stderr)
print("\udcff")
