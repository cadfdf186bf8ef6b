// Writing. ResourceTxn runs on the writer thread, where nothing else changes meanwhile; what ResourceStore::Commit does
// before its task, it does on the caller's.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "fhir/store/keys.h"
#include "fhir/store/rows.h"
#include "fhir/store/store.h"
#include "storage/index/merge_table.h"
#include "storage/log/change_log.h"

namespace hilum::fhir {
namespace {

using storage::Doc;
using storage::Family;
using storage::Tenant;
using storage::TokenValue;
using storage::Txn;

constexpr Tenant kTenant = Tenant::kDefault;
// From so many writes on they share enough keys of the index to gain by gathering them.
constexpr size_t kWritesToGather = 16;

std::string NameOf(TypeId type, std::string_view id) {
  return std::string(TypeOf(type).name).append("/").append(id);
}

Status Damaged(const std::string& row = "a resource") {
  return Corruption("the row of " + row + " is damaged; run hilum verify");
}

storage::ChangeOperation OperationOf(const Write& write) {
  if (write.method == Method::kDelete) return storage::ChangeOperation::kDelete;
  const bool creates = write.seen_version == 0 || write.method == Method::kCreate;
  return creates ? storage::ChangeOperation::kCreate : storage::ChangeOperation::kUpdate;
}

}  // namespace

struct ResourceTxn::Pass {
  ResourceStore& store;
  Txn& txn;
  storage::IndexWriter index;
  const int64_t now_micros;
  std::unordered_map<std::string, std::optional<Head>> heads;  // by key, as they are now
  Committed out;

  Pass(ResourceStore& resources, Txn& transaction, int64_t now)
      : store(resources), txn(transaction), index(resources.store_.schema(), kTenant), now_micros(now) {}

  Status Run(std::vector<Write>& writes, const std::vector<Condition>& conditions) {
    out = {};
    for (const Condition& condition : conditions) {
      HILUM_ASSIGN_OR_RETURN(const bool holds, Holds(condition));
      if (holds) continue;
      out.outdated = true;
      return Status::Ok();
    }
    if (writes.size() >= kWritesToGather) HILUM_RETURN_IF_ERROR(FindHeads(writes));
    std::vector<Head*> written;
    written.reserve(writes.size());
    for (const Write& write : writes) {
      HILUM_ASSIGN_OR_RETURN(Head * head, FindOrReserve(write.type, write.id));
      if (head->version != write.seen_version) {
        out.outdated = true;
        return Status::Ok();
      }
      written.push_back(head);
    }
    for (size_t i = 0; i < writes.size(); ++i) {
      written[i]->version = writes[i].seen_version + 1;
      written[i]->deleted = !writes[i].after;
    }
    storage::MergeTable merges;
    storage::MergeTable* const gathered = writes.size() < kWritesToGather ? nullptr : &merges;
    for (size_t i = 0; i < writes.size(); ++i) {
      HILUM_RETURN_IF_ERROR(WriteOne(writes[i], written[i]->doc, gathered));
    }
    merges.MergeInto(txn);
    return Status::Ok();
  }

  Result<bool> Holds(const Condition& condition) {
    const auto collection = store.schema_.CollectionOf(condition.type);
    if (!condition.identifier) {
      HILUM_ASSIGN_OR_RETURN(
          const auto last,
          txn.Get(Family::kResource, SequenceKey(kTenant, condition.other_types ? kAnyCollection : collection)));
      const std::optional<uint64_t> sequence = last ? DecodeSequence(*last) : 0;
      return sequence && *sequence <= condition.sequence;
    }
    const std::string prefix = IdentifierPrefix(kTenant, collection, *condition.identifier);
    HILUM_ASSIGN_OR_RETURN(const auto rows,
                           txn.Scan(Family::kResource, prefix, storage::PrefixEnd(prefix), condition.found.size() + 1));
    return std::ranges::equal(rows, condition.found, [&](const auto& row, Doc doc) {
      return row.first == IdentifierKey(kTenant, collection, *condition.identifier, doc);
    });
  }

