#include "util/child_process.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

TEST(RunChild, GivesAndTakesBytesOfAnyKindAndLength) {
  std::string bytes(3'000'000, 'x');  // more than a pipe holds
  bytes[5] = '\0';
  bytes[7] = '\xff';
  EXPECT_EQ(RunChild("/bin/cat", {}, bytes), bytes);
  EXPECT_EQ(RunChild("/bin/cat", {}, ""), "");
  EXPECT_EQ(RunChild("/bin/echo", {"-n", "a b"}, "not read"), "a b");
}

TEST(RunChild, SaysHowItFailed) {
  const auto error = [](const std::string& program, const std::vector<std::string>& arguments) -> std::string {
    try {
      RunChild(program, arguments, "");
    } catch (const Error& failure) {
      return failure.what();
    }
    return "";
  };
  EXPECT_EQ(error("/no/such", {}), "cannot start /no/such: No such file or directory");
  EXPECT_EQ(error("/bin/sh", {"-c", "exit 3"}), "/bin/sh ended with exit code 3");
  EXPECT_EQ(error("/bin/sh", {"-c", "kill -9 $$"}), "/bin/sh was ended by signal 9");
}

}  // namespace
}  // namespace dualgeo
