"""An uploaded file: a part of a multipart form that has a file name."""

from __future__ import annotations

from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import IO, Any


class FileStorage:
    """A binary stream with the name and the headers that came with it (Werkzeug's).

    What the stream can do, the file can: `read()`, `seek()`, `tell()`. `filename` is what the caller
    wrote: never a safe path. A field in which no file was chosen has an empty one, and is false.
    """

    def __init__(
        self,
        stream: IO[bytes] | None = None,
        filename: str | None = None,
        name: str | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        headers: Headers | None = None,
    ) -> None:
        if stream is None:
            from io import BytesIO

            stream = BytesIO()
        self.stream = stream
        self.filename = filename
        self.name = name
        self.headers = Headers() if headers is None else headers
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        if content_length is not None:
            self.headers["Content-Length"] = content_length

    @property
    def content_type(self) -> str | None:
        """The type that the caller declared, with its parameters."""
        declared: str | None = self.headers.get("content-type")
        return declared

    @property
    def content_length(self) -> int:
        """The length that the caller declared; 0, as nearly always, where it did not."""
        from .header_parsing import whole_number

        return whole_number(self.headers.get("content-length") or "") or 0

    @property
    def mimetype(self) -> str:
        """The declared type in lower case, without parameters."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the declared type."""
        from .header_parsing import parse_options

        return parse_options(self.content_type)[1]

    def save(self, dst: str | os.PathLike[str] | IO[bytes], buffer_size: int = 16384) -> None:
        """Copy what has not been read yet to a path, or to a binary file that stays open."""
        from shutil import copyfileobj

        if isinstance(dst, str) or hasattr(dst, "__fspath__"):
            with open(dst, "wb") as file:
                copyfileobj(self.stream, file, buffer_size)
        else:
            copyfileobj(self.stream, dst, buffer_size)

    def close(self) -> None:
        """Close the stream; a temporary file is gone with it."""
        self.stream.close()

    def __getattr__(self, name: str) -> Any:
        if name == "stream":  # not there yet: copy and pickle ask before __init__ has run
            raise AttributeError(name)
        return getattr(self.stream, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __repr__(self) -> str:
        return f"<FileStorage: {self.filename!r} ({self.content_type!r})>"
