# The packages whose targets our libraries link: read by the build, and installed for those who link our libraries.
# Everything comes from the distribution (scripts/install-deps.sh); nothing is downloaded or vendored.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Torch REQUIRED)
find_package(ZLIB REQUIRED)

# The LibTorch inside a PyTorch brings more than LibTorch, and its own must not meet the distribution's:
# - its headers hold a copy of fmt, older or newer than the one that spdlog was built with: the distribution's comes first;
# - FAISS brings OpenBLAS, whose sgemm_ would take the place of MKL's inside libtorch_cpu if it stood before it among the
#   libraries of a program: linked so, ViT-L/14 ran at half its speed. A link option comes before all of them.
if(NOT TARGET dualgeo_libtorch_order)
  add_library(dualgeo_libtorch_order INTERFACE IMPORTED)
  if(EXISTS ${TORCH_INSTALL_PREFIX}/lib/libtorch_cpu.so)
    find_path(FMT_INCLUDE_DIR fmt/core.h PATHS /usr/include NO_DEFAULT_PATH REQUIRED)
    set(fmt_first ${CMAKE_BINARY_DIR}/distribution)
    file(MAKE_DIRECTORY ${fmt_first})
    file(CREATE_LINK ${FMT_INCLUDE_DIR}/fmt ${fmt_first}/fmt SYMBOLIC)
    target_include_directories(dualgeo_libtorch_order INTERFACE ${fmt_first})
    set_target_properties(dualgeo_libtorch_order PROPERTIES IMPORTED_NO_SYSTEM ON)  # -I comes before -isystem
    target_link_options(dualgeo_libtorch_order INTERFACE
                        "LINKER:--no-as-needed,${TORCH_INSTALL_PREFIX}/lib/libtorch_cpu.so,--as-needed")
  else()
    # Debian has OpenBLAS with threads of its own and with OpenMP's. The former, which its alternatives prefer, fight
    # LibTorch's for the cores: a training step takes half as long again (docs/performance.md).
    set(openblas /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp)
    if(EXISTS ${openblas}/libblas.so.3)
      target_link_options(dualgeo_libtorch_order INTERFACE
                          "LINKER:--no-as-needed,${openblas}/libblas.so.3,${openblas}/liblapack.so.3,--as-needed"
                          "LINKER:-rpath,${openblas}")
    endif()
  endif()
endif()

if(NOT DUALGEO_MODEL_ONLY)
  find_package(OpenMP REQUIRED)  # Debian 12's faiss config needs OpenMP::OpenMP_CXX to exist already
  find_package(CURL REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(yaml-cpp REQUIRED)
  find_package(JPEG REQUIRED)
  find_package(TIFF REQUIRED)
  # Optional, for HEIC and AVIF (not every version has CMake files). Where the build had it (DUALGEO_HEIF), so must who
  # links the installed libraries.
  option(DUALGEO_WITH_HEIF "Read HEIC and AVIF by libheif, where it is there" ON)
  if(DUALGEO_WITH_HEIF AND NOT TARGET libheif::heif)
    find_library(HEIF_LIBRARY heif)
    find_path(HEIF_INCLUDE_DIR libheif/heif.h)
    if(HEIF_LIBRARY AND HEIF_INCLUDE_DIR)
      add_library(libheif::heif INTERFACE IMPORTED)
      target_link_libraries(libheif::heif INTERFACE ${HEIF_LIBRARY})
      target_include_directories(libheif::heif INTERFACE ${HEIF_INCLUDE_DIR})
      set(DUALGEO_HEIF libheif::heif)
    elseif(DUALGEO_HEIF)
      message(FATAL_ERROR "dualgeo was built with libheif, which is not here (Debian: libheif-dev)")
    endif()
  endif()
  find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
  # The distribution's, or another one: -Dfaiss_ROOT (scripts/build.sh --faiss). Some are a library for each
  # instruction set: faiss, faiss_avx2, faiss_avx512.
  find_package(faiss REQUIRED)
  set(DUALGEO_FAISS faiss CACHE STRING "FAISS's target: faiss, faiss_avx2 or faiss_avx512")
  # The HTTP server of `dualgeo serve`. Debian compiles it, with options that its pkg-config file names; elsewhere it is a
  # header alone.
  if(NOT TARGET dualgeo_httplib)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(HTTPLIB REQUIRED cpp-httplib)
    add_library(dualgeo_httplib INTERFACE IMPORTED)
    target_compile_options(dualgeo_httplib INTERFACE ${HTTPLIB_CFLAGS})
    target_link_libraries(dualgeo_httplib INTERFACE ${HTTPLIB_LINK_LIBRARIES} Threads::Threads OpenSSL::SSL)
  endif()
  find_package(Boost REQUIRED)  # Boost.Math's distributions, Boost.Geometry; headers alone
endif()

# GeographicLib's own module sits outside CMake's search path on Debian, and makes no target.
list(APPEND CMAKE_MODULE_PATH /usr/share/cmake/geographiclib)
find_package(GeographicLib REQUIRED)
if(NOT TARGET GeographicLib::GeographicLib)
  add_library(GeographicLib::GeographicLib INTERFACE IMPORTED)
  target_link_libraries(GeographicLib::GeographicLib INTERFACE ${GeographicLib_LIBRARIES})
  target_include_directories(GeographicLib::GeographicLib INTERFACE ${GeographicLib_INCLUDE_DIRS})
endif()

# Debian ships utf8proc without CMake files.
if(NOT TARGET utf8proc::utf8proc)
  find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
  find_path(UTF8PROC_INCLUDE_DIR utf8proc.h REQUIRED)
  add_library(utf8proc::utf8proc INTERFACE IMPORTED)
  target_link_libraries(utf8proc::utf8proc INTERFACE ${UTF8PROC_LIBRARY})
  target_include_directories(utf8proc::utf8proc INTERFACE ${UTF8PROC_INCLUDE_DIR})
endif()
