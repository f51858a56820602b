#include "synthetic/world_style.h"

#include <string_view>

namespace dualgeo {
namespace {

// Countries and territories that drive on the left.
constexpr std::string_view kLeft =
    "AG AI AU BB BD BM BN BS BT BW CC CK CX CY DM FJ FK GB GD GG GY HK ID IE IM IN JE JM JP KE KI KN KY LC LK LS MO MS "
    "MT "
    "MU MV MW MY MZ NA NF NP NR NU NZ PG PK PN SB SC SG SH SR SZ TC TH TK TL TO TT TV TZ UG VC VG VI WS ZA ZM ZW";
// Yellow lines between the directions.
constexpr std::string_view kYellow =
    "AR BO BR BZ CA CL CO CR CU DO EC FJ GT GU HN HT JM JP KR MX NI NO PA PE PH PR PY SV TH US UY VE VI ZA BW LS NA SZ "
    "IL CN TW";

bool Listed(std::string_view list, const std::string& country) { return list.find(country) != std::string_view::npos; }

struct Palette {
  Color walls[3];
};
constexpr int kPalettes = 10;
const Palette kWalls[kPalettes] = {
    {{{236, 232, 222}, {214, 226, 236}, {240, 222, 196}}},  // whitewash
    {{{176, 74, 56}, {150, 92, 72}, {204, 150, 120}}},      // brick
    {{{196, 44, 40}, {232, 190, 60}, {240, 236, 226}}},     // painted wood
    {{{226, 190, 130}, {206, 160, 104}, {238, 214, 170}}},  // mud and sandstone
    {{{92, 160, 196}, {240, 150, 130}, {240, 214, 110}}},   // pastel
    {{{150, 152, 150}, {122, 128, 136}, {186, 184, 176}}},  // concrete and granite
    {{{232, 150, 92}, {214, 108, 84}, {246, 214, 150}}},    // terracotta stucco
    {{{66, 148, 130}, {228, 226, 200}, {186, 90, 110}}},    // sea green
    {{{120, 82, 60}, {94, 70, 58}, {178, 140, 104}}},       // dark wood
    {{{214, 120, 166}, {120, 110, 190}, {244, 230, 210}}},  // pink and violet
};
const Color kRoofs[] = {{190, 84, 54},  {84, 90, 102}, {86, 156, 132}, {112, 74, 54},
                        {60, 104, 170}, {150, 50, 46}, {60, 112, 66},  {196, 170, 120}};
const Color kSigns[] = {{24, 110, 70}, {30, 80, 170}, {238, 200, 50}, {235, 235, 235}, {190, 40, 40}};
const Color kCars[] = {{238, 200, 40}, {30, 30, 34}, {235, 235, 235}, {60, 150, 80}, {190, 40, 40}, {40, 90, 170}};

}  // namespace

CountryStyle MakeCountryStyle(const std::string& country, std::uint64_t seed) {
  // std::hash differs between libraries: the letters themselves are the number.
  std::uint64_t code = 0;
  for (const char c : country) code = code * 256 + static_cast<unsigned char>(c);
  Random random(DeriveSeed(seed, "world-country", code));
  CountryStyle s;
  const Palette& palette = kWalls[random.Below(kPalettes)];
  s.walls.assign(std::begin(palette.walls), std::end(palette.walls));
  std::swap(s.walls[0], s.walls[random.Below(3)]);
  s.roof_color = kRoofs[random.Below(std::size(kRoofs))];
  s.roof = static_cast<Roof>(random.Below(6));
  s.window_width = random.Uniform(0.3, 0.7);
  s.window_height = random.Uniform(0.35, 0.7);
  s.yellow_markings = Listed(kYellow, country);
  s.drives_left = Listed(kLeft, country);
  s.sign = kSigns[random.Below(std::size(kSigns))];
  s.car = kCars[random.Below(std::size(kCars))];
  return s;
}

}  // namespace dualgeo
