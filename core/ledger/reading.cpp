// Why: see reading.hpp.
#include "core/ledger/reading.hpp"

#include "core/base/text.hpp"
#include "core/ledger/ledger_file.hpp"
#include "core/ledger/store.hpp"
#include "core/ledger/witness.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>

#include <limits>

namespace leverd {

namespace ledger {

namespace fs = std::filesystem;

Error Reading::problem(const sqlite::Fault& fault) const {
    return wrap("read the ledger", sqlite::explain(fault, directory_));
}

Result<Reading> Reading::begin(const fs::path& directory) {
    auto db = open_for_reading(directory);
    if (!db) {
        return wrap("read the ledger", sqlite::explain(db.error(), directory.string()));
    }
    if (auto begun = db->exec("BEGIN"); !begun) {
        return wrap("read the ledger", sqlite::explain(begun.error(), directory.string()));
    }
    return Reading(directory.string(), std::move(*db));
}

Result<Tail> Reading::anchor() {
    auto found = read_anchor(db_);
    if (!found) {
        return problem(found.error());
    }
    return std::move(*found);
}

Result<Tail> Reading::head() {
    auto found = read_head(db_);
    if (!found) {
        return problem(found.error());
    }
    return std::move(*found);
}

Result<void> Reading::walk(ChainWalker& walker, const VisitEntry& visit, std::int64_t last) {
    auto rows = db_.prepare(
        fmt::format("SELECT {} FROM entry WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence",
                    entry_columns));
    if (!rows) {
        return problem(rows.error());
    }
    rows->bind(1, walker.tail().sequence);
    rows->bind(2, last > 0 ? last : std::numeric_limits<std::int64_t>::max());
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            return problem(row.error());
        }
        if (!*row) {
            break;
        }
        const auto entry = read_entry(*rows);
        if (auto accepted = walker.accept(entry); !accepted) {
            return accepted;
        }
        if (auto visited = visit(*entry); !visited) {
            return visited;
        }
    }
    return last > 0 ? Result<void>{} : check_head(db_, walker.tail());
}

// The entry that was written together with the snapshot; it comes soon after what it is about.
Result<std::optional<Snapshotted>> Reading::voucher(std::int64_t through,
                                                    const std::string& digest) {
    auto rows = db_.prepare(
        "SELECT json FROM entry WHERE sequence > ?1 AND kind = 'snapshot' ORDER BY sequence");
    if (!rows) {
        return problem(rows.error());
    }
    rows->bind(1, through);
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            return problem(row.error());
        }
        if (!*row) {
            return std::optional<Snapshotted>{};
        }
        const auto body = entry_from_json("snapshot", rows->text(0).value_or(""));
        const auto* made = body ? std::get_if<Snapshotted>(&*body) : nullptr;
        if (made != nullptr && made->through == through && made->digest == digest) {
            return std::optional(*made);
        }
    }
}

Result<std::optional<LedgerSnapshot>> Reading::snapshot(FoldFrom from, std::int64_t before) {
    const auto version = db_.query_integer("PRAGMA user_version");
    if (!version || *version < 2) {
        return std::optional<LedgerSnapshot>{};
    }
    auto rows = db_.prepare(
        fmt::format("SELECT sequence, state FROM snapshot WHERE sequence < ?1 ORDER BY sequence {}",
                    from == FoldFrom::newest_snapshot ? "DESC" : "ASC"));
    if (!rows) {
        return problem(rows.error());
    }
    rows->bind(1, before > 0 ? before : std::numeric_limits<std::int64_t>::max());
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            return problem(row.error());
        }
        if (!*row) {
            return std::optional<LedgerSnapshot>{};
        }
        LedgerSnapshot found;
        found.through = rows->integer(0).value_or(0);
        found.text = rows->text(1).value_or("");
        auto made = voucher(found.through, sha256_hex(found.text));
        if (!made) {
            return made.error();
        }
        const auto first = anchor();
        if (!first) {
            return first.error();
        }
        if (*made && found.through >= first->sequence) {
            found.hash = (*made)->hash;
            return std::optional(std::move(found));
        }
    }
}

