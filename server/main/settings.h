// Everything that can be configured, with its default, in one struct and one table.
#pragma once

#include <memory>
#include <string>

#include "base/config/config.h"
#include "codecs/pixel/worker.h"
#include "fhir/imaging/linker.h"
#include "fhir/interactions/interactions.h"
#include "server/dicomweb/options.h"
#include "server/fhir_rest/service.h"
#include "server/http/server.h"
#include "storage/store/maintenance.h"
#include "storage/store/store.h"

namespace hilum {

struct Settings {
  std::string data = "./data";
  std::string listen = "127.0.0.1:8042";
  bool allow_remote_without_login = false;
  bool demo = false;
  std::string viewer_directory;  // empty: beside the program
  std::string log_level = "info";
  std::chrono::seconds shutdown_grace{30};
  std::string duplicates = "reject";
  uint64_t upload_memory = 1 << 20;
  std::chrono::milliseconds prepare_after{2000};
  std::string fhir_references = "off";
  std::string fhir_handling = "lenient";
  std::string fhir_default_zone = "+00:00";
  std::vector<std::string> patient_systems;
  std::vector<std::string> named_certificates;
  std::string patient_policy = "link";

  storage::StoreOptions store{.room_ahead_bytes = 512 << 20};
  storage::MaintenanceOptions maintenance;
  http::ServerOptions http;
  dicomweb::ServiceOptions dicomweb;
  fhir_rest::ServiceOptions fhir_rest;
  fhir::InteractionOptions interactions;
  fhir::ResourceStoreOptions resources;
  fhir::imaging::LinkerOptions imaging;
  pixel::CodecPoolOptions codecs;

  // The table of keys; its targets are members of this object, which must stay where it is.
  Config MakeConfig();
  // Checks what no single key can tell, and spreads values to where they are used. kInvalid has all mistakes, one a
  // line, with the key.
  Status Finish();
  // Whether the files of TLS can be used, likewise; after Finish.
  Status CheckFiles() const;

 private:
  class Mistakes;
  void FinishTls(Mistakes* mistakes);
  void CheckOrigins(Mistakes* mistakes) const;
  void FinishUrls(Mistakes* mistakes);
  void FinishFhir(Mistakes* mistakes);
  void FinishImaging(Mistakes* mistakes);
};

}  // namespace hilum
