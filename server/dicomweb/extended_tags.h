// The resources of extended query tags, as Azure's DICOM service has them, under the root of the DICOMweb service:
//
//   /extendedquerytags                POST a list of tags; GET (limit, offset)
//   /extendedquerytags/{tag}          GET, PATCH QueryStatus, DELETE; {tag}: tags or keywords, dots lead into sequences
//   /extendedquerytags/{tag}/errors   GET (limit, offset)
//   /operations/{operation}           GET
//
// Safe for concurrent use. The tags outlive the routes, the routes the server.
#pragma once

#include <string>
#include <string_view>

#include "server/http/server.h"
#include "storage/store/extended_tags.h"

namespace hilum::dicomweb {

// For the descriptions of the service; `methods` as Allow has them.
struct TagResource {
  std::string_view path, methods;
  bool pages;  // limit and offset
};
inline constexpr TagResource kAllTags{"/extendedquerytags", "GET, HEAD, POST, OPTIONS", true};
inline constexpr TagResource kOneTag{"/extendedquerytags/{tag}", "GET, HEAD, PATCH, DELETE, OPTIONS", false};
inline constexpr TagResource kTagErrors{"/extendedquerytags/{tag}/errors", "GET, HEAD, OPTIONS", true};
inline constexpr TagResource kTagOperation{"/operations/{operation}", "GET, HEAD, OPTIONS", false};
inline constexpr TagResource kTagResources[] = {kAllTags, kOneTag, kTagErrors, kTagOperation};

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
