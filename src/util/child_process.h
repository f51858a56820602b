// Another program as a function from bytes to bytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

// Starts `program` with these arguments, gives it `input` on standard input and returns what it wrote to standard
// output; its standard error is ours. Throws Error when it cannot be started, is ended by a signal or ends with another
// code than 0; Interrupted when a stop was requested, which it is told of as well.
std::string RunChild(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                     std::string_view input);

}  // namespace dualgeo
