// Why: see script_links.hpp. The scan is linear and knows just enough HTML: comments, script tags
// and their quoted attributes.
#include "probes/script_links.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <algorithm>
#include <cctype>

namespace leverd::probes {
namespace {

constexpr std::size_t link_bytes_max = 2048;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
               return a == std::tolower(static_cast<unsigned char>(b));
           });
}

// Reads one attribute and advances; the name is empty at the end of the tag.
void take_attribute(std::string_view& text, std::string& name, std::string& value) {
    name.clear();
    value.clear();
    while (!text.empty() && (is_blank(text.front()) || text.front() == '/')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && !is_blank(text.front()) && text.front() != '=' && text.front() != '>' &&
           text.front() != '/') {
        name.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(text.front()))));
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    if (text.empty() || text.front() != '=') {
        return;
    }
    text.remove_prefix(1);
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    if (text.empty()) {
        return;
    }
    const char quote = text.front();
    const bool quoted = quote == '"' || quote == '\'';
    if (quoted) {
        text.remove_prefix(1);
    }
    while (!text.empty() &&
           (quoted ? text.front() != quote : !is_blank(text.front()) && text.front() != '>')) {
        value.push_back(text.front());
        text.remove_prefix(1);
    }
    if (quoted && !text.empty()) {
        text.remove_prefix(1);
    }
}

std::string unescape_ampersands(std::string text) {
    constexpr std::string_view escaped = "&amp;";
    for (auto at = text.find(escaped); at != std::string::npos; at = text.find(escaped, at + 1)) {
        text.replace(at, escaped.size(), "&");
    }
    return text;
}

// The src of the tag that `text` stands in, just behind "<script"; advances to its end.
std::string take_source(std::string_view& text) {
    std::string source;
    std::string name;
    std::string value;
    while (!text.empty() && text.front() != '>') {
        const std::size_t before = text.size();
        take_attribute(text, name, value);
        if (name == "src" && source.empty()) {
            source = unescape_ampersands(value);
        }
        if (text.size() == before) {
            text.remove_prefix(1);  // an odd character; never stand still
        }
    }
    return source;
}

// The absolute form when it is of the page's own origin, else empty.
std::string own_origin_url(const std::string& page_url, const std::string& source) {
    const auto base = boost::urls::parse_uri(page_url);
    const auto reference = boost::urls::parse_uri_reference(source);
    if (base.has_error() || reference.has_error() || source.size() > link_bytes_max) {
        return {};
    }
    boost::urls::url resolved;
    if (boost::urls::resolve(*base, *reference, resolved).has_error() ||
        resolved.encoded_origin() != base->encoded_origin()) {
        return {};
    }
    resolved.remove_fragment();
    return std::string(resolved.buffer().data(), resolved.buffer().size());
}

}  // namespace

std::vector<std::string> script_links(const std::string& page_url, std::string_view html,
                                      std::size_t most) {
    std::vector<std::string> links;
    while (links.size() < most) {
        const auto at = html.find('<');
        if (at == std::string_view::npos) {
            break;
        }
        html.remove_prefix(at);
        if (html.starts_with("<!--")) {
            const auto end = html.find("-->");
            html = end == std::string_view::npos ? std::string_view{} : html.substr(end + 3);
            continue;
        }
        constexpr std::string_view tag = "<script";
        if (!starts_with_word(html, tag) || html.size() == tag.size() ||
            !(is_blank(html[tag.size()]) || html[tag.size()] == '>' || html[tag.size()] == '/')) {
            html.remove_prefix(1);
            continue;
        }
        html.remove_prefix(tag.size());
        const std::string source = take_source(html);
        std::string link = source.empty() ? std::string{} : own_origin_url(page_url, source);
        if (!link.empty() && std::find(links.begin(), links.end(), link) == links.end()) {
            links.push_back(std::move(link));
        }
    }
    return links;
}

}  // namespace leverd::probes
