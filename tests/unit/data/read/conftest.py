"""A small S3 store on 127.0.0.1 that answers what reading asks of one: listing, sizes, and ranges of objects."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"


class S3Store(ThreadingHTTPServer):
    """Holds objects by "bucket/key"; the bucket `private` refuses everyone."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _S3Handler)
        self.objects: dict[str, bytes] = {}

    @property
    def query(self) -> str:
        """The query of a URL that leads to this store."""
        return f"endpoint_override=127.0.0.1:{self.server_port}&scheme=http&region=us-east-1"


class _S3Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3Store

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        content = self._content()
        if content is not None:
            self._answer(200, content, {"Last-Modified": LAST_MODIFIED, "ETag": '"x"'})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if "list-type" in query:
            bucket = unquote(parts.path).strip("/")
            self._answer(200, self._listing(bucket, query).encode(), {"Content-Type": "application/xml"})
            return
        content = self._content()
        if content is None:
            return
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        end = min(int(last or len(content) - 1), len(content) - 1)
        span = {"Content-Range": f"bytes {first}-{end}/{len(content)}", "Last-Modified": LAST_MODIFIED, "ETag": '"x"'}
        self._answer(206, content[int(first) : end + 1], span)

    def _content(self) -> bytes | None:
        path = unquote(urlsplit(self.path).path).strip("/")
        if path.startswith("private/"):
            self._fail(403, "AccessDenied")
            return None
        if path not in self.server.objects:
            self._fail(404, "NoSuchKey")
            return None
        return self.server.objects[path]

    def _listing(self, bucket: str, query: dict[str, list[str]]) -> str:
        prefix = query.get("prefix", [""])[0]
        delimiter = query.get("delimiter", [""])[0]
        keys = [
            name.removeprefix(f"{bucket}/") for name in sorted(self.server.objects) if name.startswith(f"{bucket}/")
        ]
        files, folders = [], set()
        for key in keys:
            rest = key.removeprefix(prefix)
            if key.startswith(prefix) and delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            elif key.startswith(prefix):
                files.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<Size>{len(self.server.objects[f'{bucket}/{key}'])}</Size></Contents>"
            for key in files
        )
        prefixes = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
        )
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(files) + len(folders)}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"
        )

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), {})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def s3_store() -> Iterator[S3Store]:
    """An empty store that answers while the test runs."""
    with S3Store() as store:
        thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield store
        store.shutdown()
        thread.join()
