// A client that listens to a stream of Server-Sent Events on a thread of its own (libcurl).
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hilum::testing {

class EventListener {
 public:
  explicit EventListener(std::string url, std::string last_event_id = "")
      : url_(std::move(url)), last_event_id_(std::move(last_event_id)), thread_([this] { Listen(); }) {}
  ~EventListener() {
    left_ = true;
    thread_.join();
  }

  // Everything so far.
  std::string text() const {
    const std::lock_guard lock(mu_);
    return text_;
  }
  // The data of events, in order.
  std::vector<std::string> Data() const { return Fields("data: "); }
  // The ids, also of events without data.
  std::vector<std::string> Ids() const { return Fields("id: "); }
  bool WaitForData(size_t events) const {
    return Within([&] { return Data().size() >= events; });
  }
  // The server ended the stream: in good order, or not.
  bool WaitForEnd() const {
    return Within([&] { return ended_.load(); });
  }
  bool whole() const { return whole_; }

  static bool Within(const std::function<bool()>& done) {
    for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return done();
  }

 private:
  std::vector<std::string> Fields(const std::string& name) const {
    std::vector<std::string> found;
    const std::string all = "\n" + text();
    for (size_t at = all.find("\n" + name); at != std::string::npos; at = all.find("\n" + name, at + 1)) {
      const size_t begin = at + 1 + name.size();
      const size_t end = all.find('\n', begin);
      if (end != std::string::npos) found.push_back(all.substr(begin, end - begin));
    }
    return found;
  }

  void Listen() {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    curl_slist* list = curl_slist_append(nullptr, "Accept: text/event-stream");
    if (!last_event_id_.empty()) list = curl_slist_append(list, ("Last-Event-ID: " + last_event_id_).c_str());
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned(list, curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, owned.get());
    curl_easy_setopt(
        curl.get(), CURLOPT_WRITEFUNCTION, +[](char* data, size_t size, size_t count, void* self) -> size_t {
          auto* const listener = static_cast<EventListener*>(self);
          const std::lock_guard lock(listener->mu_);
          listener->text_.append(data, size * count);
          return size * count;
        });
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(
        curl.get(), CURLOPT_XFERINFOFUNCTION, +[](void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> int {
          return static_cast<EventListener*>(self)->left_ ? 1 : 0;
        });
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, this);
    whole_ = curl_easy_perform(curl.get()) == CURLE_OK;
    ended_ = true;
  }

  const std::string url_;
  const std::string last_event_id_;
  mutable std::mutex mu_;
  std::string text_;
  std::atomic<bool> left_ = false;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> whole_ = false;
  std::thread thread_;
};

}  // namespace hilum::testing
