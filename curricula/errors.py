"""Errors that people see."""


class UserError(Exception):
    """Something that a person can fix; the message says what is wrong, where, and what to do.

    Commands print the message alone. Any other exception is a defect and keeps its traceback.
    """
