/* SPDX-License-Identifier: MIT */
/* The one table of functions behind which every way to read a buffer stands, and its contract. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "buffer/buffer.h"
#include "buffer/damage.h"
#include "buffer/picture.h"

/* Contract:
 * - Every slot is required, but for begin, finish and wait, which a back end has all or none of.
 * - score, import, read, begin, finish, release of one back end are called on one thread at a time:
 *   the thread of its executor where it has one, the caller's where not. wait: any thread.
 * - The buffer is frozen: sizes, strides, offsets and real fd sizes are validated; a back end does
 *   not check again.
 * - No back end closes an fd of the buffer. It may duplicate one and then owns the duplicate.
 * - read returns when the rows of dst are complete, and writes only inside damage (which is clipped
 *   to the crop and consists of whole chroma samples of dst->fourcc). It turns y0_top the right way
 * up, applies the crop, and converts to dst->fourcc.
 * - Whoever wrote into a DMA-BUF was waited for before read and begin. A back end whose turn on an
 *   executor comes later looks once more.
 * - Every wait is bounded by deadline (µs of CLOCK_MONOTONIC), and happens before a call that
 *   cannot be bounded.
 * - Errors have three meanings that the chooser acts upon: UNSUPPORTED_* and NO_BACKEND (never
 *   again for such a buffer, try the next back end), DEVICE_LOST (this back end is over, try the
 *   next one), anything else (this read failed).
 */
struct backend {
  const struct backend_ops *ops;
};

struct backend_ops {
  const char *name;   /* "linear", "detile", "egl", "gbm": what frames and messages call it */
  const char *family; /* what `backend` asks for: "cpu", "egl", "gbm" */
  bool dmabufs_only;  /* of its family; it is never asked about inline bytes and maps */

  /* 0: cannot, with a reason (one sentence, names fourcc and modifier); higher is better. Cheap, no
   * import. */
  int (*score) (struct backend *backend, const QdmabufBuffer *buffer, GError **reason);
  /* Never NULL without error. The caller keeps a reference on the buffer until release. */
  void *(*import) (struct backend *backend, QdmabufBuffer *buffer, GError **error);
  bool (*read) (struct backend *backend, void *imported, const struct damage *damage,
                const struct picture *dst, int64_t deadline, GError **error);
  /* A read in two steps. begin returns when the source is not needed any more, having submitted the
   * rest; shape is what dst will be, without data. The ticket is given back by finish, which returns
   * as read does. watched: the ticket is given to wait too, once, before or after finish; wait
   * returns when finish need not wait, or at the deadline. finish with dst NULL forgets the read.
   * Finished in the order in which they were begun, of one caller, but for those that are forgotten.
   * begin may return NULL without an error: this read goes by `read`. */
  void *(*begin) (struct backend *backend, void *imported, const struct damage *damage,
                  const struct picture *shape, bool watched, int64_t deadline, GError **error);
  bool (*finish) (struct backend *backend, void *ticket, const struct picture *dst,
                  int64_t deadline, GError **error);
  void (*wait) (struct backend *backend, void *ticket, int64_t deadline);
  void (*release) (struct backend *backend, void *imported); /* never NULL */
  void (*close) (struct backend *backend);
};

/* Scores: a CPU read of linear memory is the cheapest there is, unless the memory belongs to a GPU,
 * where it may be uncached; tiled memory is read best by the GPU that made it; software GL is the
 * last resort. */
enum {
  BACKEND_SCORE_NO = 0,
  BACKEND_SCORE_LAST = 10,
  BACKEND_SCORE_DETILE = 30,
  BACKEND_SCORE_GBM = 40,
  BACKEND_SCORE_UNCACHED = 50,
  BACKEND_SCORE_GPU = 60,
  BACKEND_SCORE_DIRECT = 80,
};

/* Where the slots of a back end run. run executes fn (job) on its thread, in order, and returns
 * when it is done. True: the caller still owns its reference on job; fn ran, or never will, because
 * its turn had not come well before the deadline. False: it ran on after the deadline for longer
 * than a wait that ends there takes to come back, and the executor is lost; the caller's reference
 * is the executor's now: the thread may still be inside fn, and calls unref (job) when it comes
 * out. */
struct import_executor {
  bool (*run) (struct import_executor *executor, void (*fn) (void *job), void *job,
               GDestroyNotify unref, int64_t deadline);
  /* Nullable. Takes job and returns at once; fn (job) runs on a thread that is there for waiting, in
   * order, and never for longer than a second; then unref (job). */
  void (*watch) (struct import_executor *executor, void (*fn) (void *job), void *job,
                 GDestroyNotify unref);
};

/* CPU reads of inline bytes, maps, and LINEAR dma-bufs. */
struct backend *linear_backend_new (void);
/* CPU reads of DMA-BUFs in a tiled layout. QDMABUF_CPU and QDMABUF_NVIDIA_VIEW are looked at here,
 * once; where the latter says nothing, what import/verify.h found holds, as soon as it is found. */
struct backend *detile_backend_new (void);
/* EGL on the device of render_node (nullable: the best there is). Call on the thread that will use
 * it, which must be the library's own: the context is current there from then until close, and
 * close ends with eglReleaseThread. A thread that has a context current is refused (FAILED). No
 * device, or no EGL at build time: NO_BACKEND. */
struct backend *egl_backend_new (const char *render_node, GError **error);
/* GBM: gbm_bo_import and gbm_bo_map. NO_BACKEND where it is not built. */
struct backend *gbm_backend_new (const char *render_node, GError **error);

/* aa{sv}, one for each EGL device (or the one of render_node), for people and doctors: "backend" s,
 * "render-node" s ("" for software), "platform" s, "driver" s, "renderer" s, "vendor" s, "version"
 * s, "software" b, "formats" a(ua(tb)): fourcc and its modifiers, each with whether it can be
 * sampled only; or "error" s where a device cannot be opened. Any thread, whose own GL state it
 * does not touch: the work is done on a thread that ends before it returns. Floating. */
GVariant *egl_query_devices (const char *render_node);
