#include "tests/storage/index/random_documents.h"

#include <sstream>

namespace hilum::storage {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

}  // namespace

std::string Describe(const Query& query) {
  std::ostringstream out;
  const auto parts = [&](const char* name, const std::vector<Query>& of) {
    out << name << '(';
    for (const Query& part : of) out << Describe(part) << ' ';
    out << ')';
  };
  const auto leaf = [&](const char* name, const auto& of) -> std::ostream& {
    return out << name << " field " << static_cast<int>(of.field) << ' ';
  };
  if (const auto* q = std::get_if<And>(&query.node)) parts("And", q->parts);
  if (const auto* q = std::get_if<Or>(&query.node)) parts("Or", q->parts);
  if (const auto* q = std::get_if<Not>(&query.node)) out << "Not(" << Describe(*q->part) << ')';
  if (const auto* q = std::get_if<RefersTo>(&query.node)) leaf("RefersTo", *q) << '(' << Describe(*q->query) << ')';
  if (const auto* q = std::get_if<ReferredToBy>(&query.node))
    leaf("ReferredToBy", *q) << '(' << Describe(*q->query) << ')';
  if (const auto* q = std::get_if<TokenIs>(&query.node)) {
    leaf("TokenIs", *q) << q->system.value_or("any") << '|' << q->code.value_or("any");
  }
  if (const auto* q = std::get_if<TokenPattern>(&query.node))
    leaf("TokenPattern", *q) << q->pattern << (q->fold ? " folded" : "");
  if (const auto* q = std::get_if<StringMatch>(&query.node))
    leaf("String", *q) << static_cast<int>(q->how) << " '" << q->text << '\'';
  if (const auto* q = std::get_if<UriMatch>(&query.node)) leaf("Uri", *q) << static_cast<int>(q->how) << ' ' << q->uri;
  if (const auto* q = std::get_if<DateMatch>(&query.node)) {
    leaf("Date", *q) << static_cast<int>(q->comparison) << " [" << q->asked.low << ", " << q->asked.high << ')';
  }
  if (const auto* q = std::get_if<NumberMatch>(&query.node)) {
    leaf("Number", *q) << static_cast<int>(q->comparison) << " [" << q->asked.low << ", " << q->asked.high << ']';
  }
  if (const auto* q = std::get_if<QuantityMatch>(&query.node)) {
    leaf("Quantity", *q) << static_cast<int>(q->comparison) << " [" << q->asked.low << ", " << q->asked.high << "] "
                         << q->system.value_or("any") << '|' << q->code.value_or("any");
  }
  if (const auto* q = std::get_if<Present>(&query.node)) leaf("Present", *q) << (q->target ? "there" : "");
  if (out.str().empty()) out << "kind " << query.node.index();
  return out.str();
}

Schema TestSchema() {
  Schema schema;
  const auto add = [&](FieldId id, FieldKind kind, bool sortable = false, bool patterns = false,
                       bool contains = false) {
    schema.Add(kMain, {id, kind, sortable, patterns, contains});
  };
  add(kPlainToken, FieldKind::kToken);
  add(kCodeToken, FieldKind::kToken, false, true);
  add(kSortedToken, FieldKind::kToken, true, true);
  add(kPlainString, FieldKind::kString);
  add(kFullString, FieldKind::kString, true, false, true);
  add(kPlainDate, FieldKind::kDate);
  add(kSortedDate, FieldKind::kDate, true);
  add(kSortedNumber, FieldKind::kNumber, true);
  add(kQuantity, FieldKind::kQuantity, true);
  add(kToOther, FieldKind::kReference);
  add(kUri, FieldKind::kUri, true);
  add(kPlainNumber, FieldKind::kNumber);
  add(kSortedString, FieldKind::kString, true);
  schema.Add(kOther, {kOtherToken, FieldKind::kToken});
  schema.Add(kOther, {kToMain, FieldKind::kReference});
  schema.Add(kOther, {kOtherDate, FieldKind::kDate});
  return schema;
}

Doc RandomDocuments::RandomDoc() {
  switch (Number(0, 3)) {
    case 0:
      return static_cast<Doc>(Number(0, 900));
    case 1:
      return static_cast<Doc>(Number(65'400, 66'000));
    case 2:
      return static_cast<Doc>(Number(200'000, 200'500));
    default:
      return static_cast<Doc>(Number(UINT32_MAX - 300, UINT32_MAX));
  }
}

TokenValue RandomDocuments::Token() {
  TokenValue token{Pick<std::string>({"", "", "http://a", "http://b"}),
                   Pick<std::string>({"CT", "MR", "ct", "US", "A1", "A12"})};
  if (Chance(20)) token.code += std::to_string(Number(0, 50));
  if (Chance(3)) token.code = std::string("z\0\1z", 4);
  if (Chance(2)) token.code = "";
  if (Chance(2)) token.system = std::string(static_cast<size_t>(Number(195, 205)), 's');
  return token;
}

