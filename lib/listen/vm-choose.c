/* SPDX-License-Identifier: MIT */
/* Which of several VMs is meant, and a sentence that helps where that is not clear. */
#include <qemu-dmabuf/qdmabuf-error.h>

#include "listen/text.h"
#include "listen/vm.h"

static void
append_vm (GString *list, const struct vm *vm)
{
  if (list->len > 0)
    g_string_append (list, ", ");
  if (vm->error) {
    g_string_append_printf (list, "%s (does not answer)", vm->bus_name ? vm->bus_name : "?");
    return;
  }
  g_autofree char *name = text_clean (vm->name);
  g_autofree char *uuid = text_clean (vm->uuid);
  g_string_append_printf (list, "“%s” (UUID %s%s%s)", name, uuid, vm->bus_name ? ", bus name " : "",
                          vm->bus_name ? vm->bus_name : "");
}

static GString *
list_vms (GPtrArray *vms)
{
  GString *list = g_string_new (NULL);

  for (unsigned i = 0; i < vms->len; i++)
    append_vm (list, vms->pdata[i]);
  return list;
}

static bool
matches (const struct vm *vm, const char *wanted)
{
  if (vm->bus_name && g_str_equal (vm->bus_name, wanted))
    return true;
  if (vm->error)
    return false;
  return g_str_equal (vm->name, wanted) || g_ascii_strcasecmp (vm->uuid, wanted) == 0;
}

static GPtrArray *
find_matching (GPtrArray *vms, const char *wanted)
{
  GPtrArray *found = g_ptr_array_new ();

  for (unsigned i = 0; i < vms->len; i++)
    if (!wanted || matches (vms->pdata[i], wanted))
      g_ptr_array_add (found, vms->pdata[i]);
  return found;
}

static void
set_not_found (GPtrArray *vms, const char *wanted, GError **error)
{
  g_autoptr (GString) list = list_vms (vms);
  g_autofree char *text = text_clean (wanted);

  g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_NOT_FOUND, "no VM “%s” here; there is: %s", text,
               list->str);
}

struct vm *
vm_choose (GPtrArray *vms, const char *wanted, GError **error)
{
  g_autoptr (GPtrArray) found = find_matching (vms, wanted);

  if (found->len == 0) {
    set_not_found (vms, wanted, error);
    return NULL;
  }
  if (found->len > 1) {
    g_autoptr (GString) list = list_vms (found);

    g_set_error (error, QDMABUF_ERROR, QDMABUF_ERROR_AMBIGUOUS,
                 "%u VMs are here, choose one by name, UUID or bus name: %s", found->len,
                 list->str);
    return NULL;
  }
  struct vm *vm = found->pdata[0];
  if (vm->error) {
    g_propagate_error (error, g_error_copy (vm->error));
    return NULL;
  }
  return vm;
}
