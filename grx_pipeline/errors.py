"""Every error that a person can cause and mend.

A message says what is wrong, where (file, and line where there is one) and what to do about it. Bugs in the
pipeline stay ordinary Python exceptions; they do not belong here.
"""


class GrxError(Exception):
    """Base of all errors that are printed as one message, without a traceback."""


class InputError(GrxError):
    """A raw file, folder or zip cannot be used as it is."""


class DiscoveryError(InputError):
    """A path holds no session, or its files contradict one another."""


class SettingsError(GrxError):
    """grx.toml or the environment names something unknown or out of range."""


class ContractError(GrxError):
    """A table does not match its declaration in schemas.py, or a file of the lake is damaged."""


class SessionBusyError(GrxError):
    """Another process runs the same session."""


class PortTakenError(GrxError):
    """Another process listens where a server is to be started."""


class StorageError(GrxError):
    """The disk is full or a folder cannot be written."""


class MemoryLimitError(GrxError):
    """A step needs more memory than there is, or than the settings allow."""
