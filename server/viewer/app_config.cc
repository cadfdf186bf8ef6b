#include "server/viewer/app_config.h"

namespace hilum::viewer {
namespace {

// How the viewer gets small pictures of series: "thumbnail" asks for .../thumbnail, "wadors" fetches a whole frame and
// draws it itself.
constexpr std::string_view kThumbnails = "thumbnail";

void Replace(std::string_view name, std::string_view value, std::string* text) {
  for (size_t at = text->find(name); at != std::string::npos; at = text->find(name, at + value.size()))
    text->replace(at, name.size(), value);
}

}  // namespace

std::string AppConfig(std::string_view dicomweb_root) {
  std::string script = R"(window.config = {
  routerBasename: '$ROOT',
  extensions: [],
  modes: [],
  customizationService: [{ 'ohif.tours': { $set: [] } }],
  investigationalUseDialog: { option: 'never' },
  showStudyList: true,
  showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false,
  strictZSpacingForVolumeViewport: true,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  defaultDataSourceName: 'hilum',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'hilum',
      configuration: {
        friendlyName: 'Hilum',
        name: 'hilum',
        qidoRoot: '$DICOMWEB',
        wadoRoot: '$DICOMWEB',
        wadoUriRoot: '$DICOMWEB',
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: true,
        supportsWildcard: true,
        supportsReject: false,
        supportsStow: true,
        dicomUploadEnabled: true,
        enableStudyLazyLoad: true,
        staticWado: false,
        imageRendering: 'wadors',
        thumbnailRendering: '$THUMBNAILS',
        thumbnailRequestStrategy: 'fetch',
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
        omitQuotationForMultipartRequest: true,
      },
    },
  ],
};
)";
  Replace("$ROOT", kRoot, &script);
  Replace("$DICOMWEB", dicomweb_root, &script);
  Replace("$THUMBNAILS", kThumbnails, &script);
  return script;
}

}  // namespace hilum::viewer
