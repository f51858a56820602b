// The many ways of writing one sign, as one: before an answer's text is searched for coordinates.
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

// The byte that stands for a degree sign in normalized text.
inline constexpr char kDegree = '\x01';

// Unicode's minus signs, degree signs, primes, quotes, blanks, digits and full-width punctuation as single bytes;
// LaTeX ("48.8584^{\circ}\,\text{N}", "$...$") and HTML entities as what they show; letters beyond ASCII in lower
// case; what follows a plus-minus sign left out.
std::string NormalizeSymbols(std::string_view text);

}  // namespace dualgeo
