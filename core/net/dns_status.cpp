// Why: see dns_status.hpp.
#include "core/net/dns_status.hpp"

#include "core/base/text.hpp"

namespace leverd::net {
namespace {

Fault failed(Reason reason, Origin origin, const std::string& why) {
    return Fault{reason, origin, "name lookup: " + why};
}

}  // namespace

Fault dns_fault(int status) {
    const std::string text = sanitize(ares_strerror(status), 120);
    switch (status) {
        case ARES_ENOTFOUND:
        case ARES_ENODATA:
        case ARES_EBADNAME:
            return failed(Reason::dns_not_found, Origin::target, text);
        case ARES_ETIMEOUT:
            return failed(Reason::dns_timeout, Origin::target, "no DNS server answered in time");
        case ARES_ECONNREFUSED:
        case ARES_ENOTINITIALIZED:
        case ARES_ENOMEM:
        case ARES_EFILE:
            return failed(Reason::resolver_down, Origin::local, text);
        case ARES_ECANCELLED:
        case ARES_EDESTRUCTION:
            return cancelled_fault();
        default:
            return failed(Reason::dns_failure, Origin::target, text);
    }
}

int clarify_dns(int status, const AresSockets& servers, std::uint64_t asked_at) {
    if (status != ARES_ETIMEOUT && status != ARES_ECONNREFUSED) {
        return status;
    }
    if (servers.all_refused_since(asked_at)) {
        return ARES_ECONNREFUSED;
    }
    const bool said_no = status == ARES_ECONNREFUSED && servers.any_replied_since(asked_at);
    return said_no ? ARES_ESERVFAIL : status;
}

}  // namespace leverd::net
