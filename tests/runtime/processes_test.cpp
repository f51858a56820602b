#include "runtime/processes.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A listening socket on a port of loopback, or, closed, a port that is free.
struct LoopbackListener {
  LoopbackListener() {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    socklen_t size = sizeof address;
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket_, 1) != 0) std::abort();
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~LoopbackListener() { close(socket_); }
  int port = 0;

 private:
  int socket_;
};

ProcessPlace PlaceOf(int rank, int size, int port, int timeout = 20) {
  return {rank, size, rank, "127.0.0.1", port, std::chrono::seconds(timeout)};
}

// Each rank in a thread of this process.
void OnEachRank(int size, const std::function<void(Processes&)>& body) {
  const int port = LoopbackListener().port;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([=, &body] {
      const auto all = Connect(PlaceOf(rank, size, port), [](const std::string& line) { ADD_FAILURE() << line; });
      body(*all);
      all->Finish();
    });
  }
  for (auto& thread : threads) thread.join();
}

template <class Call>
std::string SaidBy(const Call& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

// Variables of the environment while it lives; the launchers' others are away.
class LauncherVariables {
 public:
  explicit LauncherVariables(const std::map<std::string, std::string>& values) {
    for (const char* name :
         {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "SLURM_PROCID", "SLURM_NTASKS",
          "SLURM_LOCALID", "SLURM_JOB_ID", "SLURM_STEP_ID", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
          "OMPI_COMM_WORLD_LOCAL_RANK", "TORCHELASTIC_USE_AGENT_STORE", "DUALGEO_RANK_TIMEOUT"}) {
      names_.emplace_back(name);
      unsetenv(name);
    }
    for (const auto& [name, value] : values) setenv(name.c_str(), value.c_str(), 1);
  }
  ~LauncherVariables() {
    for (const auto& name : names_) unsetenv(name.c_str());
  }

 private:
  std::vector<std::string> names_;
};

TEST(ProcessPlace, ReadsWhatTheLaunchersSay) {
  {
    const LauncherVariables none({});
    EXPECT_EQ(PlaceFromEnvironment().size, 1);
  }
  {
    const LauncherVariables torchrun({{"RANK", "3"},
                                      {"WORLD_SIZE", "4"},
                                      {"LOCAL_RANK", "1"},
                                      {"MASTER_ADDR", "10.0.0.1"},
                                      {"MASTER_PORT", "29500"},
                                      {"DUALGEO_RANK_TIMEOUT", "7"}});
    const ProcessPlace place = PlaceFromEnvironment();
    EXPECT_EQ(place.rank, 3);
    EXPECT_EQ(place.size, 4);
    EXPECT_EQ(place.local_rank, 1);
    EXPECT_EQ(place.address, "10.0.0.1");
    EXPECT_EQ(place.port, 29500);
    EXPECT_EQ(place.timeout, std::chrono::seconds(7));
  }
  {
    const LauncherVariables agent({{"RANK", "0"},
                                   {"WORLD_SIZE", "2"},
                                   {"LOCAL_RANK", "0"},
                                   {"MASTER_ADDR", "a"},
                                   {"MASTER_PORT", "29500"},
                                   {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
    EXPECT_EQ(PlaceFromEnvironment().port, 29501);  // torchrun's own store has the other
  }
  {
    const LauncherVariables slurm({{"SLURM_PROCID", "1"},
                                   {"SLURM_NTASKS", "2"},
                                   {"SLURM_LOCALID", "0"},
                                   {"SLURM_JOB_ID", "9"},
                                   {"SLURM_STEP_ID", "0"},
                                   {"MASTER_ADDR", "node1"},
                                   {"MASTER_PORT", "1234"}});
    EXPECT_EQ(PlaceFromEnvironment().rank, 1);
    EXPECT_EQ(PlaceFromEnvironment().local_rank, 0);
  }
  {
    const LauncherVariables batch({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_JOB_ID", "9"}});
    EXPECT_EQ(PlaceFromEnvironment().size, 1);
  }
  const LauncherVariables mpi({{"OMPI_COMM_WORLD_RANK", "1"},
                               {"OMPI_COMM_WORLD_SIZE", "2"},
                               {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                               {"MASTER_ADDR", "localhost"},
                               {"MASTER_PORT", "1234"}});
  EXPECT_EQ(PlaceFromEnvironment().rank, 1);
}

TEST(ProcessPlace, NamesTheVariableThatIsWrong) {
  const std::map<std::string, std::string> good = {
      {"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "0"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "29500"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    auto changed = good;
    changed[name] = value;
    const LauncherVariables environment(changed);
    return SaidBy(PlaceFromEnvironment);
  };
  EXPECT_EQ(with("RANK", "2"), "RANK: 2: must be a whole number from 0 to 1");
  EXPECT_EQ(with("RANK", ""), "RANK: is not set, and the launcher started several processes");
  EXPECT_EQ(with("WORLD_SIZE", "two"), "WORLD_SIZE: two: must be a whole number from 1 to 1048576");
  EXPECT_EQ(with("LOCAL_RANK", "-1"), "LOCAL_RANK: -1: must be a whole number from 0 to 1");
  EXPECT_EQ(with("MASTER_PORT", "65536"), "MASTER_PORT: 65536: must be a whole number from 1 to 65535");
  EXPECT_THAT(with("MASTER_ADDR", ""), HasSubstr("MASTER_ADDR: is not set, and WORLD_SIZE is 2"));
  EXPECT_THAT(with("DUALGEO_RANK_TIMEOUT", "0"), HasSubstr("DUALGEO_RANK_TIMEOUT: 0: must be"));
}

TEST(ShareOf, PartsItemsInOrder) {
  for (const int ranks : {1, 2, 3, 4}) {
    for (const std::int64_t unit : {1, 4}) {
      std::int64_t at = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const auto share = ShareOf(18, unit, rank, ranks);
        EXPECT_EQ(share.begin, at);
        EXPECT_GT(share.size(), 0);
        EXPECT_EQ(share.begin % unit, 0);
        at = share.end;
      }
      EXPECT_EQ(at, 18);
    }
  }
}

TEST(Processes, AloneDoNothing) {
  Processes& all = AllProcesses();
  EXPECT_EQ(all.size(), 1);
  EXPECT_TRUE(all.first());
  const auto x = torch::arange(6, torch::kFloat32).view({3, 2});
  all.Sum({x});
  EXPECT_TRUE(torch::equal(all.Gather(x), x));
  EXPECT_EQ(all.GatherText("a"), std::vector<std::string>{"a"});
  EXPECT_TRUE(all.Any(true));
  EXPECT_FALSE(all.Any(false));
}

TEST(Processes, SumGatherAndAgree) {
  for (const int size : {2, 4}) {
    OnEachRank(size, [size](Processes& all) {
      const int rank = all.rank();
      const auto a = torch::full({3, 2}, rank + 1.0F);
      const auto b = torch::full({2}, 10.0 * (rank + 1), torch::kFloat64);
      all.Sum({a, b});
      const int total = size * (size + 1) / 2;
      EXPECT_TRUE(torch::equal(a, torch::full({3, 2}, static_cast<float>(total))));
      EXPECT_TRUE(torch::equal(b, torch::full({2}, 10.0 * total, torch::kFloat64)));

      // Rank r has r rows: rank 0 none.
      const auto rows = all.Gather(torch::full({rank, 2}, static_cast<float>(rank)));
      ASSERT_EQ(rows.size(0), size * (size - 1) / 2);
      for (int other = 1, at = 0; other < size; at += other++) {
        EXPECT_TRUE(torch::equal(rows.narrow(0, at, other), torch::full({other, 2}, static_cast<float>(other))));
      }
      EXPECT_EQ(all.Gather(torch::empty({0, 5})).size(1), 5);

      const auto texts = all.GatherText(std::string(static_cast<std::size_t>(rank), 'x'));
      ASSERT_EQ(std::ssize(texts), size);
      for (int other = 0; other < size; ++other) EXPECT_EQ(std::ssize(texts[static_cast<std::size_t>(other)]), other);
      EXPECT_EQ(all.FromFirst("rank " + std::to_string(rank)), "rank 0");
      EXPECT_TRUE(all.Any(rank == size - 1));
      EXPECT_FALSE(all.Any(false));
      all.RequireSame("config", "same\n");
    });
  }
}

TEST(Processes, RefuseARankWithAnotherConfig) {
  OnEachRank(2, [](Processes& all) {
    const std::string text = "seed: 1\ntrain.lr: " + std::string(all.first() ? "0.1" : "0.2") + "\n";
    const auto message = SaidBy([&] { all.RequireSame("config", text); });
    EXPECT_EQ(message, all.first() ? ""
                                   : "rank 1 was started with another config than rank 0: here train.lr: 0.2, there "
                                     "train.lr: 0.1");
  });
}

TEST(Processes, SayWhoIsMissing) {
  const int port = LoopbackListener().port;
  EXPECT_EQ(SaidBy([&] { Connect(PlaceOf(0, 3, port, 2), nullptr); }),
            "rank 1 of 3 did not come to 127.0.0.1:" + std::to_string(port) + " within 2 s (DUALGEO_RANK_TIMEOUT)");
  EXPECT_THAT(SaidBy([&] { Connect(PlaceOf(1, 2, port, 2), nullptr); }),
              HasSubstr("rank 1: rank 0 does not answer at 127.0.0.1:" + std::to_string(port)));
}

TEST(Processes, SayThatThePortIsInUse) {
  const LoopbackListener listener;
  EXPECT_EQ(SaidBy([&] { Connect(PlaceOf(0, 2, listener.port, 2), nullptr); }),
            "MASTER_PORT: " + std::to_string(listener.port) +
                ": rank 0 cannot listen there: the port is in use on this machine; choose another");
}

TEST(Processes, TellTheOthersWhoFailed) {
  const int port = LoopbackListener().port;
  std::string told;
  std::thread other([&] {
    const auto all = Connect(PlaceOf(1, 2, port), nullptr);
    all->Barrier();
    all->Fail("photos.csv: no such file");
  });
  {
    const auto all = Connect(PlaceOf(0, 2, port), nullptr);
    all->Barrier();
    other.join();
    told = SaidBy([&] { all->Barrier(); });
  }
  EXPECT_EQ(told, "rank 1 failed: photos.csv: no such file");
}

}  // namespace
}  // namespace dualgeo
