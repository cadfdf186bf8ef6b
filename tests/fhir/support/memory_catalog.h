// A catalogue that numbers everything as it comes, and the plainest evaluation of queries there is: the yardstick for
// search tests.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "fhir/search/extract.h"
#include "storage/index/query.h"
#include "storage/index/text.h"

namespace hilum::fhir {

class MemoryCatalog : public SearchCatalog {
 public:
  storage::CollectionId CollectionOf(TypeId type) const override {
    return storage::CollectionId{static_cast<uint16_t>(type)};
  }
  storage::FieldId FieldOf(TypeId type, uint16_t field) const override { return storage::FieldId{field}; }
  Result<std::optional<storage::Doc>> FindDoc(TypeId type, std::string_view id) override {
    const auto found = docs_.find({type, std::string(id)});
    return found == docs_.end() ? std::optional<storage::Doc>() : std::optional(found->second);
  }

  storage::Doc AddDoc(TypeId type, std::string_view id) {
    const storage::Doc doc = counts_[type]++;
    docs_[{type, std::string(id)}] = doc;
    return doc;
  }

 private:
  std::map<std::pair<TypeId, std::string>, storage::Doc> docs_;
  std::map<TypeId, storage::Doc> counts_;
};

class MemoryIndex {
 public:
  using Docs = std::vector<bool>;

  void Set(storage::CollectionId collection, storage::Doc doc, storage::DocumentValues values) {
    auto& documents = documents_[collection];
    if (documents.size() <= doc) documents.resize(doc + 1);
    documents[doc] = std::move(values);
  }
  size_t Size(storage::CollectionId collection) { return documents_[collection].size(); }
  size_t Count(storage::CollectionId collection, const storage::Query& query) {
    const Docs docs = Evaluate(collection, query);
    return static_cast<size_t>(std::count(docs.begin(), docs.end(), true));
  }

  Docs Evaluate(storage::CollectionId collection, const storage::Query& query) {
    return std::visit([&](const auto& node) { return Eval(collection, node); }, query.node);
  }

 private:
  template <typename Predicate>
  Docs Where(storage::CollectionId collection, storage::FieldId field, Predicate matches) {
    const auto& documents = documents_[collection];
    Docs docs(documents.size());
    for (size_t doc = 0; doc < documents.size(); ++doc) {
      for (const auto& entry : documents[doc].entries) {
        if (entry.field == field && matches(entry.value)) docs[doc] = true;
      }
    }
    return docs;
  }

  template <typename Value>
  static bool Holds(storage::Comparison comparison, const Value& value, const Value& asked, bool half_open) {
    const bool within = value.low >= asked.low && value.high <= asked.high;
    const bool above = value.high > asked.high, below = value.low < asked.low;
    switch (comparison) {
      case storage::Comparison::kEqual:
        return within;
      case storage::Comparison::kNotEqual:
        return !within;
      case storage::Comparison::kGreater:
        return above;
      case storage::Comparison::kLess:
        return below;
      case storage::Comparison::kGreaterEqual:
        return half_open ? value.high > asked.low : value.high >= asked.low;
      case storage::Comparison::kLessEqual:
        return half_open ? value.low < asked.high : value.low <= asked.high;
      case storage::Comparison::kStartsAfter:
        return half_open ? value.low >= asked.high : value.low > asked.high;
      case storage::Comparison::kEndsBefore:
        return half_open ? value.high <= asked.low : value.high < asked.low;
      case storage::Comparison::kOverlaps:
        return value.low <= asked.high && value.high >= asked.low;
    }
    return false;
  }

