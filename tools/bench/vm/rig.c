/* SPDX-License-Identifier: MIT */
/* What QEMU needs for each way, and whether this machine has it. */
#include "vm/rig.h"

#include "common/device.h"
#include "common/libexec.h"
#include "common/machine.h"
#include "common/messages.h"
#include "shared/interrupt.h"

#define NODES "/dev/dri"
#define UDMABUF "/dev/udmabuf"
#define READY_US (30 * G_USEC_PER_SEC)
#define TRY_US (5 * G_USEC_PER_SEC)

/* The first by name that may be opened. Full transfer; NULL: none. */
static char *
find_node (void)
{
  g_autoptr (GDir) dir = g_dir_open (NODES, 0, NULL);
  g_autofree char *best = NULL;
  const char *name = NULL;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (NODES, name, NULL);

    if (!g_str_has_prefix (name, "renderD") || !device_can_open (path))
      continue;
    if (!best || g_strcmp0 (path, best) < 0) {
      g_free (best);
      best = g_steal_pointer (&path);
    }
  }
  return g_steal_pointer (&best);
}

/* Mesa exports what it draws on the CPU by a udmabuf: the kernel's, or one that is preloaded. */
static bool
use_software (struct rig *rig, const struct vm_options *options, GError **error)
{
  rig->software = true;
  rig->node = g_strdup ("/dev/null");
  if (!options->preload && device_can_open (UDMABUF))
    return true;
  rig->preload = libexec_find (LIBEXEC_SOFTUDMABUF, options->preload, "--preload", error);
  return rig->preload != NULL;
}

static bool
use_gpu (struct rig *rig, const char *render_node, GError **error)
{
  rig->node = render_node ? g_strdup (render_node) : find_node ();
  if (!rig->node)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 "there is no GPU here (no " NODES "/renderD* that may be opened); --software-gl "
                 "lets Mesa draw on the CPU instead");
  return rig->node != NULL;
}

bool
rig_init (struct rig *rig, const struct vm_options *options, const char *render_node,
          const char *gl, const char *accel, GError **error)
{
  bool off = g_str_equal (gl, "off");

  *rig = (struct rig){ .gl = gl, .accel = g_strdup (accel) };
  rig->label = g_strdup_printf ("gl=%s%s", gl, !off && options->software_gl ? " (software)" : "");
  rig->kernel = libexec_find (LIBEXEC_TESTCARD, options->kernel, "--kernel", error);
  if (!rig->kernel)
    return false;
  if (off)
    return true;
  return options->software_gl ? use_software (rig, options, error)
                              : use_gpu (rig, render_node, error);
}

void
rig_clear (struct rig *rig)
{
  g_free (rig->label);
  g_free (rig->node);
  g_free (rig->preload);
  g_free (rig->kernel);
  g_free (rig->accel);
}

/* ---- starting ---- */

static struct vm *
start (const struct rig *rig, const struct vm_options *options, const char *trace, GError **error)
{
  const struct machine *host = machine_of_testcard ();
  bool off = rig->node == NULL;
  guint64 picture = (guint64) options->width * options->height * 4;
  g_autofree char *memory = g_strdup_printf ("%u", 64 + (unsigned) (3 * picture >> 20));
  g_autofree char *display =
      off ? g_strdup ("dbus,p2p=yes")
          : g_strdup_printf ("dbus,p2p=yes,gl=%s,rendernode=%s", rig->gl, rig->node);
  g_autofree char *append = g_strdup_printf ("mode=%s damage=%s fps=%s", options->size,
                                             options->damage_name, options->fps_name);
  struct vm_config config = { .qemu = options->qemu,
                              .machine = host->machine,
                              .accel = rig->accel,
                              .device = off ? host->gpu_device : host->gl_device,
                              .display = display,
                              .memory = memory,
                              .kernel = rig->kernel,
                              .append = append,
                              .preload = rig->preload,
                              .trace = trace,
                              .extra = (const char *const *) options->extra };

  return vm_start (&config, error);
}

static bool
wait_ready (struct vm *vm, gint64 limit_us, GError **error)
{
  g_autoptr (GError) failed = NULL;
  gint64 deadline = g_get_monotonic_time () + limit_us;
  g_autofree char *line = serial_wait (vm_serial (vm), "testcard: ", deadline, &failed);
  g_autofree char *complaint = NULL;

  if (line && g_str_has_prefix (line, "testcard: ready"))
    return true;
  if (line) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the guest says: %s", line);
    return false;
  }
  complaint = vm_complaint (vm);
  g_set_error (error, failed->domain, failed->code, "the testcard did not start: %s%s%s",
               failed->message, complaint ? "; QEMU says: " : "", complaint ? complaint : "");
  return false;
}

static struct vm *
start_ready (const struct rig *rig, const struct vm_options *options, const char *trace,
             gint64 limit_us, GError **error)
{
  struct vm *vm = start (rig, options, trace, error);

  if (vm && !wait_ready (vm, limit_us, error))
    g_clear_pointer (&vm, vm_free);
  return vm;
}

struct vm *
rig_start (const struct rig *rig, const struct vm_options *options, const char *trace,
           GError **error)
{
  return start_ready (rig, options, trace, READY_US, error);
}

static bool
kvm_works (const struct vm_options *options)
{
  g_autoptr (GError) error = NULL;
  struct rig rig;
  bool there = rig_init (&rig, options, NULL, "off", "kvm", NULL);
  struct vm *vm = there ? start_ready (&rig, options, NULL, TRY_US, &error) : NULL;

  rig_clear (&rig);
  if (vm)
    vm_free (vm);
  else if (there && !interrupt_came ())
    message_note ("KVM is there but does not run the testcard, so TCG is used (%s)",
                  error->message);
  return vm != NULL;
}

const char *
rig_choose_accel (const struct vm_options *options)
{
  if (!g_str_equal (options->accel, "auto"))
    return options->accel;
  return device_can_open ("/dev/kvm") && kvm_works (options) ? "kvm" : "tcg";
}