Result<std::optional<std::string>> Reading::hash_of(std::int64_t sequence) {
    const auto hash =
        db_.query_text(fmt::format("SELECT hash FROM entry WHERE sequence = {}", sequence));
    if (!hash && hash.error().code != SQLITE_MISMATCH) {
        return problem(hash.error());
    }
    return hash ? std::optional(*hash) : std::optional<std::string>{};
}

// By halving, because the timeline never runs backwards: no index is worth its space for one
// question a day.
Result<LedgerOld> Reading::newest_before(Instant when) {
    const auto first = anchor();
    const auto last = head();
    if (!first || !last) {
        return first ? last.error() : first.error();
    }
    const auto column = [this](const char* name, std::int64_t sequence) {
        return db_.query_integer(
            fmt::format("SELECT {} FROM entry WHERE sequence = {}", name, sequence));
    };
    std::int64_t low = first->sequence;
    std::int64_t high = last->sequence;
    while (low < high) {
        const std::int64_t middle = low + (high - low + 1) / 2;
        const auto at = column("at", middle);
        if (!at) {
            return problem(at.error());
        }
        if (*at < to_millis(when)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    LedgerOld out;
    out.through = low;
    out.removable = low - first->sequence;
    if (out.removable > 0) {
        const auto wall = column("wall", low);
        if (!wall) {
            return problem(wall.error());
        }
        out.wall = WallTime{Millis{*wall}};
    }
    return out;
}

}  // namespace ledger

namespace {

using ledger::ChainWalker;
using ledger::Reading;
using ledger::Tail;
using ledger::Unkeyed;

LedgerReport report_of(const Tail& tail) {
    return LedgerReport{tail.sequence, tail.hash};
}

// The witnesses are read before the ledger: a daemon that goes on writing writes them last.
struct WitnessLines {
    std::vector<std::filesystem::path> files;
    std::vector<Result<std::optional<Tail>>> lines;
};

WitnessLines witness_lines(const std::filesystem::path& directory, const LedgerOptions& options) {
    WitnessLines out;
    out.files.push_back(ledger::witness_path(directory));
    if (!options.witness.empty()) {
        out.files.push_back(options.witness);
    }
    for (const auto& file : out.files) {
        out.lines.push_back(ledger::read_witness(file));
    }
    return out;
}

Result<void> check_at_least(Reading& reading, const Tail& end, const Tail& anchor,
                            const LedgerAtLeast& wanted) {
    const auto hint = "compare with the line that was noted; docs/ledger.md says how to go on";
    if (wanted.sequence > end.sequence) {
        return Error{fmt::format("the ledger ends with entry {}, before entry {}", end.sequence,
                                 wanted.sequence),
                     hint};
    }
    const auto hash = wanted.sequence == anchor.sequence
                          ? Result<std::optional<std::string>>(std::optional(anchor.hash))
                          : reading.hash_of(wanted.sequence);
    if (!hash) {
        return hash.error();
    }
    if (!*hash) {
        return Error{
            fmt::format("entry {} is not kept any more, so it cannot be compared", wanted.sequence),
            "note a newer line of leverd status"};
    }
    if (wanted.hash.empty() || !(*hash)->starts_with(wanted.hash)) {
        return Error{fmt::format("entry {} has another hash: {}", wanted.sequence, **hash), hint};
    }
    return {};
}

}  // namespace

Result<LedgerVerified> verify_ledger(const std::filesystem::path& directory,
                                     const LedgerOptions& options,
                                     const std::optional<LedgerAtLeast>& at_least) {
    const WitnessLines marks = witness_lines(directory, options);
    auto reading = Reading::begin(directory);
    if (!reading) {
        return reading.error();
    }
    const auto anchor = reading->anchor();
    if (!anchor) {
        return anchor.error();
    }
    LedgerVerified out;
    out.first = anchor->sequence + 1;
    ledger::Compactions compactions(*anchor);
    ChainWalker walker(*anchor, options.key, Unkeyed::believe);
    const auto visit = [&](const StoredEntry& entry) -> Result<void> {
        if (entry.sequence % 1'024 == 0 && options.give_up && options.give_up()) {
            return Error{"the check was given up", ""};
        }
        compactions.see(entry);
        if (out.keyed_from == 0 && ledger::is_keyed(entry.hash)) {
            out.keyed_from = entry.sequence;
        }
        return {};
    };
    if (auto walked = reading->walk(walker, visit); !walked) {
        return walked.error();
    }
    if (auto explained = compactions.explain_beginning(); !explained) {
        return explained.error();
    }
    out.end = report_of(walker.tail());
    out.compacted = anchor->sequence > 0 ? compactions.newest() : WallTime{};
    out.key_missing = out.keyed_from > 0 && options.key.empty();
    for (std::size_t i = 0; i < marks.files.size(); ++i) {
        const auto& line = marks.lines[i];
        if (!line) {
            return line.error();
        }
        if (*line) {
            const LedgerAtLeast known{(*line)->sequence, (*line)->hash};
            if (auto fits = check_at_least(*reading, walker.tail(), *anchor, known); !fits) {
                return wrap("the witness " + marks.files[i].string(), fits.error());
            }
            out.witnesses.push_back(marks.files[i].string());
        }
    }
    if (at_least) {
        if (auto fits = check_at_least(*reading, walker.tail(), *anchor, *at_least); !fits) {
            return fits.error();
        }
    }
    return out;
}

Result<LedgerReport> walk_ledger(const std::filesystem::path& directory, const VisitEntry& visit) {
    auto reading = Reading::begin(directory);
    if (!reading) {
        return reading.error();
    }
    const auto anchor = reading->anchor();
    if (!anchor) {
        return anchor.error();
    }
    ChainWalker walker(*anchor, Secret{}, Unkeyed::believe);
    if (auto walked = reading->walk(walker, visit); !walked) {
        return walked.error();
    }
    return report_of(walker.tail());
}

Result<LedgerFold> fold_ledger(const std::filesystem::path& directory, const LedgerOptions& options,
                               const VisitSnapshot& begin, const VisitEntry& visit, FoldFrom from,
                               std::int64_t last) {
    auto reading = Reading::begin(directory);
    if (!reading) {
        return reading.error();
    }
    const auto anchor = reading->anchor();
    if (!anchor) {
        return anchor.error();
    }
    Tail start = *anchor;
    bool begun = anchor->sequence == 0;
    std::optional<Error> unreadable;
    for (std::int64_t before = last > 0 ? last + 1 : 0;;) {
        auto snapshot = reading->snapshot(from, before);
        if (!snapshot) {
            return snapshot.error();
        }
        if (!*snapshot) {
            break;
        }
        const auto taken = begin(**snapshot);
        if (taken) {
            start = Tail{(*snapshot)->through, (*snapshot)->hash};
            begun = true;
            break;
        }
        unreadable = taken.error();
        if (from == FoldFrom::oldest_snapshot) {
            break;
        }
        before = (*snapshot)->through;
    }
    if (!begun) {
        return unreadable.value_or(
            Error{fmt::format("entries up to {} were compacted away and no snapshot holds what "
                              "they said",
                              anchor->sequence),
                  "restore the state directory from a backup"});
    }
    LedgerFold out;
    out.from = start.sequence;
    ChainWalker walker(std::move(start), options.key, Unkeyed::believe);
    const auto count = [&](const StoredEntry& entry) {
        ++out.folded;
        return visit(entry);
    };
    if (auto walked = reading->walk(walker, count, last); !walked) {
        return walked.error();
    }
    out.end = report_of(walker.tail());
    return out;
}

Result<LedgerOld> newest_entry_before(const std::filesystem::path& directory, Instant when) {
    auto reading = Reading::begin(directory);
    if (!reading) {
        return reading.error();
    }
    return reading->newest_before(when);
}

}  // namespace leverd
