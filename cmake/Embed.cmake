# unlearn_embed(TARGET): src/report/templates/* and the chart library become part of a layer, as
# generated/report_assets.cpp (src/report/assets.h).
#
# The library is Chart.js 3 or 4 (MIT; Debian: libjs-chart.js). It goes into a page only together with
# its licence. Where either is missing, pages have static drawings alone.
find_file(UNLEARN_CHART_JS NAMES chart.umd.js chart.min.js
          PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH
          DOC "Chart.js 3 or 4 for the pages, one script")
find_file(UNLEARN_CHART_LICENCE NAMES copyright
          PATHS /usr/share/doc/libjs-chart.js /usr/share/doc/node-chart.js NO_DEFAULT_PATH
          DOC "The licence of UNLEARN_CHART_JS")

function(unlearn_find_chart version)
  set(${version} "" PARENT_SCOPE)
  if(NOT UNLEARN_CHART_JS OR NOT UNLEARN_CHART_LICENCE)
    message(STATUS "Chart.js or its licence not found (Debian: libjs-chart.js): "
                   "pages of reports have static drawings only")
    return()
  endif()
  file(READ "${UNLEARN_CHART_JS}" banner LIMIT 300)
  if(NOT banner MATCHES "Chart\\.js v([34]\\.[0-9.]+)")
    message(STATUS "${UNLEARN_CHART_JS} is no Chart.js 3 or 4: pages have static drawings only")
    return()
  endif()
  message(STATUS "Chart.js ${CMAKE_MATCH_1} goes into the pages of reports: ${UNLEARN_CHART_JS}")
  set(${version} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()

function(unlearn_embed target)
  file(GLOB templates CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/report/templates/*")
  set(files ${templates})
  set(named "")
  foreach(file ${templates})
    get_filename_component(name "${file}" NAME)
    list(APPEND named "${name}=${file}")
  endforeach()
  unlearn_find_chart(chart)
  if(chart)
    list(APPEND files "${UNLEARN_CHART_JS}" "${UNLEARN_CHART_LICENCE}")
    list(APPEND named "chart.js=${UNLEARN_CHART_JS}" "chart-licence.txt=${UNLEARN_CHART_LICENCE}")
  endif()
  set(output "${CMAKE_BINARY_DIR}/generated/report_assets.cpp")
  set(script "${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake")
  list(JOIN named "|" list)
  add_custom_command(
    OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DFILES=${list}" -P "${script}"
    DEPENDS ${files} "${script}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
