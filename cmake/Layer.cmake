# dualgeo_layer(<name> [LIGHT <files...> | HEAVY <files...>] LINK <libraries...> [TESTS_LINK <libraries...>])
#
# One layer of the program: include/dualgeo/<name>/*.h (for programs that use the library: "dualgeo/<name>/x.h"),
# src/<name>/*.h (for our own layers: "<name>/x.h"), src/<name>/*.cpp (and those of its folders) and tests/<name>/*_test.cpp
# become the library dualgeo::<name> and the test program <name>_test.
#
# A layer is compiled in batches (CMake's unity build): most of a file's time goes into the headers it includes and into
# their inline functions, which are compiled again for every batch that uses them. So batches are large, and names
# in anonymous namespaces are unique within a layer. Files that see LibTorch are batches of their own, with a precompiled
# header, since that takes seconds to load as well.
#
# LIGHT names the files (without .cpp) that the commands without networks are made of; with HEAVY these are all others. They
# are batches of their own too, and `dualgeo` is linked from them alone (tools/), so one that reaches for LibTorch, OpenCV
# or FAISS does not link.
option(DUALGEO_UNITY "Compile in batches: a third of the time for everything, more for one changed file" ON)
option(DUALGEO_WERROR "Warnings are errors (CI)" OFF)