  // All at once, of what is written and of what that refers to.
  Status FindHeads(const std::vector<Write>& writes) {
    std::vector<std::string> keys;
    const auto add = [&](TypeId type, const std::string& id) {
      keys.push_back(HeadKey(kTenant, store.schema_.CollectionOf(type), id));
    };
    for (const Write& write : writes) {
      add(write.type, write.id);
      if (!write.after) continue;
      for (const auto& [type, id] : write.after->index.targets) add(type, id);
    }
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::erase_if(keys, [&](const std::string& key) { return heads.contains(key); });
    HILUM_ASSIGN_OR_RETURN(const auto stored, txn.MultiGet(Family::kResource, keys));
    for (size_t i = 0; i < keys.size(); ++i) HILUM_RETURN_IF_ERROR(Note(keys[i], stored[i]).status());
    return Status::Ok();
  }

  // nullptr when there is none.
  Result<Head*> Find(const std::string& key) {
    const auto known = heads.find(key);
    if (known != heads.end()) return known->second ? &*known->second : nullptr;
    HILUM_ASSIGN_OR_RETURN(const auto stored, txn.Get(Family::kResource, key));
    return Note(key, stored);
  }

  Result<Head*> Note(const std::string& key, const std::optional<std::string>& stored) {
    const std::optional<Head> head = stored ? DecodeHead(*stored) : std::nullopt;
    if (stored && !head) return Damaged();
    std::optional<Head>& noted = heads.insert_or_assign(key, head).first->second;
    return noted ? &*noted : nullptr;
  }

  Result<Head*> FindOrReserve(TypeId type, const std::string& id) {
    const auto collection = store.schema_.CollectionOf(type);
    const std::string key = HeadKey(kTenant, collection, id);
    HILUM_ASSIGN_OR_RETURN(Head * head, Find(key));
    if (head != nullptr) return head;
    Head reserved;
    HILUM_ASSIGN_OR_RETURN(reserved.doc, index.NewDoc(txn, collection));
    txn.Put(Family::kResource, key, EncodeHead(reserved));
    return &*heads.insert_or_assign(key, reserved).first->second;
  }

  // Provisional numbers become documents.
  Status Bind(PreparedValues* prepared, bool note_dangling) {
    std::vector<Doc> docs;
    for (const auto& [type, id] : prepared->targets) {
      HILUM_ASSIGN_OR_RETURN(const Head* head, FindOrReserve(type, id));
      docs.push_back(head->doc);
      if (note_dangling && !head->exists() && store.options_.references != ReferencePolicy::kOff) {
        out.dangling.push_back({.write = out.stamps.size(), .target = NameOf(type, id)});
      }
    }
    BindTargets(store.schema_, docs, prepared);
    return note_dangling ? NoteLoose(*prepared) : Status::Ok();
  }

  Status NoteLoose(const PreparedValues& prepared) {
    for (const LooseReference& reference : prepared.loose) {
      const Head* head = nullptr;
      if (reference.version > 0) {
        const auto key = HeadKey(kTenant, store.schema_.CollectionOf(reference.type), reference.id);
        HILUM_ASSIGN_OR_RETURN(head, Find(key));
      }
      if (head != nullptr && head->version >= reference.version && !(reference.undeleted && head->deleted)) continue;
      out.dangling.push_back({.write = out.stamps.size(), .target = reference.shown});
    }
    return Status::Ok();
  }

  // Of an edited version, without bytes.
  Result<Version> ReadRow(TypeId type, Doc doc, uint64_t number);

  Status FinishEntries(storage::CollectionId collection, PreparedValues* prepared) {
    if (!prepared->entries) prepared->entries.emplace(store.store_.schema(), kTenant, collection);
    return prepared->entries->Add(prepared->values);
  }

