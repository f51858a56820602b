// Which of the libraries that can take each other's place are really in use in this process: LibTorch, the BLAS behind
// its matrix products, and OpenMP. A program linked in another order, or started with LD_PRELOAD, may get others than
// it was built with, and then runs at half its speed without a word.
#pragma once

#include <string>
#include <vector>

namespace dualgeo {

struct LoadedLibraries {
  std::string libtorch;             // file of libtorch_cpu
  std::string blas;                 // file that sgemm_ is taken from
  bool blas_of_libtorch = false;    // sgemm_ is the one that LibTorch itself sees
  std::vector<std::string> openmp;  // files of OpenMP run times, one when all is well
};

// Reads /proc/self/maps; what cannot be found out stays empty.
LoadedLibraries FindLoadedLibraries();

}  // namespace dualgeo
