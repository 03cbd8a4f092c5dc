"""Finds and opens files: local ones and those of object stores and HDFS, by path or URL.

Input: paths and globs, or URLs s3://, gs://, hdfs:// and file:// whose last parts may hold globs. Output: sorted names
of files, and binary streams. What goes wrong is a `DataError` that names the file, without credentials, and what to do.
Settings of a store stand in the URL's query, as in `s3://bucket/key?endpoint_override=host:9000&scheme=http&region=x`;
for S3 these are `region`, `endpoint_override`, `scheme`, `anonymous`, `tls_ca_file_path`, `force_virtual_addressing`.
Credentials are those of the environment, or `user:password@` before the bucket.
"""

import glob
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from polyloop.data.read.globs import GLOB_MARKS, glob_base, glob_pattern
from polyloop.data.read.row import is_url, shown, url_path
from polyloop.errors import DataError, first_line

LOCAL_BUFFER_BYTES = 2**20
REMOTE_BUFFER_BYTES = 8 * 2**20
"""Bytes that one request to an object store asks for."""

S3_CONNECT_TIMEOUT_S = 3.0
S3_REQUEST_TIMEOUT_S = 10.0
S3_ATTEMPTS = 3
"""An endpoint that refuses fails within two seconds, one to which no connection comes about within about ten, and one
that accepts and then says nothing within about thirty."""

GCS_RETRY_S = 5
"""How long a request to Google's store is tried again."""

S3_TEXT_OPTIONS = frozenset({"region", "endpoint_override", "scheme", "tls_ca_file_path"})
S3_SWITCHES = frozenset({"anonymous", "force_virtual_addressing"})
SCHEMES = frozenset({"s3", "gs", "gcs", "hdfs", "viewfs"})

FIXES = (
    ("ACCESS_DENIED", "give credentials that may read it, or anonymous=true in the URL's query for a public bucket"),
    ("INVALID_ACCESS_KEY_ID", "correct the credentials"),
    ("SIGNATURE_DOES_NOT_MATCH", "correct the credentials"),
    ("NO_SUCH_BUCKET", "correct the bucket's name"),
    ("NETWORK_CONNECTION", "the store cannot be reached: check the network, and endpoint_override in the URL's query"),
    ("UNAVAILABLE", "the store cannot be reached: check the network"),
    ("libjvm", "HDFS needs Java and Hadoop's client libraries: set JAVA_HOME and HADOOP_HOME"),
)
"""What an error of a store says, and what to do about it."""


def list_files(asker: str, patterns: Sequence[str]) -> list[str]:
    """Return the files and URLs that globs match, each once, sorted; DataError, which `asker` begins, for no match."""
    found: set[str] = set()
    for pattern in patterns:
        matches = _matching_urls(pattern) if _is_remote(pattern) else _matching_paths(_local(pattern))
        if not matches:
            raise DataError(f"{asker}: no file matches {shown(pattern)}")
        found.update(matches)
    return sorted(found)


def open_bytes(path: str) -> IO[bytes]:
    """Open a file or URL to read its bytes, with seeking; DataError if that fails."""
    if _is_remote(path):
        return cast(IO[bytes], io.BufferedReader(cast(io.RawIOBase, open_arrow(path)), REMOTE_BUFFER_BYTES))
    try:
        return Path(_local(path)).open("rb", buffering=LOCAL_BUFFER_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None


def open_arrow(path: str) -> pa.NativeFile:
    """Open a file or URL for Arrow's own readers; DataError if that fails."""
    try:
        if not _is_remote(path):
            return pa.OSFile(_local(path))
        file_system, key = _located(path)
        return file_system.open_input_file(key)
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: OSError) -> DataError:
    """Return the error for a file or URL that cannot be read, with what to do about it."""
    message = first_line(error)
    if not _is_remote(path):
        return DataError(f"{shown(path)}: the file cannot be read: {error.strerror or message}")
    fix = next((fix for mark, fix in FIXES if mark in message), "check the URL and the credentials")
    return DataError(f"{shown(path)}: the file cannot be read: {message}; {fix}")


