# SPDX-License-Identifier: MIT
# How our own C is compiled and linked, as one target. The testcard guest is freestanding and does not link it.

add_library(qdmabuf-flags INTERFACE)

target_compile_options(qdmabuf-flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings
  -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough
  -fstack-protector-strong)

# Newer API of GLib cannot slip in.
target_compile_definitions(qdmabuf-flags INTERFACE
  GLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74
  GLIB_VERSION_MAX_ALLOWED=GLIB_VERSION_2_74)

target_link_options(qdmabuf-flags INTERFACE -Wl,-z,relro,-z,now)

if(SANITIZE)
  target_compile_options(qdmabuf-flags INTERFACE
    -fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(qdmabuf-flags INTERFACE -fsanitize=${SANITIZE})
elseif(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
  # It needs an optimising build type, and distributions set it by themselves.
  target_compile_definitions(qdmabuf-flags INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:_FORTIFY_SOURCE=2>)
endif()
