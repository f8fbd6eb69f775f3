/* SPDX-License-Identifier: MIT */
/* The symbol table of /proc/self/exe. */
#define _GNU_SOURCE
#include "support/symbols.h"

#include <elf.h>
#include <glib.h>
#include <link.h>

struct table {
  const char *file;
  const ElfW (Shdr) * symbols, *names;
};

static int
first_object (struct dl_phdr_info *info, size_t size, void *data)
{
  uintptr_t *base = data;

  (void) size;
  *base = info->dlpi_addr;
  return 1;
}

static gboolean
find_table (const char *file, struct table *table)
{
  const ElfW (Ehdr) *header = (const void *) file;
  const ElfW (Shdr) *sections = (const void *) (file + header->e_shoff);

  for (unsigned i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB)
      continue;
    *table = (struct table){ file, &sections[i], &sections[sections[i].sh_link] };
    return TRUE;
  }
  return FALSE;
}

static const char *
find_name (const struct table *table, uintptr_t value)
{
  const ElfW (Sym) *symbols = (const void *) (table->file + table->symbols->sh_offset);
  size_t n = table->symbols->sh_size / sizeof *symbols;

  for (size_t i = 0; i < n; i++) {
    const ElfW (Sym) *symbol = &symbols[i];

    if (ELF64_ST_TYPE (symbol->st_info) == STT_FUNC && value >= symbol->st_value &&
        value < symbol->st_value + symbol->st_size)
      return table->file + table->names->sh_offset + symbol->st_name;
  }
  return NULL;
}

char *
symbol_name (uintptr_t address)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new ("/proc/self/exe", FALSE, NULL);
  struct table table;
  uintptr_t base = 0;
  const char *name = NULL;

  dl_iterate_phdr (first_object, &base);
  if (file && find_table (g_mapped_file_get_contents (file), &table))
    name = find_name (&table, address - base);
  return g_strdup (name ? name : "?");
}
