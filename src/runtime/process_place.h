// Which of a job's processes this one is, as its launcher says in the environment. Light: no LibTorch here.
//
//   torchrun, scripts/launch-local.sh   RANK, WORLD_SIZE, LOCAL_RANK
//   Slurm's srun                        SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID (not in a batch script itself, which
//                                       is one process whatever the job's tasks are)
//   Open MPI's mpirun                   OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE, OMPI_COMM_WORLD_LOCAL_RANK
//
// The first of these whose size is set counts. With more than one process, MASTER_ADDR and MASTER_PORT say where rank 0
// listens. DUALGEO_RANK_TIMEOUT: seconds (default 50) without a sign of life after which a rank counts as lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dualgeo {

struct ProcessPlace {
  int rank = 0;
  int size = 1;
  int local_rank = 0;   // among the processes of this machine: which GPU is its own
  std::string address;  // of rank 0
  int port = 0;
  std::chrono::seconds timeout{50};
};

// Throws InputError naming the variable that is missing, no number, or out of range.
ProcessPlace PlaceFromEnvironment();

// Items begin to end - 1.
struct Share {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

// Of `ranks` processes, each its part of `count` items, in the order of ranks, in whole units (the last one may be
// cut). Empty where there are fewer units than processes.
Share ShareOf(std::int64_t count, std::int64_t unit, int rank, int ranks);

}  // namespace dualgeo
