// Why: names the embedded files; their bytes are generated from exporters/web/page at build time.
#include "exporters/web/assets.hpp"

#include "leverd_embedded.hpp"

namespace leverd::exporters::web {

const std::vector<Asset>& page_assets() {
    static const std::vector<Asset> assets{
        {"/", "text/html; charset=utf-8", embedded::index_html},
        {"/page.js", "text/javascript; charset=utf-8", embedded::page_js},
        {"/render.js", "text/javascript; charset=utf-8", embedded::render_js},
        {"/page.css", "text/css; charset=utf-8", embedded::page_css},
        {"/icon.svg", "image/svg+xml", embedded::icon_svg},
    };
    return assets;
}

std::string_view openapi_document() {
    return embedded::openapi_json;
}

}  // namespace leverd::exporters::web
