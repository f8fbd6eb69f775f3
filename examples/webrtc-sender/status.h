/* SPDX-License-Identifier: MIT */
/* The numbers that qdmabuf-webrtc exits with. */
#pragma once

enum status {
  STATUS_OK = 0,      /* ended by a signal, or the VM that it started was shut down */
  STATUS_USAGE = 1,   /* the command line cannot be meant */
  STATUS_CONNECT = 2, /* no VM, no such console, or the VM is gone for good */
  STATUS_PLUGIN = 3,  /* GStreamer lacks something */
  STATUS_LISTEN = 4,  /* the address or the certificate cannot be had */
  STATUS_QEMU = 5,    /* the QEMU that was to be started failed */
};
