"""The check of S3-compatible storage: the bucket, and the rights to put, get and delete an object below the prefix."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from services.checks.finding import (
    DENIED,
    FULL,
    INCOMPLETE,
    MISCONFIGURED,
    UNREACHABLE,
    Finding,
    Refused,
    Report,
    Wanted,
    error,
    shown,
)
from services.checks.reach import way
from services.stores.access import Tls
from services.stores.files_s3 import bucket

_CODE = re.compile(r"<Code>(\w+)</Code>")

_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "XAdminUserNotFound"}
_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_ROOM = {"QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull", "EntityTooLarge", "ServiceQuotaExceeded"}
"""Codes of errors: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and of other implementations."""


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    endpoint = wanted.options.get("FILES_ENDPOINT", "")
    place = "AWS"
    if endpoint:
        parts = urlsplit(endpoint)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        place = shown((str(parts.hostname), port))
        encrypted = parts.scheme == "https"
        tls = (wanted.access.tls or Tls()) if encrypted else None
        await way((str(parts.hostname), port), tls, "endpoint", wanted.timeout)
    name, region = urlsplit(wanted.url).netloc, wanted.options.get("FILES_REGION", "us-east-1")
    store = bucket(wanted.url, wanted.access, endpoint=endpoint, region=region, timeout=wanted.timeout)
    key = f"check-{secrets.token_hex(8)}"
    findings: list[Finding] = []
    for right, work in (("put", _put), ("get", _get), ("delete", _delete)):
        try:
            await work(store, key)
        except (BaseError, OSError) as failure:
            finding = refusal(str(failure), right, name, region, place)
            if right != "put":
                findings.append(finding)
                continue
            raise Refused(finding) from failure
    return Report("S3", place, findings=tuple(findings))


async def _put(store: S3Store, key: str) -> None:
    await obstore.put_async(store, key, b"check", use_multipart=False)


async def _get(store: S3Store, key: str) -> None:
    found = await obstore.get_async(store, key)
    await found.bytes_async()


async def _delete(store: S3Store, key: str) -> None:
    await obstore.delete_async(store, key)


def refusal(text: str, right: str, name: str, region: str, place: str) -> Finding:
    """What the answer to a request means. `text` is the library's, with the XML of the storage in it."""
    match = _CODE.search(text)
    code = match[1] if match else ""
    if code == "NoSuchBucket":
        remedy = f"create it, for example: aws s3 mb s3://{name}"
        return error(INCOMPLETE, "bucket", f"there is no bucket {name}", remedy)
    if code in _KEYS:
        remedy = "correct accessKey and secretKey in the secret"
        return error(DENIED, "secretName", f"the storage refuses the keys ({code})", remedy)
    if code in _REGION:
        return error(MISCONFIGURED, "region", f"the bucket {name} is not in the region {region}", "name its region")
    if code in _CLOCK:
        text = f"the storage and this machine differ in time ({code})"
        return error(MISCONFIGURED, "", text, "set the clocks by NTP")
    if code in _ROOM:
        return error(FULL, "bucket", f"the bucket {name} takes no more ({code})", "make room, or raise its quota")
    if code == "AccessDenied" or "403" in text:
        remedy = "let its policy allow s3:PutObject, s3:GetObject and s3:DeleteObject on the prefix"
        return error(DENIED, "secretName", f"the keys may not {right} objects in the bucket {name}", remedy)
    why = f"it answers {code}" if code else "it does not answer as S3 does"
    return error(UNREACHABLE, "endpoint", f"{place}: {why}", "correct the address, or see its log")
