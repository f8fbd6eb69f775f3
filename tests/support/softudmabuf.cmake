# SPDX-License-Identifier: MIT
# The udmabuf preload: target `softudmabuf`, file softudmabuf.so, installed under libexec because
# the bench and the demo run QEMU's gl=on with it too. To be included by the top level, after
# GNUInstallDirs.

add_library(softudmabuf MODULE ${CMAKE_CURRENT_LIST_DIR}/softudmabuf.c)
target_link_libraries(softudmabuf PRIVATE ${CMAKE_DL_LIBS})
# Not with the flags of the rest: a sanitizer's runtime has an open() and an ioctl() of its own and
# must come first in a process, so a preload into somebody else's program is never built with one.
target_compile_options(softudmabuf PRIVATE
  -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings
  -Wundef -Wvla -fno-sanitize=all)
target_link_options(softudmabuf PRIVATE -fno-sanitize=all)
set_target_properties(softudmabuf PROPERTIES PREFIX "" SUFFIX ".so" C_VISIBILITY_PRESET hidden)
install(TARGETS softudmabuf LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/qemu-dmabuf)