set(DUALGEO_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
if(DUALGEO_WERROR)
  list(APPEND DUALGEO_WARNINGS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes std::string's own operator+ for an overlapping or endless memcpy (GCC bug 105651); GCC 14 takes
  # std::vector<bool>::reserve, inlined from LibTorch's headers, for a copy out of bounds.
  # In a batch every file is an included one, where it takes a class that uses an anonymous namespace for a header's.
  list(APPEND DUALGEO_WARNINGS -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-subobject-linkage)
endif()

add_library(dualgeo_options INTERFACE)
target_include_directories(dualgeo_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(dualgeo_options INTERFACE ${DUALGEO_WARNINGS} $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)

# The owner of the shared precompiled header; its one source file is empty.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/torch_pch.cpp CONTENT "")
add_library(dualgeo_torch STATIC ${PROJECT_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(dualgeo_torch PUBLIC dualgeo_libtorch_order ${TORCH_LIBRARIES})
# LibTorch's headers are not ours to warn about. (Who links our installed libraries gets them from the target torch; and an
# environment may lie in the source folder, whose paths CMake does not install.)
target_include_directories(dualgeo_torch SYSTEM PUBLIC "$<BUILD_INTERFACE:${TORCH_INCLUDE_DIRS}>")
target_link_libraries(dualgeo_torch PRIVATE $<BUILD_INTERFACE:dualgeo_options>)
set_target_properties(dualgeo_torch PROPERTIES EXPORT_NAME torch)
target_precompile_headers(dualgeo_torch PRIVATE ${PROJECT_SOURCE_DIR}/include/dualgeo/io/torch.h)

# Tests are compiled in half the time without optimisation; what takes time when they run is in the layers. A precompiled
# header holds for one level of it.
set(DUALGEO_TEST_OPTIONS $<$<CONFIG:Release>:-O0>)
if(DUALGEO_TESTS)
  add_library(dualgeo_torch_tests STATIC ${PROJECT_BINARY_DIR}/torch_pch.cpp)
  target_link_libraries(dualgeo_torch_tests PRIVATE dualgeo_torch dualgeo_options)
  target_compile_options(dualgeo_torch_tests PRIVATE ${DUALGEO_TEST_OPTIONS})
  target_precompile_headers(dualgeo_torch_tests PRIVATE ${PROJECT_SOURCE_DIR}/include/dualgeo/io/torch.h)
endif()

# Whether a file includes LibTorch, by itself or through headers of ours.
function(dualgeo_sees_torch file result)
  get_property(known GLOBAL PROPERTY "DUALGEO_SEES_TORCH ${file}")
  if(NOT "${known}" STREQUAL "")
    set(${result} ${known} PARENT_SCOPE)
    return()
  endif()
  set_property(GLOBAL PROPERTY "DUALGEO_SEES_TORCH ${file}" FALSE)  # ends a circle of includes
  set(sees FALSE)
  file(STRINGS ${file} includes REGEX "^#include ")
  get_filename_component(folder ${file} DIRECTORY)
  foreach(line IN LISTS includes)
    if(line MATCHES "<(torch|ATen|c10|caffe2)/" AND NOT line MATCHES "<torch/version.h>")
      set(sees TRUE)
    elseif(line MATCHES "\"([^\"]+)\"")
      foreach(header ${folder}/${CMAKE_MATCH_1} ${PROJECT_SOURCE_DIR}/include/${CMAKE_MATCH_1}
                     ${PROJECT_SOURCE_DIR}/src/${CMAKE_MATCH_1} ${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1})
        if(EXISTS ${header})
          dualgeo_sees_torch(${header} sees)
          break()
        endif()
      endforeach()
    endif()
    if(sees)
      break()
    endif()
  endforeach()
  set_property(GLOBAL PROPERTY "DUALGEO_SEES_TORCH ${file}" ${sees})
  set(${result} ${sees} PARENT_SCOPE)
endfunction()

# dualgeo_batches(<target> SOURCES <files...> [LIGHT <files...> | HEAVY <files...>] LINK <libraries...>
#                 PRECOMPILED <target> [OPTIONS <options...>])
# Adds the files to the target, those that see LibTorch and the light ones as batches of their own; PRECOMPILED: whose
# precompiled header the former use.
function(dualgeo_batches target)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;LIGHT;HEAVY;LINK;OPTIONS" ${ARGN})
  set(groups plain light torch)
  foreach(file IN LISTS ARG_SOURCES)
    string(REGEX REPLACE "^.*/src/[a-z]+/|[.]cpp$" "" name ${file})
    dualgeo_sees_torch(${file} sees)
    if(sees)
      list(APPEND torch ${file})
    elseif(name IN_LIST ARG_LIGHT OR (ARG_HEAVY AND NOT name IN_LIST ARG_HEAVY))
      list(APPEND light ${file})
    else()
      list(APPEND plain ${file})
    endif()
  endforeach()
  foreach(group IN LISTS groups)
    if(${group})
      set(part ${target}_${group})
      add_library(${part} OBJECT ${${group}})
      target_link_libraries(${part} PRIVATE ${ARG_LINK} dualgeo_options)
      target_compile_options(${part} PRIVATE ${ARG_OPTIONS})
      set_target_properties(${part} PROPERTIES UNITY_BUILD ${DUALGEO_UNITY} UNITY_BUILD_BATCH_SIZE 40)
      if(group STREQUAL "torch")
        target_link_libraries(${part} PRIVATE dualgeo_torch)
        target_precompile_headers(${part} REUSE_FROM ${ARG_PRECOMPILED})
      endif()
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${part}>)
      if(group STREQUAL "light")
        set_property(GLOBAL APPEND PROPERTY DUALGEO_LIGHT_OBJECTS $<TARGET_OBJECTS:${part}>)
      endif()
    endif()
  endforeach()
endfunction()

function(dualgeo_layer name)
  cmake_parse_arguments(ARG "" "" "LIGHT;HEAVY;LINK;TESTS_LINK" ${ARGN})
  set(target dualgeo_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  add_library(${target} STATIC)
  target_link_libraries(${target} PUBLIC ${ARG_LINK})
  target_include_directories(${target} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include;${PROJECT_SOURCE_DIR}/src>"
                                              $<INSTALL_INTERFACE:include>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  dualgeo_batches(${target} SOURCES ${sources} LIGHT ${ARG_LIGHT} HEAVY ${ARG_HEAVY} LINK ${ARG_LINK}
                  PRECOMPILED dualgeo_torch)
  if(TARGET ${target}_torch)
    target_link_libraries(${target} PUBLIC dualgeo_torch)
  endif()
  add_library(dualgeo::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set(DUALGEO_LAYERS ${DUALGEO_LAYERS} ${name} PARENT_SCOPE)

  if(DUALGEO_TESTS)
    file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*_test.cpp)
    if(tests)
      dualgeo_test(${name}_test SOURCES ${tests} LINK ${target} ${ARG_TESTS_LINK})
    endif()
  endif()
endfunction()

# dualgeo_test(<name> SOURCES <files...> LINK <libraries...> [DEFINE <definitions...>])
# For CTest a program is four tests, each a quarter of its own, since starting it (LibTorch) takes longer than most tests
# do. Those whose name contains "Slow" are tests of their own with the label "slow", and run last.
function(dualgeo_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEFINE" ${ARGN})
  add_executable(${name})
  set(libraries ${ARG_LINK} GTest::gtest GTest::gmock)
  add_library(${name}_settings INTERFACE)
  target_include_directories(${name}_settings INTERFACE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name}_settings INTERFACE DUALGEO_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ${ARG_DEFINE})
  target_link_libraries(${name} PRIVATE ${libraries} GTest::gtest_main)
  dualgeo_batches(${name} SOURCES ${ARG_SOURCES} LINK ${libraries} ${name}_settings PRECOMPILED dualgeo_torch_tests
                  OPTIONS ${DUALGEO_TEST_OPTIONS})
  # One thread a test: ctest runs several at once, and results do not depend on the machine's cores.
  set(threads OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1)
  foreach(part 1 2 3 4)
    add_test(NAME ${name}.${part} COMMAND ${name} --gtest_filter=-*Slow*)
    math(EXPR index "${part} - 1")
    set_tests_properties(${name}.${part} PROPERTIES TIMEOUT 900
                         ENVIRONMENT "${threads};GTEST_TOTAL_SHARDS=4;GTEST_SHARD_INDEX=${index}")
  endforeach()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "*Slow*"
                       PROPERTIES TIMEOUT 900 LABELS slow ENVIRONMENT "${threads}")
endfunction()
