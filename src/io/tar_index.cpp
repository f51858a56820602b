#include "tar_index.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

constexpr std::string_view kMagic("dualgeo tar index 1\n\0\0\0\0", 24);
constexpr std::uint64_t kToldByRecords = std::uint64_t{1} << 63;

// After the magic.
struct IndexHead {
  std::uint64_t parts = 0, count = 0, names = 0, repeated = 0, first_repeated = 0, ended = 0;
};

template <class T>
void Put(std::ostream& out, const T& value) {
  out.write(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

TarIndex::TarIndex(std::string bytes) : name_("index"), owned_(std::move(bytes)), bytes_(owned_) { Open(); }

TarIndex::TarIndex(std::unique_ptr<MappedFile> file, std::string name)
    : name_(std::move(name)), file_(std::move(file)), bytes_(file_->bytes()) {
  Open();
}

void TarIndex::Open() {
  const auto damaged = [&] { return InputError(name_ + ": damaged, or no index of a tar archive"); };
  IndexHead head;
  if (!bytes_.starts_with(kMagic) || bytes_.size() < kMagic.size() + sizeof head) throw damaged();
  std::memcpy(&head, bytes_.data() + kMagic.size(), sizeof head);
  std::string_view rest = bytes_.substr(kMagic.size() + sizeof head);
  const auto take = [&](std::uint64_t count, std::size_t each) {
    if (count > rest.size() / each) throw damaged();
    const auto taken = rest.substr(0, static_cast<std::size_t>(count) * each);
    rest.remove_prefix(taken.size());
    return taken;
  };
  stamps_ = take(head.parts, sizeof(TarStamp));
  if (head.count == UINT64_MAX) throw damaged();
  entries_ = take(head.count + 1, sizeof(TarIndexEntry));
  names_ = take(head.names, 1);
  if (!rest.empty() || (head.repeated > 0 && head.first_repeated >= head.count)) throw damaged();
  count_ = head.count;
  repeated_ = head.repeated;
  first_repeated_ = head.first_repeated;
  ended_ = head.ended;
}

TarIndexEntry TarIndex::Entry(std::uint64_t i) const {
  TarIndexEntry entry;
  std::memcpy(&entry, entries_.data() + i * sizeof entry, sizeof entry);
  return entry;
}

TarMember TarIndex::At(std::size_t i) const {
  const TarIndexEntry entry = Entry(i);
  const std::uint64_t end = Entry(i + 1).name;
  if (entry.name > end || end > names_.size()) throw InputError(name_ + ": damaged index of a tar archive; remove it");
  return {names_.substr(static_cast<std::size_t>(entry.name), static_cast<std::size_t>(end - entry.name)), entry.offset,
          entry.size & ~kToldByRecords, (entry.size & kToldByRecords) == 0};
}

std::optional<TarMember> TarIndex::Find(std::string_view name) const {
  std::size_t begin = 0, end = size();
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    const TarMember member = At(middle);
    if (member.name == name) return member;
    (member.name < name ? begin : end) = member.name < name ? middle + 1 : middle;
  }
  return std::nullopt;
}

std::vector<TarStamp> TarIndex::Stamps() const {
  std::vector<TarStamp> stamps(stamps_.size() / sizeof(TarStamp));
  if (!stamps.empty()) std::memcpy(stamps.data(), stamps_.data(), stamps_.size());
  return stamps;
}

void TarIndexBuilder::Add(const TarMember& member) {
  found_.push_back({names_.size(), member.offset, member.size | (member.told_by_header ? 0 : kToldByRecords)});
  names_ += member.name;
}

void TarIndexBuilder::Write(std::ostream& out, const std::vector<TarStamp>& stamps, bool ended) {
  const auto name = [&](std::size_t i) {
    const std::uint64_t end = i + 1 < found_.size() ? found_[i + 1].name : names_.size();
    return std::string_view(names_).substr(static_cast<std::size_t>(found_[i].name),
                                           static_cast<std::size_t>(end - found_[i].name));
  };
  std::vector<std::uint32_t> order(found_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const int compared = name(a).compare(name(b));
    return compared != 0 ? compared < 0 : a < b;
  });
  IndexHead head{stamps.size(), 0, 0, 0, 0, ended ? 1U : 0U};
  std::size_t kept = 0;
  bool counted = false;  // the name at hand among the repeated
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && name(order[i]) == name(order[i + 1])) {
      if (!counted && head.repeated++ == 0) head.first_repeated = kept;
      counted = true;
      continue;
    }
    counted = false;
    head.names += name(order[i]).size();
    order[kept++] = order[i];
  }
  order.resize(kept);
  head.count = kept;
  out.write(kMagic.data(), static_cast<std::streamsize>(kMagic.size()));
  Put(out, head);
  for (const TarStamp& stamp : stamps) Put(out, stamp);
  std::uint64_t at = 0;
  for (const std::uint32_t i : order) {
    Put(out, TarIndexEntry{at, found_[i].offset, found_[i].size});
    at += name(i).size();
  }
  Put(out, TarIndexEntry{at, 0, 0});
  for (const std::uint32_t i : order) out.write(name(i).data(), static_cast<std::streamsize>(name(i).size()));
}

}  // namespace dualgeo
