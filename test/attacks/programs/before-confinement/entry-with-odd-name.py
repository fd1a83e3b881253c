# A program whose name has spaces, quotes, shell characters and line breaks in it.
#: {"entry": "a 'b\" $(id) ;\n*.py", "prints": "held\n"}
print("held")