std::string RandomDocuments::Text() {
  std::string text = Pick<std::string>({"Müller", "MULLER", "Smith", "Straße", "Renée", "smithson", "Ａnna", "Li"});
  if (Chance(70))
    text += Pick<std::string>({"^", " ", "=", ", ", "-", "'"}) + Pick<std::string>({"Anna", "ANNA", "Bob", "Zoë"});
  if (Chance(15)) text += " " + std::to_string(Number(0, 40));
  if (Chance(5)) text += std::string(static_cast<size_t>(Number(170, 260)), Chance(50) ? 'x' : 'X') + "end";
  if (Chance(2)) text += std::string("\0\1tail", 6);
  if (Chance(1)) text.clear();
  // The reference folds only these.
  for (size_t at = text.find("ë"); at != std::string::npos; at = text.find("ë")) text.replace(at, 2, "é");
  return text;
}

std::string RandomDocuments::Uri() {
  std::string uri =
      Pick<std::string>({"http://a.org", "http://a.org/", "http://a.org/fhir", "http://a.org/fhir/ValueSet",
                         "http://a.org/fhirs", "urn:oid:1.2.3", "http://a.org/fhir/ValueSet/1|2"});
  if (Chance(5)) uri += "/" + std::string(static_cast<size_t>(Number(170, 230)), 'p');
  if (Chance(10)) uri += "/" + std::to_string(Number(0, 9));
  return uri;
}

DateValue RandomDocuments::Date() {
  const int64_t day = Number(-800, 800) * (Chance(5) ? 1000 : 1) * kMicrosPerDay;
  switch (Number(0, 7)) {
    case 0:
      return {day, day + 365 * kMicrosPerDay};
    case 1:
      return {day + Number(0, kMicrosPerDay - 1), day + Number(0, 3 * kMicrosPerDay)};
    case 2: {
      const int64_t instant = day + 3'600'000'000 * Number(0, 23);
      return {instant, instant + Number(0, 1'000'000)};
    }
    case 3:
      return Chance(50) ? DateValue{INT64_MIN, day} : DateValue{day, INT64_MAX};
    default:
      return {day, day + kMicrosPerDay};
  }
}

NumberValue RandomDocuments::Decimal() {
  const double value = static_cast<double>(Number(-200, 200)) * Pick({1.0, 0.1, 0.001, 1e6, 1e-300, 1e300});
  if (Chance(10)) return {-0.0, 0.0};
  if (Chance(70)) return {value, value};
  return {value, value + Pick({0.05, 1.0, 1e7})};
}

QuantityValue RandomDocuments::Quantity() {
  const NumberValue number = Decimal();
  return {number.low, number.high, Pick<std::string>({"", "http://ucum"}), Pick<std::string>({"", "mg", "kg"})};
}

ReferenceValue RandomDocuments::Reference(CollectionId target) {
  if (Chance(15)) return {std::nullopt, Pick<std::string>({"http://x/Patient/1", "Patient?identifier=1", ""})};
  return {ReferenceValue::Target{target, RandomDoc()}, Chance(10) ? std::string(300, 'r') : ""};
}

DocumentValues RandomDocuments::Document(CollectionId collection) {
  DocumentValues document;
  const auto several = [&](auto add) {
    const int64_t count = Chance(60) ? 1 : Chance(50) ? 0 : Number(2, 4);
    for (int64_t i = 0; i < count; ++i) add();
  };
  if (collection == kOther) {
    several([&] { document.Add(kOtherToken, Token()); });
    several([&] { document.Add(kToMain, Reference(kMain)); });
    several([&] { document.Add(kOtherDate, Date()); });
    return document;
  }
  for (const FieldId field : {kPlainToken, kCodeToken, kSortedToken}) several([&] { document.Add(field, Token()); });
  for (const FieldId field : {kPlainString, kFullString, kSortedString}) {
    several([&] { document.Add(field, StringValue{Text()}); });
  }
  for (const FieldId field : {kPlainDate, kSortedDate}) several([&] { document.Add(field, Date()); });
  for (const FieldId field : {kSortedNumber, kPlainNumber}) several([&] { document.Add(field, Decimal()); });
  several([&] { document.Add(kQuantity, Quantity()); });
  several([&] { document.Add(kToOther, Reference(kOther)); });
  several([&] { document.Add(kUri, UriValue{Uri()}); });
  if (Chance(1)) {
    for (int i = 0; i < 40; ++i) document.Add(kSortedDate, Date());
  }
  return document;
}

std::string RandomDocuments::Mangled(std::string text) {
  if (Chance(40)) text = text.substr(0, static_cast<size_t>(Number(0, static_cast<int64_t>(text.size()))));
  // The reference takes bytes for characters: only ASCII may be cut or replaced.
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return "Smith";
  }
  return text;
}

