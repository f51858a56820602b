// Answers in the manner of real models: what they say when asked for a JSON object with latitude and longitude.
#include "lmm/answer_parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

struct Said {
  const char* name;
  const char* text;
  std::optional<LatLon> place;
  const char* reason = "";  // how the reason begins
};

constexpr LatLon kEiffel{48.8584, 2.2945};
constexpr LatLon kSydney{-33.8688, 151.2093};
constexpr LatLon kRio{-22.9519, -43.2105};

// What bounds an area, counts something else, or is said in another order or list.
const Said kNotWhatItSeems[] = {
    {"linestring", "LINESTRING(2.2945 48.8584, 3 49)", std::nullopt, "a shape is no place: linestring"},
    {"polygon", "POLYGON ((2.2 48.8, 2.3 48.8, 2.3 48.9, 2.2 48.8))", std::nullopt, "a shape is no place: polygon"},
    {"envelope", "ENVELOPE(2.29, 2.30, 48.86, 48.85)", std::nullopt, "a shape is no place: envelope"},
    {"polygon_and_answer", "In POLYGON((2 48, 3 48, 3 49, 2 48)). Latitude: 48.8584, longitude: 2.2945", kEiffel},
    {"point_on_two_lines", "POINT\n(2.2945 48.8584)", kEiffel},
    {"kml_bare", "<coordinates>2.2945,48.8584</coordinates>", kEiffel},
    {"east_north", "(E, N): 2.2945, 48.8584", kEiffel},
    {"dashes_on_one_line", "1 - Paris: 48.8584, 2.2945; 2 - New York: 40.7128, -74.0060", kEiffel},
    {"words_count", "One: 48.8584, 2.2945, two: 40.7128, -74.0060", kEiffel},
    {"ordinals_count", "1st: 48.8584, 2.2945\n2nd: 40.7128, -74.0060", kEiffel},
    {"between", "Between 48.0 and 49.0 N, 2.0 and 3.0 E", std::nullopt, "a range of coordinates is no place"},
    {"to", "48°N to 50°N, 2°E to 3°E", std::nullopt, "a range of coordinates is no place"},
    {"labelled_range", "latitude between 48.0 and 49.0, longitude between 2.0 and 3.0", std::nullopt, "a range"},
    {"range_and_answer", "Between 48.0 and 49.0 N; my answer is 48.8584, 2.2945", kEiffel},
    {"from_north_to_east", "The line from 48.8584, 2.2945", kEiffel},
    {"aperture", "f/2.8, 1.5 s", std::nullopt, "no coordinates"},
    {"stars", "4.5/5.0 stars", std::nullopt, "no coordinates"},
    {"rated", "Rated 4.5, 5.0", std::nullopt, "no coordinates"},
    {"inches", "A print of 4.0 by 3.0 inches", std::nullopt, "no coordinates"},
    {"intersection", "The intersection at 48.8584, 2.2945", kEiffel},
    {"section_of_town", "In this section of the town, 48.8584, 2.2945", kEiffel},
    {"generated", "Generated: 48.8584, 2.2945", kEiffel},
    {"rated_place", "A highly rated place: 48.8584, 2.2945", kEiffel},
    {"steps_count_no_guesses", "Step one: not 40.7128, -74.0060. Step two: 48.8584, 2.2945", kEiffel},
    {"one_is_a_longitude", "Coordinates: 48.5, 1 - near Chartres", LatLon{48.5, 1}},
    {"chapter", "Chapter 3.1, 4.2", std::nullopt, "no coordinates"},
};

