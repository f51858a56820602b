// Tables of configs/ that are part of the library, so that the program has them wherever it runs (see CMakeLists.txt).
#pragma once

namespace dualgeo {

extern const char* const kPublishedCsv;  // configs/published.csv
extern const char* const kCountriesCsv;  // configs/countries.csv

}  // namespace dualgeo
