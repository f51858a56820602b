// The program is two executables made of the same files: `dualgeo`, which starts at once and does what needs no
// network, and `dualgeo-networks` beside it, which holds LibTorch, OpenCV and FAISS (their start alone takes most of a
// second). Both know every command and its options, so that help and errors in arguments come from the first; what a
// command does with a network is wrapped:
//
//   command->callback(WithNetworks([flags] { Train(flags->Resolve()); }));
//
// Compiled for `dualgeo` (DUALGEO_LIGHT), the body is left out and the other executable takes over with the same
// arguments.
#pragma once

#include <filesystem>
#include <utility>

namespace dualgeo::tools {

// dualgeo-networks, beside this program. Throws Error when /proc is not mounted.
std::filesystem::path NetworksProgram();

// Becomes dualgeo-networks, which finds the arguments as they were typed. Throws Error when it is not there.
[[noreturn]] void BecomeNetworks();

#ifdef DUALGEO_LIGHT
template <class Body>
auto WithNetworks(Body body) {
  return [kept = std::move(body)] {  // it holds the arguments that are parsed into
    static_cast<void>(kept);
    BecomeNetworks();
  };
}
#else
template <class Body>
Body WithNetworks(Body body) {
  return body;
}
#endif

}  // namespace dualgeo::tools
