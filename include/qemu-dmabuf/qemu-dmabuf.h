/* SPDX-License-Identifier: MIT */
/* The one header to include: everything that libqemudmabuf offers. */
#pragma once

#include <qemu-dmabuf/qdmabuf-buffer.h>
#include <qemu-dmabuf/qdmabuf-console.h>
#include <qemu-dmabuf/qdmabuf-converter.h>
#include <qemu-dmabuf/qdmabuf-cursor.h>
#include <qemu-dmabuf/qdmabuf-display.h>
#include <qemu-dmabuf/qdmabuf-error.h>
#include <qemu-dmabuf/qdmabuf-frame.h>
#include <qemu-dmabuf/qdmabuf-version.h>
