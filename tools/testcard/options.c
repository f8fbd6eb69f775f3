/* SPDX-License-Identifier: MIT */
/* Reads the kernel's command line. */
#include "options.h"

#include "display.h"
#include "log.h"

#define MAX_WORD 64

static bool
equal (const char *a, const char *b)
{
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

/* Reads a number up to `maximum` and moves *text behind it. */
static bool
read_number (const char **text, uint32_t maximum, uint32_t *number)
{
  uint32_t value = 0;
  const char *p = *text;

  for (; *p >= '0' && *p <= '9'; p++) {
    value = value * 10 + (uint32_t) (*p - '0');
    if (value > maximum)
      return false;
  }
  if (p == *text)
    return false;
  *text = p;
  *number = value;
  return true;
}

static bool
set_number (const char *value, uint32_t minimum, uint32_t maximum, uint32_t *number)
{
  return read_number (&value, maximum, number) && *number >= minimum && *value == '\0';
}

static bool
set_mode (Options *options, const char *value)
{
  uint32_t width = 0;
  uint32_t height = 0;

  if (!read_number (&value, CARD_MAX_SIZE, &width) || *value++ != 'x')
    return false;
  if (!set_number (value, 1, CARD_MAX_SIZE, &height) || width == 0)
    return false;
  options->width = (int32_t) width;
  options->height = (int32_t) height;
  return true;
}

static bool
set_damage (Options *options, const char *value)
{
  if (equal (value, "full"))
    options->damage = CARD_DAMAGE_FULL;
  else if (equal (value, "box"))
    options->damage = CARD_DAMAGE_BOX;
  else if (equal (value, "scroll"))
    options->damage = CARD_DAMAGE_SCROLL;
  else
    return false;
  return true;
}

static bool
set_fps (Options *options, const char *value)
{
  if (equal (value, "max")) {
    options->fps = OPTIONS_FPS_MAX;
    return true;
  }
  return set_number (value, 0, 1000, &options->fps);
}

static bool
set_cursor (Options *options, const char *value)
{
  uint32_t number = 0;
  bool ok = set_number (value, 0, 1, &number);

  options->cursor = number != 0;
  return ok;
}

static void
set_option (Options *options, const char *name, const char *value)
{
  bool ok;

  if (equal (name, "mode"))
    ok = set_mode (options, value);
  else if (equal (name, "fps"))
    ok = set_fps (options, value);
  else if (equal (name, "damage"))
    ok = set_damage (options, value);
  else if (equal (name, "cursor"))
    ok = set_cursor (options, value);
  else if (equal (name, "heads"))
    ok = set_number (value, 1, DISPLAY_MAX_HEADS, &options->heads);
  else
    log_fatal ("unknown option '%s', known: mode=WxH fps=N|max damage=full|box|scroll cursor=0|1 "
               "heads=N",
               name);
  if (!ok)
    log_fatal ("bad value '%s' for option '%s'", value, name);
}

/* Splits a word at its '=' in place; the value, or NULL if there is none. */
static char *
split (char *word)
{
  for (; *word; word++) {
    if (*word == '=') {
      *word = '\0';
      return word + 1;
    }
  }
  return NULL;
}

static const char *
next_word (const char *line, char word[MAX_WORD])
{
  size_t length = 0;

  while (*line == ' ')
    line++;
  for (; *line && *line != ' '; line++) {
    if (length < MAX_WORD - 1)
      word[length++] = *line;
  }
  word[length] = '\0';
  return line;
}

void
options_parse (const char *line, Options *options)
{
  char word[MAX_WORD];

  *options = (Options){ .fps = 10, .damage = CARD_DAMAGE_FULL, .heads = 1 };
  line = next_word (line, word);
  while (*line) {
    char *value;

    line = next_word (line, word);
    value = split (word);
    if (value)
      set_option (options, word, value);
  }
}
