// Follows the change log and makes metadata and thumbnails ready (Service::Prepare) of every series that instances
// arrived in or left, once it has been quiet for a while. What was stored before the start is made at its first
// request.
//
// One thread of low priority, started by the constructor and joined by the destructor, after the series at hand. The
// service, the store and the registry outlive it.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "server/dicomweb/service.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class Preparer {
 public:
  // `quiet`: how long nothing may have happened to a series.
  Preparer(Service& service, storage::Store& store, std::chrono::milliseconds quiet, Registry& metrics, Logger log);
  Preparer(const Preparer&) = delete;
  Preparer& operator=(const Preparer&) = delete;

 private:
  using SeriesName = std::pair<std::string, std::string>;  // Study and Series Instance UID
  using Time = std::chrono::steady_clock::time_point;

  void Work(const std::stop_token& stop);
  Status ReadLog();
  void PrepareQuiet(const std::stop_token& stop);
  // Lets requests go first: returns when none is being answered, or after a while all the same. False when a stop was
  // requested meanwhile.
  bool WaitForTurn(const std::stop_token& stop);

  Service& service_;
  storage::Store& store_;
  const std::chrono::milliseconds quiet_;
  Logger log_;
  Counter& prepared_;
  Counter& failed_;
  uint64_t seen_ = 0;                       // sequence of the last change that was read
  std::map<SeriesName, Time> last_change_;  // of series that wait
  std::jthread thread_;                     // ends before what it uses
};

}  // namespace hilum::dicomweb
