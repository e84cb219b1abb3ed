// Why: see response_reader.hpp.
#include "core/net/response_reader.hpp"

#include "core/base/text.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

namespace leverd::net {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t chunk = 16U << 10;  // one TLS record
constexpr int interim_max = 8;

std::string lower_name(boost::beast::string_view name) {
    std::string result(name.data(), name.size());
    for (char& c : result) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return result;
}

Fault malformed(const std::string& why) {
    return Fault{Reason::bad_protocol, Origin::target, "answer: " + why};
}

// "HTTP/1.1 204 ..." and its line's end; 0: not here yet, or something else.
int status_of_line(std::string_view bytes) noexcept {
    constexpr std::size_t at = 9;
    const auto end = bytes.find("\r\n");
    if (end == std::string_view::npos || end < at + 3 || !bytes.starts_with("HTTP/1.") ||
        bytes[at - 1] != ' ' || (end > at + 3 && bytes[at + 3] != ' ')) {
        return 0;
    }
    int status = 0;
    const auto read = std::from_chars(bytes.data() + at, bytes.data() + at + 3, status);
    return read.ec == std::errc{} && read.ptr == bytes.data() + at + 3 ? status : 0;
}

Fault parse_fault(const boost::system::error_code& ec, bool header_done) {
    if (ec == http::error::header_limit || (ec == http::error::buffer_overflow && !header_done)) {
        return Fault{Reason::header_too_large, Origin::target,
                     "answer: its header is larger than we accept"};
    }
    if (ec == http::error::body_limit) {
        return Fault{Reason::body_too_large, Origin::target,
                     "answer: its body is larger than we accept"};
    }
    return malformed(sanitize(ec.message(), 120));
}

}  // namespace

struct ResponseReader::Impl {
    Impl(bool head_request, std::size_t header, std::size_t body)
        : head(head_request), header_limit(header), body_limit(body), buffer(header + 2 * chunk) {
        renew();
    }

    void renew() {
        parser = std::make_unique<Parser>();
        parser->header_limit(static_cast<std::uint32_t>(
            std::min<std::size_t>(header_limit, std::numeric_limits<std::uint32_t>::max())));
        parser->body_limit(body_limit);
        parser->eager(true);
        parser->skip(head);
        begun_message = false;
        parser->get().result(0U);  // it would say 200 of what was not read yet
    }

    std::optional<Fault> parse();
    std::optional<Fault> check_header();
    bool mend_status_line();

    bool head;
    std::size_t header_limit;
    std::size_t body_limit;
    boost::beast::flat_buffer buffer;
    std::unique_ptr<Parser> parser;
    bool began = false;
    bool checked = false;        // the final header was looked at
    bool begun_message = false;  // the parser has seen the start of this message
    int interim = 0;
};

std::optional<Fault> ResponseReader::Impl::check_header() {
    const auto& message = parser->get();
    const auto status = message.result_int();
    if (status < 100 || status == 101) {
        return malformed("status " + std::to_string(status));
    }
    // A length that can be read in two ways would let one answer hide in another.
    const auto coding = message.find(http::field::transfer_encoding);
    const bool coded = coding != message.end();
    if (coded && (lower_name(coding->value()) != "chunked" ||
                  message.count(http::field::transfer_encoding) > 1)) {
        return malformed("a transfer encoding that is not known");
    }
    if (message.count(http::field::content_length) > (coded ? 0U : 1U)) {
        return malformed("its length is given twice");
    }
    checked = true;
    return std::nullopt;
}

// "HTTP/1.1 200" without a blank and a reason phrase is sent by some servers, and every client but
// the parser takes it (RFC 9112 section 4 wants the blank, and says to be lenient). False: more
// bytes must come first.
bool ResponseReader::Impl::mend_status_line() {
    constexpr std::string_view pattern = "HTTP/1.d ddd";
    if (begun_message) {
        return true;
    }
    const auto bytes = buffer.cdata();
    const std::string_view text(static_cast<const char*>(bytes.data()), bytes.size());
    const auto fits = [&](std::size_t at) {
        const bool digit = text[at] >= '0' && text[at] <= '9';
        return pattern[at] == 'd' ? digit : text[at] == pattern[at];
    };
    std::size_t same = 0;
    while (same < std::min(text.size(), pattern.size()) && fits(same)) {
        ++same;
    }
    if (same == text.size() && same <= pattern.size()) {
        return false;
    }
    begun_message = true;
    if (same == pattern.size() && (text[same] == '\r' || text[same] == '\n')) {
        const std::string rest(text.substr(same));
        buffer.commit(boost::asio::buffer_copy(buffer.prepare(1), boost::asio::buffer(" ", 1)));
        auto* data = static_cast<char*>(buffer.data().data());
        data[same] = ' ';
        std::ranges::copy(rest, data + same + 1);
    }
    return true;
}

