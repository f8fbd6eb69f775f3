/* SPDX-License-Identifier: MIT */
/* Text for people: what a VM says cannot steer their terminal, and the doctor's report says what
 * was found. */
#include "support/fds.h"

#include <string.h>

#include "common/messages.h"
#include "dump/doctor.h"

static void
assert_printable (const char *text, const char *expected)
{
  g_autofree char *shown = message_printable (text);

  assert_string_equal (shown, expected);
}

static void
test_printable (void **state)
{
  (void) state;
  assert_printable ("", "");
  assert_printable ("plain M\xc3\xbcller", "plain M\xc3\xbcller");
  assert_printable ("\x1b]0;title\x07", "?]0;title?");
  assert_printable ("two\nlines\r", "two?lines?");
  assert_printable ("\xc2\x9b"
                    "31m",
                    "?31m");
  assert_printable ("\xff", "\xef\xbf\xbd");
}

#define TWO_MODIFIERS \
  "[{'name': <'LINEAR'>, 'external-only': <false>}, {'name': <'TILED'>, 'external-only': <true>}]"

static const char formats[] = "[{'format': <'XR24'>, 'modifiers': <" TWO_MODIFIERS ">},"
                              " {'format': <'NV12'>, 'modifiers': <@aa{sv} []>},"
                              " {'format': <'AR24'>, 'modifiers': <" TWO_MODIFIERS ">}]";

static const char gpu[] = "{'render-node': <'/dev/dri/renderD128'>, 'driver': <'radeonsi'>,"
                          " 'renderer': <'A GPU'>, 'vendor': <'V'>, 'version': <'Mesa 25.0.7'>,"
                          " 'software': <false>, 'error': <''>, 'formats': <%s>}";

static const char software[] = "{'render-node': <''>, 'driver': <'swrast'>, 'software': <true>,"
                               " 'error': <'it is broken'>}";

static const char kernel[] = "{'release': <'6.1'>,"
                             " 'udmabuf': <{'path': <'/dev/udmabuf'>, 'driver': <''>,"
                             "              'exists': <true>, 'usable': <false>}>,"
                             " 'nodes': <[{'path': <'/dev/dri/renderD128'>, 'driver': <'amdgpu'>,"
                             "             'exists': <true>, 'usable': <true>}]>}";

static const char qemu[] = "{'path': <'/usr/bin/qemu'>, 'version': <'10.0.2'>, 'mesa': <'25.0.7'>,"
                           " 'display-dbus': <true>, 'gl-device': <false>, 'gl-on': <true>,"
                           " 'advice': <['install the modules']>,"
                           " 'command': <'qemu -display dbus'>,"
                           " 'tried': <[{'rendernode': <'/dev/dri/renderD129'>,"
                           "             'works': <false>, 'detail': <'no way'>},"
                           "            {'rendernode': <'/dev/dri/renderD128'>,"
                           "             'works': <true>, 'backend': <'egl'>}]>}";

/* A machine with a GPU, a broken driver, and a QEMU without some of its modules. */
static GVariant *
machine_report (void)
{
  g_autofree char *device = g_strdup_printf (gpu, formats);
  g_autofree char *text = g_strdup_printf (
      "{'version': <'0.1.0'>, 'kernel': <%s>, 'qemu': <%s>,"
      " 'backends': <{'egl': <true>, 'gbm': <true>, 'cpu-formats': <['XR24', 'AR24']>,"
      "               'devices': <[%s, %s]>}>}",
      kernel, qemu, device, software);
  g_autoptr (GError) error = NULL;
  GVariant *report = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  if (!report)
    fail_msg ("%s", error->message);
  return report;
}

static void
assert_says (const char *report, const char *part)
{
  if (!strstr (report, part))
    fail_msg ("the report does not say '%s':\n%s", part, report);
}

static void
test_doctor (void **state)
{
  g_autoptr (GVariant) report = machine_report ();

  (void) state;
  g_autofree char *text = doctor_text (report);
  assert_says (text, "libqemudmabuf 0.1.0\n");
  assert_says (text, "Back ends built in: cpu, egl, gbm\n");
  assert_says (text, "    XR24 AR24\n        LINEAR; TILED (external only)\n    NV12\n        no "
                     "modifier known\n");
  assert_says (text,
               "no render node, driver swrast (software)\n    cannot be used: it is broken\n");
  assert_says (text, "/dev/udmabuf           may not be opened\n");
  assert_says (text, "/dev/dri/renderD128    can be opened, driver amdgpu\n");
  assert_says (text, "QEMU 10.0.2, /usr/bin/qemu:\n  D-Bus display there, virtio-gpu with OpenGL "
                     "missing, Mesa 25.0.7\n");
  assert_says (text, "rendernode=/dev/dri/renderD129: does not work: no way\n");
  assert_says (text, "rendernode=/dev/dri/renderD128: works, a frame came, read by egl\n");
  assert_says (text, "install the modules\n");
  assert_says (
      text,
      "Start a VM with gl=on, and save its screen:\n  qemu -display dbus\n  qdmabuf-dump qmp:");
}

static void
test_doctor_without_qemu (void **state)
{
  g_autoptr (GVariant) report = g_variant_parse (G_VARIANT_TYPE_VARDICT,
                                                 "{'version': <'1'>, 'backends': <@a{sv} {}>, "
                                                 "'kernel': <@a{sv} {}>, 'qemu': <{'path': <''>}>}",
                                                 NULL, NULL, NULL);
  g_autofree char *text = doctor_text (report);

  (void) state;
  assert_says (text, "Back ends built in: cpu\n");
  assert_says (text, "QEMU: none found");
  assert_says (text, "EGL devices, and the modifiers that they import:\n  none\n");
  assert_says (text, "/dev/dri/renderD*      not there\n");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    fds_unit_test (test_printable),
    fds_unit_test (test_doctor),
    fds_unit_test (test_doctor_without_qemu),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
