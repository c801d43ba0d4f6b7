# `cmake --install` makes a tree that may lie anywhere:
#   bin/unlearn      the launcher, which finds LibTorch (scripts/packaging/launcher.sh)
#   libexec/unlearn  the program
#   lib/unlearn/     libunlearn_cuda.so and the libraries beyond the C and C++ runtimes and LibTorch
#   share/           configs with the data that they name, completions, manual page, documents
# `cpack` makes an archive of it (TGZ) and a Debian package (DEB), which depends on Debian's libraries
# instead of holding them; scripts/make_wheel.sh makes a Python wheel.
# Components: program, libraries, documents; debian, for the package alone; local, for no package.
include(GNUInstallDirs)
set(private_libraries lib/unlearn)
set(documents share/doc/unlearn)

if(TARGET unlearn)
  # DT_RPATH, not DT_RUNPATH: it also counts for what the private libraries need themselves.
  target_link_options(unlearn PRIVATE -Wl,--disable-new-dtags)
  set_target_properties(unlearn PROPERTIES INSTALL_RPATH "$ORIGIN/../${private_libraries}")
  install(TARGETS unlearn RUNTIME_DEPENDENCY_SET unlearn_libraries RUNTIME DESTINATION libexec
                                                                           COMPONENT program)
  install(PROGRAMS scripts/packaging/launcher.sh DESTINATION bin RENAME unlearn COMPONENT program)
  install(
    RUNTIME_DEPENDENCY_SET unlearn_libraries
    DIRECTORIES "${LibTorch_LIBRARY_DIR}"
    PRE_EXCLUDE_REGEXES "^lib(torch|c10|gomp|cu|nv)" "^ld-linux"
                        "^lib(c|m|dl|rt|pthread|util|stdc\\+\\+|gcc_s)\\.so"
    DESTINATION ${private_libraries}
    COMPONENT libraries)
  # Their licences, which Debian keeps by package.
  install(
    CODE "
      file(GLOB libraries \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${private_libraries}/*.so*\")
      foreach(library \${libraries})
        get_filename_component(name \"\${library}\" NAME)
        execute_process(COMMAND dpkg-query -S \"*/\${name}\" OUTPUT_VARIABLE owner ERROR_QUIET)
        string(REGEX MATCH \"^[^:,]+\" owner \"\${owner}\")
        if(owner AND EXISTS \"/usr/share/doc/\${owner}/copyright\")
          file(INSTALL \"/usr/share/doc/\${owner}/copyright\" RENAME \"\${owner}\"
               DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${documents}/licenses\")
        endif()
      endforeach()"
    COMPONENT libraries)

  # What the program says of itself.
  set(texts "${CMAKE_BINARY_DIR}/texts")
  install(
    CODE "
      file(MAKE_DIRECTORY \"${texts}\")
      foreach(text man \"completion bash\" \"completion zsh\" \"completion fish\")
        string(REPLACE \" \" \";\" arguments \"\${text}\")
        execute_process(COMMAND \"$<TARGET_FILE:unlearn>\" \${arguments} COMMAND_ERROR_IS_FATAL ANY
                        OUTPUT_FILE \"${texts}/\${text}\")
      endforeach()
      execute_process(COMMAND gzip -9nc \"${texts}/man\" COMMAND_ERROR_IS_FATAL ANY
                      OUTPUT_FILE \"${texts}/man.gz\")"
    COMPONENT program)
  install(FILES "${texts}/man.gz" DESTINATION share/man/man1 RENAME unlearn.1.gz COMPONENT program)
  install(FILES "${texts}/completion bash" DESTINATION share/bash-completion/completions
          RENAME unlearn COMPONENT program)
  install(FILES "${texts}/completion fish" DESTINATION share/fish/vendor_completions.d
          RENAME unlearn.fish COMPONENT program)
  install(FILES "${texts}/completion zsh" DESTINATION share/zsh/site-functions RENAME _unlearn
          COMPONENT archive)
  install(FILES "${texts}/completion zsh" DESTINATION share/zsh/vendor-completions RENAME _unlearn
          COMPONENT debian EXCLUDE_FROM_ALL)

  # Where LibTorch was at build time: the launcher's last resort, true on this machine only.
  install(CODE "file(WRITE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${private_libraries}/torch_root\"
                     \"${Torch_ROOT}\\n\")"
          COMPONENT local)
endif()
if(TARGET unlearn_cuda)
  install(TARGETS unlearn_cuda LIBRARY DESTINATION ${private_libraries} COMPONENT program)
endif()

# The bundled data lie where the configs say: data/ beside configs/.
install(DIRECTORY configs DESTINATION share/unlearn COMPONENT program)
install(DIRECTORY data DESTINATION share/unlearn COMPONENT program)
install(DIRECTORY docs DESTINATION ${documents} COMPONENT program PATTERN figures EXCLUDE)
install(FILES README.md DESTINATION ${documents} COMPONENT program)
install(FILES LICENSE CHANGELOG.md DESTINATION ${documents} COMPONENT archive)
install(FILES scripts/packaging/copyright DESTINATION ${documents} COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_PACKAGE_CONTACT "The authors of unlearn <unlearn@localhost>")
string(TIMESTAMP UNLEARN_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(scripts/packaging/changelog.Debian.in changelog.Debian @ONLY)
foreach(changelog "${CMAKE_SOURCE_DIR}/CHANGELOG.md=changelog.gz"
                  "${CMAKE_BINARY_DIR}/changelog.Debian=changelog.Debian.gz")
  string(REPLACE "=" ";" changelog "${changelog}")
  list(GET changelog 0 text)
  list(GET changelog 1 name)
  install(CODE "execute_process(COMMAND gzip -9nc \"${text}\" COMMAND_ERROR_IS_FATAL ANY
                                OUTPUT_FILE \"${CMAKE_BINARY_DIR}/${name}\")"
          COMPONENT debian EXCLUDE_FROM_ALL)
  install(FILES "${CMAKE_BINARY_DIR}/${name}" DESTINATION ${documents} COMPONENT debian
          EXCLUDE_FROM_ALL)
endforeach()

# Who builds a package for others names themselves: cpack -D CPACK_DEBIAN_PACKAGE_MAINTAINER="NAME <ADDRESS>".
set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_FILE_NAME "unlearn-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "makes language models forget chosen data and keep the rest")
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_SOURCE_DIR}/cmake/CPackOptions.cmake")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Where dpkg-shlibdeps finds what no package brings: LibTorch, and for the kernels CUDA's runtime.
file(GLOB cuda_runtime "${LibTorch_LIBRARY_DIR}/../../nvidia/cu*/lib")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    "${LibTorch_LIBRARY_DIR}" ${cuda_runtime} ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES})
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-pip, python3-venv")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "It reads a Hugging Face model folder, unlearns with SimNPO or another method,
writes a Hugging Face folder, and evaluates with the benchmarks' own metrics.
LibTorch 2.11 is not part of Debian: the program takes that of the active
Python environment, of --torch DIR or of UNLEARN_TORCH.")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
include(CPack)
