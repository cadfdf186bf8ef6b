// WADO-RS: whole instances (PS3.18 10.4.1.1). Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "codecs/pixel/codec.h"
#include "server/dicomweb/codec_failures.h"
#include "server/dicomweb/made_memory.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/package.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class InstanceService {
 public:
  InstanceService(storage::Store& store, pixel::FrameCodec& codec, Random& random, CodecFailures& failures,
                  MadeMemory& memory, const ServiceOptions& options)
      : store_(store), codec_(codec), random_(random), failures_(failures), memory_(memory), options_(options) {}

  Status Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                  http::Responder& responder);

 private:
  // Of the ways a client would take instances (most wanted first) the first that any of them can be had in, and those
  // to fall back on, of the same packing, for instances that have no room in it. Images are told by their description.
  // kUnsupported, saying why: none can be had in any.
  Result<std::vector<InstanceChoice>> ChooseInstances(std::vector<InstanceChoice> choices,
                                                      std::vector<Found>* instances);
  // "as stored with transfer-syntax=*, ...", for who asked for something else.
  std::string ObtainableSyntaxes(const std::vector<Found>& instances);
  // Adds the instances, converted where that is asked for. What cannot be is added as it is stored, unless the client
  // `insists` on a transfer syntax and nothing came out as asked: then the error of the first is returned and nothing
  // is sent.
  Status Fill(const std::vector<Packed>& instances, bool insists, const http::Responder& responder, Package& package);
  // Adds one in that transfer syntax; `before` is called before anything of it is sent.
  Status Convert(const Packed& one, const std::string& syntax, Package& package, const std::function<Status()>& before);

  storage::Store& store_;
  pixel::FrameCodec& codec_;
  Random& random_;
  CodecFailures& failures_;
  MadeMemory& memory_;
  const ServiceOptions& options_;
};

}  // namespace hilum::dicomweb