const Said kSaid[] = {
    // JSON as asked for.
    {"plain", R"({"latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"compact", R"({"latitude":48.8584,"longitude":2.2945})", kEiffel},
    {"pretty", "{\n  \"latitude\": 48.8584,\n  \"longitude\": 2.2945\n}\n", kEiffel},
    {"windows_lines", "{\r\n\t\"latitude\": 48.8584,\r\n\t\"longitude\": 2.2945\r\n}\r\n", kEiffel},
    {"fence_json", "```json\n{\"latitude\": 48.8584, \"longitude\": 2.2945}\n```", kEiffel},
    {"fence_bare", "```\n{\"latitude\": 48.8584, \"longitude\": 2.2945}\n```", kEiffel},
    {"fence_unclosed", "```json\n{\"latitude\": 48.8584, \"longitude\": 2.2945}", kEiffel},
    {"prose_before", R"(The iron lattice tower is unmistakable. {"latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"prose_after", "{\"latitude\": 48.8584, \"longitude\": 2.2945}\n\nThis is the Eiffel Tower, built in 1889.",
     kEiffel},
    {"prose_around",
     "Looking at the 3 towers...\n```json\n{\"latitude\": 48.8584, \"longitude\": 2.2945}\n```\nLet me know!", kEiffel},
    {"bold", R"(**Answer:** `{"latitude": 48.8584, "longitude": 2.2945}`)", kEiffel},
    {"integers", R"({"latitude": 48, "longitude": 2})", LatLon{48, 2}},
    {"one_integer", R"({"latitude": 48, "longitude": 2.2945})", LatLon{48, 2.2945}},
    {"negative", R"({"latitude": -33.8688, "longitude": 151.2093})", kSydney},
    {"both_negative", R"({"latitude": -22.9519, "longitude": -43.2105})", kRio},
    {"exponent", R"({"latitude": 4.88584e1, "longitude": 2.2945E+0})", kEiffel},
    {"long_decimals", R"({"latitude": 48.85840000000000, "longitude": 2.294500000000000})", kEiffel},
    {"more_fields",
     R"({"reasoning": "Haussmann buildings", "country": "France", "latitude": 48.8584, "longitude": 2.2945, "confidence": 0.92})",
     kEiffel},
    {"equator", R"({"latitude": 0, "longitude": 9.45})", LatLon{0, 9.45}},
    {"greenwich", R"({"latitude": 51.4779, "longitude": 0.0})", LatLon{51.4779, 0}},
    {"date_line", R"({"latitude": -16.5, "longitude": 180})", LatLon{-16.5, 180}},
    {"date_line_west", R"({"latitude": -16.5, "longitude": -180.0})", LatLon{-16.5, -180}},
    {"pole", R"({"latitude": 90, "longitude": 0})", LatLon{90, 0}},
    {"south_pole", R"({"latitude": -90.0, "longitude": 45.0})", LatLon{-90, 45}},
    // Numbers as strings.
    {"strings", R"({"latitude": "48.8584", "longitude": "2.2945"})", kEiffel},
    {"strings_blank", R"({"latitude": " 48.8584 ", "longitude": " 2.2945"})", kEiffel},
    {"strings_degree", R"({"latitude": "48.8584°", "longitude": "2.2945°"})", kEiffel},
    {"strings_letters", R"({"latitude": "48.8584° N", "longitude": "2.2945° E"})", kEiffel},
    {"strings_south", R"({"latitude": "33.8688° S", "longitude": "151.2093° E"})", kSydney},
    {"strings_south_west", R"({"latitude": "22.9519 S", "longitude": "43.2105 W"})", kRio},
    {"strings_glued", R"({"latitude": "22.9519S", "longitude": "43.2105W"})", kRio},
    {"strings_front", R"({"latitude": "S22.9519", "longitude": "W43.2105"})", kRio},
    {"strings_front_blank", R"({"latitude": "S 22.9519", "longitude": "W 43.2105"})", kRio},
    {"strings_minus_and_south", R"({"latitude": "-22.9519° S", "longitude": "-43.2105° W"})", kRio},
    {"strings_unicode_minus", R"({"latitude": "−22.9519", "longitude": "−43.2105"})", kRio},
    {"strings_en_dash", R"({"latitude": "–22.9519", "longitude": "–43.2105"})", kRio},
    {"strings_plus", R"({"latitude": "+48.8584", "longitude": "+2.2945"})", kEiffel},
    {"strings_approx", R"({"latitude": "approximately 48.8584", "longitude": "~2.2945"})", kEiffel},
    {"strings_about_sign", R"({"latitude": "≈ 48.8584", "longitude": "≈2.2945"})", kEiffel},
    {"strings_comment", R"~({"latitude": "48.8584 (approx.)", "longitude": "2.2945 (approx.)"})~", kEiffel},
    {"strings_comma", R"({"latitude": "48,8584", "longitude": "2,2945"})", kEiffel},
    {"strings_words", R"({"latitude": "48.8584 degrees north", "longitude": "2.2945 degrees east"})", kEiffel},
    {"strings_dms", R"({"latitude": "48°51'30.24\"N", "longitude": "2°17'40.2\"E"})", kEiffel},
    {"strings_dms_primes", R"({"latitude": "48° 51′ 30.24″ N", "longitude": "2° 17′ 40.2″ E"})", kEiffel},
    {"strings_dms_spaces", R"({"latitude": "48 51 30.24 N", "longitude": "2 17 40.2 E"})", kEiffel},
    {"strings_dms_front", R"({"latitude": "N 48° 51' 30.24\"", "longitude": "E 2° 17' 40.2\""})", kEiffel},
    // Names of fields.
    {"lat_lon", R"({"lat": 48.8584, "lon": 2.2945})", kEiffel},
    {"lat_lng", R"({"lat": 48.8584, "lng": 2.2945})", kEiffel},
    {"lat_long", R"({"lat": 48.8584, "long": 2.2945})", kEiffel},
    {"capitals", R"({"Latitude": 48.8584, "Longitude": 2.2945})", kEiffel},
    {"all_capitals", R"({"LAT": 48.8584, "LON": 2.2945})", kEiffel},
    {"prefix", R"({"predicted_latitude": 48.8584, "predicted_longitude": 2.2945})", kEiffel},
    {"suffix", R"({"latitude_deg": 48.8584, "longitude_deg": 2.2945})", kEiffel},
    {"camel", R"({"estimatedLatitude": 48.8584, "estimatedLongitude": 2.2945})", kEiffel},
    {"exif", R"({"GPSLatitude": 33.8688, "GPSLatitudeRef": "S", "GPSLongitude": 151.2093, "GPSLongitudeRef": "E"})",
     kSydney},
    {"unit_in_key", R"~({"Latitude (°)": 48.8584, "Longitude (°)": 2.2945})~", kEiffel},
    {"spanish", R"({"latitud": 48.8584, "longitud": 2.2945})", kEiffel},
    {"german", R"({"Breitengrad": 48.8584, "Längengrad": 2.2945})", kEiffel},
    {"chinese", R"({"纬度": 48.8584, "经度": 2.2945})", kEiffel},
    {"japanese", R"({"緯度": 48.8584, "経度": 2.2945})", kEiffel},
    {"korean", R"({"위도": 48.8584, "경도": 2.2945})", kEiffel},
    {"russian", R"({"широта": 48.8584, "долгота": 2.2945})", kEiffel},
    {"longitude_first", R"({"longitude": 2.2945, "latitude": 48.8584})", kEiffel},
    {"lng_first", R"({"lng": 151.2093, "lat": -33.8688})", kSydney},
    {"labels_swapped_letters_right", R"({"latitude": "151.2093 E", "longitude": "33.8688 S"})", kSydney},
    {"ranges_beside", R"({"lat_min": 40, "lat_max": 50, "latitude": 48.8584, "longitude": 2.2945, "lon_min": 0})",
     kEiffel},
    // Nesting.
    {"nested_location", R"({"location": {"latitude": 48.8584, "longitude": 2.2945}, "city": "Paris"})", kEiffel},
    {"nested_coordinates", R"({"place": "Paris", "coordinates": {"lat": 48.8584, "lng": 2.2945}})", kEiffel},
    {"nested_deep", R"({"result": {"prediction": {"gps": {"lat": 48.8584, "lon": 2.2945}}}})", kEiffel},
    {"nested_value",
     R"({"latitude": {"value": 48.8584, "unit": "degrees"}, "longitude": {"value": 2.2945, "unit": "degrees"}})",
     kEiffel},
    {"nested_dms",
     R"({"latitude": {"degrees": 48, "minutes": 51, "seconds": 30.24, "direction": "N"}, "longitude": {"degrees": 2, "minutes": 17, "seconds": 40.2, "direction": "E"}})",
     kEiffel},
    {"array_under_key", R"({"coordinates": [48.8584, 2.2945]})", kEiffel},
    {"array_of_integers_under_key", R"({"coordinates": [48, 2]})", LatLon{48, 2}},
    {"array_of_strings", R"({"coordinates": ["48.8584", "2.2945"]})", kEiffel},
    {"geojson", R"({"type": "Point", "coordinates": [2.2945, 48.8584]})", kEiffel},
    {"geojson_feature",
     R"({"type": "Feature", "geometry": {"type": "Point", "coordinates": [151.2093, -33.8688]}, "properties": {}})",
     kSydney},
    {"lonlat_key", R"({"lon_lat": [2.2945, 48.8584]})", kEiffel},
    {"latlon_string", R"({"lat_lon": "48.8584, 2.2945"})", kEiffel},
    {"lnglat_string", R"({"lnglat": "2.2945,48.8584"})", kEiffel},
    {"answer_string", R"({"answer": "48.8584, 2.2945"})", kEiffel},
    {"json_in_string", R"({"answer": "{\"latitude\": 48.8584, \"longitude\": 2.2945}"})", kEiffel},
    {"root_array", "[48.8584, 2.2945]", kEiffel},
    {"root_array_object", R"([{"latitude": 48.8584, "longitude": 2.2945}])", kEiffel},
    {"schema_then_answer",
     R"({"type":"object","properties":{"latitude":{"type":"number"},"longitude":{"type":"number"}}} {"latitude": 48.8584, "longitude": 2.2945})",
     kEiffel},
    // Not quite JSON.
    {"python_dict", "{'latitude': 48.8584, 'longitude': 2.2945}", kEiffel},
    {"python_dict_none", "{'latitude': 48.8584, 'longitude': 2.2945, 'city': None}", kEiffel},
    {"trailing_comma", R"({"latitude": 48.8584, "longitude": 2.2945,})", kEiffel},
    {"unquoted_keys", "{latitude: 48.8584, longitude: 2.2945}", kEiffel},
    {"plus_sign", R"({"latitude": +48.8584, "longitude": +2.2945})", kEiffel},
    {"comment", "{\n  \"latitude\": 48.8584, // Eiffel Tower\n  \"longitude\": 2.2945\n}", kEiffel},
    {"unquoted_degrees", R"({"latitude": 48.8584° N, "longitude": 2.2945° E})", kEiffel},
    {"unquoted_south", R"({"latitude": 33.8688 S, "longitude": 151.2093 E})", kSydney},
    {"missing_comma", "{\"latitude\": 48.8584\n\"longitude\": 2.2945}", kEiffel},
    {"missing_brace", "{\"latitude\": 48.8584, \"longitude\": 2.2945\n", std::nullopt, "cut off"},
    {"missing_open_brace", "\"latitude\": 48.8584, \"longitude\": 2.2945}", kEiffel},
    {"escaped", R"({\"latitude\": 48.8584, \"longitude\": 2.2945})", kEiffel},
    {"equals", "{latitude=48.8584, longitude=2.2945}", kEiffel},
    {"smart_quotes", "{“latitude”: 48.8584, “longitude”: 2.2945}", kEiffel},
    {"unclosed_brace_in_prose", R"(I use { as a bracket. {"latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"apostrophes_in_prose", R"(It's Paris' tower. {"latitude": 48.8584, "longitude": 2.2945} That's it.)", kEiffel},
    {"xml", "<answer><latitude>48.8584</latitude><longitude>2.2945</longitude></answer>", kEiffel},
    {"yaml", "latitude: 48.8584\nlongitude: 2.2945\n", kEiffel},
    // Several.
    {"template_then_answer",
     R"({"latitude": 0.0, "longitude": 0.0} My answer: {"latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"answer_then_template",
     R"({"latitude": 48.8584, "longitude": 2.2945} in the format {"latitude": 0.0, "longitude": 0.0})", kEiffel},
    {"last_object_wins",
     R"(First thought: {"latitude": 45.764, "longitude": 4.8357}. Final: {"latitude": 48.8584, "longitude": 2.2945})",
     kEiffel},
    {"last_valid_object_wins", R"({"latitude": 48.8584, "longitude": 2.2945} {"latitude": 148.8, "longitude": 2.3})",
     kEiffel},
    {"ranked_array", R"([{"latitude": 48.8584, "longitude": 2.2945}, {"latitude": 45.764, "longitude": 4.8357}])",
     kEiffel},
    {"ranked_by_confidence",
     R"([{"lat": 45.764, "lon": 4.8357, "confidence": 0.2}, {"lat": 48.8584, "lon": 2.2945, "confidence": 0.7}])",
     kEiffel},
    {"guesses_field",
     R"({"guesses": [{"lat": 48.8584, "lon": 2.2945, "probability": 0.6}, {"lat": 45.764, "lon": 4.8357, "probability": 0.4}]})",
     kEiffel},
    {"named_guesses", R"({"guess_1": {"lat": 48.8584, "lon": 2.2945}, "guess_2": {"lat": 45.764, "lon": 4.8357}})",
     kEiffel},
    {"alternatives_field",
     R"({"alternatives": [{"lat": 45.764, "lon": 4.8357}], "best_guess": {"lat": 48.8584, "lon": 2.2945}})", kEiffel},
    {"own_fields_before_alternatives",
     R"({"alternative": {"lat": 45.764, "lon": 4.8357}, "latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"candidates_echoed",
     R"({"similar_coordinates": [[45.764, 4.8357], [43.7, 7.25]], "answer": {"latitude": 48.8584, "longitude": 2.2945}})",
     kEiffel},
    {"only_alternatives", R"({"alternatives": [{"lat": 48.8584, "lon": 2.2945}, {"lat": 45.764, "lon": 4.8357}]})",
     kEiffel},
    {"coordinates_in_prose_before_json",
     R"(Candidates 45.764, 4.8357 and 43.7, 7.25 do not fit. {"latitude": 48.8584, "longitude": 2.2945})", kEiffel},
    {"coordinates_in_prose_before_failed_json",
     R"(Candidates 45.764, 4.8357 and 43.7, 7.25 do not fit. {"latitude": 0.0, "longitude": 0.0})", std::nullopt,
     "echoed template"},
    // Running text with labels.
    {"labels", "Latitude: 48.8584, Longitude: 2.2945", kEiffel},
    {"labels_lines", "Latitude: 48.8584\nLongitude: 2.2945", kEiffel},
    {"labels_bold", "**Latitude:** 48.8584\n**Longitude:** 2.2945", kEiffel},
    {"labels_bold_inside", "- **Latitude**: 48.8584° N\n- **Longitude**: 2.2945° E", kEiffel},
    {"labels_south", "Latitude: 33.8688° S, Longitude: 151.2093° E", kSydney},
    {"labels_minus", "Latitude: -33.8688\nLongitude: 151.2093", kSydney},
    {"labels_prose", "The latitude is approximately 48.8584 and the longitude is about 2.2945.", kEiffel},
    {"labels_swapped", "Longitude: 2.2945, Latitude: 48.8584", kEiffel},
    {"labels_short", "lat 48.8584 lon 2.2945", kEiffel},
    {"labels_equals", "lat=48.8584&lng=2.2945", kEiffel},
    {"labels_comma_numbers", "Latitude : 48,8584\nLongitude : 2,2945", kEiffel},
    {"labels_integers", "Latitude: 48, Longitude: 2", LatLon{48, 2}},
    {"labels_dms", "Latitude: 48° 51' 30.24\" N\nLongitude: 2° 17' 40.2\" E", kEiffel},
    {"labels_chinese", "纬度：48.8584，经度：2.2945", kEiffel},
    {"labels_chinese_hemispheres", "拍摄地点大约位于北纬48.8584度，东经2.2945度。", kEiffel},
    {"labels_chinese_south", "南纬33.8688°，东经151.2093°", kSydney},
    {"heading", "Lat/Lon: 48.8584, 2.2945", kEiffel},
    {"heading_parentheses", "(lat, lon) = (48.8584, 2.2945)", kEiffel},
    {"heading_swapped", "(lng, lat) = (2.2945, 48.8584)", kEiffel},
    {"heading_words", "Latitude and longitude: 48.8584, 2.2945", kEiffel},
    {"heading_swapped_words", "Longitude, Latitude: 151.2093, -33.8688", kSydney},
    {"table", "| Latitude | Longitude |\n|---|---|\n| 48.8584 | 2.2945 |", kEiffel},
    {"table_down", "| Field | Value |\n|---|---|\n| Latitude | 48.8584 |\n| Longitude | 2.2945 |", kEiffel},
    {"labels_behind", "48.8584 (latitude), 2.2945 (longitude)", kEiffel},
    {"labels_behind_swapped", "2.2945 longitude, 48.8584 latitude", kEiffel},
    {"labels_far_apart", "Latitude: 48.8584 (north of the Seine, as the shadows tell). Longitude: 2.2945", kEiffel},
    {"labels_confidence", "Latitude: 48.8584\nLongitude: 2.2945\nConfidence: 85%", kEiffel},
    {"labels_two_rounds", "Latitude: 45.764, Longitude: 4.8357? No, rather Latitude: 48.8584, Longitude: 2.2945.",
     kEiffel},
    {"labels_guess_list", "Guess 1: lat 48.8584, lon 2.2945\nGuess 2: lat 45.764, lon 4.8357", kEiffel},
    // Bare pairs.
    {"pair", "48.8584, 2.2945", kEiffel},
    {"pair_blank", "48.8584 2.2945", kEiffel},
    {"pair_parentheses", "(48.8584, 2.2945)", kEiffel},
    {"pair_negative", "-22.9519,-43.2105", kRio},
    {"pair_integers", "48, 2", LatLon{48, 2}},
    {"pair_lines", "48.8584\n2.2945", kEiffel},
    {"pair_slash", "48.8584 / 2.2945", kEiffel},
    {"pair_letters", "48.8584° N, 2.2945° E", kEiffel},
    {"pair_letters_swapped", "2.2945° E, 48.8584° N", kEiffel},
    {"pair_south_west", "22.9519° S, 43.2105° W", kRio},
    {"pair_letters_front", "N48.8584 E2.2945", kEiffel},
    {"pair_dms", "48°51′30.24″N 2°17′40.2″E", kEiffel},
    {"pair_dm", "48° 51.504' N, 2° 17.67' E", kEiffel},
    {"pair_dms_words", "48 degrees 51 minutes 30.24 seconds North, 2 degrees 17 minutes 40.2 seconds East", kEiffel},
    {"pair_dms_letters", "48d51m30.24sN 2d17m40.2sE", kEiffel},
    {"pair_sentence", "My best guess is 48.8584, 2.2945 (Paris, France).", kEiffel},
    {"pair_full_stop", "The photo was taken at 48.8584, 2.2945.", kEiffel},
    {"pair_years_around", "Built in 1889, 330 m tall, visited by 7 million in 2019: 48.8584, 2.2945", kEiffel},
    {"pair_google_maps", "https://www.google.com/maps/@48.8584,2.2945,17z", kEiffel},
    {"pair_query", "https://maps.google.com/?q=48.8584,2.2945", kEiffel},
    {"pair_geo_uri", "geo:48.8584,2.2945", kEiffel},
    {"pair_list", "1. 48.8584, 2.2945 (Paris)\n2. 45.764, 4.8357 (Lyon)\n3. 43.7102, 7.2620 (Nice)", kEiffel},
    {"pair_alternatively", "I would say 48.8584, 2.2945. Alternatively, 45.764, 4.8357.", kEiffel},
    {"pair_changed_mind", "At first 45.764, 4.8357 seemed right, but the tower says 48.8584, 2.2945.", kEiffel},
    {"pair_minus_unicode", "−22.9519, −43.2105", kRio},
    {"pair_box", "\\boxed{48.8584, 2.2945}", kEiffel},
    {"pair_cue_integers", "Coordinates: 48, 2", LatLon{48, 2}},
    {"hedged", "I can't determine the exact location, but my best guess is 48.8584, 2.2945.", kEiffel},
    {"sorry_but", "I'm sorry, I cannot identify this place with certainty. My estimate: 48.8584, 2.2945", kEiffel},
    // Reasoning.
    {"think", "<think>Maybe 45.764, 4.8357? No.</think>{\"latitude\": 48.8584, \"longitude\": 2.2945}", kEiffel},
    {"think_json", "<think>{\"latitude\": 45.764, \"longitude\": 4.8357}</think>\n\n48.8584, 2.2945", kEiffel},
    {"think_only", "<think>It may be 45.764, 4.8357, or", std::nullopt, "cut off inside its reasoning"},
    {"think_no_answer", "<think>45.764, 4.8357</think>", std::nullopt, "empty answer"},
    {"think_close_only", "45.764, 4.8357 hmm</think>{\"latitude\": 48.8584, \"longitude\": 2.2945}", kEiffel},
    // Failures.
    {"empty", "", std::nullopt, "empty answer"},
    {"blank", " \n\t ", std::nullopt, "empty answer"},
    {"zero", R"({"latitude": 0, "longitude": 0})", std::nullopt, "echoed template"},
    {"zero_decimals", R"({"latitude": 0.0, "longitude": 0.0})", std::nullopt, "echoed template"},
    {"zero_strings", R"({"latitude": "0.0", "longitude": "-0.0"})", std::nullopt, "echoed template"},
    {"zero_text", "Latitude: 0.0, Longitude: 0.0", std::nullopt, "echoed template"},
    {"zero_pair", "0.0, 0.0", std::nullopt, "echoed template"},
    {"placeholder", R"({"latitude": <float>, "longitude": <float>})", std::nullopt, "no coordinates"},
    {"placeholder_dots", R"({"latitude": ..., "longitude": ...})", std::nullopt, "no coordinates"},
    {"placeholder_strings", R"({"latitude": "xx.xxxx", "longitude": "yy.yyyy"})", std::nullopt,
     "latitude and longitude are not"},
    {"schema",
     R"({"type":"object","properties":{"latitude":{"type":"number","minimum":-90,"maximum":90},"longitude":{"type":"number","minimum":-180,"maximum":180}}})",
     std::nullopt, "no coordinates"},
    {"nulls", R"({"latitude": null, "longitude": null})", std::nullopt, "latitude and longitude are null"},
    {"unknown", R"({"latitude": "unknown", "longitude": "unknown"})", std::nullopt, "latitude and longitude are not"},
    {"nan", R"({"latitude": NaN, "longitude": NaN})", std::nullopt, "no coordinates"},
    {"latitude_too_large", R"({"latitude": 148.8584, "longitude": 2.2945})", std::nullopt,
     "out of range: latitude 148.8584"},
    {"latitude_just_too_large", R"({"latitude": 90.0001, "longitude": 2.2945})", std::nullopt,
     "out of range: latitude"},
    {"longitude_too_large", R"({"latitude": 48.8584, "longitude": 202.2945})", std::nullopt,
     "out of range: longitude 202.2945"},
    {"longitude_too_small", R"({"latitude": 48.8584, "longitude": -180.5})", std::nullopt, "out of range: longitude"},
    {"swapped_numbers", R"({"latitude": 151.2093, "longitude": -33.8688})", std::nullopt, "out of range: latitude"},
    {"pair_out_of_range", "The coordinates are 95.1234, 200.5678.", std::nullopt, "out of range"},
    {"huge", R"({"latitude": 1e999, "longitude": 2.2945})", std::nullopt, "out of range"},
    {"minutes_over_sixty", R"({"latitude": "48°75'00\"N", "longitude": "2°17'40\"E"})", std::nullopt, ""},
    {"sign_against_letter", R"({"latitude": "-48.8584° N", "longitude": "2.2945° E"})", std::nullopt,
     "sign and letter"},
    {"two_latitudes", "48.8584° N, 45.7640° N", std::nullopt, "two coordinates of the same kind"},
    {"latitude_only", R"({"latitude": 48.8584})", std::nullopt, "latitude without longitude"},
    {"longitude_only", R"({"city": "Paris", "longitude": 2.2945})", std::nullopt, "longitude without latitude"},
    {"longitude_null", R"({"latitude": 48.8584, "longitude": null})", std::nullopt, "latitude without longitude"},
    {"latitude_only_text", "The latitude is 48.8584.", std::nullopt, "latitude without longitude"},
    {"cut_off_number", R"({"latitude": 31.2304, "longitude": 12)", std::nullopt, "cut off"},
    {"cut_off_before_longitude", R"({"latitude": 31.2304, "longi)", std::nullopt, "latitude without longitude"},
    {"cut_off_early", R"({"lat)", std::nullopt, "no coordinates"},
    {"refusal", "I'm sorry, but I can't assist with that request.", std::nullopt, "refusal"},
    {"refusal_curly", "I’m sorry, but I can’t help with identifying this location.", std::nullopt, "refusal"},
    {"refusal_unable", "I am unable to determine the location of this image.", std::nullopt, "refusal"},
    {"refusal_ai", "As an AI language model, I do not have access to GPS data.", std::nullopt, "refusal"},
    {"refusal_json", R"({"error": "I cannot determine the location from this image."})", std::nullopt, "refusal"},
    {"refusal_numbers", "I cannot determine where this is; it was taken in 2010, 15 people are visible.", std::nullopt,
     "refusal"},
    {"refusal_candidates",
     "The given places are at 45.764, 4.8357 and 43.7, 7.25; I am unable to determine the location.", std::nullopt,
     "refusal"},
    {"refusal_chinese", "抱歉，我无法确定这张照片的拍摄地点。", std::nullopt, "refusal"},
    {"refusal_spanish", "Lo siento, no puedo determinar la ubicación.", std::nullopt, "refusal"},
    {"place_only", "This is the Eiffel Tower in Paris, France.", std::nullopt, "no coordinates"},
    {"years", "Built between 1887 and 1889.", std::nullopt, "no coordinates"},
    {"counts", "There are 12, maybe 15 people.", std::nullopt, "no coordinates"},
    {"footnote", "As shown in [1, 2], this is Paris.", std::nullopt, "no coordinates"},
    {"distances", "It is 3.5 km, 2.1 miles away.", std::nullopt, "no coordinates"},
    {"version", "Model 3.5.1, release 2.0.4", std::nullopt, "no coordinates"},
    {"percentages", "Paris 85.5%, Lyon 10.2%", std::nullopt, "no coordinates"},
    {"html", "<html><body><h1>502 Bad Gateway</h1></body></html>", std::nullopt, "no coordinates"},
    {"empty_object", "{}", std::nullopt, "no coordinates"},
    {"flat_is_no_label", "The flat 12 on a long 30 km road", std::nullopt, "no coordinates"},
};

