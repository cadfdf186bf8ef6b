// The answer of one exchange: framing, keep-alive, compression, and the waiting for clients that read slowly.
// Used by the owner of the connection alone.
#pragma once

#include <string>

#include "server/http/channel.h"
#include "server/http/http.h"
#include "server/http/output_queue.h"
#include "server/http/parking.h"
#include "server/http/request_body.h"
#include "server/http/server_context.h"

namespace hilum::http {

class Answer final : public Responder {
 public:
  // The references outlive this object.
  Answer(ServerContext& context, Channel& channel, OutputQueue& output, const Request& request, RequestBody& body,
         Parking& parking, const RequestHead& head);
  // On the event loop nothing waits and nothing is sent: the connection flushes afterwards.
  void RunsOnLoop() { pool_ = nullptr; }
  void RunsOnWorker(WorkerPool& pool) { pool_ = &pool; }
  // Header lines for every answer of this exchange, e.g. those of CORS.
  void SetExtraLines(std::string lines) { extra_lines_ = std::move(lines); }
  void CloseAfterwards() { close_ = true; }
  // If-None-Match as the client sent it.
  void SetKnownTags(std::string tags) { known_tags_ = std::move(tags); }

  Status Head(int status, const Headers& headers, std::optional<uint64_t> length) override;
  Status Write(Bytes bytes) override;
  Status WriteOwned(std::string bytes) override;
  Status WriteFile(FileRange range) override;
  void CountUnsent(std::unique_ptr<MemoryAllowance::Share> share) override { share_ = std::move(share); }
  Status Finish() override;
  Status Send(int status, Headers headers, Bytes body) override;
  // The server's own answer, in the form that `path` has for it.
  Status Fail(int status, std::string_view reason, std::string_view path);
  bool wants_body() const override { return !head_only_; }
  bool started() const override { return status_ != 0; }
  void Park(std::chrono::milliseconds limit, Resume resume) override { parking_.Park(limit, std::move(resume)); }
  std::function<void()> Waker() override { return parking_.Waker(); }

  bool on_loop() const { return pool_ == nullptr; }
  bool finished() const { return finished_; }
  bool close() const { return close_; }
  int status() const { return status_; }

 private:
  bool CanHaveBody() const { return !head_only_ && status_ >= 200 && status_ != 204 && status_ != 304; }
  Status Account(uint64_t bytes);
  void AppendChunkSize(uint64_t bytes);
  Status Pump(Bytes body);
  Status Flush();
  // Whether all that waits and `body` count in the share, so that they can be kept however long they are.
  bool Counts(Bytes body) const { return share_ && output_.memory() + body.size() <= share_->held(); }
  bool FindRoom(uint64_t bytes);
  Status CompressBody(Headers* headers, Bytes* body, std::string* storage) const;
  void DescribeKnownForm(Headers* headers) const;
  Status Gone();

  ServerContext& context_;
  Channel& channel_;
  OutputQueue& output_;
  const Request& request_;
  RequestBody& body_;
  Parking& parking_;
  const bool http11_;
  const bool head_only_;
  bool close_;
  WorkerPool* pool_ = nullptr;  // that runs the handler; null: the event loop does
  bool finished_ = false;
  bool broken_ = false;
  bool chunked_ = false;
  bool sized_ = false;
  uint64_t left_ = 0;  // of a sized body
  int status_ = 0;
  std::string extra_lines_;
  std::string known_tags_;
  std::unique_ptr<MemoryAllowance::Share> share_;
};

// The server's own answers: {"error": reason, "request": id}.
Status SendError(Responder& responder, int status, std::string_view reason, std::string_view request_id,
                 Headers headers = {});

}  // namespace hilum::http
