#include "io/pickle.h"

#include <bit>
#include <cstdio>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using Kind = PickleValue::Kind;

// Real checkpoints, optimiser state included, have some 10^5.
constexpr std::size_t kMaxValues = 2'000'000;

}  // namespace

// The stack machine of Python's pickletools.
class Unpickler {
 public:
  Unpickler(Pickle& pickle, std::string_view bytes, const std::string& source,
            const std::function<bool(std::string_view)>& allowed)
      : pickle_(pickle), bytes_(bytes), source_(source), allowed_(allowed) {}

  void Run() {
    while (Step(static_cast<unsigned char>(Bytes(1)[0]))) {
    }
    if (stack_.size() != 1 || stack_[0].kind == Kind::kMark) Fail("damaged pickle: it ends with other than one value");
    pickle_.root_ = stack_[0];
    pickle_.size_ = position_;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const { throw InputError(source_ + ": " + what); }
  [[noreturn]] void FailAtOpcode(unsigned char opcode) const {
    char text[100];
    std::snprintf(text, sizeof text, "opcode 0x%02x at byte %zu of the pickle is none that PyTorch writes", opcode,
                  position_ - 1);
    Fail(text);
  }

  // ---- bytes --------------------------------------------------------------------------------------------------------

  std::string_view Bytes(std::uint64_t size) {
    if (size > bytes_.size() - position_) Fail("damaged pickle: it is cut off, or not a pickle");
    const auto bytes = bytes_.substr(position_, size);
    position_ += size;
    return bytes;
  }
  std::uint64_t Number(int size) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char byte : Bytes(static_cast<std::uint64_t>(size))) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(byte)) << shift;
      shift += 8;
    }
    return value;
  }
  std::string_view Line() {
    const auto end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) Fail("damaged pickle: it is cut off, or not a pickle");
    const auto line = Bytes(end - position_);
    Bytes(1);
    return line;
  }

  // ---- stack --------------------------------------------------------------------------------------------------------

  void Count(std::size_t values = 1) {
    count_ += values;
    if (count_ > kMaxValues) Fail("the pickle has more than " + std::to_string(kMaxValues) + " values");
  }
  void Push(PickleValue value) {
    Count();
    stack_.push_back(value);
  }
  void Push(Kind kind, std::string_view text = {}) {
    PickleValue value;
    value.kind = kind;
    value.text = text;
    Push(value);
  }
  void PushInteger(std::int64_t integer, Kind kind = Kind::kInteger) {
    PickleValue value;
    value.kind = kind;
    value.integer = integer;
    Push(value);
  }
  PickleNode& PushNode(Kind kind, std::vector<PickleValue> items = {}) {
    PickleValue value;
    value.kind = kind;
    value.node = &pickle_.nodes_.emplace_back();
    value.node->items = std::move(items);
    Push(value);
    return *value.node;
  }
  PickleValue& Top() {
    if (stack_.empty() || stack_.back().kind == Kind::kMark) Fail("damaged pickle: a value is missing");
    return stack_.back();
  }
  PickleValue Pop() {
    const PickleValue value = Top();
    stack_.pop_back();
    return value;
  }
  // The values above the topmost mark, which goes, too.
  std::vector<PickleValue> PopToMark() {
    std::size_t mark = stack_.size();
    while (mark > 0 && stack_[mark - 1].kind != Kind::kMark) --mark;
    if (mark == 0) Fail("damaged pickle: a mark is missing");
    std::vector<PickleValue> values(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark - 1);
    return values;
  }
  std::vector<PickleValue> PopItems(std::size_t count) {
    std::vector<PickleValue> values(count);
    while (count > 0) values[--count] = Pop();
    return values;
  }

  // ---- what opcodes do ----------------------------------------------------------------------------------------------

  void Extend(Kind kind, const std::vector<PickleValue>& values) {
    const PickleValue& target = Top();
    if (target.kind != kind) Fail("damaged pickle: items are added to what holds none");
    if (kind == Kind::kDict && values.size() % 2 != 0) Fail("damaged pickle: a key without a value");
    target.node->items.insert(target.node->items.end(), values.begin(), values.end());
  }

  void PushGlobal(std::string_view module, std::string_view name) {
    std::string global(module);
    global += ".";
    global += name;
    if (!allowed_(global)) {
      Fail("the pickle names \"" + Printable(global) +
           "\", which is no part of a table of tensors; it was not called, as nothing in a weight file is. Save the "
           "model's state_dict() instead");
    }
    pickle_.texts_.push_back(std::move(global));
    Push(Kind::kGlobal, pickle_.texts_.back());
  }

  std::vector<PickleValue> PopArguments() {
    const PickleValue arguments = Pop();
    if (arguments.kind != Kind::kTuple) Fail("damaged pickle: arguments are not a tuple");
    Count(arguments.node->items.size());  // copied, and recalled values can be copied often
    return arguments.node->items;
  }

  void Call(Kind kind) {
    auto arguments = PopArguments();
    const PickleValue callee = Pop();
    if (callee.kind != Kind::kGlobal) Fail("damaged pickle: it calls what is no function");
    if (callee.text == "collections.OrderedDict") {
      // OrderedDict(), filled by SETITEMS, or OrderedDict([[key, value], ...]) as Python 2 wrote it.
      auto& dict = PushNode(Kind::kDict);
      if (arguments.empty()) return;
      if (arguments[0].kind != Kind::kList) Fail("damaged pickle: OrderedDict of what is no list");
      for (const auto& pair : arguments[0].node->items) {
        if ((pair.kind != Kind::kList && pair.kind != Kind::kTuple) || pair.node->items.size() != 2) {
          Fail("damaged pickle: OrderedDict of what are no pairs");
        }
        Count();
        dict.items.insert(dict.items.end(), pair.node->items.begin(), pair.node->items.end());
      }
    } else if (callee.text == "collections.defaultdict") {
      PushNode(Kind::kDict);
    } else {
      PushNode(kind, std::move(arguments)).callee = callee.text;
    }
  }

  void Build() {
    const PickleValue state = Pop();
    const PickleValue& target = Top();
    if (target.kind == Kind::kCall || target.kind == Kind::kObject) {
      target.node->state = state;
    } else if (target.kind != Kind::kDict) {  // the attributes of an OrderedDict (_metadata) say nothing about tensors
      Fail("damaged pickle: attributes are set on what has none");
    }
  }

  void Memoize(std::uint64_t key) {
    Count();
    memo_[key] = Top();
  }
  void Recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) Fail("damaged pickle: it refers to a value that is not there");
    Push(found->second);
  }

  // The stack itself, and where the pickle begins. False when the opcode is of another group.
  bool HandleStack(unsigned char opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto protocol = Number(1); protocol > 5) {
          Fail("pickle protocol " + std::to_string(protocol) + "; known: 2 to 5");
        }
        break;
      case 0x95:  // FRAME: how far to read ahead
        Number(8);
        break;
      case '(':
        Push(Kind::kMark);
        break;
      case '0':
        Pop();
        break;
      case '1':
        PopToMark();
        break;
      case '2':
        Push(PickleValue(Top()));
        break;
      default:
        return false;
    }
    return true;
  }

  // Numbers, text and bytes. False when the opcode is of another group.
  bool HandleValue(unsigned char opcode) {
    switch (opcode) {
      case 'N':
        Push(Kind::kNone);
        break;
      case 0x88:
      case 0x89:
        PushInteger(opcode == 0x88 ? 1 : 0, Kind::kBool);
        break;
      case 'J':
        PushInteger(static_cast<std::int32_t>(Number(4)));
        break;
      case 'K':
        PushInteger(static_cast<std::int64_t>(Number(1)));
        break;
      case 'M':
        PushInteger(static_cast<std::int64_t>(Number(2)));
        break;
      case 0x8a:  // LONG1
      case 0x8b:  // LONG4
        PushLong(Bytes(Number(opcode == 0x8a ? 1 : 4)));
        break;
      case 'G': {
        std::uint64_t bits = 0;
        for (const char byte : Bytes(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
        PickleValue value;
        value.kind = Kind::kReal;
        value.real = std::bit_cast<double>(bits);
        Push(value);
        break;
      }
      case 'U':   // SHORT_BINSTRING: Python 2's str
      case 0x8c:  // SHORT_BINUNICODE
        Push(Kind::kText, Bytes(Number(1)));
        break;
      case 'T':  // BINSTRING
      case 'X':  // BINUNICODE
        Push(Kind::kText, Bytes(Number(4)));
        break;
      case 0x8d:  // BINUNICODE8
        Push(Kind::kText, Bytes(Number(8)));
        break;
      case 'C':  // SHORT_BINBYTES
        Push(Kind::kBytes, Bytes(Number(1)));
        break;
      case 'B':  // BINBYTES
        Push(Kind::kBytes, Bytes(Number(4)));
        break;
      case 0x8e:  // BINBYTES8
      case 0x96:  // BYTEARRAY8
        Push(Kind::kBytes, Bytes(Number(8)));
        break;
      default:
        return false;
    }
    return true;
  }

  // Lists, tuples and dicts. False when the opcode is of another group.
  bool HandleCollection(unsigned char opcode) {
    switch (opcode) {
      case ']':   // EMPTY_LIST
      case 0x8f:  // EMPTY_SET
        PushNode(Kind::kList);
        break;
      case ')':
        PushNode(Kind::kTuple);
        break;
      case '}':
        PushNode(Kind::kDict);
        break;
      case 'l':
      case 0x91:  // FROZENSET
        PushNode(Kind::kList, PopToMark());
        break;
      case 't':
        PushNode(Kind::kTuple, PopToMark());
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        PushNode(Kind::kTuple, PopItems(opcode - 0x84u));
        break;
      case 'd': {
        auto items = PopToMark();
        PushNode(Kind::kDict);
        Extend(Kind::kDict, items);
        break;
      }
      case 'a':
        Extend(Kind::kList, PopItems(1));
        break;
      case 'e':
      case 0x90:  // ADDITEMS
        Extend(Kind::kList, PopToMark());
        break;
      case 's':
        Extend(Kind::kDict, PopItems(2));
        break;
      case 'u':
        Extend(Kind::kDict, PopToMark());
        break;
      default:
        return false;
    }
    return true;
  }

  // Names of functions, and what they are called with; values that lie elsewhere. False when the opcode is of another
  // group.
  bool HandleCall(unsigned char opcode) {
    switch (opcode) {
      case 'c':    // GLOBAL
      case 'i': {  // INST, an old way to write an object
        const auto module = Line();
        PushGlobal(module, Line());
        if (opcode == 'i') FailAtOpcode(opcode);
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const auto names = PopItems(2);
        if (names[0].kind != Kind::kText || names[1].kind != Kind::kText)
          Fail("damaged pickle: a global without a name");
        PushGlobal(names[0].text, names[1].text);
        break;
      }
      case 'R':
        Call(Kind::kCall);
        break;
      case 0x81:  // NEWOBJ
        Call(Kind::kObject);
        break;
      case 'b':
        Build();
        break;
      case 'Q':
        PushNode(Kind::kPersistent, PopItems(1));
        pickle_.persistent_.push_back(Top());
        break;
      default:
        return false;
    }
    return true;
  }

  // Values that are used again. False when the opcode is of another group.
  bool HandleMemo(unsigned char opcode) {
    switch (opcode) {
      case 'q':
        Memoize(Number(1));
        break;
      case 'r':
        Memoize(Number(4));
        break;
      case 0x94:  // MEMOIZE
        Memoize(memo_.size());
        break;
      case 'h':
        Recall(Number(1));
        break;
      case 'j':
        Recall(Number(4));
        break;
      default:
        return false;
    }
    return true;
  }

  // False at the end of the pickle.
  bool Step(unsigned char opcode) {
    if (opcode == '.') return false;
    const bool known = HandleStack(opcode) || HandleValue(opcode) || HandleCollection(opcode) || HandleCall(opcode) ||
                       HandleMemo(opcode);
    if (!known) FailAtOpcode(opcode);
    return true;
  }

  void PushLong(std::string_view bytes) {
    if (bytes.size() > 8) {
      Push(Kind::kBytes, bytes);
      return;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    // Two's complement of that many bytes.
    if (!bytes.empty() && bytes.size() < 8 && (static_cast<unsigned char>(bytes.back()) & 0x80u) != 0) {
      value |= ~std::uint64_t{0} << (8 * bytes.size());
    }
    PushInteger(static_cast<std::int64_t>(value));
  }

  Pickle& pickle_;
  std::string_view bytes_;
  const std::string& source_;
  const std::function<bool(std::string_view)>& allowed_;
  std::size_t position_ = 0;
  std::size_t count_ = 0;
  std::vector<PickleValue> stack_;
  std::unordered_map<std::uint64_t, PickleValue> memo_;
};

Pickle::Pickle(std::string_view bytes, const std::string& source,
               const std::function<bool(std::string_view)>& allowed) {
  Unpickler(*this, bytes, source, allowed).Run();
}

}  // namespace dualgeo
