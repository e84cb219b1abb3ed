// Why: the ledger reads forwards only, so its end is found by doubling and halving, and history is
// then read backwards in pages until enough was found or the bound is met.
#include "exporters/web/history.hpp"

#include "core/model/codec.hpp"

#include <algorithm>
#include <set>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;

awaitable<Result<bool>> any_after(Backend& backend, std::int64_t sequence) {
    const auto entries = co_await backend.ledger(sequence, 1);
    if (entries.has_error()) {
        co_return entries.error();
    }
    co_return !entries->empty();
}

// The newest sequence number; entries are numbered 1, 2, 3 ... without a hole.
awaitable<Result<std::int64_t>> newest_sequence(Backend& backend) {
    std::int64_t low = 0;
    std::int64_t high = 1024;
    for (;;) {
        const auto more = co_await any_after(backend, high);
        if (more.has_error()) {
            co_return more.error();
        }
        if (!*more) {
            break;
        }
        low = high;
        high *= 2;
    }
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        const auto more = co_await any_after(backend, middle);
        if (more.has_error()) {
            co_return more.error();
        }
        if (*more) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    co_return low;
}

std::string text_of(const nlohmann::json& object, const char* key) {
    if (!object.is_object()) {
        return {};
    }
    const auto found = object.find(key);
    return found == object.end() || !found->is_string() ? std::string{} : found->get<std::string>();
}

// What a walk backwards is after.
struct Search {
    bool decisions = false;  // else: everything but observations
    std::string subject;
    std::string incident;
    std::size_t wanted = 0;
};

bool concerns(const Search& search, const StoredEntry& entry) {
    if (!search.decisions) {
        return entry.kind != "observation" && entry.kind != "started" && entry.kind != "config";
    }
    if (entry.kind != "decision") {
        return false;
    }
    const auto body = parse_json(entry.json);
    return body.has_value() && text_of(*body, "subject") == search.subject;
}

bool begins(const Search& search, const StoredEntry& entry) {
    if (search.decisions || entry.kind != "incident_opened") {
        return false;
    }
    const auto body = parse_json(entry.json);
    return body.has_value() && text_of(*body, "incident") == search.incident;
}

// What one page holds of what is searched, newest first.
struct Harvest {
    std::vector<StoredEntry> entries;
    bool found_begin = false;
};

Harvest harvest(const Search& search, const std::vector<StoredEntry>& page) {
    Harvest out;
    for (auto entry = page.rbegin(); entry != page.rend(); ++entry) {
        if (concerns(search, *entry)) {
            out.entries.push_back(*entry);
        }
        if (begins(search, *entry)) {
            out.found_begin = true;
            break;
        }
    }
    return out;
}

// Newest first.
awaitable<Result<History>> walk_back(Backend& backend, Worker* worker, Search search) {
    const auto newest = co_await newest_sequence(backend);
    if (newest.has_error()) {
        co_return newest.error();
    }
    History out;
    std::int64_t end = *newest;  // the last sequence not read yet
    for (std::size_t page = 0; end > 0; ++page) {
        if (page >= history_pages_max) {
            out.complete = false;
            break;
        }
        const std::int64_t size = std::min<std::int64_t>(end, history_page);
        auto entries = co_await backend.ledger(end - size, static_cast<std::size_t>(size));
        if (entries.has_error()) {
            co_return entries.error();
        }
        std::vector<StoredEntry> kept = std::move(*entries);
        // In the place of older ones that are not kept any more.
        std::erase_if(kept, [end](const StoredEntry& entry) { return entry.sequence > end; });
        const bool missing = kept.empty() || kept.front().sequence > end - size + 1;
        std::function<Harvest()> look = [search, read = std::move(kept)] {
            return harvest(search, read);
        };
        Harvest part = co_await elsewhere<Harvest>(worker, std::move(look));
        for (StoredEntry& entry : part.entries) {
            out.entries.push_back(std::move(entry));
            if (search.wanted > 0 && out.entries.size() >= search.wanted) {
                co_return out;
            }
        }
        if (part.found_begin) {
            co_return out;
        }
        if (missing) {
            out.complete = false;
            break;
        }
        end -= size;
    }
    co_return out;
}

// Names of the decisions and intents of the incident, learnt on the way from old to new.
class Membership {
  public:
    explicit Membership(std::string incident) : incident_(std::move(incident)) {}

    bool take(const StoredEntry& entry) {
        const auto parsed = parse_json(entry.json);
        if (!parsed.has_value()) {
            return false;
        }
        if (text_of(*parsed, "incident") == incident_) {
            if (entry.kind == "decision" || entry.kind == "intent") {
                names_.insert(text_of(*parsed, "id"));
            }
            return true;
        }
        if (entry.kind == "incident_closed" && text_of(*parsed, "into") == incident_) {
            return true;
        }
        return names_.count(text_of(*parsed, "decision")) > 0 ||
               names_.count(text_of(*parsed, "intent")) > 0;
    }

  private:
    std::string incident_;
    std::set<std::string> names_;
};

// Those of the incident, oldest first.
History only_of(const std::string& incident, std::vector<StoredEntry> newest_first) {
    Membership membership(incident);
    History out;
    std::reverse(newest_first.begin(), newest_first.end());
    for (auto& entry : newest_first) {
        if (membership.take(entry)) {
            out.entries.push_back(std::move(entry));
        }
    }
    return out;
}

}  // namespace

awaitable<Result<History>> past_decisions(Backend& backend, Worker* worker, std::string subject,
                                          std::size_t wanted) {
    Search search;
    search.decisions = true;
    search.subject = std::move(subject);
    search.wanted = wanted;
    co_return co_await walk_back(backend, worker, std::move(search));
}

awaitable<Result<History>> incident_timeline(Backend& backend, Worker* worker,
                                             std::string incident) {
    Search search;
    search.incident = incident;
    auto found = co_await walk_back(backend, worker, std::move(search));
    if (found.has_error()) {
        co_return found.error();
    }
    const bool complete = found->complete;
    std::function<History()> pick = [incident, entries = std::move(found->entries)] {
        return only_of(incident, entries);
    };
    History out = co_await elsewhere<History>(worker, std::move(pick));
    out.complete = complete;
    co_return out;
}

}  // namespace leverd::exporters::web
