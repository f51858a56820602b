# dualgeo_layer(<name> [TORCH] LINK <libraries...>)
#
# One layer of the program: include/dualgeo/<name>/*.h, src/<name>/*.cpp and tests/<name>/*_test.cpp become the library
# dualgeo::<name> and the test program <name>_test. TORCH shares one precompiled header of LibTorch, without which a
# file takes twice as long to compile.

set(DUALGEO_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes std::string's own operator+ for an overlapping or endless memcpy (GCC bug 105651).
  list(APPEND DUALGEO_WARNINGS -Wno-restrict -Wno-stringop-overflow)
endif()

add_library(dualgeo_options INTERFACE)
target_include_directories(dualgeo_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(dualgeo_options INTERFACE ${DUALGEO_WARNINGS} $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)

# The owner of the shared precompiled header; its one source file is empty.
file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp "")
add_library(dualgeo_torch STATIC ${PROJECT_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(dualgeo_torch PUBLIC ${TORCH_LIBRARIES})
# LibTorch's headers are not ours to warn about.
target_include_directories(dualgeo_torch SYSTEM PUBLIC ${TORCH_INCLUDE_DIRS})
target_link_libraries(dualgeo_torch PRIVATE $<BUILD_INTERFACE:dualgeo_options>)
set_target_properties(dualgeo_torch PROPERTIES EXPORT_NAME torch)
target_precompile_headers(dualgeo_torch PRIVATE <torch/torch.h>)

function(dualgeo_layer name)
  cmake_parse_arguments(ARG "TORCH" "" "LINK" ${ARGN})
  set(target dualgeo_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC ${ARG_LINK} PRIVATE $<BUILD_INTERFACE:dualgeo_options>)
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                $<INSTALL_INTERFACE:include>)
    target_compile_features(${target} PUBLIC cxx_std_20)
    if(ARG_TORCH)
      target_link_libraries(${target} PUBLIC dualgeo_torch)
      target_precompile_headers(${target} REUSE_FROM dualgeo_torch)
    endif()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${ARG_LINK})
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                   $<INSTALL_INTERFACE:include>)
  endif()
  add_library(dualgeo::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set(DUALGEO_LAYERS ${DUALGEO_LAYERS} ${name} PARENT_SCOPE)

  if(DUALGEO_TESTS)
    file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*_test.cpp)
    if(tests)
      dualgeo_test(${name}_test ${ARG_TORCH} SOURCES ${tests} LINK ${target})
    endif()
  endif()
endfunction()

# dualgeo_test(<name> [TORCH] SOURCES <files...> LINK <libraries...>)
# Tests whose name contains "Slow" get the CTest label "slow" and run last.
function(dualgeo_test name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} dualgeo_options GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE DUALGEO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(ARG_TORCH)
    target_link_libraries(${name} PRIVATE dualgeo_torch)
    target_precompile_headers(${name} REUSE_FROM dualgeo_torch)
  endif()
  # One thread a test: ctest runs several at once, and results do not depend on the machine's cores.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "-*Slow*"
                       PROPERTIES TIMEOUT 300 ENVIRONMENT "OMP_NUM_THREADS=1;OPENBLAS_NUM_THREADS=1")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "*Slow*" TEST_LIST ${name}_slow_tests
                       PROPERTIES TIMEOUT 900 LABELS slow ENVIRONMENT "OMP_NUM_THREADS=1;OPENBLAS_NUM_THREADS=1")
endfunction()
