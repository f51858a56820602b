// What users of other tools of this field ran into (the shared folder's field/): each case's own script against the
// binary, and what its README calls right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct FieldCase {
  std::string name;
  std::vector<std::string> has, has_not;
};

void PrintTo(const FieldCase& field_case, std::ostream* out) { *out << field_case.name; }

const std::vector<FieldCase>& FieldCases() {
  static const std::vector<FieldCase> kCases = {
      {"01-flickr-placeholder",
       {"4 of 12 photos are byte-identical", "100002.jpg, 100005.jpg, 100008.jpg, 100011.jpg",
        "\"identical_photos\": 4"},
       {}},
      {"03-tsv-and-swapped",
       {"photos.tsv:3: ", "look swapped", "with LAT and LON exchanged 10 of 10 answers would lie within 1 km"},
       {"no column"}},
      {"04-decimal-comma-semicolon",
       {"| semicolon | answers | all    |     6 | 100.00", "| quoted_comma | answers | all    |     6 | 100.00"},
       {}},
      {"07-paths-of-another-machine",
       {"photos/city\\a.jpg: no such file; city/a.jpg is there", "photos/city/a.JPG: no such file; city/a.jpg is there",
        "photos/city/a: no such file; city/a.jpg is there", "3 of 3 match without their folders",
        "3 of 3 match without their extensions"},
       {"[exit 0]"}},
      {"08-unicode-nfd", {"photos.tar:", "is there, its accents in another Unicode form"}, {"[exit 0]"}},
      {"10-photos-in-zip", {"0.jpg: no such member", "im2gps3ktest/0.jpg is there", "[exit 2]"}, {}},
      {"13-heic-avif-named-jpg",
       {"chrome.avif: an AVIF picture", "anim.gif: a GIF picture", "photo.jxl: a JPEG XL picture",
        "page.jpg: a web page", "notes.jpg: a text, not a photo"},
       {}},
      {"16-mmseg-segformer-names",
       {"names of   SegFormer (NVlabs, mmseg)", "nvlabs.pth: SegFormer (NVlabs, mmseg)", "Hugging Face", "[exit 2]"},
       {"SegFormer (Hugging Face)"}},
      {"17-openclip-timm-trunk",
       {"names of   OpenCLIP with a timm tower", "names of   SigLIP (Hugging Face)", "no class token",
        "this build has no such encoder"},
       {"missing"}},
      {"19-reasoning-field",
       {"p0.jpg,48.8584,2.2945,", "p1.jpg,-33.8568,151.2153,", "p2.jpg,35.6586,139.7454,", "p3.jpg,,,"},
       {}},
      {"21-max-completion-tokens",
       {"0 of 12 photos answered by lmm (12 by fallback/reranked_first)", "[exit 1]",
        "p0.jpg: HTTP 400: max_tokens is not known", "12 of 12 photos answered by lmm -> out/p2.csv",
        "12 of 12 photos answered by lmm -> out/p3.csv", "\"max_completion_tokens\": 200"},
       {"expects text"}},
      {"22-context-too-long",
       {"fit into the context of 4096", "0 of 12 photos answered by lmm", "[exit 1]"},
       {"[exit 0]"}},
      {"23-answers-in-the-wild", {"25 right, 0 lost with a reason, 0 wrong"}, {}},
      {"26-npy-embeddings", {"img_emb_0.npy: a NumPy array", "docs/formats.md", "[exit 2]"}, {}},
      {"29-gz-and-pipes",
       {"| truth     | answers | all    |     8 | 100.00",
        "\"sha256\": \"23809b46fd026907364345ce0f26f0883e1607d5c1e610074cde098eacbd144d\"",
        "[exit 1] evaluate, standard output full", "[exit 1] config, standard output full"},
       {"[exit 2]"}},
      {"30-photographer-clusters", {"400 photos of 20 photographers", "+15.00", "0.508"}, {}},
      {"32-mp16-underscore-ids",
       {"ff_ea_5966.jpg: no such file; ff/ea/5966.jpg is there", "2 of 2 match with slashes for underscores"},
       {}},
      {"34-out-to-a-device",
       {"stdout: still a link", "stdout: 2 of 2 rows", "pipe: still a FIFO", "pipe: 2 of 2 rows", "link: still a link",
        "link: 2 of 2 rows"},
       {"REPLACED"}},
      {"36-answers-by-language", {"55 right, 0 lost with a reason, 0 wrong"}, {}},
      {"37-candidates-by-pandas",
       {"==> out/float_rank.csv <==", "==> out/nan_score.csv <==", "==> out/minimal.csv <==",
        "zero_based.csv:2: rank is 0", "gap.csv:3: query 'a.jpg' has rank 3 where 2 comes next"},
       {}},
      {"38-locate-one-bad-photo",
       {"broken.jpg: damaged or truncated JPEG", "photos/100001.jpg\n", "photos/100004.jpg\n", "[exit 1]"},
       {}},
  };
  return kCases;
}

class SlowFieldCases : public ::testing::TestWithParam<FieldCase> {};

TEST_P(SlowFieldCases, AreRight) {
  SHARED_PATH_OR_SKIP(script, "field/" + GetParam().name + "/cmd.sh");
  if (std::system("python3 -c 'import http.server' 2>/dev/null") != 0) GTEST_SKIP() << "no python3";
  const TemporaryFolder folder;
  const auto output = folder / "output";
  // Where the script's own way of making things is not allowed (character devices), it says so and goes on.
  EXPECT_NE(std::system(
                ("DUALGEO=" DUALGEO_BINARY " bash '" + script.string() + "' >'" + output.string() + "' 2>&1").c_str()),
            -1);
  const std::string text = ReadFile(output);
  for (const auto& word : GetParam().has) EXPECT_THAT(text, HasSubstr(word));
  for (const auto& word : GetParam().has_not) EXPECT_THAT(text, Not(HasSubstr(word)));
}

INSTANTIATE_TEST_SUITE_P(Field, SlowFieldCases, ::testing::ValuesIn(FieldCases()), [](const auto& field_case) {
  std::string name = field_case.param.name.substr(3);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace dualgeo
