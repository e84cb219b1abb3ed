// Why: the hosts that say little: the canvas page on its edge, the reference points, the pager
// sink.
#include "hosts.hpp"

#include <array>

namespace sandbox {

namespace {

constexpr std::array kChunks{"/_next/static/chunks/webpack-3f1c9a.js",
                             "/_next/static/chunks/main-app-77b2e0.js",
                             "/_next/static/chunks/app/page-c0ffee.js"};

std::string page(bool marker) {
    std::string out =
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Canvas</title>";
    for (const char* chunk : kChunks) {
        out += "<script src=\"" + std::string(chunk) + "\" defer=\"\"></script>";
    }
    // A script of another origin and one without a source: neither is an asset of this page.
    out +=
        "<script src=\"https://cdn.example.invalid/analytics.js\" async=\"\"></script>"
        "<script>window.__ready = true;</script></head><body><div id=\"__next\"></div>";
    if (marker) {
        out +=
            "<script id=\"__NEXT_DATA__\" type=\"application/json\">{\"page\":\"/\","
            "\"buildId\":\"c0ffee\"}</script>";
    }
    return out + "</body></html>\n";
}

Reply not_found() {
    return html_reply(404, "<!DOCTYPE html><title>404: This page could not be found.</title>\n");
}

}  // namespace

Reply canvas_host(World& world, const Request& request) {
    const std::string& mode = world.modes.canvas;
    if (mode == "5xx") {
        return html_reply(500, "<!DOCTYPE html><title>500: Internal Server Error</title>\n");
    }
    if (request.method != "GET" && request.method != "HEAD") {
        return text_reply(405, "method not allowed\n");
    }
    if (request.path == "/") {
        return html_reply(200, page(mode != "marker_missing"));
    }
    for (const char* chunk : kChunks) {
        if (request.path == chunk) {
            // The chunk of a build that is no longer deployed: the page loads and then dies.
            const bool lost = mode == "chunk_404" && chunk == kChunks.back();
            return lost ? not_found()
                        : text_reply(200, "(self.webpackChunk=self.webpackChunk||[]).push([]);\n",
                                     "application/javascript; charset=UTF-8");
        }
    }
    return not_found();
}

Reply reference_host(const Request& request) {
    return request.path == "/" ? text_reply(204, "", "") : text_reply(404, "not found\n");
}

Reply pager_host(World& world, const Request& request) {
    if (world.modes.pager == "cut") {
        return wire_reply(Wire::cut);
    }
    if (world.modes.pager == "500") {
        return error_reply(500, "try again");
    }
    if (request.method != "POST") {
        return text_reply(405, "POST only\n");
    }
    return text_reply(200, "ok");
}

}  // namespace sandbox