constexpr LatLon kNewYork{40.7128, -74.006};

// Orders that the answer states, in notations and languages that models use.
const Said kSaidInOtherWays[] = {
    // Well-known text and its kin: longitude first.
    {"wkt", "POINT(2.2945 48.8584)", kEiffel},
    {"wkt_blank", "POINT (2.2945 48.8584)", kEiffel},
    {"wkt_lower_case", "point(151.2093 -33.8688)", kSydney},
    {"wkt_title_case", "Point (2.2945 48.8584)", kEiffel},
    {"wkt_blanks_inside", "POINT( 2.2945   48.8584 )", kEiffel},
    {"wkt_z", "POINT Z (2.2945 48.8584 35)", kEiffel},
    {"wkt_z_attached", "POINTZ(2.2945 48.8584 35)", kEiffel},
    {"wkt_zm", "POINT ZM (2.2945 48.8584 35 1)", kEiffel},
    {"wkt_m", "POINT M(2.2945 48.8584 12)", kEiffel},
    {"wkt_multipoint", "MULTIPOINT((2.2945 48.8584), (4.8357 45.764))", kEiffel},
    {"wkt_in_prose", "My answer in WKT is POINT(2.2945 48.8584), the Eiffel Tower.", kEiffel},
    {"wkt_code", "```\nPOINT(2.2945 48.8584)\n```", kEiffel},
    {"wkt_in_json", R"~({"wkt": "POINT(2.2945 48.8584)"})~", kEiffel},
    {"wkt_in_json_location", R"~({"location": "POINT (2.2945 48.8584)"})~", kEiffel},
    {"wkt_geometry", R"~({"geometry": "SRID=4326;POINT(2.2945 48.8584)"})~", kEiffel},
    {"wkt_last", "POINT(4.8357 45.764)? No, POINT(2.2945 48.8584)", kEiffel},
    {"wkt_comma_capitals", "POINT(2.2945, 48.8584)", kEiffel},
    {"wkt_comma_python", "Point(2.2945, 48.8584)", std::nullopt, "Point(a, b) does not say"},
    {"wkt_prose_point", "the point (48.8584, 2.2945)", kEiffel},
    {"wkt_empty", "POINT EMPTY", std::nullopt, "no coordinates"},
    {"wkt_out_of_range", "POINT(48.8584 152.2945)", std::nullopt, "out of range: latitude"},
    {"ewkt", "SRID=4326;POINT(2.2945 48.8584)", kEiffel},
    {"ewkt_blank", "srid=4326; POINT (2.2945 48.8584)", kEiffel},
    {"ewkt_other_system", "SRID=3857;POINT(2.2945 48.8584)", std::nullopt, "coordinates in another reference system"},
    {"geojson_multipoint", R"({"type": "MultiPoint", "coordinates": [[2.2945, 48.8584], [4.8357, 45.764]]})", kEiffel},
    {"geojson_polygon", R"({"type": "Polygon", "coordinates": [[[2.2, 48.8], [2.3, 48.9], [2.2, 48.8]]]})",
     std::nullopt, "a Polygon is no place"},
    {"geojson_cut", R"({"type":"Point","coordinates":[2.2945,48.8584])", kEiffel},
    {"geojson_collection",
     R"({"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[2.2945,48.8584]}}]})",
     kEiffel},
    {"json_xy", R"({"x": 2.2945, "y": 48.8584})", kEiffel},
    {"json_xy_pixels", R"({"x": 120, "y": 45})", std::nullopt, "no coordinates"},
    {"json_order", R"({"coordinates": [2.2945, 48.8584], "order": "longitude, latitude"})", kEiffel},
    {"kml", "<Point><coordinates>2.2945,48.8584,0</coordinates></Point>", kEiffel},
    {"postgis", "ST_MakePoint(2.2945, 48.8584)", kEiffel},
    {"lnglat_call", "LngLat(2.2945, 48.8584)", kEiffel},
    {"latlng_call", "new google.maps.LatLng(48.8584, 2.2945)", kEiffel},
    // Orders in words.
    {"order_german", "Koordinaten (Länge, Breite): 2,2945; 48,8584", kEiffel},
    {"order_chinese", "坐标（经度，纬度）：2.2945, 48.8584", kEiffel},
    {"order_russian", "Координаты (долгота, широта): 2.2945, 48.8584", kEiffel},
    {"order_spanish", "Coordenadas (longitud, latitud): 2.2945, 48.8584", kEiffel},
    {"order_then", "The pair is longitude then latitude: 2.2945 48.8584", kEiffel},
    {"order_behind", "Answer: (2.2945, 48.8584) in lon/lat order", kEiffel},
    {"order_behind_brackets", "2.2945, 48.8584 (longitude, latitude)", kEiffel},
    {"order_behind_array", "[2.2945, 48.8584] (lon, lat)", kEiffel},
    {"order_behind_first", "2.2945, 48.8584 - longitude first", kEiffel},
    {"order_behind_latlon", "48.8584, 2.2945 (lat, lon)", kEiffel},
    {"order_behind_xy", "(2.2945, 48.8584) as x, y", kEiffel},
    {"order_before_array", "Coordinates (longitude, latitude): [151.2093, -33.8688]", kSydney},
    {"order_before_array_lat", "Coordinates (latitude, longitude): [-33.8688, 151.2093]", kSydney},
    {"order_before_sentence", "I give the order as longitude, latitude. The place is 2.2945, 48.8584.", kEiffel},
    {"order_before_first", "Longitude first: 2.2945, 48.8584", kEiffel},
    {"order_before_lat_first", "Latitude first: 48.8584, 2.2945", kEiffel},
    {"order_before_format", "In [lon, lat] format: [2.2945, 48.8584]", kEiffel},
    {"order_before_lon_lat_order", "In lon/lat order: 2.2945, 48.8584", kEiffel},
    {"order_geojson", "In GeoJSON order: [2.2945, 48.8584]", kEiffel},
    {"order_of_each", "lat/lon: 48.8584, 2.2945; lon/lat: 2.2945, 48.8584", kEiffel},
    {"order_letters_win", "(lon, lat): 48.8584° N, 2.2945° E", kEiffel},
    {"axes", "x=2.2945, y=48.8584", kEiffel},
    {"axes_swapped", "y = 48.8584; x = 2.2945", kEiffel},
    {"greek_letters", "φ = 48.8584°, λ = 2.2945°", kEiffel},
    {"reversed_axes_pixels", "The box is at x=120, y=45.", std::nullopt, "no coordinates"},
    // Lists: the first, unless another is named as final.
    {"list_one_line", "Candidates: 1. 40.7128, -74.0060 (New York) 60%; 2. 48.8584, 2.2945 (Paris) 40%", kNewYork},
    {"list_brackets", "(1) 48.8584, 2.2945 (2) 45.764, 4.8357", kEiffel},
    {"list_brackets_cue", "Best guesses: (1) 48.8584, 2.2945; (2) 45.764, 4.8357", kEiffel},
    {"list_half_brackets", "1) 48.8584, 2.2945\n2) 45.764, 4.8357", kEiffel},
    {"list_half_brackets_line", "1) 48.8584, 2.2945, 2) 45.764, 4.8357, 3) 43.7, 7.27", kEiffel},
    {"list_letters", "a) 48.8584, 2.2945\nb) 45.764, 4.8357", kEiffel},
    {"list_letters_line", "a) Paris 48.8584, 2.2945; b) Lyon 45.764, 4.8357", kEiffel},
    {"list_letters_brackets", "(a) 48.8584, 2.2945 (b) 45.764, 4.8357", kEiffel},
    {"list_capitals", "A. 48.8584, 2.2945\nB. 45.764, 4.8357", kEiffel},
    {"list_roman", "i. 48.8584, 2.2945\nii. 45.764, 4.8357\niii. 43.7, 7.27", kEiffel},
    {"list_hash", "#1: 48.8584, 2.2945 #2: 45.764, 4.8357", kEiffel},
    {"list_bold", "**1.** Paris: 48.8584, 2.2945\n**2.** Lyon: 45.764, 4.8357", kEiffel},
    {"list_circled", "① 48.8584, 2.2945\n② 45.764, 4.8357", kEiffel},
    {"list_keycap", "1️⃣ 48.8584, 2.2945\n2️⃣ 45.764, 4.8357", kEiffel},
    {"list_two_lines_each", "1. Paris\n   48.8584, 2.2945\n2. Lyon\n   45.764, 4.8357", kEiffel},
    {"list_labels", "1. Latitude: 48.8584, Longitude: 2.2945\n2. Latitude: 45.764, Longitude: 4.8357", kEiffel},
    {"list_labels_line", "1. lat 48.8584, lon 2.2945; 2. lat 45.764, lon 4.8357", kEiffel},
    {"list_json", "1. {\"lat\": 48.8584, \"lon\": 2.2945}\n2. {\"lat\": 45.764, \"lon\": 4.8357}", kEiffel},
    {"list_json_line", R"(1. {"lat": 48.8584, "lon": 2.2945} 2. {"lat": 45.764, "lon": 4.8357})", kEiffel},
    {"list_arrays", "1. [48.8584, 2.2945]\n2. [45.764, 4.8357]", kEiffel},
    {"list_options", "Option A: 48.8584, 2.2945. Option B: 45.764, 4.8357.", kEiffel},
    {"list_ranks", "Rank 1: 48.8584, 2.2945\nRank 2: 45.764, 4.8357", kEiffel},
    {"list_table", "| rank | lat | lon |\n|---|---|---|\n| 1 | 48.8584 | 2.2945 |\n| 2 | 45.764 | 4.8357 |", kEiffel},
    {"list_table_pairs",
     "| Rank | Place | Coordinates |\n|---|---|---|\n| 1 | Paris | 48.8584, 2.2945 |\n| 2 | Lyon | 45.764, 4.8357 |",
     kEiffel},
    {"list_dashes", "1 - 48.8584, 2.2945\n2 - 45.764, 4.8357", kEiffel},
    {"less_likely_behind", "Perhaps 48.8584, 2.2945; Lyon (45.764, 4.8357) is less likely.", kEiffel},
    {"list_best_match", "1. 45.764, 4.8357\n2. 48.8584, 2.2945\n\nThe best match is candidate 2.", kEiffel},
    {"list_final_country", "1. Lyon (45.764, 4.8357)\n2. Paris (48.8584, 2.2945)\n**Final answer:** Paris, France",
     kEiffel},
    {"scores_alone", "Scores: 0.92, 0.85", std::nullopt, "no coordinates"},
    {"bounding_box", "The bounding box is 48.1, 2.1, 49.0, 3.0", std::nullopt, "no coordinates"},
    {"list_final", "1. 45.764, 4.8357\n2. 48.8584, 2.2945\nFinal answer: 48.8584, 2.2945", kEiffel},
    {"list_final_line", "1. 45.764, 4.8357; 2. 43.7, 7.27. Final answer: 48.8584, 2.2945", kEiffel},
    {"list_final_number", "1. 45.764, 4.8357\n2. 48.8584, 2.2945\nFinal answer: 2", kEiffel},
    {"list_final_option", "(a) 45.764, 4.8357 (b) 48.8584, 2.2945. I choose option (b).", kEiffel},
    {"list_final_ordinal", "1. 45.764, 4.8357; 2. 48.8584, 2.2945. My answer: the second one.", kEiffel},
    {"list_final_name", "1. Lyon 45.764, 4.8357\n2. Paris 48.8584, 2.2945\n\nFinal answer: Paris", kEiffel},
    {"list_final_name_behind", "1. 45.764, 4.8357 (Lyon); 2. 48.8584, 2.2945 (Paris). Final answer: Lyon",
     LatLon{45.764, 4.8357}},
    {"list_conclusion", "1. Hints of 45.764, 4.8357\n2. Conclusion: 48.8584, 2.2945", kEiffel},
    {"final_before_rest", "The final answer is 48.8584, 2.2945. Earlier I looked at 45.764, 4.8357.", kEiffel},
    {"not_the_other", "It is 48.8584, 2.2945, not 45.764, 4.8357.", kEiffel},
    {"rather_than", "48.8584, 2.2945 rather than 45.764, 4.8357", kEiffel},
    {"no_list_in_a_pair", "Coordinates (48, 2) are right", LatLon{48, 2}},
    // LaTeX.
    {"latex_circ", "$$(48.8584^\\circ N, 2.2945^\\circ E)$$", kEiffel},
    {"latex_text", "\\(48.8584^\\circ\\,\\text{N},\\ 2.2945^\\circ\\,\\text{E}\\)", kEiffel},
    {"latex_braces", "$48.8584^{\\circ}$ N, $2.2945^{\\circ}$ E", kEiffel},
    {"latex_mathrm", "$48.8584^{\\circ}\\mathrm{N}, 2.2945^{\\circ}\\mathrm{E}$", kEiffel},
    {"latex_south", "$33.8688^\\circ\\text{ S},\\; 151.2093^\\circ\\text{ E}$", kSydney},
    {"latex_degree", "48.8584\\degree N, 2.2945\\degree E", kEiffel},
    {"latex_textdegree", "48.8584\\textdegree{}N, 2.2945\\textdegree{}E", kEiffel},
    {"latex_empty_base", "48.8584{}^{\\circ}N, 2.2945{}^{\\circ}E", kEiffel},
    {"latex_o", "48.8584^o N, 2.2945^{o} E", kEiffel},
    {"latex_ring_only", "48.8584$^\\circ$N, 2.2945$^\\circ$E", kEiffel},
    {"latex_dms", "$48^{\\circ}51'30.24''\\,\\mathrm{N},\\ 2^{\\circ}17'40.2''\\,\\mathrm{E}$", kEiffel},
    {"latex_primes", "$48^\\circ 51^\\prime 30.24^{\\prime\\prime} N, 2^\\circ 17^\\prime 40.2^{\\prime\\prime} E$",
     kEiffel},
    {"latex_tie", "48.8584^\\circ~N, 2.2945^\\circ~E", kEiffel},
    {"latex_siunitx", "\\SI{48.8584}{\\degree} N, \\SI{2.2945}{\\degree} E", kEiffel},
    {"latex_boxed", "\\boxed{48.8584^\\circ \\text{N}, 2.2945^\\circ \\text{E}}", kEiffel},
    {"latex_boxed_signs", "$\\boxed{(-22.9519, -43.2105)}$", kRio},
    {"latex_brackets", "\\[ 48.8584^{\\circ}\\ \\text{N},\\quad 2.2945^{\\circ}\\ \\text{E} \\]", kEiffel},
    {"latex_left_right", "\\left(48.8584, 2.2945\\right)", kEiffel},
    {"latex_approx", "$\\approx 48.8584^\\circ N, \\approx 2.2945^\\circ E$", kEiffel},
    {"latex_labels", "\\text{Latitude: } 48.8584^\\circ, \\text{Longitude: } 2.2945^\\circ", kEiffel},
    {"latex_symbols", "$\\phi = 48.8584^\\circ, \\lambda = 2.2945^\\circ$", kEiffel},
    {"latex_plus_minus", "$48.8584^\\circ \\pm 0.01^\\circ$ N, $2.2945^\\circ \\pm 0.01^\\circ$ E", kEiffel},
    {"latex_double_escaped", "48.8584^\\\\circ N, 2.2945^\\\\circ E", kEiffel},
    {"latex_in_json", "{\"latitude\": \"48.8584^\\circ N\", \"longitude\": \"2.2945^\\circ E\"}", kEiffel},
    {"html_degree", "48.8584&deg; N, 2.2945&deg; E", kEiffel},
    {"escaped_degree", "48.8584\\u00b0 N, 2.2945\\u00b0 E", kEiffel},
    {"prices", "Tickets cost $20.50, $30.99.", std::nullopt, "no coordinates"},
    {"prices_joined", "$20.50/$30.99", std::nullopt, "no coordinates"},
    {"temperatures", "Between 25.5 ° C and 30.2 ° C, 20.1°C, 21.5°C", std::nullopt, "no coordinates"},
    // Decimal commas.
    {"comma_letters", "48,8584° N, 2,2945° E", kEiffel},
    {"comma_bare_letters", "48,8584 N, 2,2945 E", kEiffel},
    {"comma_semicolon", "48,8584; 2,2945", kEiffel},
    {"comma_slash", "48,8584 / 2,2945", kEiffel},
    {"comma_lines", "48,8584\n2,2945", kEiffel},
    {"comma_comma", "-33,8688, 151,2093", kSydney},
    {"comma_minus", "-22,9519; -43,2105", kRio},
    {"comma_labels", "Latitud: -33,8688; Longitud: 151,2093", kSydney},
    {"comma_german", "48,8584° Nord, 2,2945° Ost", kEiffel},
    {"comma_german_south", "33,8688° Süd, 151,2093° Ost", kSydney},
    {"comma_french", "22,9519° Sud, 43,2105° Ouest", kRio},
    {"comma_french_letters", "40,7128° N, 74,006° O (Ouest)", kNewYork},
    {"comma_spanish_letters", "Coordenadas: 40,7128° N, 74,006° O", kNewYork},
    {"comma_german_letters", "Koordinaten: 48,8584° N und 2,2945° O", kEiffel},
    {"letter_o_unsaid", "40.7128° N, 74.006° O", std::nullopt, "the letter O"},
    {"letter_o_signed", "40.7128° N, -74.006° O", kNewYork},
    {"thousands", "Between 1,234 and 5,678 people", std::nullopt, "no coordinates"},
    {"thousands_pair", "1,234; 5,678", std::nullopt, "no coordinates"},
    {"million", "population 2,161,000; 1,234,567", std::nullopt, "no coordinates"},
    // Approximations.
    {"about_signs", "Approximate coordinates: ~48.8584°, ~2.2945°", kEiffel},
    {"about_signs_unicode", "≈48.8584, ≈2.2945", kEiffel},
    {"about_words", "approximately 48.8584° N, approximately 2.2945° E", kEiffel},
    {"about_words_between", "around 48.8584, about 2.2945", kEiffel},
    {"plus_minus", "48.8584 ± 0.01, 2.2945 ± 0.02", kEiffel},
    {"plus_minus_ascii", "48.8584 +/- 0.01, 2.2945 +/- 0.02", kEiffel},
    // Directions.
    {"letters_before_minutes", "N48 51.504 E2 17.670", kEiffel},
    {"letters_before_seconds", "N 48 51 30.24, E 2 17 40.2", kEiffel},
    {"letters_before_south", "S33 52.128 E151 12.558", kSydney},
    {"label_direction", "South latitude: 33.8688, East longitude: 151.2093", kSydney},
    {"label_direction_behind", "Latitude (S): 33.8688, Longitude (E): 151.2093", kSydney},
    {"label_direction_letters", "Latitude S: 22.9519; Longitude W: 43.2105", kRio},
    {"french_sentence", "48,8584° de latitude Nord et 2,2945° de longitude Est", kEiffel},
    {"german_sentence", "33,8688° südlicher Breite, 151,2093° östlicher Länge", kSydney},
    {"russian_letters", "48.8584° с. ш., 2.2945° в. д.", kEiffel},
    {"russian_words", "22,9519° южной широты, 43,2105° западной долготы", kRio},
    {"russian_capitals", "Широта: 48.8584, Долгота: 2.2945", kEiffel},
    {"czech_letters", "48.8584° s. š., 2.2945° v. d.", kEiffel},
    {"dutch_letters", "48,8584° NB, 2,2945° OL", kEiffel},
    {"turkish_words", "22,9519° Güney, 43,2105° Batı", kRio},
    {"indonesian_words", "33,8688° Lintang Selatan, 151,2093° Bujur Timur", kSydney},
    {"vietnamese_words", "33.8688° Nam, 151.2093° Đông", kSydney},
    {"chinese_behind", "33.8688°南, 151.2093°东", kSydney},
    {"korean_units", "북위 48도 51분 30.24초, 동경 2도 17분 40.2초", kEiffel},
    {"italian_and", "48.8584° e 2.2945°", kEiffel},
    {"unknown_direction", "40.7128° N, 74.006° Xqzt", std::nullopt, "a direction that is not understood"},
    // Labels.
    {"arabic", "خط العرض 48.8584، خط الطول 2.2945", kEiffel},
    {"arabic_digits", "خط العرض: ٤٨٫٨٥٨٤، خط الطول: ٢٫٢٩٤٥", kEiffel},
    {"persian", "عرض جغرافیایی: 48.8584، طول جغرافیایی: 2.2945", kEiffel},
    {"hindi", "अक्षांश: 48.8584, देशांतर: 2.2945", kEiffel},
    {"indonesian", "Lintang: -33.8688, Bujur: 151.2093", kSydney},
    {"polish", "Szerokość geograficzna: 48.8584, Długość geograficzna: 2.2945", kEiffel},
    {"turkish", "Enlem: 48.8584, Boylam: 2.2945", kEiffel},
    {"vietnamese", "Vĩ độ: 48.8584, Kinh độ: 2.2945", kEiffel},
    {"vietnamese_key", R"({"vĩ_độ": 48.8584, "kinh_độ": 2.2945})", kEiffel},
    {"thai", "ละติจูด: 48.8584, ลองจิจูด: 2.2945", kEiffel},
    {"greek", "Γεωγραφικό πλάτος: 48.8584, Γεωγραφικό μήκος: 2.2945", kEiffel},
    {"hebrew", "קו רוחב: 48.8584, קו אורך: 2.2945", kEiffel},
    {"ukrainian", "Широта: 48.8584, Довгота: 2.2945", kEiffel},
    {"dutch", "Breedtegraad: 48,8584, Lengtegraad: 2,2945", kEiffel},
    {"swedish", "Latitud: 48,8584, Longitud: 2,2945", kEiffel},
    {"finnish", "Leveysaste: 48.8584, Pituusaste: 2.2945", kEiffel},
    {"czech", "Zeměpisná šířka: 48.8584, Zeměpisná délka: 2.2945", kEiffel},
    {"hungarian", "Szélesség: 48.8584, Hosszúság: 2.2945", kEiffel},
    {"italian", "Latitudine: 48,8584, Longitudine: 2,2945", kEiffel},
    {"full_width", "纬度：４８．８５８４，经度：２．２９４５", kEiffel},
    {"sizes", "The picture measures 16.5 × 24.5 cm.", std::nullopt, "no coordinates"},
};

