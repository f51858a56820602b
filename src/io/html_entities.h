// HTML's character references, as text from web pages has them: &eacute; &#233; &#xe9;
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

// Each reference replaced by what it stands for, once (&amp;lt; gives &lt;), by HTML 5's rules and as Python's
// html.unescape does: the longest old name that fits where a semicolon is missing, Windows-1252 for numbers 128 to 159,
// nothing for numbers of no character. text: UTF-8.
std::string UnescapeHtml(std::string_view text);

}  // namespace dualgeo
