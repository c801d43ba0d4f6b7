# `cmake --install` makes a relocatable tree: bin/unlearn, lib/ with the libraries it needs beyond
# the C and C++ runtimes, share/unlearn/configs. LibTorch is found next to it, through
# LD_LIBRARY_PATH, or where it was at build time.
include(GNUInstallDirs)
if(TARGET unlearn)
  set_target_properties(unlearn PROPERTIES INSTALL_RPATH "$ORIGIN/../lib;${LibTorch_LIBRARY_DIR}")
  install(TARGETS unlearn RUNTIME_DEPENDENCY_SET unlearn_libraries
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(
    RUNTIME_DEPENDENCY_SET unlearn_libraries
    DIRECTORIES "${LibTorch_LIBRARY_DIR}"
    PRE_EXCLUDE_REGEXES "^lib(torch|c10|gomp|cu|nv)" "^ld-linux"
                        "^lib(c|m|dl|rt|pthread|stdc\\+\\+|gcc_s)\\.so"
    DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET unlearn_cuda)
  install(TARGETS unlearn_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/unlearn/configs)
install(FILES data/benign.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/unlearn)
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_FILE_NAME "unlearn-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR}")
include(CPack)
