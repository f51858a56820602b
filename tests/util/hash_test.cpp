#include "dualgeo/util/hash.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

// FIPS 180-4's examples.
TEST(Sha256, KnownValues) {
  EXPECT_EQ(Sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAFileLargerThanTheBuffer) {
  TemporaryFolder folder;
  const std::string content(200000, 'a');
  EXPECT_EQ(Sha256File(folder.Write("a", content)), Sha256(content));
  EXPECT_THROW(Sha256File(folder / "none"), InputError);
}

}  // namespace
}  // namespace dualgeo
