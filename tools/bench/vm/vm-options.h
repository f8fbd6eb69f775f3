/* SPDX-License-Identifier: MIT */
/* The options that say what VMs are started with the testcard in them. */
#pragma once

#include <card.h>
#include <glib.h>
#include <stdbool.h>

#define VM_FPS_MAX (-1)

struct vm_options {
  char *gl; /* as given: "off,on" */
  char **gl_modes;
  char *size;
  unsigned width, height; /* pixels */
  char *damage_name;
  CardDamage damage;
  char *fps_name;
  int fps;    /* from 0 to 1000, or VM_FPS_MAX */
  char *qemu; /* as found in PATH */
  gboolean software_gl;
  char *kernel, *preload; /* NULL: the installed ones */
  char *accel;            /* "auto", "kvm" or "tcg" */
  char **extra;           /* QEMU's, from behind --; nullable */
};

/* As stream_options_add () and stream_options_check (). */
void vm_options_add (struct vm_options *options, GOptionContext *context);
bool vm_options_check (struct vm_options *options, GError **error);
void vm_options_clear (struct vm_options *options);
/* Takes what stands behind "--" out of argv, for QEMU. Full transfer; NULL: there is no "--". */
char **vm_options_cut (int *argc, char **argv);
