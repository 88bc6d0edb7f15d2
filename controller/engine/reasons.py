"""The reasons in conditions and events: stable words that alerts and scripts may rely on, explained in
docs/reference/status.md."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # Conditions
    CONVERGED = "Converged"  # what runs is what is declared
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    SUSPENDED = "Suspended"
    STOPPED = "Stopped"  # by the person who ran it in the foreground; the declaration and the data are kept
    DELETING = "Deleting"
    INVALID_SPEC = "InvalidSpec"
    CRASH_LOOP = "CrashLoop"
    NOT_RESPONDING = "NotResponding"
    JOB_FAILED = "JobFailed"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    STEP_FAILED = "StepFailed"
    PORT_TAKEN = "PortTaken"
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason
    PROGRAM_MISSING = "ProgramMissing"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    UNSCHEDULABLE = "Unschedulable"
    OUT_OF_MEMORY = "OutOfMemory"
    VOLUME_PENDING = "VolumePending"
    QUOTA_EXCEEDED = "QuotaExceeded"
    NAME_TAKEN = "NameTaken"  # an object that is not ours has a name that we need
    IMMUTABLE = "Immutable"  # the change cannot be made without losing something
    FORBIDDEN = "Forbidden"
    UNREACHABLE = "Unreachable"  # the platform does not answer
    BACKUP_UNAVAILABLE = "BackupUnavailable"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    RELEASED = "Released"
    ROLLED_BACK = "RolledBack"
    NOT_CONFIGURED = "NotConfigured"
    NOT_AVAILABLE = "NotAvailable"
    STORE_UNREACHABLE = "StoreUnreachable"
    STORE_READ_ONLY = "StoreReadOnly"
    STORE_UNHEALTHY = "StoreUnhealthy"  # it answers, and says itself that it cannot work now
    STORE_ACCESS_DENIED = "StoreAccessDenied"
    STORE_TLS_FAILED = "StoreTlsFailed"
    STORE_INCOMPLETE = "StoreIncomplete"  # the database, the bucket, the virtual host is not there
    STORE_UNSUPPORTED = "StoreUnsupported"
    STORE_SCHEMA_CONFLICT = "StoreSchemaConflict"
    STORE_FULL = "StoreFull"
    STORE_MISCONFIGURED = "StoreMisconfigured"
    STORE_CHECK_FAILED = "StoreCheckFailed"
    CONTROLLER_ERROR = "ControllerError"

    # Events only
    ACCEPTED = "Accepted"  # a generation is acted on for the first time
    STARTED = "Started"
    RESTARTED = "Restarted"
    STOPPING = "Stopping"
    DIED = "Died"
    JOB_STARTED = "JobStarted"
    JOB_SUCCEEDED = "JobSucceeded"
    SECRET_CREATED = "SecretCreated"  # noqa: S105 - a reason
    SECRET_RENEWED = "SecretRenewed"  # noqa: S105 - a reason
    FORGOTTEN = "Forgotten"
    APPLIED = "Applied"
    PRUNED = "Pruned"
    STORES_READY = "StoresReady"
