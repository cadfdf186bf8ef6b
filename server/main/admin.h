// Routes for operators: health, metrics, and the long jobs that need the running server's store.
//
// Jobs are for whoever can read the data folder: the server writes its address and a token made at start to
// DATA/admin.json (mode 0600), and the command line sends them along. Safe for concurrent use; everything passed in
// outlives the routes.
#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/random.h"
#include "server/http/server.h"
#include "storage/store/store.h"

namespace hilum {

// A handler of GET and HEAD: other methods get 405, OPTIONS what there is.
http::Handler ForReading(http::Handler handler);

class AdminRoutes {
 public:
  AdminRoutes(storage::Store& store, Registry& metrics, Random& random);

  // nullptr when the path is none of ours.
  const http::Route* FindRoute(std::string_view method, std::string_view path) const;

  // Writes and removes DATA/admin.json.
  Status Announce(Disk& disk, const std::string& data_directory, const std::string& url) const;
  static void Withdraw(Disk& disk, const std::string& data_directory);

 private:
  void Ready(http::Request& request, http::Responder& responder);
  void Backup(http::Request& request, http::Responder& responder);

  storage::Store& store_;
  Registry& metrics_;
  const std::string token_;
  http::Route health_, ready_, exposition_, backup_;
};

// The other side, for the command line: asks the server that has `data_directory` open to write a backup into `to`.
// kNotFound when none is running.
Status RequestBackup(Disk& disk, const std::string& data_directory, const std::string& to);

}  // namespace hilum