class AnswerParser : public testing::TestWithParam<Said> {};

TEST_P(AnswerParser, Understands) {
  const Said& said = GetParam();
  const ParsedAnswer answer = ParseAnswer(said.text);
  if (said.place) {
    ASSERT_TRUE(answer.location) << said.text << "\n -> " << answer.reason;
    EXPECT_NEAR(answer.location->lat, said.place->lat, 1e-9) << said.text;
    EXPECT_NEAR(answer.location->lon, said.place->lon, 1e-9) << said.text;
    EXPECT_EQ(answer.reason, "");
  } else {
    EXPECT_FALSE(answer.location) << said.text << "\n -> " << (answer.location ? ToString(*answer.location) : "");
    EXPECT_NE(answer.reason, "");
    EXPECT_EQ(answer.reason.substr(0, std::string(said.reason).size()), said.reason) << said.text;
    EXPECT_EQ(answer.reason.find('\n'), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Said, AnswerParser, testing::ValuesIn(kSaid),
                         [](const auto& said) { return std::string(said.param.name); });

INSTANTIATE_TEST_SUITE_P(NotWhatItSeems, AnswerParser, testing::ValuesIn(kNotWhatItSeems),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(InOtherWays, AnswerParser, testing::ValuesIn(kSaidInOtherWays),
                         [](const auto& said) { return std::string(said.param.name); });

TEST(AnswerParserTest, HoldsManyKindsOfAnswers) {
  std::set<std::string> names;
  for (const auto& said : kSaid) names.insert(said.name);
  EXPECT_GE(names.size(), 150u);
}

// As Python's re.findall(r"[-+]?\d+\.\d+", answer)[:2] does.
TEST(AnswerParserTest, DecimalsTakesTheFirstTwoNumbersWithAPoint) {
  const auto place = [](const char* text) { return ParseDecimals(text).location; };
  EXPECT_EQ(place("{\"latitude\": 48.8584, \"longitude\": -2.2945}"), (LatLon{48.8584, -2.2945}));
  EXPECT_EQ(place("+1.5 and 12..5 then 3.25.7"), (LatLon{1.5, 3.25}));
  EXPECT_EQ(place("1.5--2.5"), (LatLon{1.5, -2.5}));
  // The quirks: whole numbers are passed over, labels are not read.
  EXPECT_EQ(place("{\"latitude\": 48, \"longitude\": 2.35, \"confidence\": 0.9}"), (LatLon{2.35, 0.9}));
  EXPECT_EQ(place("2.2945 E, 48.8584 N"), (LatLon{2.2945, 48.8584}));
  EXPECT_EQ(ParseDecimals("48, 2").reason, "fewer than two numbers with a decimal point: 48, 2");
  EXPECT_EQ(ParseDecimals("").location, std::nullopt);
  EXPECT_EQ(ParseDecimals("-").location, std::nullopt);
  EXPECT_EQ(ParseDecimals("7.").location, std::nullopt);
  EXPECT_EQ(ParseDecimals("100.5 20.5").reason, "out of range: 100.5, 20.5");
  EXPECT_EQ(ParseDecimals("0.0 0.0").reason, "exactly 0, 0");
}

TEST(AnswerParserTest, KeepsOtherGuesses) {
  const ParsedAnswer answer =
      ParseAnswer(R"({"guesses": [{"lat": 1.5, "lon": 2}, {"lat": 3.5, "lon": 4}, {"lat": 200, "lon": 4}]})");
  EXPECT_EQ(*answer.location, (LatLon{1.5, 2}));
  EXPECT_EQ(answer.alternatives, (std::vector<LatLon>{{3.5, 4}}));
}

TEST(AnswerParserTest, ReadsTheEndOfAnEndlessAnswer) {
  const std::string text = std::string(1 << 20, 'x') + R"( {"latitude": 48.8584, "longitude": 2.2945})";
  EXPECT_EQ(ParseAnswer(text).location, kEiffel);
}

TEST(AnswerParserTest, SurvivesDeepNestingAndRunsOfBrackets) {
  for (const char* unit :
       {"{", "[", "[[", "{\"a\":", "{[", "}", "{\"lat\":[", "{\"value\":", "'", "\"", "1 ", "N", "<think>"}) {
    std::string text;
    while (text.size() < kMaxAnswerBytes) text += unit;
    EXPECT_FALSE(ParseAnswer(text).location);
    EXPECT_NE(ParseAnswer(text).reason, "");
  }
  std::string closed = std::string(30000, '[') + std::string(30000, ']');
  EXPECT_FALSE(ParseAnswer(closed).location);
  EXPECT_EQ(ParseAnswer(closed + R"({"latitude": 48.8584, "longitude": 2.2945})").location, kEiffel);
}

// Every way of writing a place gives the place back, everywhere on Earth.
TEST(AnswerParserTest, ReadsBackAnyPlaceInAnyNotation) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const double lat = std::round(random.Uniform(-90, 90) * 1e5) / 1e5;
    const double lon = std::round(random.Uniform(-180, 180) * 1e5) / 1e5;
    char text[400];
    const auto check = [&](double tolerance) {
      const ParsedAnswer answer = ParseAnswer(text);
      ASSERT_TRUE(answer.location) << text << " -> " << answer.reason;
      EXPECT_NEAR(answer.location->lat, lat, tolerance) << text;
      EXPECT_NEAR(answer.location->lon, lon, tolerance) << text;
    };
    const double a = std::abs(lat), b = std::abs(lon);
    const char ns = lat < 0 ? 'S' : 'N', ew = lon < 0 ? 'W' : 'E';
    std::snprintf(text, sizeof text, R"(Sure: {"latitude": %.5f, "longitude": %.5f})", lat, lon);
    check(1e-9);
    std::snprintf(text, sizeof text, "%.5f, %.5f", lat, lon);
    check(1e-9);
    std::snprintf(text, sizeof text, "Longitude: %.5f\nLatitude: %.5f", lon, lat);
    check(1e-9);
    std::snprintf(text, sizeof text, "%.5f° %c, %.5f° %c", a, ns, b, ew);
    check(1e-9);
    std::snprintf(text, sizeof text, "%.5f %c %.5f %c", b, ew, a, ns);
    check(1e-9);
    const int ad = static_cast<int>(a), bd = static_cast<int>(b);
    const double am = (a - ad) * 60, bm = (b - bd) * 60;
    if (am < 59.9999 && bm < 59.9999) {
      std::snprintf(text, sizeof text, "%d°%.4f'%c %d°%.4f'%c", ad, am, ns, bd, bm, ew);
      check(1e-5);
      const int as = static_cast<int>(am), bs = static_cast<int>(bm);
      const double asec = (am - as) * 60, bsec = (bm - bs) * 60;
      if (asec < 59.999 && bsec < 59.999) {
        std::snprintf(text, sizeof text, "%d°%d′%.3f″ %c, %d°%d′%.3f″ %c", ad, as, asec, ns, bd, bs, bsec, ew);
        check(1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace dualgeo
