// Why: API objects as text that reads well in a terminal. Everything remote is cleaned before it is
// printed, so that an answer cannot move the cursor or change colours.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace leverd::cli {

// Columns as wide as their widest cell; the last one is not padded.
class Table {
  public:
    explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }
    // With colour, the words healthy, failing ... are painted.
    std::string render(bool color) const;

  private:
    std::vector<std::string> titles_;
    std::vector<std::vector<std::string>> rows_;
};

// The string at object[key], a number or bool as text, or "" for anything else. Cleaned.
std::string text_at(const nlohmann::json& object, const char* key);
// object[key], or null.
const nlohmann::json& member(const nlohmann::json& object, const char* key);

// "2026-05-06 18:00:00Z" of object[key]; "" when it is no moment.
std::string moment(const nlohmann::json& object, const char* key);

std::string status_text(const nlohmann::json& status, bool color);
std::string subjects_text(const nlohmann::json& subjects, bool bad_only, bool color);
std::string incidents_text(const nlohmann::json& incidents, bool color);
std::string why_text(const nlohmann::json& why, bool color);
std::string looks_text(const nlohmann::json& looks, bool color);
// Every request of a look: what was sent, what came back, how long each phase took.
std::string requests_text(const nlohmann::json& looks);
// The levers of these incidents: what became of each call, and what was read before it.
std::string fired_text(const nlohmann::json& incidents, bool color);
std::string decision_text(const nlohmann::json& decision, bool color);
std::string vetoes_text(const nlohmann::json& vetoes);
// What a veto that was just set holds.
std::string veto_text(const nlohmann::json& veto);
std::string autonomy_text(const nlohmann::json& policies, bool color);
std::string summary_text(const nlohmann::json& incident);  // Markdown, to paste into a post-mortem

// Where leverd's own memory stands; its end is for noting down: leverd ledger verify --at-least.
std::string memory_text(const nlohmann::json& status);

}  // namespace leverd::cli