  Docs Eval(storage::CollectionId collection, const storage::All&) { return Docs(documents_[collection].size(), true); }
  Docs Eval(storage::CollectionId collection, const storage::And& node) {
    Docs docs(documents_[collection].size(), true);
    for (const auto& part : node.parts) {
      const Docs some = Evaluate(collection, part);
      for (size_t i = 0; i < docs.size(); ++i) docs[i] = docs[i] && some[i];
    }
    return docs;
  }
  Docs Eval(storage::CollectionId collection, const storage::Or& node) {
    Docs docs(documents_[collection].size());
    for (const auto& part : node.parts) {
      const Docs some = Evaluate(collection, part);
      for (size_t i = 0; i < docs.size(); ++i) docs[i] = docs[i] || some[i];
    }
    return docs;
  }
  Docs Eval(storage::CollectionId collection, const storage::Not& node) {
    Docs docs = Evaluate(collection, *node.part);
    docs.flip();
    return docs;
  }
  Docs Eval(storage::CollectionId collection, const storage::TokenIs& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const auto& token = std::get<storage::TokenValue>(value);
      return (!node.system || token.system == *node.system) && (!node.code || token.code == *node.code);
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::TokenPattern&) {
    return Docs(documents_[collection].size());
  }
  Docs Eval(storage::CollectionId collection, const storage::StringMatch& node) {
    const std::string asked = storage::Fold(node.text);
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const std::string& text = std::get<storage::StringValue>(value).text;
      if (node.how == storage::StringMatch::How::kExact) return text == node.text;
      const std::string folded = storage::Fold(text);
      return node.how == storage::StringMatch::How::kContains ? folded.find(asked) != folded.npos
                                                              : folded.starts_with(asked);
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::DateMatch& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      return Holds(node.comparison, std::get<storage::DateValue>(value), node.asked, true);
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::NumberMatch& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      return Holds(node.comparison, std::get<storage::NumberValue>(value), node.asked, false);
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::QuantityMatch& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const auto& quantity = std::get<storage::QuantityValue>(value);
      if ((node.system && quantity.system != *node.system) || (node.code && quantity.code != *node.code)) return false;
      return Holds(node.comparison, storage::NumberValue{quantity.low, quantity.high}, node.asked, false);
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::ReferenceIs& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const auto& reference = std::get<storage::ReferenceValue>(value);
      return node.value.target ? reference.target == node.value.target
                               : !reference.target && reference.text == node.value.text;
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::UriMatch& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const std::string& uri = std::get<storage::UriValue>(value).uri;
      if (node.how == storage::UriMatch::How::kBelow) return uri.starts_with(node.uri);
      return node.how == storage::UriMatch::How::kAbove ? node.uri.starts_with(uri) : uri == node.uri;
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::RefersTo& node) {
    const Docs targets = Evaluate(node.target, *node.query);
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      const auto& target = std::get<storage::ReferenceValue>(value).target;
      return target && target->collection == node.target && target->doc < targets.size() && targets[target->doc];
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::ReferredToBy& node) {
    const Docs sources = Evaluate(node.source, *node.query);
    Docs docs(documents_[collection].size());
    for (size_t source = 0; source < sources.size(); ++source) {
      if (!sources[source]) continue;
      for (const auto& entry : documents_[node.source][source].entries) {
        if (entry.field != node.field) continue;
        const auto& target = std::get<storage::ReferenceValue>(entry.value).target;
        if (target && target->collection == collection && target->doc < docs.size()) docs[target->doc] = true;
      }
    }
    return docs;
  }
  Docs Eval(storage::CollectionId collection, const storage::Present& node) {
    return Where(collection, node.field, [&](const storage::IndexValue& value) {
      if (!node.target) return true;
      const auto& target = std::get<storage::ReferenceValue>(value).target;
      return target && target->collection == *node.target;
    });
  }
  Docs Eval(storage::CollectionId collection, const storage::DocsIn& node) {
    Docs docs(documents_[collection].size());
    for (const storage::Doc doc : node.docs) {
      if (doc < docs.size()) docs[doc] = true;
    }
    return docs;
  }

  std::map<storage::CollectionId, std::vector<storage::DocumentValues>> documents_;
};

}  // namespace hilum::fhir