Query RandomDocuments::RandomLeaf(CollectionId collection) {
  if (collection == kOther) {
    if (Chance(50)) return MakeQuery(TokenIs{kOtherToken, std::nullopt, Token().code});
    return MakeQuery(DateMatch{kOtherDate, AnyComparison(), Date()});
  }
  switch (Number(0, 12)) {
    case 0:
    case 1: {
      TokenIs leaf{Pick({kPlainToken, kCodeToken, kSortedToken}), std::nullopt, std::nullopt};
      const TokenValue token = Token();
      if (Chance(80)) leaf.code = token.code;
      if (Chance(50)) leaf.system = token.system;
      return MakeQuery(leaf);
    }
    case 2: {
      std::string pattern = Mangled(Token().code);
      if (!pattern.empty() && Chance(50))
        pattern[static_cast<size_t>(Number(0, static_cast<int64_t>(pattern.size()) - 1))] = '?';
      if (Chance(60)) pattern += '*';
      if (Chance(30)) pattern = "*" + pattern;
      return MakeQuery(TokenPattern{Pick({kCodeToken, kSortedToken}), pattern, Chance(40)});
    }
    case 3:
    case 4: {
      StringMatch leaf{Pick({kPlainString, kFullString, kSortedString}), static_cast<StringMatch::How>(Number(0, 6)),
                       Text()};
      if (leaf.how == StringMatch::How::kPattern) {
        leaf.text = Mangled(leaf.text);
        if (!leaf.text.empty() && Chance(50))
          leaf.text[static_cast<size_t>(Number(0, static_cast<int64_t>(leaf.text.size()) - 1))] = '*';
        if (Chance(50)) leaf.text += '*';
        if (Chance(30)) leaf.text = "*" + leaf.text;
      } else if (leaf.how != StringMatch::How::kExact && Chance(70)) {
        leaf.text = Mangled(leaf.text);
      }
      return MakeQuery(leaf);
    }
    case 5:
    case 6:
      return MakeQuery(DateMatch{Pick({kPlainDate, kSortedDate}), AnyComparison(), Date()});
    case 7:
      return MakeQuery(NumberMatch{Pick({kSortedNumber, kPlainNumber}), AnyComparison(), Decimal()});
    case 8: {
      QuantityMatch leaf{kQuantity, AnyComparison(), Decimal(), std::nullopt, std::nullopt};
      if (Chance(50)) leaf.system = Quantity().system;
      if (Chance(50)) leaf.code = Quantity().code;
      return MakeQuery(leaf);
    }
    case 9:
      return MakeQuery(ReferenceIs{kToOther, Reference(kOther)});
    case 10:
      return MakeQuery(
          UriMatch{kUri, Pick({UriMatch::How::kExact, UriMatch::How::kBelow, UriMatch::How::kAbove}), Uri()});
    case 11:
      if (Chance(30)) return MakeQuery(Present{kToOther, Pick({kOther, kMain})});
      return MakeQuery(Present{FieldId{static_cast<uint16_t>(Number(1, 13))}, {}});
    default: {
      DocsIn leaf;
      for (int64_t i = Number(0, 50); i > 0; --i) leaf.docs.push_back(RandomDoc());
      return MakeQuery(leaf);
    }
  }
}

Query RandomDocuments::RandomChain(CollectionId collection, int depth) {
  const CollectionId other = collection == kMain ? kOther : kMain;
  const auto inner = [&] { return std::make_unique<Query>(RandomQuery(other, depth - 1)); };
  if (Chance(50)) return MakeQuery(RefersTo{collection == kMain ? kToOther : kToMain, other, inner()});
  return MakeQuery(ReferredToBy{other, other == kMain ? kToOther : kToMain, inner()});
}

Query RandomDocuments::RandomQuery(CollectionId collection, int depth) {
  if (depth <= 0 || Chance(35)) return Chance(4) ? MakeQuery(All{}) : RandomLeaf(collection);
  const auto parts = [&] {
    std::vector<Query> made;
    for (int64_t i = Number(1, 3); i > 0; --i) made.push_back(RandomQuery(collection, depth - 1));
    return made;
  };
  switch (Number(0, 5)) {
    case 0:
    case 1:
      return MakeQuery(And{parts()});
    case 2:
    case 3:
      return MakeQuery(Or{parts()});
    case 4:
      return MakeQuery(Not{std::make_unique<Query>(RandomQuery(collection, depth - 1))});
    default:
      return RandomChain(collection, depth);
  }
}

std::vector<SortKey> RandomDocuments::RandomSort() {
  std::vector<SortKey> sort;
  for (int64_t i = Number(0, 3); i > 0; --i) {
    sort.push_back(
        {Pick({kSortedToken, kFullString, kSortedDate, kSortedNumber, kQuantity, kUri, kSortedString, kDocOrder}),
         Chance(50)});
  }
  return sort;
}

}  // namespace hilum::storage
