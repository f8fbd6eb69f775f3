#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Uses the library from Python through its typelib: names, errors, a buffer on a memfd, a converted frame."""

import gc
import mmap
import os
import sys

import gi

gi.require_version("QemuDmabuf", "0")
from gi.repository import Gio, GLib, GObject, QemuDmabuf  # noqa: E402

WIDTH, HEIGHT = 64, 16
XR24, LINEAR = 0x34325258, 0
NV12 = 0x3231564E
Y_TILED, INVALID = 0x0100000000000002, 0x00FFFFFFFFFFFFFF


def open_fds():
    return len(os.listdir("/proc/self/fd"))


def gradient():
    """Rows of B, G, R, X bytes, each pixel another one."""
    return b"".join(bytes((x, y, x ^ y, 0xFF)) for y in range(HEIGHT) for x in range(WIDTH))


def without_x(data):
    """The X byte of XR24 has no meaning."""
    return bytes(value for i, value in enumerate(data) if i % 4 != 3)


def check_names():
    assert QemuDmabuf.get_version() == os.environ["VERSION"], QemuDmabuf.get_version()
    assert QemuDmabuf.fourcc_to_string(XR24).startswith("XR24"), QemuDmabuf.fourcc_to_string(XR24)
    assert "LINEAR" in QemuDmabuf.modifier_to_string(LINEAR), QemuDmabuf.modifier_to_string(LINEAR)
    flags = QemuDmabuf.ListenerFlags
    assert flags.MAP | flags.DMABUF2 == flags.ALL
    leds = QemuDmabuf.Leds
    assert (leds.SCROLL_LOCK, leds.NUM_LOCK, leds.CAPS_LOCK) == (1, 2, 4)
    assert (QemuDmabuf.Touch.BEGIN, QemuDmabuf.Touch.CANCEL) == (0, 3)
    for name in ("Display", "Console", "Converter", "Buffer", "Frame", "Cursor", "Error"):
        assert hasattr(QemuDmabuf, name), name


def make_buffer(picture, stride=WIDTH * 4):
    fd = os.memfd_create("picture", os.MFD_CLOEXEC)
    try:
        os.write(fd, picture)
        buffer = QemuDmabuf.Buffer.new(WIDTH, HEIGHT, XR24, LINEAR)
        buffer.add_plane(fd, 0, stride)
    finally:
        os.close(fd)
    return buffer


def check_frame():
    picture = gradient()
    frame = QemuDmabuf.Converter(backend="cpu").convert(make_buffer(picture))
    assert (frame.get_width(), frame.get_height()) == (WIDTH, HEIGHT)
    assert frame.get_format() == XR24
    assert frame.get_backend() == "linear", frame.get_backend()
    assert frame.get_n_damage() == 1
    stride = frame.get_stride(0)
    size = stride * HEIGHT
    with mmap.mmap(frame.get_fd(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
        start = frame.get_offset(0)
        mapped = memory[start : start + size]
    rows = b"".join(mapped[y * stride : y * stride + WIDTH * 4] for y in range(HEIGHT))
    assert without_x(rows) == without_x(picture)
    data = frame.dup_bytes(0).get_data()
    assert without_x(data[: WIDTH * 4]) == without_x(picture[: WIDTH * 4])
    # Pixels of its own, so nobody waits for them.
    assert frame.get_buffer() is None
    frame.release()
    assert not frame.is_stale()


def check_buffer():
    buffer = make_buffer(gradient())
    assert buffer.get_n_planes() == 1 and buffer.get_fd(0) >= 0 and buffer.get_fd(1) == -1
    crop = buffer.get_crop()
    assert (crop.x, crop.y, crop.width, crop.height) == (0, 0, WIDTH, HEIGHT)
    assert buffer.dup_drm_format() == "XR24"
    tiled = QemuDmabuf.Buffer.new(WIDTH, HEIGHT, XR24, Y_TILED)
    assert tiled.dup_drm_format() == "XR24:0x0100000000000002"
    unknown = QemuDmabuf.Buffer.new(WIDTH, HEIGHT, XR24, INVALID)
    assert unknown.dup_drm_format() is None
    names = [spec.name for spec in GObject.list_properties(QemuDmabuf.Console)]
    assert {"lend-buffers", "pipelined", "color"} <= set(names), names
    names = [spec.name for spec in GObject.list_properties(QemuDmabuf.Display)]
    assert {"reconnect", "state"} <= set(names), names
    assert QemuDmabuf.DisplayState.WAITING == 1


def check_color():
    """White is 235 in limited range and 255 in full range."""
    white = make_buffer(b"\xff" * (WIDTH * HEIGHT * 4))
    for color, luma in ((QemuDmabuf.Color.BT709_LIMITED, 235), (QemuDmabuf.Color.BT601_FULL, 255)):
        converter = QemuDmabuf.Converter(backend="cpu", format=NV12, color=color)
        assert converter.props.color == color
        frame = converter.convert(white)
        assert frame.get_n_planes() == 2
        assert frame.dup_bytes(0).get_data()[0] == luma


def check_flip():
    picture = gradient()
    buffer = make_buffer(picture)
    buffer.set_y0_top(True)
    frame = QemuDmabuf.Converter(backend="cpu").convert(buffer)
    top = frame.dup_bytes(0).get_data()[: WIDTH * 4]
    bottom_row_of_memory = picture[-WIDTH * 4 :]
    assert without_x(top) == without_x(bottom_row_of_memory)


def check_error():
    try:
        QemuDmabuf.Converter(backend="cpu").convert(make_buffer(gradient(), stride=WIDTH))
    except GLib.Error as error:
        assert error.matches(QemuDmabuf.error_quark(), QemuDmabuf.Error.BAD_LAYOUT), error
    else:
        raise AssertionError("a stride of a quarter row was taken")


def check_cancel():
    """No display is there: opening one fails by its own error, at once."""
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    try:
        QemuDmabuf.Display.open("unix:path=/nonexistent", cancellable)
    except GLib.Error as error:
        assert error.message
    else:
        raise AssertionError("a display at an address where nobody is")


def check_all():
    check_frame()
    check_buffer()
    check_color()
    check_flip()
    check_error()
    check_cancel()
    gc.collect()


def main():
    check_names()
    # GLib opens some file descriptors at first use and keeps them.
    check_all()
    before = open_fds()
    check_all()
    after = open_fds()
    assert after == before, f"open fds: {before} before, {after} after"
    print(f"QemuDmabuf {QemuDmabuf.get_version()} works from Python {sys.version.split()[0]}")


main()
