"""Forms: the fields of `application/x-www-form-urlencoded` and `multipart/form-data` bodies, and the files.

Multipart (RFC 7578) is read by the library `multipart`, piece by piece; a part that is over a limit ends the
reading there. What cannot be read is a `BadRequest` that names the part or the field.
"""

from __future__ import annotations

from ..errors import BadRequest, ConfigurationError, ContentTooLarge
from .headers import Headers
from .multidict import MultiDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType
    from typing import IO, Any

    from .file_storage import FileStorage
    from .request import Request

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_PIECE = 64 * 1024  # bytes that the parser is given at a time
_IN_MEMORY = 500 * 1024  # bytes of a file; a larger one goes into a temporary file, as in Werkzeug


def read_form(request: Request) -> tuple[MultiDict, MultiDict[FileStorage]]:
    """The fields and the files of the body; none of either for a body that is no form."""
    mimetype = request.mimetype
    if mimetype not in (URLENCODED, MULTIPART):
        return MultiDict(), MultiDict()
    body = request.get_data(cache=False)
    if not body:
        return MultiDict(), MultiDict()
    if mimetype == URLENCODED:
        return MultiDict(_urlencoded(body, request.charset)), MultiDict()
    return _MultipartForm(request).read(body)


def _urlencoded(body: bytes, charset: str) -> Iterator[tuple[str, str]]:
    from ..percent import unquote_bytes

    if "&=+%".encode(charset) != b"&=+%":
        raise BadRequest(f"a form cannot be encoded in {charset}, in which & and = are other bytes.")
    position = 0
    for field in body.split(b"&"):
        if field:
            name, _, value = field.replace(b"+", b" ").partition(b"=")
            try:
                yield unquote_bytes(name).decode(charset), unquote_bytes(value).decode(charset)
            except UnicodeDecodeError:
                key = _text(unquote_bytes(name), charset, f"the name of the form field at byte {position}")
                _text(unquote_bytes(value), charset, f"the form field {key!r} at byte {position}")
                raise
        position += len(field) + 1


def _text(content: bytes, charset: str, what: str) -> str:
    try:
        return content.decode(charset)
    except UnicodeDecodeError as exc:
        raise BadRequest(f"{what} is not in {charset}: {exc.reason} at byte {exc.start} of it.") from exc


