#include "directions.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/util/text.h"
#include "word_list.h"

namespace dualgeo {
namespace {

// Lower case, longer words before their beginnings; between bars.
constexpr std::string_view kNorth =
    "northern|north|nördlicher breite|n. br.|nördlicher|nördliche|nördlich|norden|nord|noorderbreedte|noord|nb"
    "|norr|pohjoista|norte|nordică|северной широты|северная|с. ш.|с.ш.|с. ш|с.ш|сш|пн. ш.|пн.ш.|північної широти"
    "|север|szerokości geograficznej północnej|szerokości północnej|północnej|północ|severní šířky|s. š.|s.š."
    "|sjeverno|kuzey|lintang utara|utara|lu|bắc|északi|é. sz.|βόρεια|βόρειο|شمالاً|شمالا|شمال|شمالی|צפון|उत्तरी"
    "|उत्तर|উত্তর|เหนือ|北|북";
constexpr std::string_view kSouth =
    "southern|south|südlicher breite|s. br.|südlicher|südliche|südlich|süden|süd|sued|zuiderbreedte|zuid|zb|syd"
    "|sør|söder|eteläistä|sul|sur|sud|sudică|южной широты|южная|ю. ш.|ю.ш.|ю. ш|ю.ш|юш|пд. ш.|пд.ш."
    "|південної широти|юг|szerokości geograficznej południowej|szerokości południowej|południowej|południe"
    "|jižní šířky|j. š.|j.š.|južno|güney|lintang selatan|selatan|ls|nam|déli|d. sz.|νότια|νότιο|جنوباً|جنوبا|جنوب"
    "|جنوبی|דרום|दक्षिणी|दक्षिण|দক্ষিণ|ใต้|南|남";
constexpr std::string_view kEast =
    "eastern|east|östlicher länge|ö. l.|östlicher|östliche|östlich|osten|ost|oosterlengte|oost|ol|öster|öst|øst"
    "|itäistä|este|leste|est|estică|восточной долготы|восточная|в. д.|в.д.|в. д|в.д|вд|сх. д.|сх.д."
    "|східної довготи|восток|długości geograficznej wschodniej|długości wschodniej|wschodniej|wschód"
    "|východní délky|v. d.|v.d.|istočno|doğu|bujur timur|timur|bt|đông|keleti|k. h.|ανατολικά|ανατολικό|شرقاً"
    "|شرقا|شرق|شرقی|מזרח|पूर्वी|पूर्व|পূর্ব|ตะวันออก|东|東|동";
constexpr std::string_view kWest =
    "western|west|westlicher länge|w. l.|westlicher|westliche|westlich|westen|westerlengte|wl|väster|väst|vest"
    "|läntistä|oeste|ouest|ovest|vestică|западной долготы|западная|з. д.|з.д.|з. д|з.д|зд|зх. д.|зх.д."
    "|західної довготи|запад|długości geograficznej zachodniej|długości zachodniej|zachodniej|zachód"
    "|západní délky|z. d.|z.d.|zapadno|batı|bujur barat|barat|bb|tây|nyugati|ny. h.|δυτικά|δυτικό|غرباً|غربا|غرب"
    "|غربی|מערב|पश्चिमी|पश्चिम|পশ্চিম|ตะวันตก|西|서";

struct DirectionWord {
  std::string_view text;
  char letter;
};

const std::vector<DirectionWord>& DirectionWords() {
  static const std::vector<DirectionWord> words = [] {
    std::vector<DirectionWord> all;
    const std::pair<std::string_view, char> lists[] = {{kNorth, 'N'}, {kSouth, 'S'}, {kEast, 'E'}, {kWest, 'W'}};
    for (const auto& [list, letter] : lists) {
      for (const std::string_view word : Split(list, '|')) all.push_back({word, letter});
    }
    return all;
  }();
  return words;
}

bool IsLetterByte(char c) { return IsAlpha(c) || static_cast<unsigned char>(c) >= 0x80; }
bool IsBlankByte(char c) { return c == ' ' || c == '\t'; }

bool HasWordAt(std::string_view text, std::size_t begin, std::string_view word) {
  if (text.size() - begin < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (Lower(text[begin + i]) != word[i]) return false;
  }
  const std::size_t end = begin + word.size();
  if (end >= text.size()) return true;
  // Scripts without blanks go on at once ("北48", "北緯"); alphabets do not.
  const bool alphabet = static_cast<unsigned char>(word.front()) < 0xE0;
  const bool goes_on = alphabet ? IsLetterByte(text[end]) : IsAlpha(text[end]);
  return !goes_on && !(text[end] >= '0' && text[end] <= '9' && alphabet);
}

bool HasAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

std::optional<CompassDirection> MatchDirection(std::string_view text, std::size_t begin) {
  if (begin >= text.size() || !IsLetterByte(text[begin])) return std::nullopt;
  for (const auto& word : DirectionWords()) {
    if (HasWordAt(text, begin, word.text)) return CompassDirection{word.letter, true, begin + word.text.size()};
  }
  const char c = text[begin];
  const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  const char next = at(begin + 1);
  if (IsLetterByte(next) || (next >= '0' && next <= '9')) return std::nullopt;
  if (c == kEastOrWest) return CompassDirection{c, false, begin + 1};
  if (upper != 'N' && upper != 'S' && upper != 'E' && upper != 'W') return std::nullopt;
  if (c != upper) {
    if (next == '.' && IsAlpha(at(begin + 2))) return std::nullopt;  // "e.g."
    std::size_t i = begin + 1;
    while (IsBlankByte(at(i))) ++i;
    // "48.86 e 2.29": "and" in Italian and Portuguese.
    if (upper == 'E' && ((at(i) >= '0' && at(i) <= '9') || at(i) == '-')) return std::nullopt;
  }
  return CompassDirection{upper, false, begin + 1};
}

std::optional<char> DirectionBefore(std::string_view text, std::size_t end) {
  while (end > 0 && (IsBlankByte(text[end - 1]) || text[end - 1] == '-')) --end;
  const std::size_t earliest = end - std::min<std::size_t>(end, 24);
  for (std::size_t begin = end; begin-- > earliest;) {
    if (begin > 0 && IsLetterByte(text[begin - 1])) continue;
    const auto direction = MatchDirection(text.substr(0, end), begin);
    if (direction && direction->word && direction->end == end) return direction->letter;
  }
  return std::nullopt;
}

char MeaningOfO(std::string_view text) {
  const std::string lower = LowerCase(text);
  const bool west = HasAny(lower, {"ouest", "oeste", "ovest", "latitud", "longitud", "coordenadas", "coordonn",
                                   "coordinate", "norte", " sur", " et ", " y "});
  const bool east =
      HasAny(lower, {"osten", " ost", "(ost", "östlich", "breite", "länge", " und ", "süd", "grad", "koordinaten"});
  return west == east ? kEastOrWest : east ? 'E' : 'W';
}

}  // namespace dualgeo
