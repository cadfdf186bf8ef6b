#include "storage/store/secret.h"

#include "storage/tenant.h"

namespace hilum::storage {

Result<std::string> StoredSecret(Store& store, Random& random, std::string_view name) {
  std::string key;
  AppendTenant(&key, Tenant::kDefault);
  key.append("secret ").append(name);
  std::string fresh(kSecretBytes, '\0');
  random.Fill(fresh);
  std::string secret;
  const auto done = store.writer().Run([&](Txn& txn) -> Status {
    HILUM_ASSIGN_OR_RETURN(const auto stored, txn.Get(Family::kMeta, key));
    secret = stored.value_or(fresh);
    if (!stored) txn.Put(Family::kMeta, key, fresh);
    return Status::Ok();
  });
  if (!done.ok()) return done.status().WithContext("read the secret '" + std::string(name) + "'");
  if (secret.size() != kSecretBytes)
    return Corruption("the secret '" + std::string(name) + "' is damaged: restore from a backup");
  return secret;
}

}  // namespace hilum::storage
