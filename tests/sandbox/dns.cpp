// Why: see dns.hpp.
#include "dns.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cctype>

namespace asio = boost::asio;

namespace sandbox {

namespace {

constexpr std::size_t kHeader = 12;
constexpr unsigned kTypeA = 1;
constexpr unsigned kTypeAaaa = 28;

unsigned byte_at(const std::string& text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

struct Question {
    std::string name;  // lower case, no trailing dot
    unsigned type = 0;
    std::size_t end = 0;  // first byte after the question
};

std::optional<Question> read_question(const std::string& query) {
    Question question;
    std::size_t at = kHeader;
    while (at < query.size() && byte_at(query, at) != 0) {
        const std::size_t length = byte_at(query, at);
        if (length > 63 || at + 1 + length >= query.size()) {
            return std::nullopt;
        }
        if (!question.name.empty()) {
            question.name += '.';
        }
        for (std::size_t i = 1; i <= length; ++i) {
            question.name +=
                static_cast<char>(std::tolower(static_cast<int>(byte_at(query, at + i))));
        }
        at += 1 + length;
    }
    if (at + 5 > query.size()) {
        return std::nullopt;
    }
    question.type = byte_at(query, at + 1) << 8 | byte_at(query, at + 2);
    question.end = at + 5;
    return question;
}

bool is_ours(const std::string& name) {
    constexpr std::string_view kZone = "sandbox.test";
    if (name == kZone) {
        return true;
    }
    return name.size() > kZone.size() && name.ends_with(kZone) &&
           name[name.size() - kZone.size() - 1] == '.';
}

}  // namespace

std::optional<std::string> dns_answer(const std::string& query, const DnsView& view) {
    if (query.size() < kHeader || view.silent() || (byte_at(query, 2) & 0x80) != 0) {
        return std::nullopt;
    }
    const std::optional<Question> question = read_question(query);
    if (!question) {
        return std::nullopt;
    }
    const bool ours = is_ours(question->name);
    const bool has_answer = ours && question->type == kTypeA;
    std::string out = query.substr(0, question->end);
    out[2] = static_cast<char>(0x84 | (byte_at(query, 2) & 0x01));
    out[3] = static_cast<char>(0x80 | (ours ? 0 : 3));
    const std::array<char, 8> counts{0, 1, 0, has_answer ? '\1' : '\0', 0, 0, 0, 0};
    out.replace(4, counts.size(), counts.data(), counts.size());
    if (has_answer) {
        const char last = view.refuse(question->name) ? '\2' : '\1';
        const std::array<char, 16> record{'\xc0', '\x0c', 0, 1, 0,   1, 0, 0,
                                          0,      1,      0, 4, 127, 0, 0, last};
        out.append(record.data(), record.size());
    }
    static_assert(kTypeAaaa != kTypeA, "AAAA gets an empty NOERROR answer");
    return out;
}

asio::awaitable<void> serve_dns(asio::ip::udp::socket socket, const DnsView* view) {
    std::array<char, 1500> data{};
    asio::ip::udp::endpoint peer;
    for (;;) {
        const auto [failure, size] = co_await socket.async_receive_from(
            asio::buffer(data), peer, asio::as_tuple(asio::use_awaitable));
        if (failure == asio::error::operation_aborted) {
            co_return;
        }
        if (failure) {
            continue;
        }
        const std::string query(data.data(), size);
        const std::optional<std::string> answer = dns_answer(query, *view);
        if (answer) {
            // A lost datagram is the client's to repeat.
            co_await socket.async_send_to(asio::buffer(*answer), peer,
                                          asio::as_tuple(asio::use_awaitable));
        }
    }
}

}  // namespace sandbox
