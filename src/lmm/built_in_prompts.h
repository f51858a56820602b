// Prompts that need no file beside the program: the same as configs/prompts/NAME.txt (a test compares them).
#pragma once

namespace dualgeo {

struct BuiltInPrompt {
  const char* name;
  const char* text;
};

inline constexpr BuiltInPrompt kBuiltInPrompts[] = {
    {"geo",
     R"~(You are an expert in geolocating photos. Work out where on Earth the attached photo was taken.

Look at architecture, vegetation, terrain, climate, road markings, vehicles, signs, scripts and languages, clothing and
any landmark you know.
{{#similar}}

Photos that look similar were taken at these places (latitude, longitude), the most similar first. They are hints: some
may be right, some far off.
{{similar}}
{{/similar}}
{{#dissimilar}}

Photos that look very different were taken at these places; the answer is unlikely to be near them.
{{dissimilar}}
{{/dissimilar}}

Always give your best estimate, as exact as you can, even when you are not sure. Answer with one JSON object and nothing
else: its fields are "latitude" and "longitude", both numbers in decimal degrees, south and west negative.
)~"},
    {"img2loc",
     R"~(You are an expert in geo-localisation. The attached photo was taken somewhere on Earth: say where, as latitude and
longitude.
{{#similar}}

Photos that resemble it were taken at these places (latitude, longitude), the closest match first:
{{similar}}
{{/similar}}
{{#dissimilar}}

Photos that resemble it least were taken at these places, from which the answer should be far away:
{{dissimilar}}
{{/dissimilar}}

Answer with the two coordinates alone, in decimal degrees, latitude first. If you cannot be sure, answer with those that
you hold most likely; never answer without coordinates.
)~"},
    {"g3",
     R"~(You are an expert in geo-localisation. Find out where the attached photo was taken and say so as GPS coordinates.
{{#similar}}

To help you, these are the coordinates (latitude, longitude) of photos that look alike:
{{similar}}
{{/similar}}
{{#dissimilar}}

And these are the coordinates of photos that look nothing like it:
{{dissimilar}}
{{/dissimilar}}

There must be an answer, your best guess if need be. Write it as one JSON object with the numbers "latitude" and
"longitude", and write nothing beside it.
)~"},
};

}  // namespace dualgeo
