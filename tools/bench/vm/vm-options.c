/* SPDX-License-Identifier: MIT */
/* What each option about the VM means. */
#include "vm/vm-options.h"

#include <string.h>

#include "common/machine.h"
#include "common/usage.h"
#include "shared/options-text.h"

#define MAX_FPS 1000
#define MIN_SIDE 64
#define MAX_SIDE CARD_MAX_SIZE

void
vm_options_add (struct vm_options *options, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "gl", 0, 0, G_OPTION_ARG_STRING, &options->gl,
      "QEMU's gl= in turn: a list of off, on and es (default off,on)", "MODES" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &options->size, "Size of the screen (default 1280x800)",
      "WxH" },
    { "damage", 0, 0, G_OPTION_ARG_STRING, &options->damage_name,
      "What each frame changes: full (default), box or scroll", "WHAT" },
    { "fps", 0, 0, G_OPTION_ARG_STRING, &options->fps_name,
      "Frames a second that the guest draws: max (default), or 0 to 1000", "N" },
    { "qemu", 0, 0, G_OPTION_ARG_FILENAME, &options->qemu,
      "QEMU (default: qemu-system-x86_64 in PATH)", "PATH" },
    { "accel", 0, 0, G_OPTION_ARG_STRING, &options->accel,
      "kvm, tcg, or auto (default): kvm where it runs the testcard", "ACCEL" },
    { "software-gl", 0, 0, G_OPTION_ARG_NONE, &options->software_gl,
      "Let QEMU's OpenGL draw in software, for gl=on without a GPU", NULL },
    { "kernel", 0, 0, G_OPTION_ARG_FILENAME, &options->kernel,
      "The testcard (default: the installed one)", "FILE" },
    { "preload", 0, 0, G_OPTION_ARG_FILENAME, &options->preload,
      "With --software-gl: the udmabuf that QEMU is given (default: the installed "
      "softudmabuf.so, where there is no /dev/udmabuf)",
      "FILE" },
    G_OPTION_ENTRY_NULL,
  };

  *options = (struct vm_options){ .gl = NULL };
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
set_default (char **text, const char *value)
{
  if (!*text)
    *text = g_strdup (value);
}

static bool
check_gl (struct vm_options *options, GError **error)
{
  static const char *const known[] = { "off", "on", "es", NULL };

  options->gl_modes = g_strsplit (options->gl, ",", -1);
  for (char **mode = options->gl_modes; *mode; mode++) {
    if (!g_strv_contains (known, *mode))
      return usage_error (error, "--gl is a list of off, on and es: '%s' is none of them", *mode);
    if (g_strv_contains ((const char *const *) mode + 1, *mode))
      return usage_error (error, "--gl has %s twice: --repeat is for that", *mode);
  }
  return *options->gl_modes || usage_error (error, "--gl is an empty list");
}

static bool
check_damage (struct vm_options *options, GError **error)
{
  static const char *const names[] = {
    [CARD_DAMAGE_FULL] = "full", [CARD_DAMAGE_BOX] = "box", [CARD_DAMAGE_SCROLL] = "scroll"
  };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (options->damage_name, names[i])) {
      options->damage = (CardDamage) i;
      return true;
    }
  }
  return usage_error (error, "--damage must be full, box or scroll, not '%s'",
                      options->damage_name);
}

static bool
check_fps (struct vm_options *options, GError **error)
{
  guint64 fps = 0;

  if (g_str_equal (options->fps_name, "max")) {
    options->fps = VM_FPS_MAX;
    return true;
  }
  if (!g_ascii_string_to_unsigned (options->fps_name, 10, 0, MAX_FPS, &fps, NULL))
    return usage_error (error, "--fps must be max, or from 0 to %d, not '%s'", MAX_FPS,
                        options->fps_name);
  options->fps = (int) fps;
  return true;
}

static bool
check_qemu (struct vm_options *options, GError **error)
{
  g_autofree char *wanted = g_steal_pointer (&options->qemu);
  const char *name = wanted ? wanted : machine_of_testcard ()->program;
  static const char *const accels[] = { "auto", "kvm", "tcg", NULL };

  options->qemu = g_find_program_in_path (name);
  if (!options->qemu)
    return usage_error (error, "there is no program '%s': name QEMU with --qemu", name);
  return g_strv_contains (accels, options->accel) ||
         usage_error (error, "--accel must be auto, kvm or tcg, not '%s'", options->accel);
}

bool
vm_options_check (struct vm_options *options, GError **error)
{
  set_default (&options->gl, "off,on");
  set_default (&options->size, "1280x800");
  set_default (&options->damage_name, "full");
  set_default (&options->fps_name, "max");
  set_default (&options->accel, "auto");
  if (options->preload && !options->software_gl)
    return usage_error (error, "--preload needs --software-gl");
  return check_gl (options, error) &&
         options_size (options->size, MIN_SIDE, MAX_SIDE, &options->width, &options->height,
                       error) &&
         check_damage (options, error) && check_fps (options, error) && check_qemu (options, error);
}

void
vm_options_clear (struct vm_options *options)
{
  g_free (options->gl);
  g_strfreev (options->gl_modes);
  g_free (options->size);
  g_free (options->damage_name);
  g_free (options->fps_name);
  g_free (options->qemu);
  g_free (options->kernel);
  g_free (options->preload);
  g_free (options->accel);
  g_strfreev (options->extra);
}

char **
vm_options_cut (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (!g_str_equal (argv[i], "--"))
      continue;
    char **rest = g_strdupv (argv + i + 1);
    argv[i] = NULL;
    *argc = i;
    return rest;
  }
  return NULL;
}