class _MultipartForm:
    """A multipart form while it is read: the parts so far, and the limits that hold for it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.charset = request.charset
        self.most_parts = request.max_form_parts
        self.most_memory = request.max_form_memory_size
        self.parts = 0
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, FileStorage]] = []
        self.sink: Any = None  # where the present part goes

    def read(self, body: bytes) -> tuple[MultiDict, MultiDict[FileStorage]]:
        """The fields and the files. The request closes the files."""
        library = _library()
        boundary = self.request.mimetype_params.get("boundary")
        if not boundary or not boundary.isascii():
            raise BadRequest("the form's Content-Type has no boundary, which separates its parts.")
        try:
            parser = library.PushMultipartParser(boundary)
            for event in _events(parser, _with_empty_lines(body, boundary.encode())):
                self._take(event)
        except library.ParserLimitReached as exc:
            self._close()
            raise ContentTooLarge(f"the headers of {self._place(1)} are too large: {exc}.") from exc
        except library.MultipartError as exc:
            self._close()
            raise BadRequest(f"the form is no multipart/form-data: {exc}, at {self._place(0)}.") from exc
        except BaseException:
            self._close()
            raise
        if self.files:
            self.request._to_close = [*(self.request._to_close or ()), *(file for _, file in self.files)]
        return MultiDict(self.fields), MultiDict(self.files)

    def _take(self, event: Any) -> None:
        if event is None:
            self.sink.finish(self)
        elif isinstance(event, (bytes, bytearray)):
            self.sink.write(event)
        else:
            self._begin(event)

    def _begin(self, segment: Any) -> None:
        self.parts += 1
        if self.most_parts is not None and self.parts > self.most_parts:
            raise ContentTooLarge(f"the form has more than {self.most_parts} parts (MAX_FORM_PARTS).")
        headers = Headers.trusted(list(segment.headerlist))
        name, filename = _names(segment, headers)
        if name is None:
            raise BadRequest(f"part {self.parts} of the form has no name.")
        self.sink = (
            _Field(name, segment.charset or self.charset, self.most_memory)
            if filename is None
            else _File(name, filename, headers)
        )

    def _place(self, ahead: int) -> str:
        """The part that is being read, or one behind the last that was, for the caller."""
        name = f" ({self.sink.name!r})" if self.sink is not None and not ahead else ""
        return f"part {self.parts + ahead}{name}" if self.parts + ahead else "its beginning"

    def _close(self) -> None:
        if isinstance(self.sink, _File):
            self.sink.stream.close()
        for _, file in self.files:
            file.close()


class _Field:
    """A part without a file name: text."""

    def __init__(self, name: str, charset: str, limit: int | None) -> None:
        self.name = name
        self.charset = charset
        self.limit = limit
        self.pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.limit is not None and self.size > self.limit:
            raise ContentTooLarge(
                f"the form field {self.name!r} has more than {self.limit} bytes (MAX_FORM_MEMORY_SIZE)."
            )
        self.pieces.append(piece)

    def finish(self, form: _MultipartForm) -> None:
        what = f"the form field {self.name!r}"
        codec = checked_charset(self.charset, what)
        form.fields.append((self.name, _text(b"".join(self.pieces), codec, what)))


class _File:
    """A part with a file name."""

    def __init__(self, name: str, filename: str, headers: Headers) -> None:
        from tempfile import SpooledTemporaryFile

        self.name = name
        self.filename = filename
        self.headers = headers
        self.stream: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the request closes it
        self.write = self.stream.write

    def finish(self, form: _MultipartForm) -> None:
        from .file_storage import FileStorage

        self.stream.seek(0)
        form.files.append(
            (self.name, FileStorage(self.stream, self.filename, self.name, headers=self.headers))
        )


def checked_charset(name: str, what: str) -> str:
    """Python's name for a charset; `BadRequest` for one that is not known."""
    from .charsets import codec_of

    codec = codec_of(name)
    if codec is None:
        raise BadRequest(f"{what} is said to be in the charset {name!r}, which is not known. Take utf-8.")
    return codec


def _names(segment: Any, headers: Headers) -> tuple[str | None, str | None]:
    """The part's name and file name; `filename*=` is what some clients write for what ASCII lacks."""
    disposition = headers.get("content-disposition") or ""
    is_extended = "*=" in disposition
    if segment.name and not is_extended:
        return segment.name, segment.filename
    from .header_parsing import parse_options

    parameters = parse_options(disposition)[1]  # the library has no word for a name that is there and empty
    return parameters.get("name"), parameters.get("filename") if is_extended else segment.filename


def _with_empty_lines(body: bytes, boundary: bytes) -> bytes:
    """The body with an empty line behind the headers of every part that has no content.

    RFC 2046 (5.1.1) lets such a part end with its headers, and Werkzeug's client writes it so; the library
    waits for the line.
    """
    delimiter = b"\r\n--" + boundary
    if b"\r\n" + delimiter not in body:
        return body
    first, *parts = (b"\r\n" + body).split(delimiter)
    return delimiter.join([first, *map(_with_empty_line, parts)])


def _with_empty_line(part: bytes) -> bytes:
    has_headers_alone = part.startswith(b"\r\n") and part.endswith(b"\r\n") and b"\r\n\r\n" not in part
    return part + b"\r\n" if has_headers_alone else part


def _events(parser: Any, body: bytes) -> Iterable[Any]:
    with parser:
        for start in range(0, len(body), _PIECE):
            yield from parser.parse(body[start : start + _PIECE])


def _library() -> ModuleType:
    try:
        import multipart
    except ImportError as exc:
        raise ConfigurationError(_MISSING) from exc
    if not hasattr(multipart, "PushMultipartParser"):
        raise ConfigurationError(f"{_MISSING} What is there under this name is another one: {multipart!r}.")
    library: ModuleType = multipart
    return library


_MISSING = (
    "a multipart form is read by the library 'multipart' (https://pypi.org/project/multipart), version 1 or "
    "later, which this function lacks. `microlambda deploy` brings it; for another deployer, add multipart "
    "to the requirements."
)
