// configs/land as part of the library, so that the program has it wherever it runs (see CMakeLists.txt).
#pragma once

namespace dualgeo {

extern const char* const kLandSmallJson;  // configs/land/countries-110m.json
extern const char* const kLandFineJson;   // configs/land/countries-50m.json

}  // namespace dualgeo
