// Why: see sqlite.hpp.
#include "core/ledger/sqlite.hpp"

#include <fmt/format.h>

namespace leverd::sqlite {

namespace {

constexpr int busy_timeout_ms = 5'000;

// A path may hold '?' or '#', which mean something in a URI.
std::string file_uri(const std::string& path, std::string_view query) {
    std::string uri = "file:";
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_' || c == '.';
        if (plain) {
            uri.push_back(c);
        } else {
            uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return uri.append(query);
}

}  // namespace

Error explain(const Fault& fault, const std::string& directory) {
    const std::string what = fmt::format("{} (SQLite code {})", fault.message, fault.code);
    switch (fault.primary()) {
        case SQLITE_FULL:
            return {what, fmt::format("free space under {}; the ledger goes on by itself then",
                                      directory)};
        case SQLITE_IOERR:
            return {what, fmt::format("look at the disk under {} (full, over a quota, or failing); "
                                      "the ledger goes on by itself when it works again",
                                      directory)};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return {what, fmt::format("make {} writable for the user that leverd runs as; the "
                                      "ledger goes on by itself then",
                                      directory)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {what,
                    fmt::format("another program holds a lock on {}/ledger.db; end it", directory)};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {what, fmt::format("move {} aside for examination and restore it from a backup",
                                      directory)};
        default:
            return {what, fmt::format("run `leverd ledger verify` on {}", directory)};
    }
}

void Statement::bind(int index, std::int64_t value) {
    const int code = sqlite3_bind_int64(statement_.get(), index, value);
    bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
}

void Statement::bind(int index, std::string_view value) {
    const int code = sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(),
                                         SQLITE_STATIC, SQLITE_UTF8);
    bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
}

Outcome<bool> Statement::step() {
    const int code = bind_code_ == SQLITE_OK ? sqlite3_step(statement_.get()) : bind_code_;
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    sqlite3* db = sqlite3_db_handle(statement_.get());
    return Fault{code, bind_code_ == SQLITE_OK ? sqlite3_errmsg(db) : sqlite3_errstr(code)};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    bind_code_ = SQLITE_OK;
}

std::optional<std::int64_t> Statement::integer(int column) const {
    if (sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER) {
        return std::nullopt;
    }
    return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::string> Statement::text(int column) const {
    if (sqlite3_column_type(statement_.get(), column) != SQLITE_TEXT) {
        return std::nullopt;
    }
    const auto* bytes = sqlite3_column_text(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    if (bytes == nullptr || size < 0) {
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

Outcome<Database> Database::open(const std::string& path, Access access) {
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= access == Access::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    const std::string uri = file_uri(path, access == Access::immutable ? "?immutable=1" : "");
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(uri.c_str(), &raw, flags, nullptr);
    Database db;
    db.handle_.reset(raw);
    if (code != SQLITE_OK) {
        return raw == nullptr ? Fault{code, sqlite3_errstr(code)} : db.fault(code);
    }
    sqlite3_busy_timeout(raw, busy_timeout_ms);
    // A file that somebody prepared must not run code of its own when we read it.
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    return db;
}

Outcome<void> Database::exec(const char* sql) {
    const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return fault(code);
    }
    return {};
}

Outcome<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (code != SQLITE_OK) {
        return fault(code);
    }
    return Statement(raw);
}

Outcome<std::int64_t> Database::query_integer(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) {
        return statement.error();
    }
    const auto row = statement->step();
    if (!row) {
        return row.error();
    }
    const auto value = *row ? statement->integer(0) : std::nullopt;
    if (!value) {
        return Fault{SQLITE_MISMATCH, fmt::format("no number from `{}`", sql)};
    }
    return *value;
}

Outcome<std::string> Database::query_text(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) {
        return statement.error();
    }
    const auto row = statement->step();
    if (!row) {
        return row.error();
    }
    auto value = *row ? statement->text(0) : std::nullopt;
    if (!value) {
        return Fault{SQLITE_MISMATCH, fmt::format("no text from `{}`", sql)};
    }
    return std::move(*value);
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_.get()) == 0;
}

bool Database::file_moved() const {
    int moved = 0;
    sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

Fault Database::fault(int code) const {
    return Fault{code, sqlite3_errmsg(handle_.get())};
}

}  // namespace leverd::sqlite
