/* SPDX-License-Identifier: MIT */
/* qdmabuf-bench: how fast, and compared with what. This file finds the subcommand. */
#include <locale.h>
#include <qemu-dmabuf/qemu-dmabuf.h>
#include <stdio.h>

#include "attach.h"
#include "common/messages.h"
#include "compare.h"
#include "pixels.h"
#include "shared/interrupt.h"
#include "soak.h"

static const struct command {
  const char *name;
  const char *summary;
  enum status (*run) (int argc, char **argv);
} commands[] = {
  { "compare", "gl=on against gl=off, on the same guest; the default", compare_run },
  { "attach", "the same figures of a VM that runs already", attach_run },
  { "soak", "whether anything grows while all sorts of things happen to a VM", soak_run },
  { "pixels", "every conversion and every memory layout, against memcpy", pixels_run },
};

static void
print_help (void)
{
  printf ("Usage:\n  qdmabuf-bench [COMMAND] [OPTION…]\n\nCommands:\n");
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    printf ("  %-10s %s\n", commands[i].name, commands[i].summary);
  printf ("\n'qdmabuf-bench COMMAND --help' lists the options of a command.\n"
          "'qdmabuf-bench --version' prints the version.\n");
}

static enum status
run_command (const struct command *command, int argc, char **argv)
{
  g_autofree char *title = g_strdup_printf ("qdmabuf-bench %s", command->name);

  g_set_prgname (title);
  return command->run (argc, argv);
}

static enum status
run (int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : NULL;

  if (g_strcmp0 (name, "--help") == 0 || g_strcmp0 (name, "-h") == 0) {
    print_help ();
    return STATUS_OK;
  }
  if (g_strcmp0 (name, "--version") == 0) {
    printf ("qdmabuf-bench %s, libqemudmabuf %s\nlicence: MIT\n", QDMABUF_VERSION_STRING,
            qdmabuf_get_version ());
    return STATUS_OK;
  }
  /* Without a command, the first one, with all options. */
  if (!name || *name == '-')
    return run_command (&commands[0], argc, argv);
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (g_str_equal (name, commands[i].name))
      return run_command (&commands[i], argc - 1, argv + 1);
  }
  message_error ("'%s' is no command (--help lists them)", name);
  return STATUS_USAGE;
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  message_set_program ("qdmabuf-bench");
  interrupt_catch ();
  enum status status = run (argc, argv);

  /* A line that could not be written is gone, and later ones may have been. */
  bool lost = fflush (stdout) != 0 || ferror (stdout);
  if (lost && status != STATUS_WRITE)
    message_error ("cannot write to stdout");
  if (lost)
    status = STATUS_WRITE;
  interrupt_end ();
  return (int) status;
}
