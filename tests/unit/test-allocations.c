/* SPDX-License-Identifier: MIT */
/* What a read costs besides time, once a buffer is known: no memory but the frame that the
 * application gets, and no object of GL. The driver's own memory is its own affair: only what this
 * program or GLib asks for is counted. */
#define _GNU_SOURCE
#include "support/fds.h"

#include <epoxy/gl.h>
#include <link.h>

#include "flow/driver-thread.h"
#include "flow/reader.h"
#include "support/egl-device.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__

int
main (void)
{
  return 77; /* the sanitizer has a malloc of its own */
}

#else

#define N_READS 50

/* ---- ours stands in for libc's ---- */

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);

static struct {
  uintptr_t start, end;
} counted[4]; /* where code is whose wishes are counted */
static unsigned n_counted;
static int counting, n_allocations; /* atomic */

static void
count (const void *caller)
{
  uintptr_t at = (uintptr_t) caller;

  if (!g_atomic_int_get (&counting))
    return;
  for (unsigned i = 0; i < n_counted; i++) {
    if (at >= counted[i].start && at < counted[i].end)
      g_atomic_int_inc (&n_allocations);
  }
}

#define EXPORTED __attribute__ ((visibility ("default")))

EXPORTED void *
malloc (size_t size)
{
  count (__builtin_return_address (0));
  return __libc_malloc (size);
}

EXPORTED void *
calloc (size_t n, size_t size)
{
  count (__builtin_return_address (0));
  return __libc_calloc (n, size);
}

EXPORTED void *
realloc (void *memory, size_t size)
{
  count (__builtin_return_address (0));
  return __libc_realloc (memory, size);
}

/* This program comes first, with no name. */
static int
find_code (struct dl_phdr_info *info, size_t size, void *data)
{
  bool ours = n_counted == 0 || strstr (info->dlpi_name, "libglib-2.0");

  (void) size;
  (void) data;
  for (unsigned i = 0; ours && i < info->dlpi_phnum; i++) {
    const ElfW (Phdr) *part = &info->dlpi_phdr[i];

    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
      continue;
    assert_true (n_counted < G_N_ELEMENTS (counted));
    counted[n_counted].start = (uintptr_t) (info->dlpi_addr + part->p_vaddr);
    counted[n_counted].end = counted[n_counted].start + part->p_memsz;
    n_counted++;
  }
  return 0;
}

/* ---- objects of GL ---- */

#define REAL(type, name) ((type) eglGetProcAddress (name))

static int n_objects; /* atomic */

#define COUNTING(gen, TYPE, name)            \
  static void gen (GLsizei n, GLuint *names) \
  {                                          \
    g_atomic_int_inc (&n_objects);           \
    REAL (TYPE, name) (n, names);            \
  }

COUNTING (gen_textures, PFNGLGENTEXTURESPROC, "glGenTextures")
COUNTING (gen_buffers, PFNGLGENBUFFERSPROC, "glGenBuffers")
COUNTING (gen_framebuffers, PFNGLGENFRAMEBUFFERSPROC, "glGenFramebuffers")

static void
tex_image (GLenum target, GLint level, GLint internal, GLsizei width, GLsizei height, GLint border,
           GLenum format, GLenum type, const void *pixels)
{
  g_atomic_int_inc (&n_objects);
  REAL (PFNGLTEXIMAGE2DPROC, "glTexImage2D")
  (target, level, internal, width, height, border, format, type, pixels);
}

static void
buffer_data (GLenum target, GLsizeiptr size, const void *data, GLenum usage)
{
  g_atomic_int_inc (&n_objects);
  REAL (PFNGLBUFFERDATAPROC, "glBufferData") (target, size, data, usage);
}

static GLuint
create_program (void)
{
  g_atomic_int_inc (&n_objects);
  return REAL (PFNGLCREATEPROGRAMPROC, "glCreateProgram") ();
}

/* ---- reads ---- */

static void
ready (void *data, int64_t delay_us)
{
  (void) data;
  (void) delay_us;
}

static GMutex lock;
static GCond woken;

static void
wake (void *data)
{
  (void) data;
  g_mutex_lock (&lock);
  g_cond_signal (&woken);
  g_mutex_unlock (&lock);
}

/* As a console does. */
static void
wait_until_ready (struct reader *reader)
{
  g_mutex_lock (&lock);
  while (!reader_is_ready (reader))
    assert_true (g_cond_wait_until (&woken, &lock, soon ()));
  g_mutex_unlock (&lock);
}

static void
finish_one (struct reader *reader)
{
  int64_t time = 0;
  GError *error = NULL;

  wait_until_ready (reader);
  QdmabufFrame *frame = reader_finish (reader, &time, &error);

  if (!frame)
    fail_msg ("%s", error->message);
  reader_publish (reader, frame);
}

