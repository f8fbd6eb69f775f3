# SPDX-License-Identifier: MIT
# Everything that is not ours, found once: what is missing is named together with the switch that does without it.

find_package(PkgConfig REQUIRED)

# QDMABUF_<name> becomes the imported target PkgConfig::QDMABUF_<name>.
function(qdmabuf_need name switch)
  pkg_check_modules(QDMABUF_${name} QUIET IMPORTED_TARGET GLOBAL ${ARGN})
  if(NOT QDMABUF_${name}_FOUND)
    list(JOIN ARGN ", " modules)
    set(cure "")
    if(switch)
      set(cure ", or configure with -D${switch}=OFF")
    endif()
    message(FATAL_ERROR "pkg-config does not find ${modules}: install the development files${cure}")
  endif()
endfunction()

qdmabuf_need(GIO "" gio-2.0>=2.74 gio-unix-2.0>=2.74)
qdmabuf_need(DRM "" libdrm)
if(ENABLE_EGL)
  qdmabuf_need(EPOXY ENABLE_EGL epoxy)
endif()
if(ENABLE_GBM)
  qdmabuf_need(GBM ENABLE_GBM gbm)
endif()
if(ENABLE_TOOLS)
  qdmabuf_need(PNG ENABLE_TOOLS libpng)
  if(ENABLE_PLOT)
    qdmabuf_need(CAIRO ENABLE_PLOT cairo cairo-png cairo-svg)
  endif()
endif()
if(ENABLE_WEBRTC)
  qdmabuf_need(GST ENABLE_WEBRTC gstreamer-1.0>=1.22 gstreamer-app-1.0 gstreamer-video-1.0 gstreamer-rtp-1.0
    gstreamer-sdp-1.0 gstreamer-webrtc-1.0)
  qdmabuf_need(SOUP ENABLE_WEBRTC libsoup-3.0)
  qdmabuf_need(JSON ENABLE_WEBRTC json-glib-1.0)
  qdmabuf_need(GNUTLS ENABLE_WEBRTC gnutls)
endif()
if(ENABLE_TESTS)
  qdmabuf_need(CMOCKA ENABLE_TESTS cmocka)
endif()

# libyuv has no .pc file in Debian.
find_path(LIBYUV_INCLUDE_DIR libyuv.h)
find_library(LIBYUV_LIBRARY yuv)
mark_as_advanced(LIBYUV_INCLUDE_DIR LIBYUV_LIBRARY)
if(NOT LIBYUV_INCLUDE_DIR OR NOT LIBYUV_LIBRARY)
  message(FATAL_ERROR "libyuv is missing: install its development files, or set LIBYUV_INCLUDE_DIR and LIBYUV_LIBRARY")
endif()
add_library(libyuv UNKNOWN IMPORTED)
set_target_properties(libyuv PROPERTIES
  IMPORTED_LOCATION ${LIBYUV_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${LIBYUV_INCLUDE_DIR})