  Status WriteOne(Write& write, Doc doc, storage::MergeTable* gathered) {
    const auto collection = store.schema_.CollectionOf(write.type);
    const uint64_t version = write.seen_version + 1;
    if (write.before) HILUM_RETURN_IF_ERROR(Bind(&*write.before, false));
    if (write.after) {
      HILUM_RETURN_IF_ERROR(Bind(&write.after->index, true));
      SetTime(&*write.after);
      const auto updated = store.schema_.UpdatedField(write.type);
      if (updated) {
        write.after->index.values.Add(*updated, UpdatedValue(now_micros));
      }
    }
    PreparedValues* const before = write.before ? &*write.before : nullptr;
    PreparedValues* const after = write.after ? &write.after->index : nullptr;
    if (before != nullptr) HILUM_RETURN_IF_ERROR(FinishEntries(collection, before));
    if (after != nullptr) HILUM_RETURN_IF_ERROR(FinishEntries(collection, after));
    index.Update(txn, collection, doc, before == nullptr ? nullptr : &*before->entries,
                 after == nullptr ? nullptr : &*after->entries, gathered);
    PutIdentifiers(write.type, doc, before, after);

    HILUM_ASSIGN_OR_RETURN(const uint64_t sequence,
                           storage::AppendChange(txn, kTenant,
                                                 {.time_micros = now_micros,
                                                  .kind = storage::ChangeKind::kResource,
                                                  .operation = OperationOf(write),
                                                  .path = {std::string(TypeOf(write.type).name), write.id},
                                                  .version = version}));
    if (write.after) HILUM_RETURN_IF_ERROR(NoteReferences(write.after->index, sequence));
    PutVersion(write, doc, version, sequence);
    txn.Put(Family::kResource, HistoryKey(kTenant, collection, sequence),
            EncodeHistoryRow({.doc = doc, .version = version}));
    txn.Put(Family::kResource, SequenceKey(kTenant, collection), EncodeSequence(sequence));
    txn.Put(Family::kResource, SequenceKey(kTenant, kAnyCollection), EncodeSequence(sequence));
    out.stamps.push_back({.version = version, .updated_micros = now_micros});
    return Status::Ok();
  }

  void SetTime(PreparedVersion* version) {
    const std::string time = Instant(now_micros);
    if (!version->edited) {
      version->bytes.replace(version->updated_at, time.size(), time);
    } else {
      json::Edits& edits = version->edited->edits;
      edits.SetText(edits.list().size() - 1, json::Quoted(time));
    }
  }

  Status NoteReferences(const PreparedValues& values, uint64_t sequence) {
    if (store.options_.references != ReferencePolicy::kEnforce) return Status::Ok();
    for (const auto& [type, id] : values.targets) {
      HILUM_ASSIGN_OR_RETURN(const Head* head, FindOrReserve(type, id));
      store.recent_references_.Note(sequence, type, head->doc);
    }
    return Status::Ok();
  }

  void PutVersion(Write& write, Doc doc, uint64_t version, uint64_t sequence) {
    const auto collection = store.schema_.CollectionOf(write.type);
    const Bytes bytes = write.after ? Bytes(write.after->bytes) : Bytes();
    VersionHeader header{.method = write.method,
                         .updated_micros = now_micros,
                         .sequence = sequence,
                         .size = bytes.size(),
                         .id = write.id};
    if (write.after) {
      header.partial = write.after->partial;
      header.edited = std::move(write.after->edited);
      header.note = std::move(write.after->note);
    }
    std::string value;
    AppendVersionHeader(&value, header);
    std::string head = EncodeHead({.doc = doc, .version = version, .deleted = !write.after});
    if (header.edited) head += value;
    txn.Put(Family::kResource, HeadKey(kTenant, collection, write.id), head);
    value += bytes.substr(0, kChunkBytes);
    txn.Put(Family::kResource, VersionKey(kTenant, collection, doc, version, 0), value);
    uint16_t chunk = 1;
    for (size_t at = kChunkBytes; at < bytes.size(); at += kChunkBytes, ++chunk) {
      txn.Put(Family::kResource, VersionKey(kTenant, collection, doc, version, chunk), bytes.substr(at, kChunkBytes));
    }
  }

