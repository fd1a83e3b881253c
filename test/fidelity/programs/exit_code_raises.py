class Exit(SystemExit):
    @property
    def code(self):
        raise ValueError


raise Exit("said")
