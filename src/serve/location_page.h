// Answers about photos as one HTML file that needs nothing else: a map with land, areas and candidates, and the answers
// in words. Its script and style are those of `dualgeo serve`, allowed by their hashes in the file's own
// Content-Security-Policy; the file asks nothing of the network.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/pipeline/locate.h"

namespace dualgeo {

// locations: with areas (LocateOptions::areas).
std::string LocationPage(const std::vector<Location>& locations);

}  // namespace dualgeo
