# SPDX-License-Identifier: MIT
# What a user of the library gets: headers, the library, a pkg-config file, a CMake package.
# Included from lib/CMakeLists.txt.
include(CMakePackageConfigHelpers)

install(FILES ${PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qemu-dmabuf)
install(TARGETS qemudmabuf EXPORT qemu-dmabuf-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

# No Requires.private: there is no static library, no public header includes what the library uses
# inside, and pkg-config would want the development files of all that even for --cflags.
configure_file(${PROJECT_SOURCE_DIR}/qemu-dmabuf.pc.in ${PROJECT_BINARY_DIR}/qemu-dmabuf.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/qemu-dmabuf.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/qemu-dmabuf)
configure_package_config_file(
  ${CMAKE_CURRENT_SOURCE_DIR}/cmake/qemu-dmabuf-config.cmake.in
  ${PROJECT_BINARY_DIR}/qemu-dmabuf-config.cmake
  INSTALL_DESTINATION ${PACKAGE_DIR})
# Additive only inside SONAME 0, so a newer minor version serves an older request.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qemu-dmabuf-config-version.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/qemu-dmabuf-config.cmake
  ${PROJECT_BINARY_DIR}/qemu-dmabuf-config-version.cmake
  DESTINATION ${PACKAGE_DIR})
install(EXPORT qemu-dmabuf-targets NAMESPACE qemu-dmabuf:: DESTINATION ${PACKAGE_DIR})
