# unlearn_layer(NAME [TORCH] [DEPENDS …]): the static library unlearn_NAME from src/NAME/**.cpp.
# TORCH layers see LibTorch and share one precompiled header; the others never see torch's include
# path (its bundled fmt would break spdlog) and compile in a moment.
#
# Several files make one translation unit (unity build), because every unit that sees LibTorch pays
# seconds for its templates. So names in the anonymous namespaces of one layer's files must differ;
# where they do not, the compiler says "redefinition".
#
# UNLEARN_PREBUILT, a build folder of the same headers and flags: layers that UNLEARN_REBUILT does not
# name are linked from there instead of being compiled. tests/e2e/recipes_test.sh changes four layers.

# An executable may not precompile for a library, so the shared header lives in a small library.
add_library(unlearn_pch STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cpp")
target_link_libraries(unlearn_pch PUBLIC unlearn_options LibTorch::cpu)
target_precompile_headers(
  unlearn_pch
  PRIVATE
  <torch/csrc/autograd/custom_function.h>
  <torch/nn/module.h>
  <torch/types.h>
  <nlohmann/json.hpp>
  <filesystem>
  <functional>
  <map>
  <memory>
  <optional>
  <string>
  <vector>)

function(unlearn_layer name)
  cmake_parse_arguments(arg "TORCH" "" "DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cpp")
  if(NOT sources)
    add_library(unlearn_${name} INTERFACE)
    target_link_libraries(unlearn_${name} INTERFACE unlearn_options ${arg_DEPENDS})
    return()
  endif()
  if(UNLEARN_PREBUILT AND NOT name IN_LIST UNLEARN_REBUILT)
    add_library(unlearn_${name} STATIC IMPORTED GLOBAL)
    set_target_properties(unlearn_${name} PROPERTIES IMPORTED_LOCATION
                                                     "${UNLEARN_PREBUILT}/libunlearn_${name}.a")
    target_link_libraries(unlearn_${name} INTERFACE unlearn_options ${arg_DEPENDS})
    if(arg_TORCH)
      target_link_libraries(unlearn_${name} INTERFACE LibTorch::cpu)
    endif()
    return()
  endif()
  add_library(unlearn_${name} STATIC ${sources})
  target_link_libraries(unlearn_${name} PUBLIC unlearn_options ${arg_DEPENDS})
  if(arg_TORCH)
    target_link_libraries(unlearn_${name} PUBLIC LibTorch::cpu)
    target_precompile_headers(unlearn_${name} REUSE_FROM unlearn_pch)
  endif()
  set_target_properties(unlearn_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
endfunction()
