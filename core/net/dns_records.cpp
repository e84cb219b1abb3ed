// Why: see dns_records.hpp. c-ares parses; what it allocates is freed here.
#include "core/net/dns_records.hpp"

#include "core/base/text.hpp"
#include "core/net/ares_sockets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>

namespace leverd::net {
namespace {

constexpr std::size_t records_max = 64;
constexpr std::size_t text_max = 512;

struct DataFree {
    void operator()(void* list) const { ares_free_data(list); }
};
struct HostFree {
    void operator()(hostent* host) const { ares_free_hostent(host); }
};
using HostPtr = std::unique_ptr<hostent, HostFree>;

std::string shown_name(const char* name) {
    std::string text = sanitize(name == nullptr ? "" : name, text_max);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
    });
    return text;
}

std::string shown_address(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> room{};
    return inet_ntop(family, address, room.data(), room.size()) == nullptr ? std::string{}
                                                                           : room.data();
}

int parse_addresses(bool v6, const unsigned char* packet, int bytes,
                    std::vector<std::string>& texts) {
    std::array<ares_addrttl, records_max> four{};
    std::array<ares_addr6ttl, records_max> six{};
    int count = static_cast<int>(records_max);
    const int status = v6 ? ares_parse_aaaa_reply(packet, bytes, nullptr, six.data(), &count)
                          : ares_parse_a_reply(packet, bytes, nullptr, four.data(), &count);
    for (std::size_t i = 0; status == ARES_SUCCESS && i < static_cast<std::size_t>(count); ++i) {
        texts.push_back(v6 ? shown_address(AF_INET6, &six[i].ip6addr)
                           : shown_address(AF_INET, &four[i].ipaddr));
    }
    return status;
}

// A CNAME question is answered with the record itself; the parser for addresses calls the end of
// the chain the host's name.
int parse_alias(const unsigned char* packet, int bytes, std::vector<std::string>& texts) {
    hostent* raw = nullptr;
    const int status = ares_parse_a_reply(packet, bytes, &raw, nullptr, nullptr);
    const HostPtr host(raw);
    if (host != nullptr && host->h_aliases != nullptr && host->h_aliases[0] != nullptr) {
        texts.push_back(shown_name(host->h_name));
        return ARES_SUCCESS;
    }
    return status == ARES_SUCCESS ? ARES_ENODATA : status;
}

int parse_servers(const unsigned char* packet, int bytes, std::vector<std::string>& texts) {
    hostent* raw = nullptr;
    const int status = ares_parse_ns_reply(packet, bytes, &raw);
    const HostPtr host(raw);
    for (char** name = host == nullptr ? nullptr : host->h_aliases;
         name != nullptr && *name != nullptr && texts.size() < records_max; ++name) {
        texts.push_back(shown_name(*name));
    }
    return status;
}

int parse_mail(const unsigned char* packet, int bytes, std::vector<std::string>& texts) {
    ares_mx_reply* raw = nullptr;
    const int status = ares_parse_mx_reply(packet, bytes, &raw);
    const std::unique_ptr<ares_mx_reply, DataFree> list(raw);
    for (const auto* at = list.get(); at != nullptr && texts.size() < records_max; at = at->next) {
        texts.push_back(fmt::format("{} {}", at->priority, shown_name(at->host)));
    }
    return status;
}

int parse_texts(const unsigned char* packet, int bytes, std::vector<std::string>& texts) {
    ares_txt_ext* raw = nullptr;
    const int status = ares_parse_txt_reply_ext(packet, bytes, &raw);
    const std::unique_ptr<ares_txt_ext, DataFree> list(raw);
    std::string whole;  // one record may come in pieces
    bool open = false;
    for (const auto* at = list.get(); at != nullptr && texts.size() < records_max; at = at->next) {
        if (at->record_start != 0 && open) {
            texts.push_back(sanitize(whole, text_max));
            whole.clear();
        }
        open = true;
        whole.append(reinterpret_cast<const char*>(at->txt), at->length);
    }
    if (open) {
        texts.push_back(sanitize(whole, text_max));
    }
    return status;
}

}  // namespace

int wire_type(RecordType type) {
    switch (type) {
        case RecordType::a:
            return ns_t_a;
        case RecordType::aaaa:
            return ns_t_aaaa;
        case RecordType::cname:
            return ns_t_cname;
        case RecordType::mx:
            return ns_t_mx;
        case RecordType::ns:
            return ns_t_ns;
        case RecordType::txt:
            return ns_t_txt;
    }
    return ns_t_a;
}

int parse_records(RecordType type, const unsigned char* packet, int bytes,
                  std::vector<std::string>& texts) {
    int status = ARES_ENODATA;
    switch (type) {
        case RecordType::a:
        case RecordType::aaaa:
            status = parse_addresses(type == RecordType::aaaa, packet, bytes, texts);
            break;
        case RecordType::cname:
            status = parse_alias(packet, bytes, texts);
            break;
        case RecordType::mx:
            status = parse_mail(packet, bytes, texts);
            break;
        case RecordType::ns:
            status = parse_servers(packet, bytes, texts);
            break;
        case RecordType::txt:
            status = parse_texts(packet, bytes, texts);
            break;
    }
    std::sort(texts.begin(), texts.end());
    return status == ARES_SUCCESS && texts.empty() ? ARES_ENODATA : status;
}

}  // namespace leverd::net
