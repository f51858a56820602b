# `cmake --install`: the binary with its man page and completions (component program), and the layers as a package for find_package(dualgeo). With DUALGEO_MODEL_ONLY the
# package holds the layers that were built.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dualgeo)

foreach(layer IN LISTS DUALGEO_LAYERS)
  install(TARGETS dualgeo_${layer} EXPORT dualgeo ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/dualgeo/${layer})
    install(DIRECTORY include/dualgeo/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dualgeo)
  endif()
endforeach()
install(TARGETS dualgeo_torch EXPORT dualgeo ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT dualgeo NAMESPACE dualgeo:: FILE dualgeo-targets.cmake DESTINATION ${package_dir})

configure_package_config_file(cmake/dualgeo-config.cmake.in dualgeo-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(dualgeo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/Packages.cmake ${PROJECT_BINARY_DIR}/dualgeo-config.cmake
              ${PROJECT_BINARY_DIR}/dualgeo-config-version.cmake DESTINATION ${package_dir})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/dualgeo COMPONENT program)
install(FILES cmake/debian-copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT program)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(NOT DUALGEO_MODEL_ONLY)
  include(Package)
endif()
