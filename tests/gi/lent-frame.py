#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""lent-frame.py ADDRESS: takes frames that lend a buffer from a running VM, by call and by signal, and releases them."""

import gc
import mmap
import sys

import gi

gi.require_version("QemuDmabuf", "0")
from gi.repository import GLib, QemuDmabuf  # noqa: E402


def check_lent(frame):
    """Everything that a frame without pixels answers, and the pixels in QEMU's memory."""
    buffer = frame.get_buffer()
    assert buffer is not None
    assert frame.get_n_planes() == 0 and frame.get_fd() == -1 and frame.dup_bytes(0) is None
    assert frame.get_backend() == "lent"
    assert frame.get_format() == buffer.get_fourcc()
    assert buffer.get_n_planes() == 1
    size = buffer.get_offset(0) + buffer.get_stride(0) * buffer.get_height()
    with mmap.mmap(buffer.get_fd(0), size, mmap.MAP_SHARED, mmap.PROT_READ) as memory:
        assert any(memory[buffer.get_offset(0) : size]), "a black screen"
    return buffer.dup_drm_format()


def by_call(console):
    for _ in range(10):
        frame = console.wait_frame(10_000_000, None)
        print(frame.get_serial(), check_lent(frame))
        frame.release()
        assert frame.is_stale()
        frame.release()


def by_signal(console, loop):
    kept = []

    def on_frame(_console, frame):
        check_lent(frame)
        kept.append(frame)  # a reference of ours, for the collector to give back
        if len(kept) == 3:
            loop.quit()

    handler = console.connect("frame", on_frame)
    GLib.timeout_add_seconds(20, loop.quit)
    loop.run()
    console.disconnect(handler)
    assert len(kept) == 3, len(kept)


def main():
    display = QemuDmabuf.Display.open(sys.argv[1], None)
    console = display.get_console(0)
    console.props.lend_buffers = True
    console.start(None)
    by_call(console)
    by_signal(console, GLib.MainLoop())
    gc.collect()
    console.stop()
    last = console.dup_latest_frame()
    assert last.is_stale() and last.get_buffer() is not None
    display.close()


main()
