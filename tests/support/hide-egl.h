/* SPDX-License-Identifier: MIT */
/* For tests of GPUs in memory: keeps EGL from getting at them through a libgbm that only pretends.
 * What it has besides, as software, it keeps. */
#pragma once

#if HAVE_EGL

#include <epoxy/egl.h>
#include <glib.h>

static inline const char *
query_without_gbm (EGLDisplay display, EGLint name)
{
  static GHashTable *kept; /* EGL's strings live for ever */
  static GMutex lock;
  PFNEGLQUERYSTRINGPROC query = (PFNEGLQUERYSTRINGPROC) eglGetProcAddress ("eglQueryString");
  const char *real = query (display, name);

  if (name != EGL_EXTENSIONS || display != EGL_NO_DISPLAY || !real)
    return real;
  g_mutex_lock (&lock);
  if (!kept)
    kept = g_hash_table_new (NULL, NULL);
  char *text = g_hash_table_lookup (kept, real);
  if (!text) {
    GString *string = g_string_new (real);

    g_string_replace (string, "_platform_gbm", "_hidden", 0);
    text = g_string_free (string, FALSE);
    g_hash_table_insert (kept, (void *) (uintptr_t) real, text);
  }
  g_mutex_unlock (&lock);
  return text;
}

/* Call first. */
static inline void
hide_gbm_from_egl (void)
{
  g_setenv ("LIBGL_ALWAYS_SOFTWARE", "1", FALSE);
  if (!epoxy_has_egl ())
    return;
  eglQueryString (EGL_NO_DISPLAY, EGL_EXTENSIONS); /* libepoxy's own first call overwrites ours */
  epoxy_eglQueryString = query_without_gbm;
}

#else

static inline void
hide_gbm_from_egl (void)
{
}

#endif