  void PutIdentifiers(TypeId type, Doc doc, const PreparedValues* before, const PreparedValues* after) {
    const auto keys_of = [&](const PreparedValues* values) {
      return values == nullptr ? std::set<std::string>()
                               : IdentifierKeys(store.schema_.CollectionOf(type), doc, values->identifiers);
    };
    const std::set<std::string> old_keys = keys_of(before);
    const std::set<std::string> new_keys = keys_of(after);
    for (const std::string& key : old_keys) {
      if (!new_keys.contains(key)) txn.Delete(Family::kResource, key);
    }
    for (const std::string& key : new_keys) {
      if (!old_keys.contains(key)) txn.Put(Family::kResource, key, {});
    }
  }
};

ResourceTxn::ResourceTxn(ResourceStore& store, Txn& txn)
    : pass_(std::make_unique<Pass>(store, txn, store.NextTime())) {}
ResourceTxn::~ResourceTxn() = default;

Result<std::optional<Head>> ResourceTxn::FindHead(TypeId type, std::string_view id) {
  HILUM_ASSIGN_OR_RETURN(const Head* head, pass_->Find(HeadKey(kTenant, pass_->store.schema_.CollectionOf(type), id)));
  return head != nullptr ? std::optional(*head) : std::nullopt;
}

Result<std::optional<Version>> ResourceTxn::Newest(TypeId type, std::string_view id) {
  HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, NewestRow(type, id));
  if (!version || !version->edited) return version;
  HILUM_ASSIGN_OR_RETURN(const Version base, pass_->ReadRow(type, version->doc, version->edited->base));
  HILUM_RETURN_IF_ERROR(ApplyEdits(base, &*version));
  return version;
}

Result<std::optional<Version>> ResourceTxn::NewestRow(TypeId type, std::string_view id) {
  const std::string key = HeadKey(kTenant, pass_->store.schema_.CollectionOf(type), id);
  HILUM_ASSIGN_OR_RETURN(const auto stored, pass_->txn.Get(Family::kResource, key));
  if (!stored) return std::optional<Version>();
  Bytes newest, nothing;
  const std::optional<Head> head = DecodeHead(*stored, &newest);
  if (!head) return Damaged();
  pass_->heads.insert_or_assign(key, *head);
  if (head->version == 0) return std::optional<Version>();
  if (newest.empty()) {
    HILUM_ASSIGN_OR_RETURN(Version version, pass_->ReadRow(type, head->doc, head->version));
    return std::optional(std::move(version));
  }
  const auto header = DecodeVersionHeader(newest, &nothing);
  if (!header) return Damaged();
  return std::optional(VersionOf(*header, type, head->doc, head->version));
}

Result<Version> ResourceTxn::Pass::ReadRow(TypeId type, Doc doc, uint64_t number) {
  const auto chunk_of = [&](uint16_t chunk) {
    return txn.Get(Family::kResource, VersionKey(kTenant, store.schema_.CollectionOf(type), doc, number, chunk));
  };
  HILUM_ASSIGN_OR_RETURN(auto row, chunk_of(0));
  Bytes rest;
  const auto header = row ? DecodeVersionHeader(*row, &rest) : std::nullopt;
  if (!header) return Damaged(PlaceOf(type, doc, number));
  Version version = VersionOf(*header, type, doc, number);
  version.bytes = rest;
  for (uint16_t chunk = 1; version.bytes.size() < header->size; ++chunk) {
    HILUM_ASSIGN_OR_RETURN(row, chunk_of(chunk));
    if (!row || chunk == UINT16_MAX) return Damaged(PlaceOf(type, doc, number));
    version.bytes += *row;
  }
  return version;
}

