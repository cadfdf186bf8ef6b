// The resources of extended query tags, as Azure's DICOM service has them, under the root of the DICOMweb service:
//
//   /extendedquerytags               POST a list of tags; GET (limit, offset)
//   /extendedquerytags/{path}        GET, PATCH QueryStatus, DELETE; {path} of tags or keywords, with dots into
//   sequences /extendedquerytags/{path}/errors GET (limit, offset) /operations/{id}                 GET
//
// Safe for concurrent use. The tags outlive the routes, the routes the server.
#pragma once

#include <string>
#include <string_view>

#include "server/http/server.h"
#include "storage/store/extended_tags.h"

namespace hilum::dicomweb {

class ExtendedTagRoutes {
 public:
  ExtendedTagRoutes(storage::ExtendedTags& tags, std::string root);

  // nullptr when the path is none of ours.
  const http::Route* FindRoute(std::string_view path) const;

 private:
  void Handle(http::Request& request, http::Responder& responder);
  Status Dispatch(http::Request& request, http::Responder& responder);
  Status All(http::Request& request, http::Responder& responder);
  Status One(http::Request& request, std::string_view name, http::Responder& responder);
  Status Errors(http::Request& request, std::string_view name, http::Responder& responder);
  Status Operation(http::Request& request, const std::string& id, http::Responder& responder);
  std::string TagJson(const storage::ExtendedTag& tag, const std::string& base) const;

  storage::ExtendedTags& tags_;
  const std::string root_;
  http::Route route_;
};

}  // namespace hilum::dicomweb
