"""What can be wrong with a lake."""

from curricula.errors import UserError


class LakeError(UserError):
    """The lake cannot be used as it is; the message says what is wrong, where, and what to do."""


class MissingFileError(LakeError):
    """There is no such file."""
