// OpenBLAS chooses kernels by the processor's model number. One that is younger than the library is not among those it
// knows, and gets kernels from before AVX: an Emerald Rapids with Debian 12's OpenBLAS 0.3.21 multiplies 20 GFLOP/s a
// core instead of 110 (1024 x 1024, sgemm). The environment variable OPENBLAS_CORETYPE, read when the library is
// loaded, overrides the choice.
#pragma once

#include <string>

namespace dualgeo {

// OpenBLAS's name for the kernels of the BLAS that this process uses, or would load (libblas.so.3): "SkylakeX",
// "Prescott". Empty when it is not OpenBLAS.
std::string BlasKernels();

// The kernels to ask for instead, when `kernels` are from before AVX and the processor has AVX2: "SkylakeX" or
// "Haswell". Else empty.
std::string BetterBlasKernels(const std::string& kernels);

// Whether the BLAS that this process uses is an OpenBLAS whose threads are OpenMP's, as LibTorch's are. Threads of its
// own fight these for the cores.
bool BlasSharesThreads();

// Sets OPENBLAS_CORETYPE for what this process starts, where there are better kernels. Leaves a variable that is set,
// and does nothing where DUALGEO_CPU asks for lower instructions.
void ChooseBlasKernels();

}  // namespace dualgeo
