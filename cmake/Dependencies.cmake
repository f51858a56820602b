# What the build itself needs, beside what its libraries link (Packages.cmake).
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header is only cacheable when ccache is told that its defines and timestamps do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

include(Packages)
if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "the LibTorch in ${TORCH_INSTALL_PREFIX} has GCC 4's C++ ABI, which none of the distribution's "
                      "libraries can be linked with; take PyTorch 2.7 or later, or LibTorch's \"cxx11 ABI\" archive")
endif()

if(NOT DUALGEO_MODEL_ONLY)
  find_package(CLI11 REQUIRED)
endif()

if(DUALGEO_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  # Optional: tests/geo/s2_cell_test.cpp compares with it.
  find_library(S2_LIBRARY s2)
  if(S2_LIBRARY)
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_LIBRARIES ${S2_LIBRARY})
    check_cxx_source_compiles("#include <s2/s2cell.h>
#include <s2/s2latlng.h>
int main() { return S2Cell(S2CellId(S2LatLng::FromDegrees(1, 2).ToPoint())).level(); }" DUALGEO_TEST_LIBS2)
    unset(CMAKE_REQUIRED_LIBRARIES)
  endif()
  enable_testing()
endif()
