"""Archives are measured before they are unpacked: sizes, ratios, archives inside archives."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from geo.errors import DataError, error

from . import limits
from .content import ARCHIVES, open_regular
from .paths import shown
from .whole import corrupt

_PIECE = 2**18
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8
_STREAMS: Mapping[bytes, Callable[[BinaryIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_DAMAGE_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)


def check_archive(path: Path, where: str) -> None:
    """Refuse an archive that would unpack to more than it should, before its reader unpacks it.

    The sizes that an archive states are not trusted: everything is unpacked without being stored, piece by piece and
    up to the limit, and a member must have the length that it states.

    Args:
        path: A zip archive, a workbook, or a file packed by gzip, bzip2 or xz; others pass.
        where: Key of the config that names it.

    Raises:
        DataError: E-ZIP-BOMB, E-SIZE-LIMIT, E-IO-FORMAT for a password or an odd method, E-IO-CORRUPT.
    """
    try:
        with open_regular(path) as file:
            head = file.read(8)
            file.seek(0)
            if head.startswith(b"PK"):
                _check_zip(file, path, where)
            elif head.startswith(ARCHIVES):
                _check_stream(file, head, path)
    except _DAMAGE_ERRORS as failure:
        raise DataError([corrupt(path, f"the archive is damaged: {failure}")]) from failure


def _check_stream(file: BinaryIO, head: bytes, path: Path) -> None:
    """Count what a file packed as one stream holds."""
    unpack = next((unpack for mark, unpack in _STREAMS.items() if head.startswith(mark)), None)
    if unpack is None:
        return
    packed, total, start = path.stat().st_size, 0, b""
    with unpack(file) as unpacked:
        while piece := unpacked.read(_PIECE):
            start = start or piece[:8]
            total += len(piece)
            _refuse_size(total, packed, path)
    if start.startswith(ARCHIVES):
        raise _zip_bomb(path, None, "an archive holds no other archive")


def _check_zip(file: BinaryIO, path: Path, where: str) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if len(members) > limits.MEMBERS:
        raise _zip_bomb(path, f"{len(members):,} members", f"an archive has at most {limits.MEMBERS:,} members")
    if any(member.flag_bits & _ENCRYPTED or member.compress_type not in (_STORED, _DEFLATED) for member in members):
        rule = f"the file of {where} has no password and is packed by deflate"
        raise DataError([error("E-IO-FORMAT", path.name, rule=rule, fix="save it again without a password")])
    packed = path.stat().st_size
    if sum(member.compress_size for member in members) > packed:
        raise _zip_bomb(path, None, "the members of an archive share no bytes")
    _refuse_size(sum(member.file_size for member in members), packed, path)
    for member in members:
        _check_member(file, member, path)


def _check_member(file: BinaryIO, member: zipfile.ZipInfo, path: Path) -> None:
    """Unpack one member without storing it: another reader may use the data rather than the stated size."""
    file.seek(member.header_offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("a member is not where the directory states")
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    length, start = 0, b""
    for piece in _pieces(file, member):
        start = start or piece[:8]
        length += len(piece)
        if length > member.file_size:
            rule = f"a member holds the {member.file_size:,} bytes it states"
            raise _zip_bomb(path, member.filename, rule)
    if start.startswith(ARCHIVES):
        raise _zip_bomb(path, member.filename, "an archive holds no other archive")
    if length != member.file_size:
        raise zipfile.BadZipFile("a member is shorter than it states")


def _pieces(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Give the unpacked bytes of a member in pieces of bounded length."""
    left, inflate = member.compress_size, zlib.decompressobj(-zlib.MAX_WBITS)
    while left > 0 and not inflate.eof:
        packed = file.read(min(left, _PIECE))
        if not packed:
            raise EOFError("it ends within a member")
        left -= len(packed)
        if member.compress_type == _STORED:
            yield packed
            continue
        while packed:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail


def _refuse_size(unpacked: int, packed: int, path: Path) -> None:
    if unpacked > limits.UNPACKED_BYTES:
        rule = f"an archive unpacks to at most {limits.UNPACKED_BYTES:,} bytes"
        raise DataError([error("E-SIZE-LIMIT", path.name, value=f"{unpacked:,} bytes", rule=rule, fix="split it")])
    if unpacked > max(limits.RATIO * packed, limits.RATIO_FROM_BYTES):
        value = f"{unpacked:,} bytes or more from {packed:,}"
        raise _zip_bomb(path, value, f"an archive unpacks to at most {limits.RATIO} times its size")


def _zip_bomb(path: Path, value: str | None, rule: str) -> DataError:
    fix = "look at what it holds; unpack it yourself and name the file inside, or save it again"
    return DataError([error("E-ZIP-BOMB", path.name, value=value and shown(value), rule=rule, fix=fix)])
