# A program whose name is an option of the interpreter's.
#: {"entry": "-m", "prints": "held\n"}
print("held")