std::optional<Fault> ResponseReader::Impl::parse() {
    while (buffer.size() > 0 && !(checked && parser->is_done())) {
        if (!mend_status_line()) {
            break;
        }
        boost::system::error_code ec;
        const std::size_t used = parser->put(buffer.data(), ec);
        buffer.consume(used);
        if (ec && ec != http::error::need_more) {
            return parse_fault(ec, checked);
        }
        if (!checked && parser->is_header_done()) {
            const auto status = parser->get().result_int();
            if (status >= 100 && status < 200 && status != 101) {
                if (++interim > interim_max) {
                    return malformed("too many interim answers");
                }
                renew();
                continue;
            }
            if (auto fault = check_header()) {
                return fault;
            }
        }
        if (ec == http::error::need_more || used == 0) {
            break;
        }
    }
    return std::nullopt;
}

ResponseReader::ResponseReader(bool head, std::size_t header_limit, std::size_t body_limit)
    : impl_(std::make_unique<Impl>(head, header_limit, body_limit)) {}
ResponseReader::~ResponseReader() = default;

boost::asio::mutable_buffer ResponseReader::room() {
    auto& buffer = impl_->buffer;
    const std::size_t left = buffer.max_size() - buffer.size();
    return buffer.prepare(std::min(chunk, left));
}

std::optional<Fault> ResponseReader::took(std::size_t bytes) {
    impl_->began = impl_->began || bytes > 0;
    impl_->buffer.commit(bytes);
    if (auto fault = impl_->parse()) {
        return fault;
    }
    if (!done() && impl_->buffer.size() == impl_->buffer.max_size()) {
        return parse_fault(http::error::buffer_overflow, impl_->checked);
    }
    return std::nullopt;
}

std::optional<Fault> ResponseReader::end() {
    if (done()) {
        return std::nullopt;
    }
    if (!impl_->checked) {
        return Fault{Reason::connection_cut, Origin::target,
                     began() ? "answer: cut within its header" : "answer: none, connection closed"};
    }
    boost::system::error_code ec;
    impl_->parser->put_eof(ec);
    if (ec) {
        return Fault{Reason::body_cut, Origin::target, "answer: cut within its body"};
    }
    return std::nullopt;
}

bool ResponseReader::began() const {
    return impl_->began;
}

bool ResponseReader::header_done() const {
    return impl_->checked;
}

int ResponseReader::status() const noexcept {
    const auto bytes = impl_->buffer.cdata();
    // The parser begins with the first line when the whole header is here.
    const auto read = impl_->parser->get().result_int();
    const int status = read != 0
                           ? static_cast<int>(read)
                           : status_of_line({static_cast<const char*>(bytes.data()), bytes.size()});
    return status < 200 ? 0 : status;
}

std::string ResponseReader::retry_after() const {
    const auto value = impl_->parser->get()[http::field::retry_after];
    return status() == 0 ? std::string{} : std::string(value.data(), value.size());
}

bool ResponseReader::done() const {
    return impl_->checked && impl_->parser->is_done();
}

bool ResponseReader::reusable() const {
    return done() && impl_->buffer.size() == 0 && impl_->parser->keep_alive();
}

HttpResponse ResponseReader::take() {
    HttpResponse response;
    auto& message = impl_->parser->get();
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
        const auto name = field.name_string();
        const auto value = field.value();
        std::string& joined = response.headers[lower_name(name)];
        if (!joined.empty()) {
            joined += ", ";
        }
        joined.append(value.data(), value.size());
    }
    response.body = std::move(message.body());
    return response;
}

const std::string& HttpResponse::header(const std::string& lower_case_name) const {
    static const std::string none;
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? none : found->second;
}

}  // namespace leverd::net
