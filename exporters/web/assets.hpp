// Why: the page lives inside the binary, so that it works offline and cannot be of another version.
#pragma once

#include <string_view>
#include <vector>

namespace leverd::exporters::web {

struct Asset {
    std::string_view path;
    std::string_view content_type;
    std::string_view bytes;
};

const std::vector<Asset>& page_assets();
std::string_view openapi_document();

}  // namespace leverd::exporters::web
