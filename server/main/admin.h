// Routes for operators: health, metrics, and the long jobs that need the running server's store.
//
// Jobs are for whoever can read the data folder: the server writes an address and a token made at start to
// DATA/admin.json (mode 0600), and the command line sends the token there, with which file DATA/lock is: a folder that
// was copied has the admin.json of another folder's server. Safe for concurrent use; everything passed in outlives the
// routes.
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
  // `data_directory` is the store's.
  AdminRoutes(storage::Store& store, const std::string& data_directory, Registry& metrics, Random& random);

  // nullptr when the path is none of ours.
  const http::Route* FindRoute(std::string_view method, std::string_view path) const;
  // The same, of the jobs alone: their token is all that is asked of a client.
  const http::Route* FindJob(std::string_view method, std::string_view path) const;

  // Within the data folder; copies of the folder go without it.
  static constexpr std::string_view kAnnouncement = "admin.json";
  // Writes and removes it.
  Status Announce(Disk& disk, const std::string& data_directory, const std::string& url) const;
  static void Withdraw(Disk& disk, const std::string& data_directory);

 private:
  // False when the request lacks the token; it is answered then.
  bool MayAsk(http::Request& request, http::Responder& responder) const;
  void Ready(http::Request& request, http::Responder& responder);
  void Backup(http::Request& request, http::Responder& responder);

  storage::Store& store_;
  const std::string data_;
  Registry& metrics_;
  const std::string folder_;
  const std::string token_;
  http::Route health_, ready_, asked_ready_, exposition_, backup_;
};

// kConflict when `to` lies in the data folder: what is there is the store's own.
Status RefuseBackupInside(const std::string& data_directory, const std::string& to);

// The other side, for the command line: asks the server that has `data_directory` open to write a backup into `to`.
// kNotFound when none is running; nothing is written when the server that answers has another folder open.
Status RequestBackup(Disk& disk, const std::string& data_directory, const std::string& to);
// The same, whether it is ready: kUnavailable when it says no.
Status RequestReady(Disk& disk, const std::string& data_directory);

}  // namespace hilum