Result<std::string> ResourceTxn::IdOf(TypeId type, Doc doc) {
  const std::string prefix = VersionsPrefix(kTenant, pass_->store.schema_.CollectionOf(type), doc);
  HILUM_ASSIGN_OR_RETURN(const auto newest, pass_->txn.Scan(Family::kResource, prefix, storage::PrefixEnd(prefix), 1));
  Bytes rest;
  const auto header = newest.empty() ? std::nullopt : DecodeVersionHeader(newest.front().second, &rest);
  if (!header) return Damaged();
  return header->id;
}

Result<std::vector<Doc>> ResourceTxn::FindIdentifier(TypeId type, const TokenValue& identifier, size_t limit) {
  const std::string prefix = IdentifierPrefix(kTenant, pass_->store.schema_.CollectionOf(type), identifier);
  HILUM_ASSIGN_OR_RETURN(const auto rows,
                         pass_->txn.Scan(Family::kResource, prefix, storage::PrefixEnd(prefix), limit));
  std::vector<Doc> docs;
  for (const auto& [key, nothing] : rows) {
    Doc doc = 0;
    if (!ByteReader(Bytes(key).substr(prefix.size())).ReadBe(&doc)) return Damaged();
    docs.push_back(doc);
  }
  return docs;
}

Result<Committed> ResourceTxn::WriteAll(std::vector<Write> writes, const std::vector<Condition>& conditions) {
  HILUM_RETURN_IF_ERROR(pass_->Run(writes, conditions));
  return std::move(pass_->out);
}

Status ResourceTxn::AddToIndex(TypeId type, Doc doc, PreparedValues values) {
  HILUM_RETURN_IF_ERROR(pass_->Bind(&values, false));
  const storage::DocumentValues nothing;
  return pass_->index.Update(pass_->txn, pass_->store.schema_.CollectionOf(type), doc, &nothing, &values.values);
}

Status ResourceTxn::ReplaceInIndex(TypeId type, IndexChange change) {
  const auto collection = pass_->store.schema_.CollectionOf(type);
  for (PreparedValues* const values : {&change.before, &change.after}) {
    HILUM_RETURN_IF_ERROR(pass_->Bind(values, false));
    HILUM_RETURN_IF_ERROR(pass_->FinishEntries(collection, values));
  }
  pass_->index.Update(pass_->txn, collection, change.doc, &*change.before.entries, &*change.after.entries, nullptr);
  return Status::Ok();
}

Txn& ResourceTxn::txn() {
  return pass_->txn;
}

int64_t ResourceTxn::now_micros() const {
  return pass_->now_micros;
}

std::vector<WrittenResource> ResourceStore::FollowedOf(const std::vector<Write>& writes) const {
  std::vector<WrittenResource> followed;
  for (const Write& write : writes) {
    if (derived_ == nullptr || !derived_->Follows(write.type)) continue;
    WrittenResource written{.type = write.type, .id = write.id};
    const auto add = [&](const PreparedValues& of) {
      written.identifiers.insert(written.identifiers.end(), of.identifiers.begin(), of.identifiers.end());
    };
    if (write.before) add(*write.before);
    if (write.after) add(write.after->index);
    followed.push_back(std::move(written));
  }
  return followed;
}

