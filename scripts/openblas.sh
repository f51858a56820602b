# Sourced: OpenBLAS's kernels as `dualgeo` takes them (util/blas_kernels.h), for programs that do not choose by themselves.
eval "$("${DUALGEO:-build/release/tools/dualgeo}" doctor |
  sed -n 's/^OpenBLAS kernels *\([A-Za-z]*\).*/export OPENBLAS_CORETYPE=\1/p')"