def _is_remote(path: str) -> bool:
    return is_url(path) and not path.startswith("file://")


def _local(path: str) -> str:
    """Return the path of a file:// URL, and any other as it is."""
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def _matching_paths(pattern: str) -> list[str]:
    return [path for path in glob.glob(pattern, recursive=True) if Path(path).is_file()]


def _matching_urls(pattern: str) -> list[str]:
    url, mark, query = pattern.partition("?")
    prefix = url[: url.index("/", url.index("://") + 3) + 1] if "/" in url.partition("://")[2] else f"{url}/"
    try:
        file_system, key = _located(pattern)
        keys = _matching_keys(file_system, key)
    except OSError as error:
        raise unreadable(pattern, error) from None
    skipped = len(key.partition("/")[0]) + 1 if urlsplit(url).scheme in {"s3", "gs", "gcs"} else 0
    return [f"{prefix}{quote(key[skipped:].lstrip('/'), safe='/=:,+@!~()')}{mark}{query}" for key in keys]


def _matching_keys(file_system: Any, pattern: str) -> list[str]:
    """Return the files of a file system that a glob matches."""
    if not any(mark in pattern for mark in GLOB_MARKS):
        (info,) = file_system.get_file_info([pattern])
        return [pattern] if info.type == pafs.FileType.File else []
    base, rest = glob_base(pattern)
    selector = pafs.FileSelector(base, recursive="/" in rest or "**" in rest, allow_not_found=True)
    matches = glob_pattern(pattern)
    infos = file_system.get_file_info(selector)
    return [info.path for info in infos if info.type == pafs.FileType.File and matches.fullmatch(info.path)]


def _located(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; OSError if a store cannot be reached."""
    parts = urlsplit(url_path(url).replace("#", "%23"))
    if parts.scheme not in SCHEMES:
        raise DataError(f"{shown(url)}: no files are read from {parts.scheme}://; expected s3, gs, hdfs or file")
    query = url.partition("?")[2]
    key = unquote(parts.path)
    try:
        file_system = _file_system(parts.scheme, parts.netloc, query)
    except (pa.ArrowInvalid, ValueError) as error:
        raise DataError(f"{shown(url)}: the URL is not understood: {first_line(error)}") from None
    if parts.scheme in {"hdfs", "viewfs"}:
        return file_system, key
    return file_system, f"{parts.netloc.rpartition('@')[2]}{key}"


@lru_cache(maxsize=32)
def _file_system(scheme: str, host: str, query: str) -> Any:
    if scheme == "s3":
        return _s3(host, query)
    if scheme in {"gs", "gcs"} and "retry_limit_seconds" not in query:
        query = "&".join(filter(None, (query, f"retry_limit_seconds={GCS_RETRY_S}")))
    uri = f"{scheme}://{host}/{'?' if query else ''}{query}"
    return pafs.FileSystem.from_uri(uri)[0]


def _s3(host: str, query: str) -> Any:
    """Return the store of an S3 URL; ValueError for an unknown setting."""
    credentials, _, bucket = host.rpartition("@")
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in S3_SWITCHES:
            options[name] = value.lower() in {"true", "1"}
        elif name in S3_TEXT_OPTIONS:
            options[name] = value
        else:
            known = ", ".join(sorted(S3_TEXT_OPTIONS | S3_SWITCHES))
            raise ValueError(f"there is no setting {name!r} for S3; expected one of {known}")
    if credentials:
        access_key, _, secret_key = credentials.partition(":")
        options.update(access_key=unquote(access_key), secret_key=unquote(secret_key))
    if "region" not in options and "endpoint_override" not in options:
        options["region"] = pafs.resolve_s3_region(bucket)
    return pafs.S3FileSystem(
        connect_timeout=S3_CONNECT_TIMEOUT_S,
        request_timeout=S3_REQUEST_TIMEOUT_S,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=S3_ATTEMPTS),
        **options,
    )
