// Why: the few calls of SQLite's C interface that the ledger makes, owned and with their result
// codes kept, because what to do next depends on the exact code. Private to core/ledger.
#pragma once

#include "core/base/result.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace leverd::sqlite {

struct Fault {
    Fault() = default;
    // A constructor, lest a plain number convert to a fault inside Outcome.
    Fault(int result, std::string text) : code(result), message(std::move(text)) {}

    int code = SQLITE_ERROR;  // extended result code
    std::string message;

    int primary() const { return code & 0xFF; }
};

template <class T>
using Outcome = boost::system::result<T, Fault>;

// For people: what it means here and what to do about it.
Error explain(const Fault& fault, const std::string& directory);

class Statement {
  public:
    Statement() = default;

    void bind(int index, std::int64_t value);
    // The text must live until the next step() is over.
    void bind(int index, std::string_view value);
    // True while there is a row. Bind faults show here.
    Outcome<bool> step();
    void reset();
    // Empty when the column holds another type: a changed file must not read as zero or "".
    std::optional<std::int64_t> integer(int column) const;
    std::optional<std::string> text(int column) const;

  private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
    };
    explicit Statement(sqlite3_stmt* s) : statement_(s) {}

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bind_code_ = SQLITE_OK;
};

// One connection; used by one thread at a time.
class Database {
  public:
    enum class Access { read_only, read_write, immutable };

    Database() = default;
    static Outcome<Database> open(const std::string& path, Access access);

    bool is_open() const { return handle_ != nullptr; }
    Outcome<void> exec(const char* sql);
    Outcome<Statement> prepare(std::string_view sql);
    // The first column of the first row; a fault of code SQLITE_MISMATCH when there is none.
    Outcome<std::int64_t> query_integer(std::string_view sql);
    Outcome<std::string> query_text(std::string_view sql);
    bool in_transaction() const;
    // The file was renamed or removed under us: what we write now would be lost.
    bool file_moved() const;

  private:
    struct Close {
        void operator()(sqlite3* db) const { sqlite3_close(db); }
    };
    Fault fault(int code) const;

    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace leverd::sqlite
