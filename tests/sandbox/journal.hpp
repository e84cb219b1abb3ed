// Why: tests judge the product by what the stack received, not by what the product says it did.
#pragma once

#include "http.hpp"

#include <deque>
#include <fstream>
#include <string>

namespace sandbox {

class Journal {
  public:
    // Appends to `path` (mode 0600) as well; an unwritable file is an exception at start.
    explicit Journal(const std::string& path);

    // One call that a host answered. Credentials are replaced by a hash prefix.
    void record(const Request& request, const Reply& reply);

    // One deed of a played person: host "user", "person" or "operator".
    void note(const std::string& host, const std::string& effect, const json& extra = json());

    // Entries that match; an empty filter matches all. `path` is a prefix.
    struct Filter {
        std::string host;
        std::string method;
        std::string path;
        bool effects_only = false;
    };
    // A JSON array, oldest first.
    std::string list(const Filter& filter) const;

    void clear();
    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::string host;
        std::string method;
        std::string path;
        bool effect = false;
        std::string text;
    };
    void append(Entry entry);
    void rotate_if_large();

    std::string path_;
    std::ofstream file_;
    std::size_t written_ = 0;
    std::deque<Entry> entries_;
};

// "sha256:" and twelve digits: enough to tell two credentials apart, useless otherwise.
std::string credential_mark(const std::string& secret);

}  // namespace sandbox