Result<Committed> ResourceStore::Commit(std::vector<Write> writes, std::vector<Condition> conditions,
                                        const std::function<void()>& on_placed) {
  for (const Write& write : writes) {
    // A version is at most as many chunks as the keys can count.
    if (write.after && write.after->bytes.size() / kChunkBytes >= UINT16_MAX) {
      return LimitExceeded("a resource of more than 3.9 GB");
    }
  }
  std::vector<CheckedDeletion> deletions;
  if (options_.references == ReferencePolicy::kEnforce) {
    HILUM_ASSIGN_OR_RETURN(deletions, CheckDeletions(writes));
  }
  const std::vector<WrittenResource> followed = FollowedOf(writes);
  Committed committed;
  const auto write_all = [&](Txn& txn) -> Status {
    HILUM_ASSIGN_OR_RETURN(committed.outdated, AreInUse(deletions, txn));
    if (committed.outdated) return Conflict("referred to meanwhile");
    ResourceTxn resources(*this, txn);
    HILUM_ASSIGN_OR_RETURN(committed, resources.WriteAll(std::move(writes), conditions));
    if (committed.outdated) return Conflict("changed meanwhile");  // takes back what was reserved
    if (!committed.dangling.empty() && options_.references == ReferencePolicy::kEnforce) {
      return Conflict("reference to " + committed.dangling.front().target +
                      ", which does not exist; store it first, or in the same transaction");
    }
    if (!followed.empty()) HILUM_RETURN_IF_ERROR(derived_->OnWritten(resources, followed));
    if (on_placed) on_placed();
    return Status::Ok();
  };
  const Status status = store_.writer().Run(write_all).status();
  if (committed.outdated) {
    status.IgnoreError();  // says the same
    return Committed{.outdated = true};
  }
  HILUM_RETURN_IF_ERROR(status);
  return committed;
}

// Called on the writer thread only.
int64_t ResourceStore::NextTime() {
  const int64_t now = clock_.Now().count() / 1000 * 1000;
  last_micros_ = std::max(last_micros_, now);
  return last_micros_;
}

// Whether somebody may have begun to refer to one of them since it was checked.
Result<bool> ResourceStore::AreInUse(const std::vector<CheckedDeletion>& deletions, Txn& txn) const {
  if (deletions.empty()) return false;
  HILUM_ASSIGN_OR_RETURN(const auto stored, txn.Get(Family::kResource, SequenceKey(kTenant, kAnyCollection)));
  const uint64_t last = stored ? DecodeSequence(*stored).value_or(UINT64_MAX) : 0;
  return std::ranges::any_of(deletions, [&](const CheckedDeletion& deletion) {
    return recent_references_.MayRefer(deletion.sequence, last, deletion.type, deletion.doc);
  });
}

Result<std::vector<ResourceStore::CheckedDeletion>> ResourceStore::CheckDeletions(const std::vector<Write>& writes) {
  std::vector<CheckedDeletion> deletions;
  std::map<TypeId, storage::Bitmap> written;
  const auto reader = Read();
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, reader->Sequence());
  for (const Write& write : writes) {
    HILUM_ASSIGN_OR_RETURN(const auto doc, reader->FindDoc(write.type, write.id));
    if (doc) written[write.type].Add(*doc);
  }
  for (const Write& write : writes) {
    if (write.after) continue;
    HILUM_ASSIGN_OR_RETURN(const auto doc, reader->FindDoc(write.type, write.id));
    if (!doc) continue;
    deletions.push_back({.type = write.type, .doc = *doc, .sequence = sequence});
    storage::Bitmap target;
    target.Add(*doc);
    for (const TypeId source : ResourceTypes()) {
      for (const SearchField& field : FieldsOf(source)) {
        if (field.kind != storage::FieldKind::kReference) continue;
        HILUM_ASSIGN_OR_RETURN(
            storage::Bitmap referrers,
            reader->index().Referrers(schema_.CollectionOf(source), schema_.FieldOf(source, field.number),
                                      schema_.CollectionOf(write.type), target));
        referrers -= written[source];
        if (derived_ != nullptr && derived_->type() == source && !referrers.empty()) {
          HILUM_ASSIGN_OR_RETURN(const storage::Bitmap letting_go,
                                 derived_->LettingGo(*reader, field.name, referrers, write.type, write.id));
          referrers -= letting_go;
        }
        if (referrers.empty()) continue;
        return Conflict(NameOf(write.type, write.id) + " is still referred to by a " +
                        std::string(TypeOf(source).name) + "; delete or change that first");
      }
    }
  }
  return deletions;
}

}  // namespace hilum::fhir
