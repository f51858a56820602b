// Reads Python pickles (protocols 2 to 5, the binary opcodes; PEP 3154) as data. A pickle is a program: its GLOBAL
// opcode names any function of any module and REDUCE calls it. Here nothing is ever called: a call becomes a tree node
// that holds the function's name and its arguments, and a name that is not on the caller's list is an error.
// torch::pickle_load takes the values of TorchScript alone, not what trainers save beside the weights.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

struct PickleNode;

// Texts point into the pickled bytes, nodes into the Pickle: both must live on.
struct PickleValue {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,        // integer: 0 or 1
    kInteger,     // integer; those beyond 64 bits are kBytes, little endian
    kReal,        // real
    kText,        // text, UTF-8
    kBytes,       // text
    kGlobal,      // text: "module.name"
    kTuple,       // node->items
    kList,        // node->items; sets, too
    kDict,        // node->items: key, value, key, value ...; OrderedDict and defaultdict, too
    kCall,        // node->callee(node->items...); node->state from BUILD
    kObject,      // an object of class node->callee; node->state is its attributes
    kPersistent,  // node->items[0] is the id
    kMark         // never in a result
  };
  Kind kind = Kind::kNone;
  std::string_view text;
  union {
    std::int64_t integer = 0;
    double real;
    PickleNode* node;
  };
};

struct PickleNode {
  std::string_view callee;
  std::vector<PickleValue> items;
  PickleValue state;
};

// One pickle read. `allowed` says whether a global ("module.name") may be named. Throws InputError, one line that
// begins with `source`: bytes that end within the pickle, opcodes that make no sense or that PyTorch does not write, a
// global that is not allowed, more than two million values. Memory stays in proportion to the bytes read.
class Pickle {
 public:
  Pickle(std::string_view bytes, const std::string& source, const std::function<bool(std::string_view)>& allowed);
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  const PickleValue& root() const { return root_; }
  // All persistent ids, in the order of the bytes.
  const std::vector<PickleValue>& persistent() const { return persistent_; }
  // Bytes up to and with STOP: another pickle may follow.
  std::size_t size() const { return size_; }

 private:
  friend class Unpickler;
  std::deque<PickleNode> nodes_;  // flat, so that neither depth nor cycles matter to its destruction
  std::deque<std::string> texts_;
  std::vector<PickleValue> persistent_;
  PickleValue root_;
  std::size_t size_ = 0;
};

}  // namespace dualgeo
