# Debian's libhiredis-dev has a pkg-config file only. Defines hiredis_VERSION and the imported target hiredis::hiredis.

find_path(hiredis_INCLUDE_DIR NAMES hiredis/hiredis.h)
find_library(hiredis_LIBRARY NAMES hiredis)

if(hiredis_INCLUDE_DIR)
  set(_hiredis_parts)
  foreach(_hiredis_part MAJOR MINOR PATCH)
    file(STRINGS "${hiredis_INCLUDE_DIR}/hiredis/hiredis.h" _hiredis_line REGEX "#define HIREDIS_${_hiredis_part} [0-9]+")
    string(REGEX MATCH "[0-9]+" _hiredis_number "${_hiredis_line}")
    list(APPEND _hiredis_parts "${_hiredis_number}")
  endforeach()
  list(JOIN _hiredis_parts "." hiredis_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(hiredis REQUIRED_VARS hiredis_INCLUDE_DIR hiredis_LIBRARY VERSION_VAR hiredis_VERSION)

if(hiredis_FOUND AND NOT TARGET hiredis::hiredis)
  add_library(hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(hiredis::hiredis PROPERTIES
    IMPORTED_LOCATION "${hiredis_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${hiredis_INCLUDE_DIR}")
endif()
mark_as_advanced(hiredis_INCLUDE_DIR hiredis_LIBRARY)
