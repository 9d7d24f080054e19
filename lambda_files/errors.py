"""The errors of the functions: the state machine matches their names, people read their sentences."""

from __future__ import annotations


class StatefulError(Exception):
    """Base of every error that the functions raise on purpose."""


class EnvironmentIncomplete(StatefulError):
    """A variable that the function needs is not set."""


class EventInvalid(StatefulError):
    """The input of a task lacks what the previous task must hand over."""


class ResultRefused(StatefulError):
    """What a task would hand on is too large, or holds a secret."""


class SettingsMissing(StatefulError):
    """The table has no usable settings or credentials of the cluster."""


class SettingsInvalid(StatefulError):
    """The settings document has a value that cannot be worked with."""


class RecordsUnread(StatefulError):
    """DynamoDB did not give all of the items that were asked for."""


class InstancesUnread(StatefulError):
    """EC2 did not tell of all instances that were asked for, nor that they do not exist."""


class GroupMissing(StatefulError):
    """The Auto Scaling group is not there."""


class LeaseHeld(StatefulError):
    """Another execution holds the lease: nothing is wrong, this one has nothing to do."""


class LeaseLost(StatefulError):
    """The lease went to another execution: this one must not act any more."""


class ClusterError(StatefulError):
    """Base of everything that the storage cluster's side can do wrong."""


class ClusterUnreachable(ClusterError):
    """No address of the cluster answered usefully."""


class ClusterRefused(ClusterError):
    """The cluster understood the request and said no."""


class ClusterAnswerUnknown(ClusterError):
    """The cluster answered in a shape that is not known; nothing is concluded from it."""


class WrongCluster(ClusterError):
    """The answer came from another cluster than the one that was imported."""


class CredentialsRejected(ClusterError):
    """The cluster does not accept the stored user and password."""


class CredentialsLocked(ClusterError):
    """The cluster locked the stored user out after too many failed logins."""


class TransientErrors(StatefulError):
    """Something of this pass did not go as it should; the next pass tries again."""
