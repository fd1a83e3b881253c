import helper

print("end of file", helper.kept.name)
