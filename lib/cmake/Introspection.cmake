# SPDX-License-Identifier: MIT
# GIR, typelib and the pages made of them. The scanner runs a program linked with the library, so a build
# with sanitizers or for another machine has none. Included from lib/CMakeLists.txt.

if(ENABLE_DOCS AND NOT ENABLE_INTROSPECTION)
  message(FATAL_ERROR "ENABLE_DOCS needs ENABLE_INTROSPECTION: the pages are made from the GIR")
endif()
if(ENABLE_INTROSPECTION AND (SANITIZE OR CMAKE_CROSSCOMPILING))
  message(STATUS "No introspection: the scanner cannot run a program of a sanitized or foreign build")
  set(ENABLE_INTROSPECTION OFF)
  set(ENABLE_DOCS OFF)
endif()

# Names for tests/: empty without introspection.
set(QDMABUF_TYPELIB "")
set(QDMABUF_TYPELIB "" PARENT_SCOPE)
if(NOT ENABLE_INTROSPECTION)
  return()
endif()

find_program(G_IR_SCANNER g-ir-scanner)
find_program(G_IR_COMPILER g-ir-compiler)
mark_as_advanced(G_IR_SCANNER G_IR_COMPILER)
if(NOT G_IR_SCANNER OR NOT G_IR_COMPILER)
  message(FATAL_ERROR "g-ir-scanner or g-ir-compiler is missing: install gobject-introspection and "
    "libgirepository1.0-dev, or configure with -DENABLE_INTROSPECTION=OFF")
endif()

set(GIR ${CMAKE_CURRENT_BINARY_DIR}/QemuDmabuf-0.gir)
set(TYPELIB ${CMAKE_CURRENT_BINARY_DIR}/QemuDmabuf-0.typelib)
list(TRANSFORM PUBLIC_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE GIR_SOURCES)

add_custom_command(OUTPUT ${GIR}
  DEPENDS qemudmabuf ${GIR_SOURCES} ${PUBLIC_HEADERS}
  COMMAND ${CMAKE_COMMAND} -E env "CC=${CMAKE_C_COMPILER}"
    ${G_IR_SCANNER} --quiet --warn-all --warn-error --no-libtool
    --namespace=QemuDmabuf --nsversion=0 --identifier-prefix=Qdmabuf --symbol-prefix=qdmabuf
    --c-include=qemu-dmabuf/qemu-dmabuf.h --include=Gio-2.0 --pkg=gio-2.0 --pkg-export=qemu-dmabuf
    --library=qemudmabuf --library-path=$<TARGET_FILE_DIR:qemudmabuf>
    "-I$<JOIN:$<TARGET_PROPERTY:qemudmabuf-objects,INCLUDE_DIRECTORIES>,;-I>"
    "-D$<JOIN:$<TARGET_PROPERTY:qemudmabuf-objects,COMPILE_DEFINITIONS>,;-D>"
    --sources-top-dirs=${PROJECT_SOURCE_DIR} --sources-top-dirs=${PROJECT_BINARY_DIR}
    --output=${GIR} ${GIR_SOURCES} ${PUBLIC_HEADERS}
  COMMENT "Scanning QemuDmabuf-0.gir"
  COMMAND_EXPAND_LISTS VERBATIM)
add_custom_command(OUTPUT ${TYPELIB}
  DEPENDS ${GIR}
  COMMAND ${G_IR_COMPILER} --output=${TYPELIB} ${GIR}
  COMMENT "Compiling QemuDmabuf-0.typelib"
  VERBATIM)
add_custom_target(introspection ALL DEPENDS ${TYPELIB})
set(QDMABUF_TYPELIB ${TYPELIB} PARENT_SCOPE)

install(FILES ${GIR} DESTINATION ${CMAKE_INSTALL_DATADIR}/gir-1.0)
install(FILES ${TYPELIB} DESTINATION ${CMAKE_INSTALL_LIBDIR}/girepository-1.0)

if(ENABLE_DOCS)
  find_program(GI_DOCGEN gi-docgen)
  mark_as_advanced(GI_DOCGEN)
  if(NOT GI_DOCGEN)
    message(FATAL_ERROR "gi-docgen is missing: install it, or configure with -DENABLE_DOCS=OFF")
  endif()
  set(DOCS_CONFIG ${CMAKE_CURRENT_BINARY_DIR}/gi-docgen.toml)
  set(DOCS_CONTENT ${CMAKE_CURRENT_BINARY_DIR}/docs-content)
  set(DOCS_DIR ${PROJECT_BINARY_DIR}/docs)
  set(DOCS_INDEX ${DOCS_DIR}/QemuDmabuf-0/index.html)

  # gi-docgen takes the title of a page from a first line of its own; ours say it in their heading.
  # Links from page to page are to its HTML files.
  set(DOCS_PAGES "")
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
  foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME)
    file(READ ${page} text)
    string(REGEX REPLACE "\\]\\(([a-zA-Z]+)\\.md\\)" "](\\1.html)" text "${text}")
    string(REGEX MATCH "^(<!--[^\n]*\n)?# ([^\n]*)" heading "${text}")
    file(CONFIGURE OUTPUT ${DOCS_CONTENT}/${name} CONTENT "Title: ${CMAKE_MATCH_2}\n\n@text@" @ONLY)
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
    list(APPEND DOCS_PAGES ${name})
  endforeach()
  list(JOIN DOCS_PAGES "\", \"" DOCS_PAGES)
  configure_file(${PROJECT_SOURCE_DIR}/docs/gi-docgen.toml.in ${DOCS_CONFIG} @ONLY)

  add_custom_command(OUTPUT ${DOCS_INDEX}
    DEPENDS ${GIR} ${DOCS_CONFIG} ${pages}
    COMMAND ${GI_DOCGEN} generate --quiet --fatal-warnings --config=${DOCS_CONFIG}
      --content-dir=${DOCS_CONTENT} --output-dir=${DOCS_DIR} ${GIR}
    COMMENT "Writing the API pages"
    VERBATIM)
  add_custom_target(docs ALL DEPENDS ${DOCS_INDEX})
  install(DIRECTORY ${DOCS_DIR}/QemuDmabuf-0 DESTINATION ${CMAKE_INSTALL_DATADIR}/doc)
endif()
