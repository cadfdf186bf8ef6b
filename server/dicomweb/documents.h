// Instances whose readable form is something else than a picture: documents, reports and video (PS3.18 table 8.7.4-1).
// Thread-safe, except that the responder is used by one thread.
#pragma once

#include <string_view>
#include <vector>

#include "server/dicomweb/selection.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

// The media type that an instance is rendered to because it is a document, a report or a video; empty for all others.
// Told by SOP class and transfer syntax: what a file says of itself ((0042,0012)) is not passed on to browsers.
std::string_view DocumentType(const storage::InstanceRow& row);

// The media types that it can be read in: that one, and of reports plain text. Empty for all others.
std::vector<std::string> ReadableTypes(const storage::InstanceRow& row);

// All that ReadableTypes may say.
std::vector<std::string_view> ReadableTypes();

// For what would run in the browser as a page of ours: without scripts, forms and anything from elsewhere.
void PutInSandbox(http::Headers* headers);

// Such an instance in one of its readable types; of videos the stream, with Range.
Status SendReadable(storage::Store& store, const dicom::ReadLimits& limits, const http::Request& request, Found& found,
                    std::string_view type, http::Headers headers, http::Responder& responder);

}  // namespace hilum::dicomweb