static void
read_many (struct reader *reader, QdmabufBuffer *const buffers[2], unsigned n)
{
  struct damage part = { .n = 2, .rects = { { 0, 0, 30, 20 }, { 36, 10, 4, 20 } } };

  for (unsigned i = 0; i < n; i++) {
    GError *error = NULL;

    if (reader_n_begun (reader) == READER_MAX_BEGUN)
      finish_one (reader);
    if (!reader_begin (reader, buffers[i % 2], &part, 1, soon (), &error))
      fail_msg ("%s", error->message);
    while (reader_is_ready (reader))
      finish_one (reader);
  }
  while (reader_n_begun (reader) > 0)
    finish_one (reader);
}

/* How many allocations n frames are, whoever reads. */
static int
frames_alone (unsigned n)
{
  struct reader_config config = {
    .backend = "cpu", .format = DRM_FORMAT_NV12, .max_frames = 1, .ready = ready
  };
  struct pool *pool = pool_new (4);
  struct mailbox *mailbox = mailbox_new (pool, config.max_frames, 0, ready, NULL);
  int64_t before = 0;

  for (unsigned i = 0; i < n + 10; i++) {
    struct damage all = damage_whole (64, 48);
    struct pool_buffer *buffer = pool_get (pool, config.format, 64, 48, NULL);

    if (i == 10) {
      before = g_atomic_int_get (&n_allocations);
      g_atomic_int_set (&counting, 1);
    }
    mailbox_put (mailbox, frame_new (pool, buffer, &all, i, 1, "none"));
  }
  g_atomic_int_set (&counting, 0);
  mailbox_free (mailbox);
  pool_unref (pool);
  return g_atomic_int_get (&n_allocations) - (int) before;
}

static void
check (const char *convert, bool pipelined)
{
  struct reader_config config = { .backend = "egl",
                                  .format = DRM_FORMAT_NV12,
                                  .max_frames = 1,
                                  .pipelined = pipelined,
                                  .ready = ready,
                                  .wake = wake };
  struct source_spec spec = plain;
  int frames = frames_alone (N_READS);
  GError *error = NULL;

  skip_on_hardware ();
  g_setenv ("QDMABUF_EGL_CONVERT", convert, TRUE);
  spec.seals = F_SEAL_SHRINK;
  QdmabufBuffer *buffers[2] = { source_new (&spec), source_new (&spec) };
  struct reader *reader = reader_new (&config, &error);
  if (!reader)
    fail_msg ("%s", error->message);
  read_many (reader, buffers, 20);

  /* Threads that meet otherwise than ever before may need one thing more than ever before. */
  for (unsigned i = 0; i < 3 && (i == 0 || n_allocations > frames); i++) {
    g_atomic_int_set (&n_allocations, 0);
    g_atomic_int_set (&n_objects, 0);
    g_atomic_int_set (&counting, 1);
    read_many (reader, buffers, N_READS);
    g_atomic_int_set (&counting, 0);
    print_message ("%s, %s: %d allocations in %d reads, of which %d are the frames\n", convert,
                   pipelined ? "pipelined" : "one by one", n_allocations, N_READS, frames);
  }
  assert_int_equal (n_allocations, frames);
  assert_int_equal (n_objects, 0);
  reader_free (reader);
  qdmabuf_buffer_unref (buffers[0]);
  qdmabuf_buffer_unref (buffers[1]);
}

static void
test_gpu (void **state)
{
  (void) state;
  check ("gpu", false);
}

static void
test_gpu_pipelined (void **state)
{
  (void) state;
  check ("gpu", true);
}

static void
test_cpu (void **state)
{
  (void) state;
  check ("cpu", false);
}

/* The counting itself counts. */
static void
test_counting (void **state)
{
  (void) state;
  g_atomic_int_set (&n_allocations, 0);
  g_atomic_int_set (&counting, 1);
  g_free (g_malloc (10));
  g_free (g_malloc0 (10));
  g_list_free (g_list_append (NULL, NULL));
  g_atomic_int_set (&counting, 0);
  assert_in_range (n_allocations, 2, 3);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_counting),
    fds_unit_test (test_gpu),
    fds_unit_test (test_gpu_pipelined),
    fds_unit_test (test_cpu),
  };

  if (!warm_up ())
    return 77;
  g_unsetenv ("QDMABUF_BACKEND");
  dl_iterate_phdr (find_code, NULL);
  epoxy_glGenTextures = gen_textures;
  epoxy_glGenBuffers = gen_buffers;
  epoxy_glGenFramebuffers = gen_framebuffers;
  epoxy_glTexImage2D = tex_image;
  epoxy_glBufferData = buffer_data;
  epoxy_glCreateProgram = create_program;
  return cmocka_run_group_tests (tests, NULL, NULL);
}

#endif
