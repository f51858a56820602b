// One text that names one or several files, as configs and flags give photos:
//
//   photos                         a path: whatever is there under the whole text, whatever its characters
//   a.tar,b.zip,more               several, in this order
//   shard-{000000..000469}.tar     as in shells: numbers of one width, each of which must be there
//   {train,val}/shard.tar          likewise, words
//   mp16.tar.*  part-?  x[0-9]     as in shells: those that are there, in the order of their names
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dualgeo {

// The paths that `text` names, one at least; whether they are there is only looked at for * ? and []. A text without
// patterns, or with braces that are no pattern, is its own path. Throws InputError where nothing fits a pattern, and
// for more than 100,000 paths.
std::vector<std::filesystem::path> PathsOf(const std::string& text);

// The paths made absolute and canonical, in the same form: what tells one such text from another.
std::string CanonicalPaths(const std::string& text);

}  // namespace dualgeo
