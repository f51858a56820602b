#include "pipeline/run_info.h"
#include "data/photo_listing.h"

#include <ATen/Version.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "dualgeo/eval/provenance.h"
#include "dualgeo/io/torch.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/text.h"
#include "gallery/faiss_version.h"
#include "loaded_libraries.h"
#include "model/instruction_set.h"
#include "runtime/runtime.h"
#include "synthetic/world_places.h"
#include "util/atomic_file.h"
#include "util/blas_kernels.h"

namespace dualgeo {
namespace {

// The processor's name and its flags, from Linux's own listing.
std::string CpuInfo(const std::string& field) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (line.starts_with(field) && colon != std::string::npos && colon + 2 <= line.size()) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

bool CpuHas(const std::string& flag) {
  std::istringstream flags(CpuInfo("flags"));
  return std::find(std::istream_iterator<std::string>(flags), {}, flag) != std::istream_iterator<std::string>();
}

void AddLibraries(std::vector<DoctorLine>& lines) {
  const LoadedLibraries libraries = FindLoadedLibraries();
  lines.push_back({"LibTorch in use", libraries.libtorch});
  lines.push_back({"BLAS in use", libraries.blas + (libraries.blas_of_libtorch
                                                        ? ""
                                                        : "; WARNING: not the one that LibTorch brings or was built "
                                                          "with: matrix products may run at half their speed")});
  if (const std::string kernels = BlasKernels(); !kernels.empty()) {
    const std::string better = BetterBlasKernels(kernels);
    lines.push_back({"OpenBLAS kernels",
                     kernels + (better.empty() ? ""
                                               : "; WARNING: from before AVX, since OpenBLAS does not know this "
                                                 "processor: set OPENBLAS_CORETYPE=" +
                                                     better)});
  }
  if (!BlasKernels().empty() && !at::hasMKL()) {
    lines.push_back({"OpenBLAS threads", BlasSharesThreads() ? "OpenMP's, as LibTorch's"
                                                             : "its own; WARNING: training is slower by half: install "
                                                               "libopenblas0-openmp and build again"});
  }
  lines.push_back({"OpenMP in use", Join(libraries.openmp) + (libraries.openmp.size() > 1
                                                                  ? "; WARNING: several run times, which compete for "
                                                                    "the cores"
                                                                  : "")});
  // One line of LibTorch's own description of itself.
  const std::string config = at::show_config();
  const std::string label = "CPU capability usage: ";
  if (const auto found = config.find(label); found != std::string::npos) {
    const auto begin = found + label.size();
    lines.push_back({"LibTorch's kernels", config.substr(begin, config.find('\n', begin) - begin)});
  }
}

}  // namespace

void WriteRunInfo(const std::filesystem::path& path, const ExperimentOptions& options) {
  nlohmann::ordered_json info;
  for (const auto& [name, version] : LibraryVersions()) info["versions"][name] = version;
  info["seed"] = options.runtime.seed;
  info["precision"] = options.runtime.precision;
  info["device"] = DescribeDevice(SelectDevice(options.runtime.device));
  info["threads"] = at::get_num_threads();
  info["config_sha256"] = Sha256(DumpExperiment(options));
  WriteFileAtomically(path, info.dump(2) + "\n");
}

std::vector<DoctorLine> Examine() {
  std::vector<DoctorLine> lines;
  for (const auto& [name, version] : LibraryVersions()) lines.push_back({name, version});
  AddLibraries(lines);
  lines.push_back({"processor", CpuInfo("model name")});
  lines.push_back({"cores", std::to_string(std::thread::hardware_concurrency())});
  struct sysinfo memory = {};
  if (sysinfo(&memory) == 0) {
    const double gigabyte = 1024.0 * 1024.0 * 1024.0;
    char text[64];
    std::snprintf(text, sizeof text, "%.1f GiB, %.1f GiB free", memory.totalram * (memory.mem_unit / gigabyte),
                  memory.freeram * (memory.mem_unit / gigabyte));
    lines.push_back({"memory", text});
  }
  lines.push_back(
      {"own CPU kernels", NameOf(UsedInstructionSet()) +
                              std::string(std::getenv("DUALGEO_CPU") != nullptr ? ", as DUALGEO_CPU says" : "")});
  const FaissVersion faiss = DescribeFaiss();
  std::string finding = NameOf(faiss.uses) + " (FAISS " + faiss.version + ": " + faiss.options + ")";
  if (faiss.uses < InstructionSetsHere().back()) {
    finding += "; this processor has " + NameOf(InstructionSetsHere().back()) +
               ": codes (SQ, PQ) are scanned slowly, while grouped and flat do not suffer; scripts/build.sh --faiss";
  }
  lines.push_back({"FAISS is built for", finding});
  const bool bf16 = CpuHas("avx512_bf16") || CpuHas("amx_bf16");
  lines.push_back(
      {"bf16 on this CPU", bf16 ? "in hardware" : "emulated: precision bf16 works, but is slower than fp32"});
  lines.push_back({"GPU", torch::cuda::is_available()
                              ? std::to_string(torch::cuda::device_count()) + " CUDA device(s)"
                              : "none usable: LibTorch here " +
                                    std::string(at::hasCUDA() ? "finds no device" : "is built without CUDA")});
  lines.push_back({"HEIC and AVIF", ReadsHeif() ? "read by libheif" : "not read: built without libheif"});
  try {
    lines.push_back({"time-zone table", std::to_string(ReadZoneTable().size()) + " places for the synthetic world"});
  } catch (const InputError& error) {
    lines.push_back({"time-zone table", error.what(), true});
  }
  const bool writable = access(".", W_OK) == 0;
  lines.push_back({"working folder", writable ? "writable" : "not writable: runs need a run_dir elsewhere", !writable});
  return lines;
}

}  // namespace dualgeo
